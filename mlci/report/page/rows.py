"""Rows that changed most on the page: by key, with their groups, label and both predictions. Nowhere else."""

from mlci.report.document import ChangedRow, Report, RowsChanged
from mlci.report.text import number_format
from mlci.report.text.markup import Markup
from mlci.report.text.number_format import NumberStyle
from mlci.report.text.tables import ReportColumn, Section, build_table

_ARROW = " → "


def changed_rows(d: Markup, report: Report) -> list[Section]:
    """List the rows whose loss changed most; nothing unless the report has them."""
    found = report.rows_changed
    if found is None or not found.rows:
        return []
    rows, names = found.rows, list(dict.fromkeys(name for row in found.rows for name in row.slices))
    scores = _style(found)
    changes = number_format.number_style([row.change for row in rows])
    columns = [
        ReportColumn(d.number("Key"), [None if row.key is None else d.text(row.key) for row in rows], name=True),
        ReportColumn(d.number("Row"), [d.number(number_format.format_count(row.row)) for row in rows], right=True),
        *(ReportColumn(d.text(name), [d.text(row.slices.get(name, "")) for row in rows], name=True) for name in names),
        ReportColumn(d.number("Label"), [d.text(row.label) for row in rows]),
        ReportColumn(d.number(f"Score, baseline{_ARROW}candidate"), [_scores(d, scores, row) for row in rows]),
        ReportColumn(d.number(f"Decision, baseline{_ARROW}candidate"), [_decisions(d, row) for row in rows]),
        ReportColumn(d.number("Change in loss"), [d.number(changes.signed(row.change)) for row in rows], right=True),
    ]
    return [Section("rows", d.number(_title(found)), (build_table(d, columns),))]


_LOSSES = {
    "absolute error": "the absolute error",
    "squared error": "the squared error of the score",
    "wrong decision": "1 for a wrong decision and 0 for a right one",
}


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
