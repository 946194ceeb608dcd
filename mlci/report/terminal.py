"""Report, `mlci diff` and `mlci reproduce` on a terminal and in a log: a bar for each gate, the verdict last."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Literal

from mlci.report import headline, layout
from mlci.report.document import GateRow, Outcome, Report
from mlci.report.gate_numbers import gate_numbers, limit_distances, rows_available
from mlci.report.lineage_rows import Lineage
from mlci.report.sections import behaviour, costs, gates, groups, history, items, judging, metrics, worst_slices
from mlci.report.sections.gates import RuleRow, merge_rules, rule_remarks, rule_title, rule_word
from mlci.report.sections.history import lineage_changes, lineage_sentence
from mlci.report.text import labels, number_format, terminal_layout
from mlci.report.text.escape import without_commands
from mlci.report.text.markup import NO_LINKS, Markup, Plain
from mlci.report.text.tables import ReportColumn, ReportTable, Section, build_table
from mlci.report.text.terminal_layout import lay_out

_DETAILS = (
    gates.passed_gates,
    groups.all_groups,
    groups.watched_disparities,
    metrics.whole_set_section,
    groups.all_disparities,
    metrics.other_slices,
    history.lineage_section,
    history.trend_section,
)
_WIDEST = 90
_MOST_GATES = 200
_MOST_ROWS = 100
_MOST_NAMED = 30
_INDENT = "  "
_LEGEND = "··· worse than the limit   │ limit   ━ interval   each bar has its own scale"
_WORSE = 14
"""Cells left of the limit."""
_BETTER = 19
"""Cells right of the limit."""
_MARKERS: dict[Outcome, str] = {"failed": "■", "inconclusive": "◆", "waived": "◆", "passed": "●"}
Values = Mapping[str, tuple[float | None, float | None]]
_ELSEWHERE = "judged on other rows each: compare what changed, not the numbers"
Row = tuple[str, float, float, float | None, bool]
_OUTCOMES = {"within": "within the spread of", "different": "different from"}


def render_terminal(report: Report, *, colour: bool = False, width: int = 100, details: bool = False) -> str:
    """Write the report for a terminal: what passed and what did not, then verdict, cause and next step.

    Args:
        report: The document.
        colour: Whether states are coloured by ANSI codes; the words are the same without.
        width: Columns of the terminal, of which at most 90 are used. Names are wrapped to it, numbers never.
        details: Whether all metrics, groups and changes come first.

    Returns:
        Text that ends in a newline; nothing in it can move the cursor or give the runner a command.
    """
    d = Plain()
    room = min(width, _WIDEST)
    built = [section for builder in _DETAILS for section in builder(d, report)] if details else []
    parts = [
        *(_section(section, width=room) for section in built),
        *_gates(d, report, colour=colour, width=room),
        *_passed(d, report, colour=colour, width=room),
        *(_section(section, width=room) for section in judging.judging_section(d, report)),
        *(_section(section, width=room) for section in items.items_section(d, report)),
        *(_section(section, width=room) for section in behaviour.behaviour_section(d, report)),
        *(_section(section, width=room) for section in worst_slices.worst_slices_section(d, report)),
        *(_section(section, width=room) for section in costs.cost_section(d, report)),
        *(_section(section, width=room) for section in metrics.notes_section(d, report)),
        *_legend(report, width=room),
        "\n".join(terminal_layout.wrap_text(layout.report_footer(d, report, NO_LINKS), room)),
        _verdict(d, report, colour=colour, width=room),
    ]
    return without_commands("\n\n".join(parts) + "\n")


def _verdict(d: Markup, report: Report, *, colour: bool, width: int) -> str:
    """Write the lines that are read first where a terminal shows the end."""
    heading = terminal_layout.wrap_text(headline.verdict_heading(d, report), width)
    code = labels.VERDICTS[report.verdict].colour
    cause = terminal_layout.wrap_text(headline.verdict_cause(d, report), width - len(_INDENT))
    step = terminal_layout.wrap_text(f"Next: {headline.next_step(d, report, NO_LINKS)}", width)
    return "\n".join(
        [*(_painted(line, code, colour=colour) for line in heading), *(f"{_INDENT}{line}" for line in cause), *step]
    )


def _gates(d: Markup, report: Report, *, colour: bool, width: int) -> list[str]:
    rows = merge_rules(report)
    has = rows_available(report)
    blocks = []
    for row in rows[:_MOST_GATES]:
        state = labels.STATES[row.gate.outcome]
        named = d.words("{} {}  {}", state.mark, rule_title(d, row), rule_word(row))
        first, *rest = terminal_layout.wrap_text(named, width - len(_INDENT))
        line = gate_numbers(row.gate)
        below = [*_figures(row, line.evidence, line.limit, width=width)]
        remarks = d.join("; ", rule_remarks(d, has, row, line))
        below += terminal_layout.wrap_text(remarks, width - len(_INDENT)) if remarks else []
        lines = [_painted(first, state.colour, colour=colour), *(f"{_INDENT}{line}" for line in [*rest, *below])]
        blocks.append("\n".join(lines))
    hidden = [gate for row in rows[_MOST_GATES:] for gate in row.gates]
    return [*blocks, f"and {number_format.format_count(len(hidden))} more not passed"] if hidden else blocks


def _figures(row: RuleRow, evidence: str, limit: str, *, width: int) -> list[str]:
    """Write the bar, and beside it or below it the numbers that it draws."""
    if row.gate.value is None:
        return [limit]
    bar = interval_bar(row.gate)
    room = width - len(_INDENT)
    numbers = (
        [f"{evidence}, {limit}"] if terminal_layout.text_width(f"{evidence}, {limit}") <= room else [evidence, limit]
    )
    if bar is None or room < _WORSE + 1 + _BETTER:
        return numbers
    joined = f"{bar:<{_WORSE + 1 + _BETTER}}  {numbers[0]}"
    if len(numbers) == 1 and terminal_layout.text_width(joined) <= room:
        return [joined]
    return [bar, *numbers]


def _passed(d: Markup, report: Report, *, colour: bool, width: int) -> list[str]:
    number = sum(gate.outcome == "passed" for gate in report.gates)
    if not number:
        return []
    state = labels.STATES["passed"]
    names = d.join("; ", gates.passed_names(d, report, most=_MOST_NAMED))
    text = d.words("{} {} passed: {}", state.mark, number_format.format_count(number), names)
    first, *rest = terminal_layout.wrap_text(text, width - len(_INDENT))
    return ["\n".join([_painted(first, state.colour, colour=colour), *(f"{_INDENT}{line}" for line in rest)])]


def _legend(report: Report, *, width: int) -> list[str]:
    drawn = any(gate.outcome != "passed" and interval_bar(gate) is not None for gate in report.gates)
    share = number_format.format_percent(report.policy.confidence)
    text = _LEGEND.replace("━ interval", f"━ {share} interval")
    return ["\n".join(terminal_layout.wrap_text(text, width))] if drawn else []


def _section(section: Section, *, width: int) -> str:
    tables = [line for table in section.tables for line in ("", _table(table, width=width))][1:]
    bullet = "" if section.folded else "- "
    lines = [line for text in section.lines for line in terminal_layout.wrap_text(bullet + text, width)]
    return "\n".join([*terminal_layout.wrap_text(section.title, width), *tables, *lines])


def _table(table: ReportTable, *, width: int) -> str:
    hidden = len(table.rows) - _MOST_ROWS
    text = lay_out(replace(table, rows=table.rows[:_MOST_ROWS]), width=width)
    return f"{text}\nand {number_format.pluralize(hidden, 'more row', 'more rows')}" if hidden > 0 else text


def _painted(text: str, code: int, *, colour: bool) -> str:
    return f"\033[{code}m{text}\033[0m" if colour else text


def interval_bar(gate: GateRow) -> str | None:
    """Draw a gate's interval and value on a scale of its own; ``None`` where there is nothing to draw.

    Ends are moved to the side of the limit that they are on, so that the bar never contradicts the gate's outcome. A
    gate that compares its value alone is drawn without the interval.
    """
    distances = limit_distances(gate)
    if distances is None:
        return None
    low, high, value = distances
    reach = max(-min(low, value) / (_WORSE - 1), max(high, value) / (_BETTER - 1))
    if not isfinite(reach):
        return None
    return _draw_cells(_cell(low, reach), _cell(high, reach), _cell(value, reach), _MARKERS[gate.outcome])


def _cell(distance: float, reach: float) -> int:
    """Return the cell of a number, counted from the limit; only the limit itself has cell 0."""
    if distance == 0:
        return 0
    cell = round(distance / reach) if reach else 0  # the reach of the smallest numbers rounds to 0
    return min(cell, -1) if distance < 0 else max(cell, 1)


def _draw_cells(low: int, high: int, value: int, marker: str) -> str:
    cells = ["·"] * _WORSE + ["│"] + [" "] * _BETTER
    for cell in range(low, high + 1):
        cells[_WORSE + cell] = "┿" if cell == 0 else "━"
    cells[_WORSE + value] = marker
    return "".join(cells).rstrip()


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
