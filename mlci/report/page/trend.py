"""Trend on the page: each gated metric over the versions in production, and the candidate."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.report.document import Report, TrendRow
from mlci.report.page.scales import Scale, fit_scale
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup

_LEFT, _RIGHT = 12.0, 244.0
_TOP, _BOTTOM = 16.0, 84.0
_LABELLED = 7
_MOST = 40


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


Place = tuple[float, float, bool]


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
