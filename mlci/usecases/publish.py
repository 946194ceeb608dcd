"""``mlci publish``: check, status, comment, in an order that survives being killed between any two calls."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from mlci.errors import OutsideError
from mlci.github.interface import CheckRun, Comment, Forbidden, GitHub
from mlci.publish.plan import Publication, Target
from mlci.usecases import publish_check as checks
from mlci.usecases import publish_comment as comments
from mlci.usecases.publish_comment import Author

T = TypeVar("T")
_ROUNDS = 20
WORKFLOW = "github-actions[bot]"
"""Author of what a workflow's own token writes; it has no login that could be asked for."""


@dataclass(kw_only=True)
class Published:
    """What was done, and what was not.

    Attributes:
        check: The check run.
        comment: The comment.
        did: What was done, line by line.
        refused: What the token may not.
        foreign: Check runs of our name that are not ours.
        failures: What GitHub or the network did not do.
    """

    check: CheckRun | None = None
    comment: Comment | None = None
    did: list[str] = field(default_factory=list)
    refused: list[Forbidden] = field(default_factory=list)
    foreign: list[CheckRun] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def tried(self, call: Callable[[], T | Forbidden]) -> T | None:
        """Make a call; a refusal or a failure is kept, and does not keep the next call from being made."""
        try:
            found = call()
        except OutsideError as error:
            self.failures.append(str(error))
            return None
        if isinstance(found, Forbidden):
            self.refused.append(found)
            return None
        return found


def open_(target: Target, github: GitHub, *, fresh: bool = False) -> Published:
    """Open check and status before the work.

    Args:
        target: Where.
        github: GitHub.
        fresh: Whether this attempt is known to have opened nothing yet.
    """
    done = Published()
    done.check = done.tried(lambda: checks.open_check(target, github, fresh=fresh))
    if done.check is not None:
        done.did.append(f"check `{target.name}` is in progress: {done.check.url}")
    if _reads_only(target, done):
        return done
    before = len(done.refused) + len(done.failures)
    done.tried(lambda: checks.open_status(target, github, done.check))
    if len(done.refused) + len(done.failures) == before:
        done.did.append(f"commit status `{target.name}` is pending")
    return done


def publish(publication: Publication, github: GitHub, *, known: CheckRun | None = None) -> Published:
    """Conclude the check, set the status, write the comment.

    Args:
        publication: What to say, and where.
        github: GitHub.
        known: The check as this run opened it, if nothing was sent to it since.
    """
    target, done = publication.target, Published()
    done.check = done.tried(lambda: checks.conclude(publication, github, known=known))
    if done.check is not None:
        done.did.append(f"check `{target.name}` concluded as {publication.conclusion}: {done.check.url}")
    if _reads_only(target, done):
        return done
    if done.check is None and target.pull is not None:  # no check tells of newer runs, but the comment does
        if not comments.newer_stands(_comment(publication, github, done), target):
            _status(publication, github, done)
        return done
    _status(publication, github, done)
    if target.pull is not None:
        _comment(publication, github, done)
    elif done.check is not None:
        listed = done.tried(lambda: comments.here(target, github))
        _look(target, github, done, listed or (), app=done.check.app)
    return done


def _status(publication: Publication, github: GitHub, done: Published) -> None:
    before = len(done.refused) + len(done.failures)
    done.tried(lambda: checks.set_status(publication, github, done.check))
    if len(done.refused) + len(done.failures) == before:
        done.did.append(f"commit status `{publication.target.name}` is {publication.state}")


def _comment(publication: Publication, github: GitHub, done: Published) -> comments.Standing | None:
    """Write the comment, and repair what an older run of ours may have left over a newer one's."""
    seen: list[CheckRun] = []
    app = done.check.app if done.check else None
    login = f"{app}[bot]" if app else done.tried(lambda: github.login() or WORKFLOW) or WORKFLOW

    def settled() -> comments.Standing | Forbidden:
        return comments.settle(publication, github, Author(login=login, app=app), saw=seen.extend)

    standing = done.tried(settled)
    if standing is not None:
        done.comment = standing.comment
        where = f": {standing.comment.url}" if standing.comment else ", as the policy says"
        done.did.append(f"comment on #{publication.target.pull} {standing.what}{where}")
    if app is not None:
        _look(publication.target, github, done, seen, app=app)
    return standing


def _look(target: Target, github: GitHub, done: Published, seen: Iterable[CheckRun], *, app: str) -> None:
    """Name foreign checks on the commit; while a newer run has concluded on it, bring its status back."""
    here = [one for one in {one.id: one for one in seen}.values() if one.head == target.head]
    done.foreign += checks.foreign(here, app=app)
    run = target.run
    for _ in range(_ROUNDS):
        ours = checks.concluded(here, app=app)
        if not ours or ours[-1][0] <= run or done.refused or done.failures:
            return
        run, newer = ours[-1]
        done.tried(partial(checks.repair_status, target, github, newer))
        here = list(done.tried(lambda: comments.here(target, github)) or ())


def _reads_only(target: Target, done: Published) -> bool:
    """Whether the token was known to be able to read only, and was refused: nothing else will work."""
    return target.reader is not None and bool(done.refused)
