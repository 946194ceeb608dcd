"""Metrics of all rows on the page: the change of each, the cost of both models, and the trend over versions."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.metrics import catalogue
from mlci.report.document import MetricRow, Report
from mlci.report.lineage_rows import TrendRow
from mlci.report.page.groups import ChangeAxis, GroupView, change_plot
from mlci.report.page.scales import Scale, fit_scale
from mlci.report.sections.costs import cost_lines
from mlci.report.sections.evidence import directed_title, evidence_cells
from mlci.report.sections.metrics import main_rows, movement
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup

_OUTCOMES = {"worse": "failed", "better": "passed", "no clear change": "none", "changed": "none", None: ""}
_LEFT, _RIGHT = 12.0, 244.0
_TOP, _BOTTOM = 16.0, 84.0
_LABELLED = 7
_MOST = 40
Place = tuple[float, float, bool]


@dataclass(frozen=True, kw_only=True)
class MetricTable:
    """Main metrics of all rows; ``axis`` belongs to those that are fractions."""

    rows: tuple[GroupView, ...]
    axis: ChangeAxis | None
    both: bool


def metric_table(d: Markup, report: Report) -> MetricTable | None:
    """Show the gated and the usual metrics of all rows; ``None`` if nothing was measured on all rows."""
    rows = main_rows(report)
    if not rows:
        return None
    scale = _scale(rows)
    axis = None
    if scale is not None:
        axis = ChangeAxis(ticks=scale.ticks("fraction", change=True), zero=scale.x(0.0))
    return MetricTable(
        rows=tuple(_view(d, row, scale) for row in rows),
        axis=axis,
        both=any(row.baseline is not None for row in rows),
    )


def _scale(rows: Sequence[MetricRow]) -> Scale | None:
    """Return one scale for the changes of all fractions: other units do not share it."""
    shared = [row for row in rows if labels.metric_unit(row.metric) == "fraction"]
    values = [value for row in shared for value in (row.change, *(row.change_interval or ()))]
    return fit_scale(values, include=(0.0,)) if any(value is not None for value in values) else None


def _view(d: Markup, row: MetricRow, scale: Scale | None) -> GroupView:
    cells = evidence_cells(d, row, both=row.baseline is not None)
    moved = movement(row)
    drawn = scale if labels.metric_unit(row.metric) == "fraction" else None
    return GroupView(
        name=directed_title(d, row.metric),
        count=d.number(""),
        values=cells.values if row.candidate is not None else d.text(row.reason or "undefined"),
        levels=None,
        change=cells.change,
        interval=cells.change_interval,
        plot=change_plot(row, drawn),
        outcome=_OUTCOMES[moved],
        word=d.number(moved or ""),
    )


def cost_line(d: Markup, report: Report) -> str | None:
    """Write what both models cost, as far as it was measured; ``None`` if nothing was."""
    rows = [row for row in report.metrics if row.slice is None and row.candidate is not None and _is_cost(row)]
    paid = [line for line in cost_lines(d, report) if not line.startswith("Of the model")]
    if not rows:
        return d.join(" ", paid) if paid else None
    costs = [d.words("{} {}", d.text(labels.metric_title(row.metric)), d.number(_cost(row))) for row in rows]
    both = any(row.baseline is not None for row in rows)
    words = "Measured once, baseline → candidate: {}." if both else "Measured once: {}."
    return d.join(" ", [d.words(words, d.join("; ", costs)), *paid])


def _is_cost(row: MetricRow) -> bool:
    info = catalogue.find(row.metric)
    return info is not None and info.kind == "operation"


def _cost(row: MetricRow) -> str:
    style = number_format.number_style((row.baseline, row.candidate), unit=labels.metric_unit(row.metric))
    now = style.value(row.candidate)
    return now if row.baseline is None else f"{style.value(row.baseline)} → {now}"


@dataclass(frozen=True, kw_only=True)
class TrendPlot:
    """A metric over versions.

    Attributes:
        anchor: Its id on the page.
        title: The metric.
        described: The drawing in one sentence.
        paths: Points of the lines; a line ends where the evaluation set changed.
        points: Position and label of each version; labels may be empty.
        candidate: Position of the candidate; ``None`` if it has no value.
        value: The candidate's value as text.
        join: Points of the line from the last version to the candidate; empty if their rows differ.
    """

    anchor: str
    title: str
    described: str
    paths: tuple[str, ...]
    points: tuple[tuple[float, float, str], ...]
    candidate: tuple[float, float] | None
    value: str
    join: str


def trend_plots(d: Markup, report: Report) -> list[TrendPlot]:
    """Draw the trend of each gated metric; those that can't be drawn are left out."""
    now = {row.metric: row.candidate for row in report.metrics if row.slice is None}
    found = [_plot(d, row, now.get(row.metric), number) for number, row in enumerate(report.trend, start=1)]
    return [plot for plot in found if plot is not None]


def _plot(d: Markup, row: TrendRow, now: float | None, number: int) -> TrendPlot | None:
    points = row.points[-_MOST:]
    scale = fit_scale([*(point.value for point in points), now])
    if scale is None:
        return None
    step = (_RIGHT - _LEFT) / len(points)
    places = [
        (round(_LEFT + step * index, 1), _y(scale, point.value), point.same_rows) for index, point in enumerate(points)
    ]
    every = -(-len(points) // _LABELLED)
    names = [f"v{point.version}" if index % every == 0 else "" for index, point in enumerate(points)]
    style = number_format.number_style((points[0].value, points[-1].value, now), unit=labels.metric_unit(row.metric))
    title = d.text(labels.metric_title(row.metric))
    candidate = None if now is None else (_RIGHT, _y(scale, now))
    ends = f"{style.value(points[0].value)} in version {points[0].version}, {style.value(points[-1].value)} in version "
    last = f"{points[-1].version}; candidate {style.value(now)}" if now is not None else f"{points[-1].version}"
    return TrendPlot(
        anchor=f"trend-{number}",
        title=title,
        described=d.words("{}: {}", title, d.number(ends + last)),
        paths=_paths(places),
        points=tuple((x, y, name) for (x, y, _), name in zip(places, names, strict=True)),
        candidate=candidate,
        value=d.number(style.value(now)) if now is not None else d.number(""),
        join=_join(places[-1], candidate),
    )


def _paths(places: Sequence[Place]) -> tuple[str, ...]:
    runs: list[list[Place]] = []
    for place in places:
        if runs and runs[-1][-1][2] == place[2]:
            runs[-1].append(place)
        else:
            runs.append([place])
    return tuple(" ".join(f"{x},{y}" for x, y, _ in run) for run in runs if len(run) > 1)


def _join(last: Place, candidate: tuple[float, float] | None) -> str:
    if candidate is None or not last[2]:
        return ""
    return f"{last[0]},{last[1]} {candidate[0]},{candidate[1]}"


def _y(scale: Scale, value: float) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * (scale.x(value) / 100), 1)
