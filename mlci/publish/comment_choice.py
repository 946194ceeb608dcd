"""Choice of the comment to write or edit.

GitHub has no compare-and-swap on comments: see docs/explanation/one-verdict.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, assert_never

from mlci.metrics import catalogue
from mlci.publish import runs
from mlci.publish.runs import Run
from mlci.report.document import GateRow, Report
from mlci.report.gate_numbers import ARROW, gate_numbers

Policy = Literal["always", "on-change", "on-failure", "never"]

FIRST = Run(0, 0)
"""Older than every run."""


class Posted(Protocol):
    """An existing comment."""

    @property
    def id(self) -> int:
        """Its number; later comments have larger ones."""
        ...

    @property
    def author(self) -> str:
        """Login of the author."""
        ...

    @property
    def body(self) -> str:
        """Its text."""
        ...


@dataclass(frozen=True, kw_only=True)
class CommentText:
    """A text for the comment, marker included, and its origin.

    Attributes:
        run: Run that wrote the text.
        body: The text.
        joined: Commit of the joined verdict, which is newer than any comment about the same commit; ``None`` if it is
            the verdict of this run only.
        current: Whether that commit is the pull request's head, so that this text is newer than any other comment.
    """

    run: Run
    body: str
    joined: str | None = None
    current: bool = False


@dataclass(frozen=True)
class KeepComment:
    """The comment is up to date."""

    comment: Posted


@dataclass(frozen=True)
class CreateComment:
    """The comment is missing and has to be made."""

    version: CommentText


@dataclass(frozen=True)
class EditComment:
    """The comment needs another text."""

    comment: Posted
    version: CommentText


@dataclass(frozen=True)
class NoComment:
    """The comment is missing, and the policy wants none."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Chosen actions.

    Attributes:
        step: Action on the one comment that stays.
        extra: Duplicates of our comment, to be deleted.
        run: Run that wrote the final text.
    """

    step: KeepComment | CreateComment | EditComment | NoComment
    extra: tuple[Posted, ...]
    run: Run


def own_comments(comments: Iterable[Posted], *, me: str, model: str) -> list[Posted]:
    """Return mlci's comments on a model, oldest first: with the marker on the first line, and by this author."""
    comments_of_model = [
        one
        for one in comments
        if one.author.lower() == me.lower() and (mark := runs.read_marker(one.body)) is not None and mark.model == model
    ]
    return sorted(comments_of_model, key=lambda one: one.id)


def earlier_comments(comments: Iterable[Posted], *, me: str, model: str) -> list[Posted]:
    """Return comments of other bots with the marker of a model: by mlci with another token, or quotations."""
    return [
        one
        for one in comments
        if one.author.lower().endswith("[bot]")
        and one.author.lower() != me.lower()
        and (mark := runs.read_marker(one.body)) is not None
        and mark.model == model
    ]


def choose_comment(comments: Sequence[Posted], version: CommentText, *, creates: bool) -> Choice:
    """Choose among our comments: the oldest one stays, and gets the newest text.

    A joined verdict on the pull request's head is newer than everything, and one on another commit is newer than a
    comment about the same commit. In every other case the newer run wins.

    Args:
        comments: Our comments, oldest first.
        version: Text of this run.
        creates: Whether to make a comment if there is none.
    """
    if not comments:
        return Choice(step=CreateComment(version) if creates else NoComment(), extra=(), run=version.run)
    stays, *extra = comments
    there = [_version(one) for one in comments]
    newest = max([*there, version], key=lambda one: one.run)
    if version.current or all(_replaces(version, one) for one in there):
        newest = version
    same = runs.without_run(stays.body) == runs.without_run(newest.body)
    return Choice(step=KeepComment(stays) if same else EditComment(stays, newest), extra=tuple(extra), run=newest.run)


def creates(policy: Policy, report: Report | None) -> bool:
    """Check if a policy wants a new comment; an existing one is always updated.

    Args:
        policy: ``policy.comment`` of the configuration.
        report: ``None`` if the evaluation did not finish.
    """
    match policy:
        case "always":
            return True
        case "never":
            return False
        case "on-failure":
            return report is None or report.verdict == "block"
        case "on-change":
            return report is None or report.verdict != "pass" or any(map(_changed, report.gates))
        case _:
            assert_never(policy)


def _changed(row: GateRow) -> bool:
    """Whether a gated metric's printed value differs from the baseline's; costs of a run always do and don't count."""
    info = catalogue.find(row.metric)
    if row.baseline is None or row.candidate is None or (info is not None and info.kind == "operation"):
        return False
    before, _, now = gate_numbers(row).pair.partition(ARROW)
    return before != now


def _replaces(version: CommentText, there: CommentText) -> bool:
    return version.run >= there.run or (version.joined is not None and version.joined == there.joined)


def _version(one: Posted) -> CommentText:
    mark = runs.read_marker(one.body)
    return CommentText(run=(mark and mark.run) or FIRST, body=one.body, joined=mark.head if mark else None)
