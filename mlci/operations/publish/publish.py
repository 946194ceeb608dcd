"""``mlci publish``: check, status, comment, in an order that survives being killed between any two calls.

Each run writes its own check before it reads those of the others. The last one to write reads every verdict, and a run
that showed an older joined verdict after it reads them, too. In any order, all end with the same verdict.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from mlci.errors import OutsideError
from mlci.github.interface import CheckRun, Comment, GitHub, PermissionRefused, Status
from mlci.operations.publish import check_run as checks
from mlci.operations.publish import sticky_comment as comments
from mlci.operations.publish.check_run import OpenCheck
from mlci.operations.publish.sticky_comment import WORKFLOW, CommentAuthor, Commits, Standing
from mlci.publish import commit_verdict, runs
from mlci.publish.comment_choice import CommentText
from mlci.publish.commit_verdict import (
    WORST,
    Attempt,
    CheckText,
    JoinedVerdict,
    read_attempt,
    read_attempts,
    read_record,
)
from mlci.publish.event import DEPENDABOT
from mlci.publish.foreign import answer_foreign, find_foreign
from mlci.publish.plan import EVALUATING, PendingText, Publication, Target, mark_text
from mlci.publish.runs import Invocation, parse_run

T = TypeVar("T")


@dataclass(kw_only=True)
class PublishResult:
    """Actions on GitHub, refusals and failures.

    Attributes:
        check: The check run.
        comment: The comment.
        did: Actions, line by line.
        refused: Requests that the token has no permission for.
        foreign: Check runs with our name by other apps or jobs.
        stale: Comments of other accounts with our marker, which may not be changed.
        failures: Failures of GitHub or the network.
    """

    check: CheckRun | None = None
    comment: Comment | None = None
    did: list[str] = field(default_factory=list)
    refused: list[PermissionRefused] = field(default_factory=list)
    foreign: list[CheckRun] = field(default_factory=list)
    stale: list[Comment] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def try_call(self, call: Callable[[], T | PermissionRefused]) -> T | None:
        """Make a call; a refusal or a failure is recorded and does not stop the next call."""
        try:
            answer = call()
        except OutsideError as error:
            self.failures.append(str(error))
            return None
        if isinstance(answer, PermissionRefused):
            self.refused.append(answer)
            return None
        return answer

    @property
    def troubles(self) -> int:
        """Return the number of refused or failed calls."""
        return len(self.refused) + len(self.failures)


def report_comment(done: PublishResult, standing: Standing | None, target: Target) -> None:
    """Report the action on the comment."""
    if standing is not None:
        done.comment = standing.comment
        where = f": {standing.comment.url}" if standing.comment else ", as the policy says"
        done.did.append(f"comment on #{target.pull} {standing.what}{where}")


@dataclass(frozen=True, kw_only=True)
class SettleStep:
    """Updates to send.

    Attributes:
        checks: Outdated checks.
        status: The commit status, if it has to be changed.
        text: The comment's text, if the comment has to be read.
    """

    checks: list[tuple[Attempt, CheckText]]
    status: Status | None
    text: CommentText | None

    @property
    def is_needed(self) -> bool:
        """Whether there is an update to send."""
        return bool(self.checks) or self.status is not None or self.text is not None


def open_publication(
    target: Target, github: GitHub, *, fresh: bool = False, waits: PendingText = EVALUATING
) -> PublishResult:
    """Open check and status before the evaluation.

    Args:
        target: The commit and the check's name.
        github: GitHub.
        fresh: Whether this attempt has certainly opened nothing yet.
        waits: Content of the check until it is concluded.
    """
    done = PublishResult()
    done.check = done.try_call(lambda: checks.open_check(target, github, fresh=fresh, waits=waits))
    if done.check is not None:
        done.did.append(f"check `{target.name}` is in progress: {done.check.url}")
    if _reads_only(target, done):
        return done
    before = len(done.refused) + len(done.failures)
    done.try_call(lambda: checks.open_status(target, github, done.check, waits))
    if len(done.refused) + len(done.failures) == before:
        done.did.append(f"commit status `{target.name}` is pending")
    return done


def publish_report(
    publication: Publication, github: GitHub, *, known: CheckRun | None = None, opener: int | None = None
) -> PublishResult:
    """Record the verdict in the run's check, then show the joined verdict of the commit: check, status, comment.

    Args:
        publication: Content and target.
        github: GitHub.
        known: The check as this run opened it, if nothing was sent to it since.
        opener: Id of the check that another job of this run opened for this invocation.
    """
    done = PublishResult()
    before = done.try_call(lambda: checks.list_checks(publication.target, github))
    if before is not None:
        publication = replace(publication, target=_as_opened(publication.target, before, opener))
        foreign = find_foreign(before, app=(known.app or None) if known is not None else None)
        publication = answer_foreign(publication, foreign) if foreign else publication
        done.check = done.try_call(
            lambda: checks.conclude_check(publication, github, OpenCheck(listed=before), known=known)
        )
    if _reads_only(publication.target, done):
        return done
    if done.check is None:
        _publish_without_checks(publication, github, done)
    else:
        settle_verdict(publication, github, done, before=before or ())
    return done


def _as_opened(target: Target, before: tuple[CheckRun, ...], opener: int | None) -> Target:
    """Return the target with the invocation under which another job of the same run opened its check."""
    opened = next((one for one in before if one.id == opener), None)
    run = parse_run(opened.external_id) if opened is not None else None
    record = read_record(opened.summary) if opened is not None else None
    if record is None or run is None or run.id != target.run.id:
        return target
    return replace(target, invocation=Invocation(key=record.key, label=record.label))


def _publish_without_checks(publication: Publication, github: GitHub, done: PublishResult) -> None:
    """Write comment and status without checks: only the comment shows if a newer run published."""
    target = publication.target
    if target.pull is not None:
        login = done.try_call(lambda: github.login() or WORKFLOW) or WORKFLOW
        text, author = target.version(publication.body), CommentAuthor(login=login, app=None)
        standing = done.try_call(
            lambda: comments.write_comment(text, target, github, author, creates=publication.creates)
        )
        standing = retire_verdict(done, standing, text, target, github, author)
        report_comment(done, standing, target)
        if comments.newer_stands(standing, target):
            return
    before = len(done.refused) + len(done.failures)
    done.try_call(lambda: checks.set_status_alone(publication, github))
    if len(done.refused) + len(done.failures) == before:
        done.did.append(f"commit status `{target.name}` is {publication.state}")


def _reads_only(target: Target, done: PublishResult) -> bool:
    """Whether a read-only token was refused, so that no other write will work.

    Dependabot's token may have some permissions and not others.
    """
    return target.reader not in {None, DEPENDABOT} and bool(done.refused)


_TURNS = 20


def settle_verdict(
    publication: Publication, github: GitHub, done: PublishResult, *, before: tuple[CheckRun, ...]
) -> None:
    """Show the joined verdict in check, status and comment until it no longer changes.

    Args:
        publication: Content of this run; its check has been concluded.
        github: GitHub.
        done: Actions so far; more are added.
        before: The checks before.
    """
    if done.check is not None:
        _Display(publication, github, done, done.check, before).settle()


def retire_verdict(
    done: PublishResult,
    standing: Standing | None,
    text: CommentText,
    target: Target,
    github: GitHub,
    author: CommentAuthor,
) -> Standing | None:
    """Retire comments of another token; those that can't be changed are recorded as stale."""
    if standing is None or not standing.earlier:
        return standing
    try:
        after, stale = comments.retire_earlier(standing, text, target, github, author)
    except OutsideError as error:
        done.failures.append(str(error))
        return standing
    done.stale = stale
    return standing if isinstance(after, PermissionRefused) else after


class _Display:
    """State that this run has shown so far."""

    def __init__(
        self,
        publication: Publication,
        github: GitHub,
        done: PublishResult,
        check: CheckRun,
        before: tuple[CheckRun, ...],
    ) -> None:
        self._publication, self._github, self._done, self._check = publication, github, done, check
        self._target = publication.target
        self._opened = any(one.id == check.id for one in before)
        self._others = tuple(one for one in before if one.id != check.id)
        self._author = CommentAuthor(login=f"{check.app}[bot]", app=check.app)
        self._status: Status | None = None
        self._text: CommentText | None = None
        self._standing: Standing | None = None
        self._guest = False
        self._confirm = bool(self._others)
        self._confirmed = self._confirm

    def settle(self) -> None:
        seen = Commits(here=(*self._others, self._check))
        if not self._opened and self._check.conclusion is None:
            seen = self._done.try_call(lambda: comments.commits(self._target, self._github)) or seen
        seen = self._answered(seen)
        step = self._step(seen)
        for _ in range(_TURNS):
            self._send(step)
            after = self._done.try_call(lambda: comments.commits(self._target, self._github))
            if after is None or self._done.failures:
                break
            seen = self._answered(self._recorded(after))
            self._confirm = self._confirm or self._has_rivals(seen)
            step = self._step(seen)
            if not step.is_needed:
                break
        self._done.foreign += find_foreign(seen.here, app=self._check.app)
        self._report_check(seen)
        report_comment(self._done, self._standing, self._target)

    def _report_check(self, seen: Commits) -> None:
        now = next((one for one in seen.here if one.id == self._check.id), self._check)
        ended = f"concluded as {now.conclusion}" if now.conclusion else "waits for another invocation"
        self._done.did.insert(0, f"check `{self._target.name}` {ended}: {now.url}")

    def _step(self, seen: Commits) -> SettleStep:
        """Return the updates that these checks require."""
        verdict = commit_verdict.join_attempts(read_attempts(seen.here, app=self._check.app))
        self._visit(verdict)
        status = checks.commit_status(self._target, verdict)
        text = self._version(seen, verdict)
        return SettleStep(
            checks=checks.find_differences(verdict, model=self._target.model),
            status=status if status != self._status else None,
            text=text if text is not None and self._needs_comment(text) else None,
        )

    def _send(self, step: SettleStep) -> None:
        for one, shown in step.checks:
            self._done.try_call(partial(checks.show_check, self._target, self._github, one, shown))
        if step.status is not None:
            self._set_status(step.status)
        if step.text is not None:
            self._write(step.text)

    def _set_status(self, status: Status) -> None:
        self._status, before = status, self._done.troubles
        self._done.try_call(lambda: self._github.set_status(self._target.head, status))
        if self._done.troubles == before:
            self._done.did.append(f"commit status `{self._target.name}` is {status.state}: {status.description}")

    def _write(self, text: CommentText) -> None:
        self._text, self._confirmed = text, self._confirm
        creates = self._publication.creates and text.joined == self._target.head and not self._guest
        write = partial(comments.write_comment, text, self._target, self._github, self._author)
        if self._guest:
            self._standing = self._as_guest(lambda: write(creates=False, confirm=False))
            return
        standing = self._done.try_call(lambda: write(creates=creates, confirm=self._confirm))
        standing = retire_verdict(self._done, standing, text, self._target, self._github, self._author)
        created = self._standing is not None and self._standing.what == "created"
        self._standing = replace(standing, what="created") if standing is not None and created else standing

    def _as_guest(self, write: Callable[[], Standing | PermissionRefused]) -> Standing | None:
        """Write to a pull request that this run does not belong to; a refusal is ignored."""
        try:
            standing = write()
        except OutsideError:
            return None
        return None if isinstance(standing, PermissionRefused) else standing

    def _visit(self, verdict: JoinedVerdict) -> None:
        """Update the comment of a pull request with this head, from a push of the same commit."""
        if self._target.pull is None and verdict.several and self._check.pulls:
            self._guest = True
            self._target = replace(self._target, pull=self._check.pulls[0], branch=None)

    def _needs_comment(self, text: CommentText) -> bool:
        """Whether the comment was never read, has another text, or may not be the only one."""
        if self._target.pull is None:
            return False
        if self._text is not None and self._standing is None:
            return False
        if self._standing is None or (self._standing.what == "created" and self._confirm and not self._confirmed):
            return True
        there = self._standing.comment.body if self._standing.comment is not None else None
        same = there is not None and runs.without_run(there) == runs.without_run(text.body)
        return text != self._text and not same

    def _version(self, seen: Commits, here: JoinedVerdict) -> CommentText | None:
        """Return the text from the checks of the pull request's head, else from those of this run's commit."""
        head = commit_verdict.join_attempts(read_attempts(seen.head, app=self._check.app))
        verdict, current = (head, True) if head.worst is not None else (here, seen.current)
        one = verdict.worst
        if one is None:
            return None
        model = self._target.model
        text = mark_text(model, one.head, one.run, commit_verdict.joined_comment(verdict, model=model))
        return replace(text, joined=one.head, current=current)

    def _has_rivals(self, seen: Commits) -> bool:
        """Whether another run may have made a comment meanwhile: one that came later, or one of another commit."""
        ids = {one.id for one in (*self._others, self._check)}
        return not seen.current or any(one.id not in ids for one in seen.here)

    def _answered(self, seen: Commits) -> Commits:
        """Conclude this run's check as failed if another app or job made one of its name, once."""
        foreign = find_foreign(seen.here, app=self._check.app)
        if {one.id for one in foreign} <= self._publication.foreign:
            return seen
        self._publication = answer_foreign(self._publication, foreign)
        return self._concluded(seen) or seen

    def _concluded(self, seen: Commits) -> Commits | None:
        """Conclude this run's check again; ``None`` if that failed."""
        before = OpenCheck(listed=seen.here)
        again = self._done.try_call(
            lambda: checks.conclude_check(self._publication, self._github, before, known=self._check)
        )
        if again is None:
            return None
        self._check = again
        return replace(seen, here=(*(one for one in seen.here if one.id != again.id), again))

    def _recorded(self, after: Commits) -> Commits:
        """Record this run's verdict again, if a job that can't be distinguished replaced it by a better one."""
        there = next((one for one in after.here if one.id == self._check.id), None)
        mine = read_attempt(self._check)
        seen = read_attempt(there) if there is not None else None
        if mine is None or (seen is not None and _rank(seen) >= _rank(mine)):
            return after
        others = tuple(one for one in after.here if one.id != self._check.id)
        return self._concluded(after) or replace(after, here=(*others, self._check))


def _rank(one: Attempt) -> int:
    return WORST.index(one.record.own)
