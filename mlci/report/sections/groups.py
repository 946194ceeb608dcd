"""Sections on the groups that gates look at: the finding in the title, failing groups first."""

from collections.abc import Sequence
from math import inf

from mlci.metrics import catalogue
from mlci.report.document import GateRow, MetricRow, Report
from mlci.report.gate_numbers import LONG
from mlci.report.sections.evidence import count_cell, evidence_cells, group_rows, values_cell
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, ReportTable, Section, build_table

SHOWN = 12
"""Groups that a comment lists; the summary lists all."""
Gates = dict[str, list[GateRow]]


def first_groups(d: Markup, report: Report) -> list[Section]:
    """Show the groups of each gated slice and metric, what needs attention first, at most :data:`SHOWN`."""
    return _sections(d, report, most=SHOWN)


def all_groups(d: Markup, report: Report) -> list[Section]:
    """Show every group of each gated slice and metric."""
    return _sections(d, report, most=None)


def gated_groups(report: Report) -> list[tuple[tuple[str, str], list[MetricRow], Gates]]:
    """Return each gated slice and metric that was measured, with the rows of its groups and their gates."""
    measured = group_rows(report)
    gated: dict[tuple[str, str], Gates] = {}
    for gate in labels.in_order(report.gates):
        if gate.scope.slice is not None:
            groups = gated.setdefault((gate.scope.slice, gate.metric), {})
            groups.setdefault(gate.scope.group or "", []).append(gate)
    keys = dict.fromkeys((gate.scope.slice or "", gate.metric) for gate in report.gates)
    return [(key, measured[key], gated[key]) for key in keys if key in measured and key in gated]


def _sections(d: Markup, report: Report, *, most: int | None) -> list[Section]:
    return [_section(d, report, key, rows, gates, most=most) for key, rows, gates in gated_groups(report)]


def _section(
    d: Markup, report: Report, key: tuple[str, str], rows: Sequence[MetricRow], gates: Gates, *, most: int | None
) -> Section:
    name, metric = key
    ordered = sorted(rows, key=lambda row: (gate_rank(gates.get(row.group or "", [])), gain_of(metric, row)))
    shown = ordered[:most]
    caption = d.words("{} by {}", d.text(labels.metric_title(metric)), d.text(name))
    title = d.words("{}: {}", caption, groups_finding(d, metric, rows))
    return Section("groups", title, (_table(d, report, name, shown, gates),), _left(d, ordered[len(shown) :], gates))


def gate_rank(gates: Sequence[GateRow]) -> tuple[bool, int, bool]:
    """Sort groups by their most severe gate; those without one come with the passed ones."""
    if not gates:
        return True, list(labels.STATES).index("passed"), False
    return not gates[0].blocks, list(labels.STATES).index(gates[0].outcome), labels.has_too_few(gates[0])


def gain_of(metric: str, row: MetricRow) -> float:
    """Return how much better a group became; without a direction, how far it moved."""
    if row.change is None:
        return inf
    return row.change * _sign(metric) if _sign(metric) else -abs(row.change)


def _sign(metric: str) -> int:
    info = catalogue.find(metric)
    return {"higher": 1, "lower": -1}.get(info.direction if info else "none", 0)


def groups_finding(d: Markup, metric: str, rows: Sequence[MetricRow]) -> str:
    """Say in how many groups a metric got worse, and where most."""
    compared = [row for row in rows if row.change is not None]
    groups = number_format.pluralize(len(rows), "group")
    sign = _sign(metric)
    if not compared:
        return _extreme(d, metric, rows, groups)
    verb = {1: "fell", -1: "rose", 0: "moved"}[sign]
    worse = [row for row in compared if (row.change or 0.0) * sign < 0 or (not sign and row.change)]
    if not worse:
        return d.number(f"{verb} in none of {groups}")
    most = min(worse, key=lambda row: gain_of(metric, row))
    where = d.words(
        "{} in {} of {}", d.number(verb), d.number(number_format.format_count(len(worse))), d.number(groups)
    )
    change = evidence_cells(d, most, both=True).change or d.number("")
    return d.words("{}, most in {} ({})", where, d.text(most.group or ""), change)


def _extreme(d: Markup, metric: str, rows: Sequence[MetricRow], groups: str) -> str:
    """Say in which group the candidate alone is worst, if a direction is the good one."""
    sign = _sign(metric)
    measured = [row for row in rows if row.candidate is not None]
    if not measured or not sign:
        return d.number(groups)
    worst = min(measured, key=lambda row: (row.candidate or 0.0) * sign)
    value = evidence_cells(d, worst, both=False).values
    where = d.number(f"{groups}, {'lowest' if sign > 0 else 'highest'} in")
    return d.words("{} {} ({})", where, d.text(worst.group or ""), value)


def _table(d: Markup, report: Report, name: str, rows: Sequence[MetricRow], gates: Gates) -> ReportTable:
    both = any(row.baseline is not None for row in rows)
    on_value = any(gate.on == "value" for group in gates.values() for gate in group)
    cells = [evidence_cells(d, row, both=both) for row in rows]
    share = number_format.format_percent(report.policy.confidence)
    intervals = any(row.change_interval is not None for row in rows)
    pairs = [values_cell(d, row, cell, interval=on_value) for row, cell in zip(rows, cells, strict=True)]
    values = "Baseline → candidate" if both else "Candidate"
    units = {row.support_unit or "rows" for row in rows if row.support is not None}
    unit = units.pop() if len(units) == 1 else "rows"
    counts = [row.support if unit != "rows" else row.rows for row in rows]
    return build_table(
        d,
        [
            ReportColumn(d.text(name), [d.text(row.group or "") for row in rows], name=True),
            ReportColumn(d.text(unit[:1].upper() + unit[1:]), [count_cell(d, number) for number in counts], right=True),
            ReportColumn(d.number(f"{values}, {share} interval" if on_value else values), pairs, right=True),
            ReportColumn(
                d.number(f"Change, {share} interval" if intervals else "Change"),
                [cell.change_with_interval for cell in cells],
                right=True,
            ),
            ReportColumn(d.number("Gate"), [_state(d, gates.get(row.group or "", [])) for row in rows]),
        ],
    )


def _state(d: Markup, gates: Sequence[GateRow]) -> str | None:
    if not gates:
        return None
    gate = gates[0]
    state = labels.STATES[gate.outcome]
    shown = d.number(f"{state.glyph if d.emphasis else state.mark} {labels.outcome_word(gate)}")
    if gate.why != "holm" or not gate.reason:
        return shown
    return d.join("", [shown, d.note(d.text(gate.reason, longest=LONG))])


def _left(d: Markup, rows: Sequence[MetricRow], gates: Gates) -> tuple[str, ...]:
    """Count the groups that are not listed, by their state."""
    if not rows:
        return ()
    more = f"{number_format.format_count(len(rows))} more {'group is' if len(rows) == 1 else 'groups are'}"
    return (d.number(f"{more} in the job summary: {count_states(rows, gates)}."),)


def count_states(rows: Sequence[MetricRow], gates: Gates) -> str:
    """Count groups by the state of their most severe gate: ``2 failed, 5 passed``."""
    counts: dict[str, int] = {}
    for row in rows:
        own = gates.get(row.group or "", [])
        word = labels.outcome_word(own[0]) if own else "without a gate"
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{number_format.format_count(number)} {word}" for word, number in counts.items())
