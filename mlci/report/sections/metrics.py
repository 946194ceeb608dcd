"""Sections on metrics: the main ones and whether each got worse, all values, notes, provenance."""

from typing import Literal

from mlci.metrics import catalogue
from mlci.metrics.entries import Direction
from mlci.report.document import AgreementRow, MetricRow, Report
from mlci.report.gate_numbers import LONG
from mlci.report.sections.evidence import (
    count_cell,
    directed_title,
    evidence_cells,
    evidence_columns,
    group_rows,
    values_cell,
)
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, ReportTable, Section, build_table

MAIN = (
    "roc_auc",
    "roc_auc_ovr",
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
    "ndcg@10",
    "mean_average_precision",
    "mean_reciprocal_rank",
)
"""Metrics that are shown though no gate names them."""
Movement = Literal["worse", "better", "no clear change", "changed"]
_DIRECTIONS: dict[bool | None, Direction] = {True: "higher", False: "lower", None: "none"}
_COUNTED = ("worse", "better", "no clear change", "changed")


def main_rows(report: Report) -> list[MetricRow]:
    """Return the gated metrics of all rows, then the usual ones that were measured."""
    gated = dict.fromkeys(gate.metric for gate in report.gates if not (gate.scope.slice or gate.scope.across))
    measured = {row.metric: row for row in report.metrics if row.slice is None}
    return [measured[name] for name in dict.fromkeys([*gated, *MAIN]) if name in measured]


def main_metrics(d: Markup, report: Report) -> list[Section]:
    """Show the gated metrics of all rows and the usual ones beside them, and whether each got worse."""
    rows = main_rows(report)
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
    return [
        Section(
            "main metrics",
            d.number(_movement_title(moved)),
            (build_table(d, columns),),
            _unlisted_metrics(d, report, len(rows)),
        )
    ]


def movement(row: MetricRow) -> Movement | None:
    """Say which way a metric moved, if its interval shows it; ``None`` without an interval."""
    ends = row.change_interval
    if ends is None:
        return None
    if ends[0] <= 0 <= ends[1]:
        return "no clear change"
    info = catalogue.find(row.metric) if row.higher_is_better is None else None
    direction = info.direction if info else _DIRECTIONS[row.higher_is_better]
    if direction not in {"higher", "lower"}:
        return "changed"
    return "better" if (ends[0] > 0) == (direction == "higher") else "worse"


def _movement_title(moved: list[Movement | None]) -> str:
    counts = {word: sum(one == word for one in moved) for word in _COUNTED}
    if not any(counts.values()):
        return f"Main metrics on all rows: {number_format.format_count(len(moved))}"
    parts = [
        f"{counts['worse']} worse",
        f"{counts['better']} better",
        f"{counts['no clear change']} without a clear change",
    ]
    parts += [f"{counts['changed']} changed"] if counts["changed"] else []
    unknown = moved.count(None)
    parts += [f"{unknown} without an interval"] if unknown else []
    return f"Main metrics on all rows: {', '.join(parts)}"


def _unlisted_metrics(d: Markup, report: Report, shown: int) -> tuple[str, ...]:
    total = sum(row.slice is None for row in report.metrics)
    if total <= shown:
        return ()
    return (d.number(f"All {number_format.format_count(total)} metrics are in the job summary."),)


def whole_set_section(d: Markup, report: Report) -> list[Section]:
    """Show both models' metrics on the whole set, and how often they were right together."""
    rows = [row for row in report.metrics if row.slice is None]
    if not rows:
        return []
    named = ReportColumn(d.number("Metric"), [directed_title(d, row.metric) for row in rows], name=True)
    lines = (_agreement(d, report.agreement),) if report.agreement else ()
    title = d.number(f"Metrics on the whole set: {number_format.format_count(len(rows))}")
    return [Section("metrics", title, (build_table(d, [named, *evidence_columns(d, report, rows)]),), lines)]


def other_slices(d: Markup, report: Report) -> list[Section]:
    """Show every slice with every metric that no gate looks at, one section a slice."""
    watched = {(row.scope.slice, row.metric) for row in report.gates}
    parts: dict[str, list[ReportTable]] = {}
    for (name, metric), rows in group_rows(report).items():
        if (name, metric) not in watched:
            parts.setdefault(name, []).append(_group_table(d, report, name, metric, rows))
    return [Section("slices", _slice_title(d, name, tables), tuple(tables)) for name, tables in parts.items()]


def notes_section(d: Markup, report: Report) -> list[Section]:
    """List what a reader should know about the evaluation."""
    lines = [d.text(note, longest=LONG) for note in report.notes]
    if labels.estimates_only(report):
        limits = "Only metrics files were compared, so the values decide. A file of predictions would add intervals, "
        lines.insert(0, d.number(f"{limits}slices and the check that both models saw the same rows."))
    return [Section("notes", d.number("Notes"), lines=tuple(lines), folded=False)] if lines else []


def provenance_section(d: Markup, report: Report) -> list[Section]:
    """Show what it takes to make the report again, and where the time went."""
    origin = report.provenance
    seconds = [(stage, value) for stage, value in origin.seconds if value is not None]
    pairs = [
        *((d.text(name), d.text(version)) for name, version in sorted(origin.versions.items())),
        *((d.number(f"{stage} took"), d.number(number_format.format_duration(value))) for stage, value in seconds),
        (d.number("seed"), d.number(str(origin.seed))),
        *([(d.number("intervals by"), d.join(", ", methods))] if (methods := _methods(d, report)) else []),
        *([(d.number("configuration"), d.code(origin.config))] if origin.config else []),
        *(
            [(d.number("evaluation set"), d.code(report.evaluation.fingerprint))]
            if report.evaluation.fingerprint
            else []
        ),
    ]
    columns = [
        ReportColumn(d.number("What"), [name for name, _ in pairs], name=True),
        ReportColumn(d.number("Value"), [value for _, value in pairs], name=True),
    ]
    return [Section("provenance", d.number("Provenance"), (build_table(d, columns),))]


_METHODS = {
    "wilson": "Wilson",
    "wilson by class": "Wilson by class",
    "tango": "Tango",
    "tango by label": "Tango by label",
    "delong": "DeLong",
    "delong score": "DeLong and Hanley–McNeil",
    "hall by class": "Hall by class",
    "hall on the log scale": "Hall on the log scale",
}


def _methods(d: Markup, report: Report) -> list[str]:
    methods = dict.fromkeys(row.method for row in report.gates if row.method is not None and row.interval is not None)
    return [d.text(_METHODS.get(method, method)) for method in methods]


def _slice_title(d: Markup, name: str, tables: list[ReportTable]) -> str:
    """Head a slice's tables: a single one, which has no caption of its own, by what it shows."""
    many = d.words("{}: {} by group", d.text(name), d.number(number_format.pluralize(len(tables), "metric")))
    return tables[0].caption or many if len(tables) == 1 else many


def _group_table(d: Markup, report: Report, name: str, metric: str, rows: list[MetricRow]) -> ReportTable:
    caption = directed_title(d, metric, d.words("{} by {}", d.text(labels.metric_title(metric)), d.text(name)))
    units = {row.support_unit for row in rows if row.support is not None}
    support = units.pop() if len(units) == 1 else None
    columns = [
        ReportColumn(d.text(name), [d.text(row.group or "") for row in rows], name=True),
        ReportColumn(d.number("Rows"), [count_cell(d, row.rows) for row in rows], right=True),
        *evidence_columns(d, report, rows),
    ]
    if support and support != "rows":
        counted = ReportColumn(
            d.text(support[:1].upper() + support[1:]), [count_cell(d, row.support) for row in rows], right=True
        )
        columns.insert(2, counted)
    return build_table(d, columns, caption=caption)


def _agreement(d: Markup, row: AgreementRow) -> str:
    parts = [
        f"both models right on {number_format.pluralize(row.both, 'row')}",
        f"only the baseline on {number_format.format_count(row.baseline_only)}",
        f"only the candidate on {number_format.format_count(row.candidate_only)}",
        f"neither on {number_format.format_count(row.neither)}",
    ]
    test = f"McNemar's exact test {number_format.format_p_value(row.exact_p)}"
    if row.chi2 is not None and row.chi2_corrected is not None:
        test += f", χ² {_chi2(row.chi2)}, with continuity correction {_chi2(row.chi2_corrected)}"
    return d.number(f"Decisions: {', '.join(parts)}; {test}.")


def _chi2(value: float) -> str:
    return number_format.number_style((value,)).value(value)
