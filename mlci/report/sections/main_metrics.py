"""Section on the main metrics of all rows: which got worse, which better."""

from typing import Literal

from mlci.metrics import catalogue
from mlci.report.document import MetricRow, Report
from mlci.report.sections.evidence import directed_title, evidence_cells, values_cell
from mlci.report.text import number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, Section, build_table

MAIN = (
    "roc_auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "false_positive_rate",
    "f1_macro",
    "brier_score_loss",
    "log_loss",
    "mean_absolute_error",
    "root_mean_squared_error",
    "r2",
)
"""Metrics that are shown though no gate names them."""
Movement = Literal["worse", "better", "no clear change", "changed"]
_COUNTED = ("worse", "better", "no clear change", "changed")


def main_metrics(d: Markup, report: Report) -> list[Section]:
    """Show the gated metrics of all rows and the usual ones beside them, and whether each got worse."""
    gated = dict.fromkeys(gate.metric for gate in report.gates if not (gate.scope.slice or gate.scope.across))
    measured = {row.metric: row for row in report.metrics if row.slice is None}
    named = dict.fromkeys([*gated, *(name for name in MAIN if name in measured)])
    rows = [measured[name] for name in named if name in measured]
    if not rows:
        return []
    both = any(row.baseline is not None for row in rows)
    cells = [evidence_cells(d, row, both=both) for row in rows]
    share = number_format.format_percent(report.policy.confidence)
    intervals = any(row.change_interval is not None for row in rows)
    moved = [movement(row) for row in rows]
    values = [values_cell(d, row, cell) for row, cell in zip(rows, cells, strict=True)]
    columns = [
        ReportColumn(d.number("Metric"), [directed_title(d, row.metric) for row in rows], name=True),
        ReportColumn(
            d.number("Baseline → candidate" if both else "Candidate"),
            values,
            right=True,
        ),
        ReportColumn(
            d.number(f"Candidate, {share} interval"), [None if both else cell.interval for cell in cells], right=True
        ),
        ReportColumn(
            d.number(f"Change, {share} interval" if intervals else "Change"),
            [cell.change_with_interval for cell in cells],
            right=True,
        ),
        ReportColumn(d.number("Finding"), [word and d.number(word) for word in moved]),
    ]
    return [Section("main metrics", d.number(_title(moved)), (build_table(d, columns),), _left(d, report, len(rows)))]


def movement(row: MetricRow) -> Movement | None:
    """Say which way a metric moved, if its interval shows it; ``None`` without an interval."""
    ends = row.change_interval
    if ends is None:
        return None
    if ends[0] <= 0 <= ends[1]:
        return "no clear change"
    info = catalogue.find(row.metric)
    direction = info.direction if info else "none"
    if direction not in {"higher", "lower"}:
        return "changed"
    return "better" if (ends[0] > 0) == (direction == "higher") else "worse"


def _title(moved: list[Movement | None]) -> str:
    counts = {word: sum(one == word for one in moved) for word in _COUNTED}
    if not any(counts.values()):
        return f"Main metrics on all rows: {number_format.format_count(len(moved))}"
    said = [
        f"{counts['worse']} worse",
        f"{counts['better']} better",
        f"{counts['no clear change']} without a clear change",
    ]
    said += [f"{counts['changed']} changed"] if counts["changed"] else []
    unknown = moved.count(None)
    said += [f"{unknown} without an interval"] if unknown else []
    return f"Main metrics on all rows: {', '.join(said)}"


def _left(d: Markup, report: Report, shown: int) -> tuple[str, ...]:
    total = sum(row.slice is None for row in report.metrics)
    if total <= shown:
        return ()
    return (d.number(f"All {number_format.format_count(total)} metrics are in the job summary."),)
