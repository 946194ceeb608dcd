"""Title and text of the model's GitHub issue."""

from mlci.monitor.document import MonitorDocument
from mlci.monitor.history import SeriesView
from mlci.monitor.issue_choice import IssueText
from mlci.report.monitor import words
from mlci.report.text.markup import Markdown

_MOST = 30
_RANK = {"ok": 0, "unknown": 0, "warn": 1, "alarm": 2}
_LEVELS = {"warn": 1, "alarm": 2}


def issue_text(document: MonitorDocument, *, level: str) -> IssueText:
    """Return the issue as the state wants it.

    Args:
        document: The document.
        level: State from which on it is open: ``alarm`` or ``warn``.
    """
    beyond = _RANK[document.state] >= _LEVELS[level]
    wanted = None if document.state == "unknown" else beyond
    return IssueText(
        model=document.model,
        episode=document.since if beyond else None,
        is_open=wanted,
        title=f"mlci monitor: {document.model}, {words.headline(document)}",
        body=_body(document),
        is_fresh=bool(document.windows),
    )


def _body(document: MonitorDocument) -> str:
    """Write the text: state, every series that stands out with its newest numbers, and the next step."""
    d = Markdown()
    lines: list[str] = [
        d.words(
            "**{}**, version {}: {}.",
            d.text(document.model),
            d.number(str(document.version)),
            d.number(words.headline(document)),
        )
    ]
    if document.reason is not None:
        lines.append(d.capital(d.words("{}.", d.text(document.reason, longest=300))))
    found = words.standing_out(document)
    if found:
        lines.append(_table(d, document, found[:_MOST]))
    if len(found) > _MOST:
        lines.append(d.number(f"{len(found) - _MOST} more are in `monitor.json`."))
    lines.append(d.text(words.state_remedy(document), longest=500))
    lines.append(
        d.number(
            "mlci keeps this issue up to date, and closes it when the model is well again. Reopened with each alarm."
        )
    )
    return "\n\n".join(lines) + "\n"


def _table(d: Markdown, document: MonitorDocument, found: list[SeriesView]) -> str:
    numbers = words.series_words(document)
    rows = ["| | state | since | newest numbers |", "|---|---|---|---|"]
    for view in found:
        shown = d.text(numbers[view.series], longest=300) if view.series in numbers else d.number("–")
        mute = words.mute_words(d, view)
        state = (
            d.number(words.state_words(view))
            if mute is None
            else d.words("{}, {}", d.number(words.state_words(view)), mute)
        )
        since = d.number(words.show_day(view.since) if view.since else "–")
        rows.append(d.words("| {} | {} | {} | {} |", d.text(view.series), state, since, shown))
    return "\n".join(rows)
