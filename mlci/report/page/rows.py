"""Rows on the page: those whose loss changed most, and a regression's residuals by prediction."""

from dataclasses import dataclass

from mlci.report.curve_rows import ResidualRow
from mlci.report.document import ChangedRow, Report, RowsChanged
from mlci.report.page.curves import BOTTOM, LEFT, RIGHT, TOP, CurveLine, Figure, Point
from mlci.report.page.scales import Scale, Tick, fit_scale
from mlci.report.text import number_format
from mlci.report.text.markup import Markup
from mlci.report.text.number_format import NumberStyle
from mlci.report.text.tables import ReportColumn, ReportTable, Section, build_table

_ARROW = " → "
_LOSSES = {
    "absolute error": "the absolute error",
    "squared error": "the squared error of the score",
    "log loss": "the log loss: minus the logarithm of the label's probability",
    "wrong decision": "1 for a wrong decision and 0 for a right one",
}
_TICKS = 4
Models = list[tuple[str, tuple[ResidualRow, ...]]]


def changed_rows(d: Markup, report: Report) -> list[Section]:
    """List the rows whose loss changed most; nothing unless the report has them."""
    found = report.rows_changed
    if found is None or not found.rows:
        return []
    rows, names = found.rows, list(dict.fromkeys(name for row in found.rows for name in row.slices))
    scores, scored = _style(found), "Label's probability" if found.loss == "log loss" else "Score"
    changes = number_format.number_style([row.change for row in rows])
    columns = [
        ReportColumn(d.number("Key"), [None if row.key is None else d.text(row.key) for row in rows], name=True),
        ReportColumn(d.number("Change in loss"), [d.number(changes.signed(row.change)) for row in rows], right=True),
        ReportColumn(d.number("Label"), [d.text(row.label) for row in rows]),
        ReportColumn(d.number(f"{scored}, baseline{_ARROW}candidate"), [_scores(d, scores, row) for row in rows]),
        ReportColumn(d.number(f"Decision, baseline{_ARROW}candidate"), [_decisions(d, row) for row in rows]),
        *(ReportColumn(d.text(name), [d.text(row.slices.get(name, "")) for row in rows], name=True) for name in names),
        ReportColumn(d.number("Row"), [d.number(number_format.format_count(row.row)) for row in rows], right=True),
    ]
    return [Section("rows", d.number(_title(found)), (build_table(d, columns),))]


def _title(found: RowsChanged) -> str:
    worse = sum(row.change > 0 for row in found.rows)
    counted = number_format.pluralize(len(found.rows), "row")
    return f"{counted}, {number_format.format_count(worse)} of them worse. The loss is {_LOSSES[found.loss]}."


def _style(found: RowsChanged) -> NumberStyle:
    scores = [score for row in found.rows for score in (row.baseline_score, row.candidate_score)]
    return number_format.number_style(scores)


def _scores(d: Markup, style: NumberStyle, row: ChangedRow) -> str | None:
    if row.candidate_score is None and row.baseline_score is None:
        return None
    before = style.value(row.baseline_score, missing=number_format.NONE)
    return d.number(f"{before}{_ARROW}{style.value(row.candidate_score, missing=number_format.NONE)}")


def _decisions(d: Markup, row: ChangedRow) -> str | None:
    if row.candidate_decision is None or row.baseline_decision is None:
        return None
    return d.words("{} → {}", d.text(row.baseline_decision), d.text(row.candidate_decision))


@dataclass(frozen=True, kw_only=True)
class ResidualSection:
    """The figure, ``None`` if its numbers are too far apart to draw, and the same numbers as a table."""

    figure: Figure | None
    table: ReportTable
    both: bool


def residual_section(d: Markup, report: Report) -> ResidualSection | None:
    """Draw both models' residuals; ``None`` for other tasks than a regression."""
    found = report.residuals
    if found is None:
        return None
    models: Models = [("baseline", found.baseline or ()), ("candidate", found.candidate)]
    return ResidualSection(figure=_figure(d, report, models), table=_table(d, models), both=found.baseline is not None)


def _figure(d: Markup, report: Report, models: Models) -> Figure | None:
    rows = [row for _, bins in models for row in bins]
    across = fit_scale(row.predicted for row in rows)
    up = fit_scale((row.residual for row in rows), include=(0.0,))
    if across is None or up is None:
        return None

    def place(x: float, y: float) -> Point:
        return _right(across.x(x)), _down(up.x(y))

    lines = []
    for name, bins in models:
        points = [place(row.predicted, row.residual) for row in bins]
        path = " ".join(f"{x},{y}" for x, y in points)
        lines.append(CurveLine(model=name, points=path, marks=tuple(points)))
    zero = _down(up.x(0.0))
    return Figure(
        anchor="residuals-by-prediction",
        title="Residuals by prediction",
        numbers=_errors(d, report),
        x="Mean prediction of the rows in a bin",
        y="Mean residual",
        described=_description(models),
        reference=((LEFT, zero), (RIGHT, zero)),
        lines=tuple(line for line in lines if line.points),
        across=tuple((_right(tick.x), tick.label) for tick in _ticks(across, change=False)),
        up=tuple((_down(tick.x), tick.label) for tick in _ticks(up, change=True)),
        inside=True,
        radius=3,
    )


def _ticks(scale: Scale, *, change: bool) -> tuple[Tick, ...]:
    return scale.ticks("label", change=change, most=_TICKS)


def _right(share: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * share / 100, 1)


def _down(share: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * share / 100, 1)


def _errors(d: Markup, report: Report) -> str:
    """Write both models' mean absolute error; empty if it was not measured."""
    row = next((row for row in report.metrics if row.slice is None and row.metric == "mean_absolute_error"), None)
    if row is None or row.candidate is None:
        return d.number("")
    style = number_format.number_style((row.baseline, row.candidate), unit="label")
    shown = style.value(row.candidate)
    pair = shown if row.baseline is None else f"{style.value(row.baseline)} → {shown}"
    return d.number(f"Mean absolute error {pair}")


def _description(models: Models) -> str:
    parts = []
    for name, bins in models:
        if bins:
            style = number_format.number_style([row.residual for row in bins], unit="label")
            low, high = min(row.residual for row in bins), max(row.residual for row in bins)
            parts.append(f"{name}: from {style.signed(low)} to {style.signed(high)}")
    return f"Mean residuals over the bins of predictions. {'; '.join(parts)}."


def _table(d: Markup, models: Models) -> ReportTable:
    rows = [(name, row) for name, bins in models for row in bins]
    style = number_format.number_style(
        [number for _, row in rows for number in (row.predicted, row.residual, row.spread)], unit="label"
    )
    columns = [
        ReportColumn(d.number("Model"), [d.number(name.capitalize()) for name, _ in rows], name=True),
        ReportColumn(
            d.number("Mean prediction"), [d.number(style.value(row.predicted)) for _, row in rows], right=True
        ),
        ReportColumn(d.number("Mean residual"), [d.number(style.signed(row.residual)) for _, row in rows], right=True),
        ReportColumn(
            d.number("Standard deviation"), [d.number(style.value(row.spread)) for _, row in rows], right=True
        ),
        ReportColumn(d.number("Rows"), [d.number(number_format.format_count(row.rows)) for _, row in rows], right=True),
    ]
    return build_table(d, columns)
