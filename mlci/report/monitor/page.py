"""``monitor.html``: the state, and the timeline of every column and gate, in one file without scripts or requests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlci.monitor.document import MonitorDocument
from mlci.monitor.findings import QualityRow, Word
from mlci.monitor.history import SeriesPoint, SeriesView, State
from mlci.report.monitor import words
from mlci.report.page.scales import Scale, fit_scale
from mlci.report.templating import html_template
from mlci.report.text.number_format import pluralize

BUDGET = 300_000
"""Bytes of UTF-8 in a page."""
_TOP, _BOTTOM = 6.0, 50.0
"""Vertical ends of a plot, in pixels."""
_LINE = 12.0
"""Least distance of two labels of a plot, in pixels."""
_DENSE = 20
"""Windows from which on the marks of a plot are small."""
_SHAPES: Mapping[Word, str] = {
    "ok": "passed",
    "unclear": "inconclusive",
    "suspect": "inconclusive",
    "bad": "failed",
    "unknown": "none",
}
_STANDING: Mapping[Word, Word] = {"bad": "unclear", "unknown": "unknown"}
"""Shape of a series whose state is ok, by its newest finding: one beyond the limit is not an alarm yet."""
_CLASSES: Mapping[State, str] = {"ok": "passed", "warn": "inconclusive", "alarm": "failed", "unknown": "none"}


@dataclass(frozen=True)
class TimelineMark:
    """One window of a series: its place, its finding, and the ends of its interval."""

    x: float
    y: float
    shape: str
    low: float | None
    high: float | None


@dataclass(frozen=True)
class TimelineView:
    """One series.

    Attributes:
        name: Its name.
        shape, word: Its state.
        since: Day on which the state began.
        numbers: Its newest numbers in words.
        mute: Mute, if any.
        marks: Its windows with a value.
        lines: Lines between neighbouring windows.
        limit: Place of the threshold.
        labels: Place and text of the threshold, and of the largest and smallest value if these are not beside it.
        dense: Whether the marks are small because there are many.
    """

    name: str
    shape: str
    word: str
    since: str
    numbers: str
    mute: str
    marks: tuple[TimelineMark, ...]
    lines: tuple[tuple[float, float, float, float], ...]
    limit: float | None
    labels: tuple[tuple[float, str], ...]
    dense: bool


@dataclass(frozen=True)
class TimelineDetail:
    """How much a page shows: newest windows, and series that are well."""

    windows: int = 60
    series: int = 500


def render_monitor_page(document: MonitorDocument, *, budget: int = BUDGET) -> str:
    """Render the page with as many windows and series as fit into ``budget`` bytes.

    Raises:
        ValueError: if not even the least detail fits.
    """
    for detail in (
        TimelineDetail(),
        TimelineDetail(30),
        TimelineDetail(20, 100),
        TimelineDetail(10, 30),
        TimelineDetail(4, 0),
    ):
        text = _render(document, detail)
        if len(text.encode()) <= budget:
            return text
    raise ValueError(f"the page of this monitor does not fit into {budget} bytes")


def _render(document: MonitorDocument, detail: TimelineDetail) -> str:
    standing = {one.series for one in words.standing_out(document)}
    views = list(_views(document, detail, standing))
    well = [view for view in views if view.name not in standing]
    shown = document.timeline[-detail.windows :]
    return html_template("report/monitor.html.j2").render(
        model=document.model,
        heading=words.headline(document),
        shape=_CLASSES[document.state],
        reason=document.reason,
        step=words.state_remedy(document),
        facts=_facts(document),
        first=words.show_day(shown[0].start) if shown else "",
        last=words.show_day(shown[-1].start) if shown else "",
        open=[view for view in views if view.name in standing],
        well=well,
        well_title=_well_title(well),
        metrics=_metrics(document),
        windows=[
            (words.show_day(one.start), f"{one.rows:,}", f"{one.labelled:,}", str(one.version))
            for one in reversed(shown)
        ],
        notes=list(dict.fromkeys([*document.notes, *(note for one in document.windows[-3:] for note in one.notes)])),
    )


def _well_title(well: Sequence[TimelineView]) -> str:
    """Return the title of the series that do not stand out; of those, some may not be known in the newest window."""
    unknown = sum(view.shape == "none" for view in well)
    counts = (("well", len(well) - unknown), ("unknown", unknown))
    parts = [f"{count} series {'is' if count == 1 else 'are'} {word}" for word, count in counts if count]
    return ", ".join(parts)


def _facts(document: MonitorDocument) -> list[tuple[str, str]]:
    found = [("Version", str(document.version)), ("Window", document.unit)]
    if document.timeline:
        newest = document.timeline[-1]
        rows, labels = pluralize(newest.rows, "row"), pluralize(newest.labelled, "label")
        found.append(("Newest", f"{words.show_day(newest.start)}, {rows}, {labels}"))
    return [*found, ("History", pluralize(len(document.timeline), "window"))]


def _metrics(document: MonitorDocument) -> list[tuple[str, str, str, str]]:
    """Return the metrics of the newest window that has labels."""
    newest = next(
        (one for one in reversed(document.windows) if any(row.value is not None for row in one.metrics)), None
    )
    if newest is None:
        return []
    day = words.show_day(newest.start)
    return [(row.metric, words.show_number(row.reference), words.show_number(row.value), day) for row in newest.metrics]


def _views(document: MonitorDocument, detail: TimelineDetail, standing: set[str]) -> Iterator[TimelineView]:
    numbers, limits = words.series_words(document), _limits(document)
    left = detail.series
    for view in document.series:
        if view.series not in standing:
            left -= 1
            if left < 0:
                continue
        yield _view(document, view, numbers.get(view.series, ""), limits.get(view.series), detail.windows)


def _limits(document: MonitorDocument) -> dict[str, float]:
    """Return the limit of each series in the units of its timeline: of drift, of checks, and of gates on a value."""
    found: dict[str, float] = {}
    for window in document.windows:
        for row in window.drift:
            if row.effects and row.effects[0].threshold is not None:
                found[row.series] = row.effects[0].threshold
        found |= {row.series: row.limit for row in window.checks if row.limit is not None}
        found |= {row.series: limit for row in window.quality if (limit := _gate_limit(row)) is not None}
    return found


def _gate_limit(row: QualityRow) -> float | None:
    if row.bound is None or row.reference is None:
        return None
    return row.bound if row.limit.startswith(("min ", "max ")) else row.reference + row.bound


def _view(document: MonitorDocument, view: SeriesView, numbers: str, limit: float | None, windows: int) -> TimelineView:
    points = [record.points.get(view.series) for record in document.timeline[-windows:]]
    known = [point for point in points if point is not None]
    values = [one for point in known for one in (point.value, point.low, point.high) if one is not None]
    scale = fit_scale(
        [one for point in known for one in (point.value, point.low, point.high)],
        include=() if limit is None else (limit,),
    )
    marks = [_mark(index, point, len(points), scale) for index, point in enumerate(points)]
    lines = [(one.x, one.y, two.x, two.y) for one, two in pairwise(marks) if one is not None and two is not None]
    return TimelineView(
        name=view.series,
        shape=_CLASSES[view.state] if view.state != "ok" else _SHAPES[_STANDING.get(view.finding, "ok")],
        word=words.state_words(view),
        since=words.show_day(view.since) if view.since else "",
        numbers=numbers,
        mute=f"muted until {view.muted.until}: {view.muted.reason}" if view.muted else "",
        marks=tuple(mark for mark in marks if mark is not None),
        lines=tuple(lines),
        limit=_height(limit, scale),
        labels=_labels((limit, *((max(values), min(values)) if values else ())), scale),
        dense=len(points) > _DENSE,
    )


def _labels(values: Iterable[float | None], scale: Scale | None) -> tuple[tuple[float, str], ...]:
    """Return the labels of these values, without those that an earlier one leaves no room for."""
    found: list[tuple[float, str]] = []
    for value in values:
        height = _height(value, scale)
        if height is not None and all(abs(height - other) >= _LINE for other, _ in found):
            found.append((height, f"{value:.3g}"))
    return tuple(found)


def _mark(index: int, point: SeriesPoint | None, count: int, scale: Scale | None) -> TimelineMark | None:
    height = None if point is None else _height(point.value, scale)
    if point is None or height is None:
        return None
    x = round(2 + 96 * (index + 0.5) / count, 1)
    return TimelineMark(x, height, _SHAPES[point.finding], _height(point.low, scale), _height(point.high, scale))


def _height(value: float | None, scale: Scale | None) -> float | None:
    if value is None or scale is None:
        return None
    share = min(max((value - scale.low) / (scale.high - scale.low), 0.0), 1.0)
    return round(_BOTTOM - (_BOTTOM - _TOP) * share, 1)
