"""Terminal texts of `mlci diff` and `mlci reproduce`."""

from collections.abc import Mapping, Sequence
from typing import Literal

from mlci.report.document import Lineage
from mlci.report.sections.history import lineage_changes, lineage_sentence
from mlci.report.text import labels, number_format, terminal_layout
from mlci.report.text.escape import without_commands
from mlci.report.text.markup import Markup, Plain
from mlci.report.text.tables import ReportColumn, ReportTable, build_table
from mlci.report.text.terminal_layout import lay_out

Values = Mapping[str, tuple[float | None, float | None]]
_ELSEWHERE = "judged on other rows each: compare what changed, not the numbers"


def diff_text(before: str, after: str, metrics: Values, lineage: Lineage, *, same_rows: bool, width: int) -> str:
    """Write what differs; ``before`` and ``after`` name the two."""
    d = Plain()
    parts = [
        "\n".join(terminal_layout.wrap_text(lineage_sentence(lineage), width)),
        lay_out(lineage_changes(d, lineage, ends=f"{before} → {after}"), width=width),
        *([lay_out(_metrics(d, before, after, metrics), width=width)] if metrics else []),
        *(["\n".join(terminal_layout.wrap_text(_ELSEWHERE, width))] if not same_rows else []),
    ]
    return without_commands("\n\n".join(parts) + "\n")


def _metrics(d: Markup, before: str, after: str, metrics: Values) -> ReportTable:
    rows = {
        name: (number_format.number_style(ends, unit=labels.metric_unit(name)), *ends) for name, ends in metrics.items()
    }
    changed = [
        style.change(new - old) if old is not None and new is not None else None for style, old, new in rows.values()
    ]
    columns = [
        ReportColumn(d.number("Metric"), [d.text(labels.metric_title(name)) for name in rows], name=True),
        ReportColumn(d.text(before), [d.number(style.value(old)) for style, old, _ in rows.values()], right=True),
        ReportColumn(d.text(after), [d.number(style.value(new)) for style, _, new in rows.values()], right=True),
        ReportColumn(d.number("Change"), [cell and d.number(cell) for cell in changed], right=True),
    ]
    return build_table(d, columns)


Row = tuple[str, float, float, float | None, bool]
_OUTCOMES = {"within": "within the spread of", "different": "different from"}


def reproduction_text(
    *,
    version: int,
    outcome: Literal["identical", "within", "different"],
    how: Literal["bytes", "predictions"] | None,
    runs: int,
    metrics: Sequence[Row],
    rows: tuple[int, tuple[str, ...]] | None,
    notes: Sequence[str],
    width: int,
) -> str:
    """Write the outcome, metric by metric.

    Args:
        version: Which version.
        outcome: What came of it.
        how: What is identical.
        runs: How often it was trained.
        metrics: Name, the version's value, mean and standard deviation of the reruns, and whether they fit.
        rows: Rows on which the first rerun decides differently, and keys of some.
        notes: Lines to add.
        width: Columns of the terminal.
    """
    d = Plain()
    lines = [_sentence(version, outcome, how, runs)]
    if rows is not None and how is None:
        keys = [d.text(key) for key in rows[1]]
        named = f": {', '.join(keys)}{', …' if rows[0] > len(keys) else ''}" if keys else ""
        lines.append(f"The first rerun decides {number_format.pluralize(rows[0], 'row')} differently{named}")
    lines += [d.text(note, longest=500) for note in notes]
    parts = ["\n".join(part for line in lines for part in terminal_layout.wrap_text(line, width))]
    parts += [lay_out(_reproduced_metrics(d, metrics), width=width)] if metrics else []
    return without_commands("\n\n".join(parts) + "\n")


def _sentence(version: int, outcome: str, how: str | None, runs: int) -> str:
    reruns = number_format.pluralize(runs, "rerun")
    if how is not None:
        what = "the same bytes, and the same predictions" if how == "bytes" else "the same predictions"
        return f"Version {version} is reproduced: {what}"
    sentence = f"Version {version} is {_OUTCOMES[outcome]} {reruns}"
    few = {1: "one rerun has no spread to be within", 2: "two reruns are not a spread to be within"}.get(runs)
    return f"{sentence}; {few}: `mlci reproduce {version} -k 5`" if few and outcome == "different" else sentence


def _reproduced_metrics(d: Markup, rows: Sequence[Row]) -> ReportTable:
    styles = [
        number_format.number_style((was, mean, sd), unit=labels.metric_unit(name)) for name, was, mean, sd, _ in rows
    ]
    cells = list(zip(styles, rows, strict=True))
    columns = [
        ReportColumn(d.number("Metric"), [d.text(labels.metric_title(row[0])) for _, row in cells], name=True),
        ReportColumn(d.number("Version"), [d.number(style.value(row[1])) for style, row in cells], right=True),
        ReportColumn(d.number("Reruns, mean"), [d.number(style.value(row[2])) for style, row in cells], right=True),
        ReportColumn(
            d.number("Standard deviation"),
            [None if row[3] is None else d.number(style.value(row[3])) for style, row in cells],
            right=True,
        ),
        ReportColumn(d.number(""), [d.number("" if row[4] else "different") for _, row in cells]),
    ]
    return build_table(d, columns)
