"""``mlci publish``: check, status, comment, in an order that survives being killed between any two calls."""

from dataclasses import replace

from mlci.github.interface import CheckRun, GitHub
from mlci.publish.attempt import read_record
from mlci.publish.event import DEPENDABOT
from mlci.publish.invocation import Invocation
from mlci.publish.plan import Publication, Target
from mlci.publish.runs import parse
from mlci.usecases import publish_check as checks
from mlci.usecases import publish_comment as comments
from mlci.usecases.publish_check import Before
from mlci.usecases.publish_comment import WORKFLOW, Author
from mlci.usecases.publish_settle import retire, settle
from mlci.usecases.published import Published, report_comment


def open_(target: Target, github: GitHub, *, fresh: bool = False) -> Published:
    """Open check and status before the work.

    Args:
        target: Where.
        github: GitHub.
        fresh: Whether this attempt is known to have opened nothing yet.
    """
    done = Published()
    done.check = done.try_call(lambda: checks.open_check(target, github, fresh=fresh))
    if done.check is not None:
        done.did.append(f"check `{target.name}` is in progress: {done.check.url}")
    if _reads_only(target, done):
        return done
    before = len(done.refused) + len(done.failures)
    done.try_call(lambda: checks.open_status(target, github, done.check))
    if len(done.refused) + len(done.failures) == before:
        done.did.append(f"commit status `{target.name}` is pending")
    return done


def publish(
    publication: Publication, github: GitHub, *, known: CheckRun | None = None, opener: int | None = None
) -> Published:
    """Record the verdict in the run's check, then show the joined verdict of the commit: check, status, comment.

    Args:
        publication: What to say, and where.
        github: GitHub.
        known: The check as this run opened it, if nothing was sent to it since.
        opener: Id of the check that another job of this run opened, whose invocation this is.
    """
    done = Published()
    before = done.try_call(lambda: checks.list_checks(publication.target, github))
    if before is not None:
        publication = replace(publication, target=_as_opened(publication.target, before, opener))
        done.check = done.try_call(lambda: checks.conclude(publication, github, Before(listed=before), known=known))
    if _reads_only(publication.target, done):
        return done
    if done.check is None:
        _publish_without_checks(publication, github, done)
    else:
        settle(publication, github, done, before=before or ())
    return done


def _as_opened(target: Target, before: tuple[CheckRun, ...], opener: int | None) -> Target:
    """Return the target with the invocation under which another job of the same run opened its check."""
    opened = next((one for one in before if one.id == opener), None)
    run = parse(opened.external_id) if opened is not None else None
    record = read_record(opened.summary) if opened is not None else None
    if record is None or run is None or run.id != target.run.id:
        return target
    return replace(target, invocation=Invocation(key=record.key, label=record.label))


def _publish_without_checks(publication: Publication, github: GitHub, done: Published) -> None:
    """Write comment and status without checks: only the comment shows if a newer run published."""
    target = publication.target
    if target.pull is not None:
        login = done.try_call(lambda: github.login() or WORKFLOW) or WORKFLOW
        text, author = target.version(publication.body), Author(login=login, app=None)
        standing = done.try_call(lambda: comments.write(text, target, github, author, creates=publication.creates))
        standing = retire(done, standing, text, target, github, author)
        report_comment(done, standing, target)
        if comments.newer_stands(standing, target):
            return
    before = len(done.refused) + len(done.failures)
    done.try_call(lambda: checks.set_status_alone(publication, github))
    if len(done.refused) + len(done.failures) == before:
        done.did.append(f"commit status `{target.name}` is {publication.state}")


def _reads_only(target: Target, done: Published) -> bool:
    """Whether the token is known to be able to read only, and was refused: nothing else will work.

    Dependabot's may have been given some permissions and not others.
    """
    return target.reader not in {None, DEPENDABOT} and bool(done.refused)
