"""Monitoring on a terminal and in a log: what stands out, the newest windows, then the state and the next step."""

from mlci.monitor.document import MonitorDocument
from mlci.monitor.history import SeriesView, WindowRecord
from mlci.report.monitor import words
from mlci.report.text.escape import plain_text, without_commands
from mlci.report.text.markup import Plain
from mlci.report.text.terminal_layout import text_grid, wrap_text

_COLOURS = {"ok": "32", "warn": "33", "alarm": "31", "unknown": "33"}
_MOST_SERIES = 30
_MOST_WINDOWS = 8
_MARKS = {"ok": "●", "unclear": "◇", "suspect": "◆", "bad": "■", "unknown": "·"}
_LEGEND = "● within the limit   ◇ beyond it, no interval is   ◆ the usual interval is   ■ proven   · unknown"


def render_monitor(document: MonitorDocument, *, colour: bool = False, width: int = 100) -> str:
    """Write the document for a terminal; nothing in it can move the cursor or give the runner a command."""
    parts = [_windows(document), *_series(document, width=width), *_notes(document, width=width)]
    parts.append(_state(document, colour=colour, width=width))
    return without_commands("\n\n".join(part for part in parts if part) + "\n")


def _windows(document: MonitorDocument) -> str:
    shown = document.timeline[-_MOST_WINDOWS:]
    if not shown:
        return ""
    rows = [
        [words.show_day(one.start), f"{one.rows:,}", f"{one.labelled:,}", str(one.version), _tally(one)]
        for one in shown
    ]
    headers = [document.unit, "rows", "labels", "version", "beyond the limit"]
    return text_grid(headers, rows, [False, True, True, True, False])


def _tally(record: WindowRecord) -> str:
    if not record.rows:
        return "no rows"
    bad = sorted(name for name, point in record.points.items() if point.finding == "bad")
    shown = ", ".join(plain_text(name) for name in bad[:3])
    return f"{shown} and {len(bad) - 3} more" if len(bad) > 3 else shown or "–"


def _series(document: MonitorDocument, *, width: int) -> list[str]:
    """Write the series that stand out with their newest marks, numbers and mutes."""
    found, numbers = words.standing_out(document), words.series_words(document)
    if not found:
        return []
    lines = [_LEGEND]
    for view in found[:_MOST_SERIES]:
        lines.append(f"{_timeline(document, view)}  {plain_text(view.series)}: {words.state_words(view)}"
                     f"{f' since {words.show_day(view.since)}' if view.since else ''}")  # fmt: skip
        more = [plain_text(numbers[view.series], longest=300)] if view.series in numbers else []
        more += [mute] if (mute := words.mute_words(Plain(), view)) else []
        lines += [f"    {line}" for text in more for line in wrap_text(text, width - 4)]
    if len(found) > _MOST_SERIES:
        lines.append(f"and {len(found) - _MOST_SERIES} more in monitor.json")
    return ["\n".join(lines)]


def _timeline(document: MonitorDocument, view: SeriesView) -> str:
    shown = document.timeline[-_MOST_WINDOWS:]
    return "".join(_MARKS[one.points[view.series].finding] if view.series in one.points else " " for one in shown)


def _notes(document: MonitorDocument, *, width: int) -> list[str]:
    notes = [
        *([document.reason] if document.reason else []),
        *document.notes,
        *(note for window in document.windows[-3:] for note in window.notes),
    ]
    lines = [
        line for note in dict.fromkeys(notes) for line in wrap_text(f"note: {plain_text(note, longest=300)}", width)
    ]
    return ["\n".join(lines)] if lines else []


def _state(document: MonitorDocument, *, colour: bool, width: int) -> str:
    text = f"{plain_text(document.model)}, version {document.version}: {words.headline(document)}"
    if colour:
        text = f"\x1b[1;{_COLOURS[document.state]}m{text}\x1b[0m"
    return "\n".join([text, *wrap_text(words.state_remedy(document), width)])
