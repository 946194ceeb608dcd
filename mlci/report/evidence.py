"""The columns that every table of values shares: both models, the candidate's interval, the change."""

from collections.abc import Sequence

from mlci.report import names, numbers
from mlci.report.dialect import Dialect
from mlci.report.document import Evidenced, Report
from mlci.report.gates import LONG, pair
from mlci.report.tables import Column


def evidence(d: Dialect, report: Report, rows: Sequence[Evidenced]) -> list[Column]:
    """Return the columns that every table of values shares; empty ones fall away later."""
    share = numbers.percent(report.policy.confidence)
    both = any(row.baseline is not None for row in rows)
    cells = [_cells(d, row, both=both) for row in rows]
    change = f"Change, {share} interval" if any(row.change_interval for row in rows) else "Change"
    heads = (
        "Baseline → candidate" if both else "Candidate",
        f"Candidate, {share} interval",
        change,
    )
    columns = [Column(d.number(head), [line[index] for line in cells], right=True) for index, head in enumerate(heads)]
    why = [d.text(row.reason, longest=LONG) if row.reason and row.candidate is None else None for row in rows]
    return [*columns, Column(d.number("Why"), why, name=True)]


def _cells(d: Dialect, row: Evidenced, *, both: bool) -> tuple[str | None, str | None, str | None]:
    narrow = min(
        (one for one in (row.candidate_interval, row.change_interval) if one is not None and one[0] != one[1]),
        key=lambda one: one[1] - one[0],
        default=None,
    )
    values = (row.baseline, row.candidate, row.change, *(row.candidate_interval or ()), *(row.change_interval or ()))
    style = numbers.style(values, unit=names.unit(row.metric), interval=narrow)
    shift = names.is_shift(row.metric)
    value = pair(style, row.baseline, row.candidate) if both else style.value(row.candidate)
    value = numbers.NONE if shift else value
    interval = style.interval(row.candidate_interval) if row.candidate_interval else None
    change = None
    if row.change is not None:
        change = style.value(row.change) if shift and row.change else style.change(row.change)
        if row.change_interval and not row.change_interval[0] == row.change_interval[1] == 0:
            change += f" {style.interval(row.change_interval, plus=not shift)}"
    return d.number(value), interval and d.number(interval), change and d.number(change)
