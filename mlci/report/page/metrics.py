"""Metrics of all rows on the page: the change of each, on a scale of its own unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.report.document import MetricRow, Report
from mlci.report.page.groups import ChangeAxis, GroupView, change_plot
from mlci.report.page.scales import Scale, fit_scale
from mlci.report.sections.evidence import directed_title, evidence_cells
from mlci.report.sections.metrics import main_rows, movement
from mlci.report.text import labels
from mlci.report.text.markup import Markup

_OUTCOMES = {"worse": "failed", "better": "passed", "no clear change": "none", "changed": "none", None: ""}


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
