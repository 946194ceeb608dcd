"""Values of both models as cells of tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.report.document import Evidenced, MetricRow, Report
from mlci.report.gate_numbers import LONG, candidate_and_baseline
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn


@dataclass(frozen=True)
class EvidenceCells:
    """A row's values as text.

    Attributes:
        values: Both values, or the candidate's.
        interval: The candidate's interval.
        change: The change with its sign.
        change_interval: Its interval.
        change_with_interval: The change with its interval in parentheses.
    """

    values: str
    interval: str | None
    change: str | None
    change_interval: str | None
    change_with_interval: str | None


def evidence_columns(d: Markup, report: Report, rows: Sequence[Evidenced]) -> list[ReportColumn]:
    """Return the columns that every table of values shares; empty ones fall away later."""
    share = number_format.format_percent(report.policy.confidence)
    both = any(row.baseline is not None for row in rows)
    cells = [evidence_cells(d, row, both=both) for row in rows]
    change = f"Change, {share} interval" if any(row.change_interval for row in rows) else "Change"
    heads = (
        "Baseline → candidate" if both else "Candidate",
        f"Candidate, {share} interval",
        change,
    )
    texts: tuple[list[str | None], ...] = (
        [cell.values for cell in cells],
        [cell.interval for cell in cells],
        [cell.change_with_interval for cell in cells],
    )
    columns = [ReportColumn(d.number(head), text, right=True) for head, text in zip(heads, texts, strict=True)]
    why = [d.text(row.reason, longest=LONG) if row.reason and row.candidate is None else None for row in rows]
    return [*columns, ReportColumn(d.number("Why"), why, name=True)]


def evidence_cells(d: Markup, row: Evidenced, *, both: bool) -> EvidenceCells:
    """Print a row's values, all with the same digits."""
    narrow = min(
        (one for one in (row.candidate_interval, row.change_interval) if one is not None and one[0] != one[1]),
        key=lambda one: one[1] - one[0],
        default=None,
    )
    values = (row.baseline, row.candidate, row.change, *(row.candidate_interval or ()), *(row.change_interval or ()))
    style = number_format.number_style(values, unit=labels.metric_unit(row.metric), interval=narrow)
    shift = labels.is_shift_row(row.metric)
    pair = candidate_and_baseline(style, row.baseline, row.candidate) if both else style.value(row.candidate)
    change = span = None
    if row.change is not None:
        change = d.number(style.value(row.change) if shift and row.change else style.change(row.change))
        if row.change_interval and not row.change_interval[0] == row.change_interval[1] == 0:
            span = d.number(style.interval(row.change_interval, plus=not shift))
    return EvidenceCells(
        values=d.number(number_format.NONE if shift else pair),
        interval=d.number(style.interval(row.candidate_interval)) if row.candidate_interval else None,
        change=change,
        change_interval=span,
        change_with_interval=d.words("{} ({})", change, span) if change is not None and span is not None else change,
    )


def values_cell(d: Markup, row: Evidenced, cells: EvidenceCells, *, interval: bool = False) -> str:
    """Write both values, the candidate's interval if asked for, and why the candidate has no value."""
    shown = (
        d.words("{} ({})", cells.values, cells.interval) if interval and cells.interval is not None else cells.values
    )
    if row.candidate is not None or not row.reason:
        return shown
    return d.join("", [shown, d.note(d.text(row.reason, longest=LONG))])


def count_cell(d: Markup, number: int | None) -> str | None:
    """Print a count; ``None`` stays empty."""
    return None if number is None else d.number(number_format.format_count(number))


def directed_title(d: Markup, metric: str, name: str | None = None) -> str:
    """Name a metric, by its title if no name is given, and its good direction where that is not the usual one."""
    title = d.text(labels.metric_title(metric)) if name is None else name
    return d.words("{}, lower is better", title) if labels.lower_is_better(metric) else title


def group_rows(report: Report) -> dict[tuple[str, str], list[MetricRow]]:
    """Sort rows of groups by slice and metric, in the order of the document."""
    groups: dict[tuple[str, str], list[MetricRow]] = {}
    for row in report.metrics:
        if row.slice is not None:
            groups.setdefault((row.slice, row.metric), []).append(row)
    return groups
