"""The check run and the commit status: opened before the work, concluded after it, one check for each attempt.

A check run that is completed can't go back to ``in_progress`` (GitHub; found by taskcluster/taskcluster#5085 and
Mergifyio/mergify#1989), so that another attempt on the same commit makes a new one, and GitHub shows the newest. The
same attempt reuses its own check in any state. The newest check shows the joined verdict of the commit.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from mlci.errors import OutsideError
from mlci.github.interface import CheckFields, CheckOutput, CheckRun, GitHub, NotThere, PermissionRefused, Status
from mlci.publish import check_content as words
from mlci.publish import commit_verdict
from mlci.publish.commit_verdict import (
    WORST,
    Attempt,
    AttemptRecord,
    CheckText,
    JoinedVerdict,
    Own,
    read_attempt,
    read_attempts,
    read_record,
    write_record,
)
from mlci.publish.plan import EVALUATING, PendingText, Publication, Target
from mlci.publish.runs import Invocation, parse_run

_COMPLETED = "completed"
_ANOTHERS = "Invalid app_id"  # "… check run can only be modified by the GitHub App that created it."
_NOT_YET = 1 << 62
"""Id of a check that will be created: newer than every other."""


@dataclass(frozen=True, kw_only=True)
class OpenCheck:
    """The check runs with our name on the commit, before this run concludes its own.

    Attributes:
        listed: All check runs.
        others: Other apps.
    """

    listed: tuple[CheckRun, ...]
    others: frozenset[str] = frozenset()

    def without(self, one: CheckRun | None) -> tuple[CheckRun, ...]:
        """Return mlci's checks except one."""
        return tuple(
            other for other in self.listed if other.app not in self.others and (one is None or other.id != one.id)
        )

    def by_id(self, one: CheckRun | None) -> CheckRun | None:
        """Return a check in its current state."""
        return next((other for other in self.listed if one is not None and other.id == one.id), one)


def open_check(
    target: Target,
    github: GitHub,
    *,
    fresh: bool,
    others: frozenset[str] = frozenset(),
    waits: PendingText = EVALUATING,
) -> CheckRun | PermissionRefused:
    """Open the run's check; one that an earlier try left open is reused, and one that has concluded stays.

    Args:
        target: The commit and the check's name.
        github: GitHub.
        fresh: Whether this attempt has certainly opened nothing yet, so that no check has to be searched.
        others: Other apps.
        waits: Content of the check until it is concluded.
    """
    seen = () if fresh else list_checks(target, github)
    if isinstance(seen, PermissionRefused):
        return seen
    own = own_checks(seen, target, others=others)
    shown = CheckText(
        conclusion=None,
        title=waits.title,
        summary=write_record(waits.summary, _record(target, "open", waits.title)),
    )
    if own is not None and (ended := _conclusion(own)) is not None:
        # GitHub refuses it if it is another app's
        shown = CheckText(conclusion=ended, title=own.title, summary=own.summary)
    answer = _set(target, github, own, _fields(target, shown), lambda one: one.external_id == str(target.run), others)
    if own is not None and _anothers(answer):
        return open_check(target, github, fresh=False, others=others | {own.app}, waits=waits)
    return answer


def open_status(
    target: Target, github: GitHub, check: CheckRun | None, waits: PendingText = EVALUATING
) -> PermissionRefused | None:
    """Set the commit status to pending."""
    url = check.url if check else target.url
    return github.set_status(
        target.head,
        Status(
            state="pending",
            context=target.name,
            description=words.status_description(waits.title),
            url=url or None,
        ),
    )


def conclude_check(
    publication: Publication, github: GitHub, before: OpenCheck, *, known: CheckRun | None
) -> CheckRun | PermissionRefused:
    """Record the run's verdict in its check, with summary and annotations that have not arrived yet.

    The check stays in progress while it would show the joined verdict and another invocation has not finished. One that
    is made here is not a success yet: another run may have opened an older check after ``before`` was read.

    Args:
        publication: Content.
        github: GitHub.
        before: The earlier check runs.
        known: The check as this run opened it, if nothing was sent to it since.
    """
    target = publication.target
    opened = before.by_id(known) or own_checks(before.listed, target, others=before.others)
    mine = _mine(publication, opened)
    at_first = commit_verdict.join_attempts([*_attempts(before, opened), mine])
    shown = commit_verdict.text_of_check(mine, at_first, model=target.model)
    if opened is None and shown.conclusion == "success":
        shown = replace(shown, conclusion=None)
    fields = _fields(target, shown)
    answer = opened
    for batch, sent in _batches(publication, opened):
        filled = replace(fields, output=replace(fields.output, annotations=batch))
        done = _set(target, github, answer, filled, partial(_has, record=mine.record, expected=sent), before.others)
        if isinstance(done, PermissionRefused):
            if opened is None or not _anothers(done):
                return done
            return conclude_check(publication, github, replace(before, others=before.others | {opened.app}), known=None)
        answer = done
    if answer is None:
        raise AssertionError("at least one request is sent")
    return answer


def commit_status(target: Target, verdict: JoinedVerdict) -> Status:
    """Return the commit status of a joined verdict."""
    at = verdict.worst.url if verdict.worst is not None else None
    return Status(
        state=commit_verdict.joined_state(verdict.own),
        context=target.name,
        description=words.status_description(commit_verdict.joined_title(verdict)),
        url=at or target.url,
    )


def set_status_alone(publication: Publication, github: GitHub) -> PermissionRefused | None:
    """Set the commit status to this run's own verdict, if checks of other runs can't be read."""
    target, description = publication.target, words.status_description(publication.title)
    status = Status(state=publication.state, context=target.name, description=description, url=target.url)
    return github.set_status(target.head, status)


def find_differences(verdict: JoinedVerdict, *, model: str) -> list[tuple[Attempt, CheckText]]:
    """Return the checks that are outdated, with their new content.

    Unfinished ones are left to their own runs. A replaced one is not changed if it is completed.
    """
    waiting = [one for one in verdict.attempts if one.status != _COMPLETED]
    shows = (*verdict.live, *verdict.attempts[-1:], *waiting)
    counted = {one.id: one for one in shows if one.record.own != "open" and one.record.key}
    wanted = [(one, commit_verdict.text_of_check(one, verdict, model=model)) for one in counted.values()]
    return [(one, shown) for one, shown in wanted if commit_verdict.differs_from(one, shown)]


def show_check(target: Target, github: GitHub, one: Attempt, shown: CheckText) -> CheckRun | PermissionRefused:
    """Update what a check shows; its record stays."""
    fields = replace(_fields(target, shown), external_id=str(one.run), url=None)

    def arrived() -> CheckRun | None:
        current = (seen for seen in _seen(target, github) if seen.id == one.id)
        return next((seen for seen in current if seen.title == shown.title), None)

    return github.update_check(one.id, fields, arrived=arrived)


def own_checks(runs: Iterable[CheckRun], target: Target, *, others: frozenset[str] = frozenset()) -> CheckRun | None:
    """Return the check to conclude: this attempt's, else one that the newest earlier attempt left open."""
    ours = [one for one in runs if one.app not in others and parse_run(one.external_id) is not None]
    same = [one for one in ours if one.external_id == str(target.run) and _asks(one, target.invocation)]
    still = [one for one in same if one.status != _COMPLETED]
    return next(iter([*reversed(still), *reversed(same)]), None) or _left(ours, target)


def list_checks(target: Target, github: GitHub) -> tuple[CheckRun, ...] | PermissionRefused:
    """Return the check runs with our name on the run's commit.

    Raises:
        OutsideError: if GitHub does not know the commit.
    """
    listed = github.check_runs(target.head, target.name)
    if isinstance(listed, NotThere):
        raise OutsideError(f"GitHub knows no commit {target.head}, or the token does not reach the repository (404)")
    return listed


def _attempts(before: OpenCheck, found: CheckRun | None) -> tuple[Attempt, ...]:
    """Return the other attempts; those of every app while ours is unknown."""
    return read_attempts(before.without(found), app=(found.app or None) if found is not None else None)


def _mine(publication: Publication, found: CheckRun | None) -> Attempt:
    """Return this attempt with its new verdict; within one attempt that several jobs share, the worst verdict stays."""
    target = publication.target
    record = _record(target, publication.own, publication.title)
    text = write_record(publication.summary, record)
    earlier = read_attempt(found) if found is not None and found.external_id == str(target.run) else None
    shared = earlier is not None and earlier.record.key and not target.exclusive
    if earlier is not None and shared and _rank(earlier.record) > max(_rank(record), WORST.index("open")):
        record, text = earlier.record, earlier.text
    return Attempt(
        id=found.id if found is not None else _NOT_YET,
        head=target.head,
        url=found.url if found is not None else "",
        run=target.run,
        record=record,
        text=text,
        status=found.status if found is not None else "in_progress",
        conclusion=found.conclusion if found is not None else None,
        title=found.title if found is not None else "",
        summary=found.summary if found is not None else "",
    )


def _batches(publication: Publication, found: CheckRun | None) -> Iterable[tuple[tuple[words.Annotation, ...], int]]:
    """Yield the annotations of each request, and their number after it; at least one request."""
    sent, most = found.annotations if found is not None else 0, len(publication.annotations)
    while True:
        batch = publication.annotations[sent : sent + words.BATCH]
        sent += len(batch)
        yield batch, sent
        if sent >= most:
            return


def _record(target: Target, verdict: Own, title: str) -> AttemptRecord:
    return AttemptRecord(key=target.invocation.key, label=target.invocation.label, own=verdict, title=title)


def _rank(record: AttemptRecord) -> int:
    return WORST.index(record.own)


def _asks(one: CheckRun, invocation: Invocation) -> bool:
    record = read_record(one.summary)
    return record is None or record.key == invocation.key


def _set(
    target: Target,
    github: GitHub,
    found: CheckRun | None,
    fields: CheckFields,
    has: Callable[[CheckRun], bool],
    others: frozenset[str],
) -> CheckRun | PermissionRefused:
    """Update or create our check; ``has`` checks for the new content if a request got no answer."""

    def arrived() -> CheckRun | None:
        seen = own_checks(_seen(target, github), target, others=others)
        return seen if seen is not None and has(seen) else None

    if found is None:
        return github.create_check(head=target.head, name=target.name, fields=fields, arrived=arrived)
    return github.update_check(found.id, fields, arrived=arrived)


def _conclusion(known: CheckRun) -> words.Conclusion | None:
    """Return the conclusion of a completed check."""
    if known.status != _COMPLETED:
        return None
    ends: dict[str | None, words.Conclusion] = {"success": "success", "cancelled": "cancelled"}
    return ends.get(known.conclusion, "failure")


def _anothers(answer: CheckRun | PermissionRefused) -> bool:
    """Whether GitHub refused a change because another app made the check, although it carries our run's number."""
    return isinstance(answer, PermissionRefused) and _ANOTHERS in answer.message


def _has(seen: CheckRun, *, record: AttemptRecord, expected: int) -> bool:
    found = read_record(seen.summary)
    return found is not None and found.own == record.own and seen.annotations >= expected


def _fields(target: Target, shown: CheckText) -> CheckFields:
    output = CheckOutput(title=shown.title, summary=shown.summary)
    return CheckFields(external_id=str(target.run), conclusion=shown.conclusion, output=output, url=target.url)


def _left(ours: list[CheckRun], target: Target) -> CheckRun | None:
    """Return the check that an earlier attempt of this run left open, if no check was opened after it."""
    last = max(ours, key=lambda one: one.id, default=None)
    run = parse_run(last.external_id) if last is not None else None
    if last is None or run is None or last.status == _COMPLETED or not _asks(last, target.invocation):
        return None
    record = read_record(last.summary)
    left = record is None or record.own == "open"
    return last if left and run.id == target.run.id and run <= target.run else None


def _seen(target: Target, github: GitHub) -> tuple[CheckRun, ...]:
    """List check runs after a request that got no answer.

    Raises:
        OutsideError: if they may not be listed, so that it stays unknown if the request arrived.
    """
    listed = list_checks(target, github)
    if isinstance(listed, PermissionRefused):
        raise OutsideError(
            f"GitHub did not answer, and it is unknown whether the request arrived (403, {listed.message})"
        )
    return listed
