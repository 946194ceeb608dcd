"""The check run and the commit status of a run: opened before the work, concluded after it, one for each attempt.

A check run that is completed can't go back to ``in_progress`` (GitHub; found by taskcluster/taskcluster#5085 and
Mergifyio/mergify#1989), so that another attempt on the same commit makes a new one, and GitHub shows the newest. The
same attempt's own one is used again however it stands.
"""

from collections.abc import Callable, Iterable
from functools import partial

from mlci.errors import OutsideError
from mlci.github.interface import CheckFields, CheckRun, Forbidden, GitHub, Missing, Output, Status
from mlci.publish import check as words
from mlci.publish.plan import Publication, Target
from mlci.publish.runs import Run, parse

_COMPLETED = "completed"
_ANOTHERS = "Invalid app_id"  # "… check run can only be modified by the GitHub App that created it."
_STATES: dict[str, words.State] = {"success": "success", "cancelled": "error"}
_OPEN_TITLE = "evaluating"
_OPEN = "The candidate is being trained and compared with the baseline; the result will take the place of this text."


def open_check(
    target: Target, github: GitHub, *, fresh: bool, others: frozenset[str] = frozenset()
) -> CheckRun | Forbidden:
    """Open the run's check; one that an earlier try left open is taken over.

    Args:
        target: Where.
        github: GitHub.
        fresh: Whether this attempt is known to have opened nothing yet, so that there is nothing to look for.
        others: Apps that are known not to be us.
    """
    listed = () if fresh else _listed(target, github)
    if isinstance(listed, Forbidden):
        return listed
    known = own(listed, target.run, others=others)
    fields = _fields(target, None, Output(title=_OPEN_TITLE, summary=_OPEN))
    answer = _set(target, github, known, fields, lambda seen: seen.external_id == str(target.run), others)
    if known is not None and _anothers(answer):
        return open_check(target, github, fresh=False, others=others | {known.app})
    return answer


def open_status(target: Target, github: GitHub, check: CheckRun | None) -> Forbidden | None:
    """Set the commit status to pending."""
    url = check.url if check else target.url
    return github.set_status(
        target.head, Status(state="pending", context=target.name, description=_OPEN_TITLE, url=url or None)
    )


def conclude(
    publication: Publication, github: GitHub, *, known: CheckRun | None, others: frozenset[str] = frozenset()
) -> CheckRun | Forbidden:
    """Conclude the run's check with its summary and annotations; annotations that have arrived are not sent again.

    Args:
        publication: What to say.
        github: GitHub.
        known: The check as this run opened it, if nothing was sent to it since.
        others: Apps that are known not to be us.
    """
    target, found = publication.target, known
    if found is None:
        listed = _listed(target, github)
        if isinstance(listed, Forbidden):
            return listed
        found = own(listed, target.run, others=others)
    sent = found.annotations if found is not None else 0
    while True:
        batch = publication.annotations[sent : sent + words.BATCH]
        output = Output(title=publication.title, summary=publication.body, annotations=batch)
        fields = _fields(target, publication.conclusion, output)
        sent += len(batch)
        answer = _set(target, github, found, fields, partial(_has, expected=sent), others)
        if isinstance(answer, Forbidden):
            again = found is not None and _anothers(answer)
            return conclude(publication, github, known=None, others=others | {found.app}) if again and found else answer
        if sent >= len(publication.annotations):
            return answer
        found = answer


def set_status(publication: Publication, github: GitHub, check: CheckRun | None) -> Forbidden | None:
    """Set the commit status beside the check."""
    target = publication.target
    url = (check.url if check else None) or target.url
    status = Status(state=publication.state, context=target.name, description=publication.description, url=url)
    return github.set_status(target.head, status)


def repair_status(target: Target, github: GitHub, newer: CheckRun) -> Forbidden | None:
    """Set the commit status to what a newer run concluded, whose status ours may have replaced."""
    state = _STATES.get(newer.conclusion or "", "failure")
    status = Status(
        state=state, context=target.name, description=words.description(newer.title), url=newer.url or target.url
    )
    return github.set_status(target.head, status)


def own(runs: Iterable[CheckRun], run: Run, *, others: frozenset[str] = frozenset()) -> CheckRun | None:
    """Return the check to conclude: what this attempt opened, else what an earlier one left open."""
    listed = [one for one in runs if one.app not in others]
    same = [one for one in listed if one.external_id == str(run)]
    still = [one for one in same if one.status != _COMPLETED]
    return next(iter([*reversed(still), *reversed(same)]), None) or _running(listed, run)


def foreign(runs: Iterable[CheckRun], *, app: str) -> list[CheckRun]:
    """Return checks of our name that are not ours: another app's, or a job that carries the name."""
    return [one for one in runs if one.app != app or parse(one.external_id) is None]


def concluded(runs: Iterable[CheckRun], *, app: str) -> list[tuple[Run, CheckRun]]:
    """Return our concluded checks with their runs, oldest run first."""
    ours = [(run, one) for one in runs if one.app == app and (run := parse(one.external_id)) is not None]
    return sorted(((run, one) for run, one in ours if one.status == _COMPLETED), key=lambda pair: (pair[0], pair[1].id))


def _set(
    target: Target,
    github: GitHub,
    found: CheckRun | None,
    fields: CheckFields,
    has: Callable[[CheckRun], bool],
    others: frozenset[str],
) -> CheckRun | Forbidden:
    """Change our check, or make it; ``has`` tells whether one has what this request sets, if it got no answer."""

    def arrived() -> CheckRun | None:
        seen = own(_seen(target, github), target.run, others=others)
        return seen if seen is not None and has(seen) else None

    if found is None:
        return github.create_check(head=target.head, name=target.name, fields=fields, arrived=arrived)
    return github.update_check(found.id, fields, arrived=arrived)


def _anothers(answer: CheckRun | Forbidden) -> bool:
    """Whether GitHub says that a check is another app's, which carries our run's number for reasons of its own."""
    return isinstance(answer, Forbidden) and _ANOTHERS in answer.said


def _has(seen: CheckRun, *, expected: int) -> bool:
    return seen.status == _COMPLETED and seen.annotations >= expected


def _fields(target: Target, conclusion: words.Conclusion | None, output: Output) -> CheckFields:
    return CheckFields(external_id=str(target.run), conclusion=conclusion, output=output, url=target.url)


def _running(runs: Iterable[CheckRun], run: Run) -> CheckRun | None:
    """Return the newest check of any attempt of a run that is still open."""
    left = [
        (number, one) for one in runs if one.status != _COMPLETED and (number := parse(one.external_id)) is not None
    ]
    return next((one for number, one in reversed(left) if number.id == run.id and number <= run), None)


def _listed(target: Target, github: GitHub) -> tuple[CheckRun, ...] | Forbidden:
    found = github.check_runs(target.head, target.name)
    if isinstance(found, Missing):
        raise OutsideError(f"GitHub knows no commit {target.head}, or the token does not reach the repository (404)")
    return found


def _seen(target: Target, github: GitHub) -> tuple[CheckRun, ...]:
    """List check runs after a request that got no answer.

    Raises:
        OutsideError: They may not be listed, so that nobody knows whether it arrived.
    """
    found = _listed(target, github)
    if isinstance(found, Forbidden):
        raise OutsideError(f"GitHub did not answer, and does not tell whether the request arrived (403, {found.said})")
    return found
