"""Words of monitoring that all renderings share: states, series, findings."""

from collections.abc import Iterable, Mapping

from mlci.monitor.document import MonitorDocument
from mlci.monitor.findings import CheckRow, DriftRow, QualityRow, SchemaRow, WindowFindings, Word
from mlci.monitor.history import SeriesView, State
from mlci.report.text.markup import Markup
from mlci.report.text.number_format import NONE, number_style, pluralize

STATES: Mapping[State, str] = {"ok": "well", "warn": "warning", "alarm": "alarm", "unknown": "unknown"}
FINDINGS: Mapping[Word, str] = {
    "ok": "ok",
    "unclear": "unclear",
    "suspect": "suspect",
    "bad": "beyond",
    "unknown": "unknown",
}
MEASURES = {
    "psi": "PSI",
    "jensen_shannon": "Jensen–Shannon",
    "wasserstein": "Wasserstein / sd",
    "ks": "KS",
    "total_variation": "total variation",
}
_CHECKS = {
    "nulls": "{} of cells are empty, {} in the evaluation set",
    "unseen": "{} of cells have a category that the evaluation set does not have",
    "invalid": "{} of cells are not numbers",
    "outside": "{} of numbers are outside the range of the evaluation set",
}


def show_day(window: str) -> str:
    """Return a window's start for people: the day, and the hour unless it is midnight."""
    day, _, time = window.partition("T")
    return day if time == "00:00" else f"{day} {time}"


def show_number(value: float | None) -> str:
    """Return a number."""
    return number_style((value,)).value(value, missing=NONE)


def show_percent(value: float | None) -> str:
    """Return a share in per cent."""
    return number_style((value,), unit="percent").value(value, missing=NONE)


def headline(document: MonitorDocument) -> str:
    """Return the state in one sentence, without Markup."""
    since = f" since {show_day(document.since)}" if document.since else ""
    return f"{STATES[document.state]}{since}"


def standing_out(document: MonitorDocument) -> list[SeriesView]:
    """Return the series whose state is not well, or whose newest finding is beyond its limit."""
    return [one for one in document.series if one.state != "ok" or one.finding == "bad"]


def state_words(view: SeriesView) -> str:
    """Return the state of a series; of one that is well, whether its newest window is beyond the limit or unknown."""
    if view.state == "unknown" or (view.state == "ok" and view.finding == "unknown"):
        return FINDINGS["unknown"]
    return "beyond its limit" if view.state == "ok" and view.finding == "bad" else STATES[view.state]


def state_remedy(document: MonitorDocument) -> str:
    """Return what to do about the state."""
    gates = [one.series for one in document.series if one.state == "alarm" and one.muted is None]
    if document.state == "alarm":
        return (
            f"Next: the quality fell by the gate {gates[0]!r}. Retrain on newer rows and open a pull request, or roll "
            f'back: mlci rollback --reason "monitor: {gates[0]}"'
        )
    if document.state == "warn":
        return "Next: look at what warns; drift without a fall of quality needs no action by itself."
    if document.state == "unknown":
        return f"Next: {document.reason}. Check the log and the labels: mlci judges the window again once they change."
    lacking = [one.series for one in document.series if one.state == "unknown" and one.muted is None]
    if lacking:
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        return f"Next: nothing to do by what is known; unknown: {', '.join(lacking[:3])}{more}."
    return "Next: nothing to do."


def series_words(document: MonitorDocument) -> dict[str, str]:
    """Return the newest numbers of each series in words: of windows that were just judged, or else of the history."""
    found: dict[str, str] = {}
    for record in document.timeline:
        known = {name: point.value for name, point in record.points.items() if point.value is not None}
        found |= {name: f"{show_number(value)} on {show_day(record.start)}" for name, value in known.items()}
    for window in document.windows:
        found |= {row.series: words for row, words in window_words(window)}
    return found


def summary_lines(document: MonitorDocument) -> list[str]:
    """Return the lines of a job's summary: the state, the reason of doubt, and what stands out."""
    numbers = series_words(document)
    lines = [f"{document.model}, version {document.version}: {headline(document)}"]
    lines += [document.reason] if document.reason else []
    shown = standing_out(document)[:20]
    return lines + [f"{one.series}: {state_words(one)}: {numbers.get(one.series, '')}" for one in shown]


def window_words(window: WindowFindings) -> Iterable[tuple[DriftRow | CheckRow | SchemaRow | QualityRow, str]]:
    """Yield every row of a window with its numbers in words."""
    yield from ((row, drift_words(row)) for row in window.drift)
    yield from ((row, check_words(row)) for row in window.checks)
    yield from ((row, schema_words(row)) for row in window.pandera)
    yield from ((row, quality_words(row)) for row in window.quality)


def drift_words(row: DriftRow) -> str:
    """Return the effect sizes of a column."""
    if row.reason is not None:
        return row.reason
    return ", ".join(f"{MEASURES[one.measure]} {one.reason or show_number(one.value)}" for one in row.effects)


def check_words(row: CheckRow) -> str:
    """Return what a check found."""
    if row.reason is not None or row.share is None:
        return row.reason or "unknown"
    words = _CHECKS[row.check].format(show_percent(row.share), show_percent(row.reference))
    return f"{words}: {', '.join(row.examples)}" if row.examples else words


def schema_words(row: SchemaRow) -> str:
    """Return how many rows fail a check of the schema, and the first of them."""
    if row.reason is not None:
        return row.reason
    if row.failed is None:
        return "fails as a whole"
    words = f"{row.failed:,} of {pluralize(row.rows, 'row')} {'fails' if row.failed == 1 else 'fail'}"
    return f"{words}: {', '.join(row.examples)}" if row.examples else words


def quality_words(row: QualityRow) -> str:
    """Return a gate's numbers: reference, value, and the interval of what is compared with the limit."""
    if row.reason is not None or row.value is None:
        return row.reason or "unknown"
    numbers = (row.reference, row.value, row.number)
    style = number_style(numbers, bound=row.bound, judged=(row.number, row.low, row.high))
    ends = (NONE if end is None else style.value(end) for end in (row.low, row.high))
    interval = "" if row.low is None and row.high is None else f" [{', '.join(ends)}]"
    change = f"change {style.change(row.number)}" if row.number != row.value and row.number is not None else "value"
    before, limit = style.value(row.reference, missing=NONE), style.value(row.bound, missing=NONE)
    on = pluralize(row.rows, "row")
    return f"{before} → {style.value(row.value)} on {on}; {change}{interval}, limit {limit}"


def mute_words(d: Markup, view: SeriesView) -> str | None:
    """Return a mute; ``None`` without one."""
    if view.muted is None:
        return None
    return d.words("muted until {}: {}", d.number(view.muted.until), d.text(view.muted.reason))
