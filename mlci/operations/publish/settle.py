"""Joined verdict of a commit: show it, read all checks again, repeat if it has changed.

Each run writes its own check before it reads those of the others. The last one to write reads every verdict, and a run
that showed an older joined verdict after it reads them, too. In any order, all end with the same verdict.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from mlci.errors import OutsideError
from mlci.github.interface import CheckRun, GitHub, PermissionRefused, Status
from mlci.operations.publish import check as checks
from mlci.operations.publish import comment as comments
from mlci.operations.publish.check import OpenCheck
from mlci.operations.publish.comment import CommentAuthor, Commits, Standing
from mlci.operations.publish.outcome import PublishResult, report_comment
from mlci.publish import joined, runs
from mlci.publish.attempt import WORST, Attempt, read_attempt, read_attempts
from mlci.publish.comment_choice import CommentText
from mlci.publish.joined import CheckText, JoinedVerdict
from mlci.publish.plan import Publication, Target, mark_text

_TURNS = 20


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
        after, left = comments.retire_earlier(standing, text, target, github, author)
    except OutsideError as error:
        done.failures.append(str(error))
        return standing
    done.stale = left
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
        step = self._step(seen)
        for _ in range(_TURNS):
            self._send(step)
            after = self._done.try_call(lambda: comments.commits(self._target, self._github))
            if after is None or self._done.failures:
                break
            seen = self._recorded(after)
            self._confirm = self._confirm or self._has_rivals(seen)
            step = self._step(seen)
            if not step.is_needed:
                break
        self._done.foreign += checks.foreign_checks(seen.here, app=self._check.app)
        self._report_check(seen)
        report_comment(self._done, self._standing, self._target)

    def _report_check(self, seen: Commits) -> None:
        now = next((one for one in seen.here if one.id == self._check.id), self._check)
        ended = f"concluded as {now.conclusion}" if now.conclusion else "waits for another invocation"
        self._done.did.insert(0, f"check `{self._target.name}` {ended}: {now.url}")

    def _step(self, seen: Commits) -> SettleStep:
        """Return the updates that these checks require."""
        verdict = joined.join_attempts(read_attempts(seen.here, app=self._check.app))
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
        head = joined.join_attempts(read_attempts(seen.head, app=self._check.app))
        verdict, current = (head, True) if head.worst is not None else (here, seen.current)
        one = verdict.worst
        if one is None:
            return None
        model = self._target.model
        text = mark_text(model, one.head, one.run, joined.joined_comment(verdict, model=model))
        return replace(text, joined=one.head, current=current)

    def _has_rivals(self, seen: Commits) -> bool:
        """Whether another run may have made a comment meanwhile: one that came later, or one of another commit."""
        known = {one.id for one in (*self._others, self._check)}
        return not seen.current or any(one.id not in known for one in seen.here)

    def _recorded(self, after: Commits) -> Commits:
        """Record this run's verdict again, if a job that can't be distinguished replaced it by a better one."""
        there = next((one for one in after.here if one.id == self._check.id), None)
        mine = read_attempt(self._check)
        seen = read_attempt(there) if there is not None else None
        if mine is None or (seen is not None and _rank(seen) >= _rank(mine)):
            return after
        before = OpenCheck(listed=after.here)
        again = self._done.try_call(
            lambda: checks.conclude_check(self._publication, self._github, before, known=self._check)
        )
        others = tuple(one for one in after.here if one.id != self._check.id)
        return replace(after, here=(*others, again or self._check))


def _rank(one: Attempt) -> int:
    return WORST.index(one.record.own)
