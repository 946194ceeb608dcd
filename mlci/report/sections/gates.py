"""Tables of gates: those that did not pass, what needs attention first, and the passed ones."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import inf

from mlci.report.document import GateRow, Report
from mlci.report.gate_numbers import (
    LONG,
    GateNumbers,
    Stock,
    bound_of,
    compared_head,
    gate_numbers,
    gate_remarks,
    pair_text,
    rows_available,
)
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, ReportTable, Section, build_table

_MERGED = {"inconclusive", "no_baseline"}


@dataclass(frozen=True)
class RuleRow:
    """A row of the gate table.

    Attributes:
        gate: The gate whose numbers the row shows: of several groups the one that is worst off.
        gates: Every gate that the row stands for.
        total: How many gates the rule has.
    """

    gate: GateRow
    gates: tuple[GateRow, ...]
    total: int

    @property
    def blocks(self) -> bool:
        """Whether the row's outcome alone blocks the merge."""
        return self.gate.blocks

    @property
    def short(self) -> int:
        """How many of its gates lack rows or labels."""
        return sum(labels.lacks_rows(gate) for gate in self.gates)


def merge_rules(report: Report) -> list[RuleRow]:
    """Return a row for each gate that did not pass; undecided groups of one rule share one.

    Groups share a row only if the report has their values, so that a table of groups names each of them.
    """
    listed = {(row.slice, row.metric, row.group) for row in report.metrics if row.slice is not None}
    totals: dict[Hashable, int] = {}
    for gate in report.gates:
        totals[rule_key(gate)] = totals.get(rule_key(gate), 0) + 1
    merged: dict[Hashable, list[GateRow]] = {}
    for index, gate in enumerate(labels.in_order(report.gates)):
        if gate.outcome == "passed":
            continue
        shared = gate.outcome in _MERGED and (gate.scope.slice, gate.metric, gate.scope.group) in listed
        key = (rule_key(gate), gate.outcome, gate.blocks) if shared else index
        merged.setdefault(key, []).append(gate)
    return [RuleRow(worst_off(gates), tuple(gates), totals[rule_key(gates[0])]) for gates in merged.values()]


def rule_key(gate: GateRow) -> Hashable:
    """Return what the gates of one limit of a rule have in common; older reports do not name the rule."""
    rule = (gate.line, gate.metric, gate.scope.slice, gate.scope.across) if gate.rule is None else gate.rule
    return rule, gate.limit


def worst_off(gates: Iterable[GateRow]) -> GateRow:
    """Return the gate that is farthest on the wrong side of its limit, of those with enough rows if there are any."""
    return min(gates, key=lambda gate: (labels.lacks_rows(gate), _distance(gate)))


def _distance(gate: GateRow) -> float:
    """Return how far on the right side of its limit a gate's value lies, negative on the wrong side."""
    if gate.value is None:
        return inf
    return gate.limit.distance(gate.value, bound_of(gate))


def attention_table(d: Markup, report: Report, rows: Sequence[RuleRow]) -> ReportTable:
    """Lay out what did not pass: gate with both values under it, value or change over its interval, limit."""
    has = rows_available(report)
    gates = [row.gate for row in rows]
    lines = [gate_numbers(gate) for gate in gates]
    pairs = any(gate.baseline is not None for gate in gates)
    return build_table(
        d,
        [
            ReportColumn(
                d.number("Gate, baseline → candidate" if pairs else "Gate"),
                [_gate(d, has, row, line) for row, line in zip(rows, lines, strict=True)],
                name=True,
            ),
            ReportColumn(
                d.number(compared_head(report, gates)),
                [_evidence(d, row, line) for row, line in zip(rows, lines, strict=True)],
            ),
            ReportColumn(d.number("Limit"), [d.number(line.limit) for line in lines]),
        ],
    )


def rule_title(d: Markup, row: RuleRow) -> str:
    """Name a gate, or count the groups that a row stands for: ``Accuracy, 8 of 30 district groups``."""
    gate = row.gate
    if len(row.gates) == 1:
        return labels.scoped_title(d, gate.metric, gate.scope)
    number, total = (number_format.format_count(count) for count in (len(row.gates), row.total))
    counted = d.number(number if number == total else f"{number} of {total}")
    return d.words(
        "{}, {} {} groups", d.text(labels.metric_title(gate.metric)), counted, d.text(gate.scope.slice or "")
    )


def rule_word(row: RuleRow) -> str:
    """Return the state of a row in words; several groups are short of rows only if all of them are."""
    enough = next((gate for gate in row.gates if not labels.lacks_rows(gate)), row.gate)
    return labels.outcome_word(enough)


def rule_remarks(d: Markup, has: Stock, row: RuleRow, line: GateNumbers) -> list[str]:
    """Return what stands under a gate's name: both values, its reason, and the rows that it needs."""
    gate = row.gate
    pair = pair_text(d, gate, line, both=gate.baseline is not None)
    pair = None if gate.baseline is None and gate.on == "value" and gate.candidate is not None else pair
    if len(row.gates) == 1 or gate.outcome == "no_baseline":
        remark = gate_remarks(d, has, gate)
        pair = pair if len(row.gates) == 1 else None
        return [part for part in (pair, remark) if part is not None]
    return [part for part in (_needs(d, row), _worst(d, row, pair), _short(d, row)) if part is not None]


def _gate(d: Markup, has: Stock, row: RuleRow, line: GateNumbers) -> str:
    state = labels.STATES[row.gate.outcome]
    name = d.strong(rule_title(d, row))
    shown = d.words("{} {} {}", d.number(state.glyph), name, d.number(rule_word(row)))
    remarks = rule_remarks(d, has, row, line)
    return d.join("", [shown, d.note(d.join("; ", remarks))]) if remarks else shown


def _evidence(d: Markup, row: RuleRow, line: GateNumbers) -> str:
    if row.gate.value is None:
        return d.number(
            number_format.UNDEFINED if row.gate.outcome == "error" and not row.gate.test else number_format.NONE
        )
    value = d.strong(d.number(line.value))
    return value if line.interval is None else d.join("", [value, d.below(d.number(line.interval))])


def _needs(d: Markup, row: RuleRow) -> str | None:
    """Say how many rows several groups need each, from the fewest to the most."""
    planned = [gate for gate in row.gates if gate.rows_needed is not None]
    units = {gate.rows_needed_of or "rows" for gate in planned}
    if len(units) != 1:
        return None
    low, high = (number_format.format_count(end(gate.rows_needed or 0 for gate in planned)) for end in (min, max))
    span = f"about {low}" if low == high else f"{low} to {high}"
    some = "" if len(planned) == len(row.gates) else f", where that is known ({len(planned)} groups)"
    return d.words("need {} {} each{}", d.number(span), d.text(units.pop()), d.number(some))


def _worst(d: Markup, row: RuleRow, pair: str | None) -> str | None:
    gate = row.gate
    if gate.value is None:
        return None
    mixed = 0 < row.short < len(row.gates)
    words = "worst with enough rows: {}" if mixed else "worst: {}"
    shown = [d.text(gate.scope.group or ""), *([pair] if pair is not None else [])]
    if gate.why == "holm" and gate.reason:
        shown.append(d.text(gate.reason, longest=LONG))
    return d.words(words, d.join(", ", shown))


def _short(d: Markup, row: RuleRow) -> str | None:
    if not 0 < row.short < len(row.gates):
        return None
    few = sum(map(labels.has_too_few, row.gates))
    reasons = [labels.reason_text(gate) for gate in row.gates if labels.lacks_labels(gate)]
    why = reasons[0] if len(set(reasons)) == 1 else "labels on which it is undefined"
    counted = [(few, d.number(labels.TOO_FEW)), (len(reasons), d.text(why, longest=LONG))]
    known = [(d.number(number_format.format_count(count)), word) for count, word in counted if count]
    return d.join("; ", [d.words("{} of them: {}", count, word) for count, word in known])


_NAMED = 12
_MANY = 12
"""Groups of a slice from which on the passed ones are not listed one by one."""


def passed_gates(d: Markup, report: Report) -> list[Section]:
    """Fold the passed gates away and name them in the title; those of large slices stand in their own section."""
    rows = [row for row in report.gates if row.outcome == "passed"]
    if not rows:
        return []
    named = d.join(", ", passed_names(d, report, most=_NAMED))
    title = d.words("{} passed: {}", d.number(number_format.format_count(len(rows))), named)
    large = _large_slices(report)
    single = [row for row in rows if _scope_key(row) not in large]
    elsewhere = [row for row in rows if _scope_key(row) in large]
    slices = dict.fromkeys(row.scope.slice or "" for row in elsewhere)
    many = d.words(
        "{} by {} have a table of their own below.",
        d.number(number_format.pluralize(len(elsewhere), "passed group")),
        d.join(", ", [d.text(name) for name in slices]),
    )
    tables = (passed_table(d, report, single),) if single else ()
    return [Section("passed gates", title, tables, (many,) if elsewhere else ())]


def passed_table(d: Markup, report: Report, rows: list[GateRow]) -> ReportTable:
    """Lay passed gates out: name, both values, the number compared with the limit, limit."""
    lines = [gate_numbers(row) for row in rows]
    has = rows_available(report)
    both = any(row.baseline is not None for row in rows)
    names = [_name(d, row, gate_remarks(d, has, row)) for row in rows]
    pairs = [pair_text(d, row, line, both=both) for row, line in zip(rows, lines, strict=True)]
    values = [d.number(line.evidence) if row.value is not None else None for row, line in zip(rows, lines, strict=True)]
    return build_table(
        d,
        [
            ReportColumn(d.number("Gate"), names, name=True),
            ReportColumn(d.number("Baseline → candidate" if both else "Candidate"), pairs, right=True),
            ReportColumn(d.number(compared_head(report, rows)), values, right=True),
            ReportColumn(d.number("Limit"), [d.number(line.limit) for line in lines]),
        ],
    )


def _name(d: Markup, row: GateRow, remark: str | None) -> str:
    name = labels.scoped_title(d, row.metric, row.scope)
    return d.join("", [name, d.note(remark)]) if remark is not None else name


def passed_names(d: Markup, report: Report, *, most: int) -> list[str]:
    """Name the passed gates briefly: groups of one slice together, each name once; count those beyond ``most``."""
    total: dict[tuple[str, str | None, str | None], set[str | None]] = {}
    passed: dict[tuple[str, str | None, str | None], set[str | None]] = {}
    for row in report.gates:
        key = (row.metric, row.scope.slice, row.scope.across)
        total.setdefault(key, set()).add(row.scope.group)
        if row.outcome == "passed":
            passed.setdefault(key, set()).add(row.scope.group)
    shown = [_briefly(d, key, len(groups), len(total[key])) for key, groups in list(passed.items())[:most]]
    more = len(passed) - len(shown)
    return [*shown, d.number(f"{number_format.format_count(more)} more")] if more else shown


def _briefly(d: Markup, key: tuple[str, str | None, str | None], number: int, total: int) -> str:
    metric, name, across = key
    words = d.text(labels.metric_title(metric))
    if across is not None:
        return d.words("{} across {}", words, d.text(across))
    if name is None:
        return words
    if total == 1:
        return d.words("{} by {}", words, d.text(name))
    count = number_format.format_count
    counted = f"all {count(total)}" if number == total else f"{count(number)} of {count(total)}"
    return d.words("{} in {} {} groups", words, d.number(counted), d.text(name))


def _large_slices(report: Report) -> set[tuple[str, str | None]]:
    """Return the gated metrics and slices of many groups, all of which a section of its own lists."""
    listed = {(row.metric, row.slice, row.group) for row in report.metrics if row.slice is not None}
    gated: dict[tuple[str, str | None], set[str | None]] = {}
    for gate in report.gates:
        if gate.scope.slice is not None:
            gated.setdefault(_scope_key(gate), set()).add(gate.scope.group)
    return {
        key for key, groups in gated.items() if len(groups) > _MANY and all((*key, group) in listed for group in groups)
    }


def _scope_key(row: GateRow) -> tuple[str, str | None]:
    return row.metric, row.scope.slice
