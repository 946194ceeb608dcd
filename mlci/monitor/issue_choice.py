"""The one GitHub issue of a model: which to keep, and what to do with it. Pure.

Issues are found by label and by the marker in their first line. Anyone may write a marker, but only people with access
to the repository can label an issue. Of several, the oldest stays and the others are closed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

LABEL = "mlci-monitor"
"""Label of the issues."""
_MARKER = re.compile(r"<!-- mlci-monitor id=([A-Za-z0-9._-]{1,100}) episode=([0-9T:-]{0,16}|none) -->\r?\n?")


IssueState = Literal["open", "closed"]
IssueReason = Literal["completed", "not_planned", "reopened"]


class PostedIssue(Protocol):
    """An existing issue."""

    @property
    def number(self) -> int:
        """Its number; later issues have larger ones."""
        ...

    @property
    def title(self) -> str:
        """Its title."""
        ...

    @property
    def body(self) -> str:
        """Its text."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        ...


@dataclass(frozen=True, kw_only=True)
class IssueText:
    """The issue as it should be.

    Attributes:
        model: The model.
        episode: First window of the state that keeps the issue open; ``None`` if the model is well.
        is_open: Whether it should be open; ``None`` leaves it as it is, because the state is unknown.
        title: Its title.
        body: Its text, without the marker.
        is_fresh: Whether a window was judged, so that the text has newer numbers than any other.
    """

    model: str
    episode: str | None
    is_open: bool | None
    title: str
    body: str
    is_fresh: bool = True

    @property
    def marked(self) -> str:
        """The text with its marker."""
        return f"<!-- mlci-monitor id={self.model} episode={self.episode or 'none'} -->\n{self.body}"


@dataclass(frozen=True, kw_only=True)
class IssueChange:
    """What to send about one issue.

    Attributes:
        number: The issue; ``None`` creates one.
        title, body: New texts; ``None`` keeps one.
        state: New state; ``None`` keeps it.
        reason: Reason of the state.
    """

    number: int | None
    title: str | None = None
    body: str | None = None
    state: IssueState | None = None
    reason: IssueReason | None = None


def own_issues(listed: Iterable[PostedIssue], model: str) -> list[PostedIssue]:
    """Return the issues about a model, oldest first."""
    own = [one for one in listed if (found := _MARKER.match(one.body)) is not None and found[1] == model]
    return sorted(own, key=lambda one: one.number)


def choose_changes(own: list[PostedIssue], text: IssueText) -> list[IssueChange]:
    """Return the requests to send; none if everything is as it should be.

    An issue that a person closed while the model is not well stays closed until the next alarm.
    """
    extra = [IssueChange(number=one.number, state="closed", reason="not_planned") for one in own[1:] if one.is_open]
    if not own:
        return [IssueChange(number=None, title=text.title, body=text.marked)] if text.is_open else []
    kept = own[0]
    state, reason = _state(kept, text)
    touched = kept.is_open or state is not None or text.is_open
    title = text.title if touched and kept.title != text.title else None
    renewed = text.is_fresh or title is not None or state is not None
    body = text.marked if touched and renewed and _same_lines(kept.body) != _same_lines(text.marked) else None
    if title is None and body is None and state is None:
        return extra
    return [IssueChange(number=kept.number, title=title, body=body, state=state, reason=reason), *extra]


def _state(kept: PostedIssue, text: IssueText) -> tuple[IssueState | None, IssueReason | None]:
    """Return the new state of the issue, and its reason; ``None`` for no change."""
    if text.is_open is None or text.is_open == kept.is_open:
        return None, None
    if not text.is_open:
        return "closed", "completed"
    match = _MARKER.match(kept.body)
    closed_by_person = match is not None and match[2] == (text.episode or "none")
    return (None, None) if closed_by_person else ("open", "reopened")


def _same_lines(body: str) -> str:
    """Return a text without what GitHub changes of it: line ends, and blanks at the end."""
    return body.replace("\r\n", "\n").rstrip()
