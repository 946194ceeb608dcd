"""Sections on groups: the finding in the title, failing groups first, and the gaps between groups."""

from collections.abc import Sequence
from math import inf

from mlci.metrics import catalogue
from mlci.report.document import DisparityRow, GateRow, GroupRow, MetricRow, Report
from mlci.report.gate_numbers import LONG, candidate_and_baseline
from mlci.report.sections.evidence import (
    count_cell,
    evidence_cells,
    evidence_columns,
    group_rows,
    values_cell,
)
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
    return not gates[0].blocks, list(labels.STATES).index(gates[0].outcome), labels.lacks_rows(gates[0])


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


def watched_disparities(d: Markup, report: Report) -> list[Section]:
    """Show the group rates behind each disparity that a gate looks at."""
    keys = {(row.metric, row.scope.across) for row in report.gates}
    return [_disparity(d, report, row) for row in report.disparities if (row.metric, row.across) in keys and row.groups]


def all_disparities(d: Markup, report: Report) -> list[Section]:
    """Show all disparities in one table."""
    rows = report.disparities
    if not rows:
        return []
    across = ReportColumn(d.number("Across"), [d.text(row.across) for row in rows], name=True)
    named = ReportColumn(d.number("Disparity"), [d.text(labels.metric_title(row.metric)) for row in rows], name=True)
    title = d.number(f"Disparities: {number_format.format_count(len(rows))}")
    return [Section("disparities", title, (build_table(d, [named, across, *evidence_columns(d, report, rows)]),))]


def _disparity(d: Markup, report: Report, row: DisparityRow) -> Section:
    name = d.text(labels.metric_title(row.metric))
    caption = d.words("{} across {}", name, d.text(row.across))
    columns = [
        ReportColumn(d.text(row.across), [_group(d, group) for group in row.groups], name=True),
        ReportColumn(d.number("Rows"), [count_cell(d, group.rows) for group in row.groups], right=True),
        *_rates(d, report, row),
        *(_changes(d, row) if labels.is_shift_row(row.metric) else _distances(d, row)),
    ]
    head = ReportColumn(d.number("Disparity"), [name], name=True)
    spread = build_table(d, [head, *evidence_columns(d, report, [row])])
    title = d.words("{}: {}", caption, finding) if (finding := disparity_finding(d, row)) is not None else caption
    return Section("group rates", title, (spread, build_table(d, columns)), leveling_note(d, row))


def _distances(d: Markup, row: DisparityRow) -> list[ReportColumn]:
    """Show how far each group is from the reference group."""
    against = d.words(" to {}", d.text(row.reference)) if row.reference is not None else d.number("")
    ratios = [_plain(d, group.ratio) for group in row.groups]
    differences = [_plain(d, group.difference, plus=True) for group in row.groups]
    return [
        ReportColumn(d.words("Ratio{}", against), ratios, right=True),
        ReportColumn(d.words("Difference{}", against), differences, right=True),
    ]


def _changes(d: Markup, row: DisparityRow) -> list[ReportColumn]:
    """Show the change of the first base metric in each group, of which a shift is the largest minus the smallest."""
    cells = []
    for group in row.groups:
        defined = group.candidate is not None and group.baseline is not None
        change = (group.candidate or 0.0) - (group.baseline or 0.0) if defined else None
        style = number_format.number_style(
            (group.baseline, group.candidate, change), unit=labels.metric_unit(row.metric)
        )
        cells.append(d.number(style.change(change)) if defined else None)
    return [ReportColumn(d.number("Change"), cells, right=True)]


def _group(d: Markup, group: GroupRow) -> str:
    name = d.text(group.group)
    return d.words("{} (too few rows to judge)", name) if group.small else name


def _rates(d: Markup, report: Report, row: DisparityRow) -> list[ReportColumn]:
    """Show what the disparity compares: the row's own rates, and those of its other metrics from the slice's rows."""
    bases = labels.disparity_bases(row.metric)
    by_group = {(item.metric, item.group): item for item in report.metrics if item.slice == row.across}
    columns = [_rate(d, bases[0] if bases else row.metric, row.groups, named=bool(bases))]
    for base in bases[1:]:
        others = [by_group.get((base, group.group)) for group in row.groups]
        columns.append(_rate(d, base, others, named=True))
    return columns


def _rate(d: Markup, metric: str, rows: Sequence[GroupRow | MetricRow | None], *, named: bool) -> ReportColumn:
    both = any(row.baseline is not None for row in rows if row is not None)
    cells: list[str | None] = []
    for row in rows:
        if row is None:
            cells.append(None)
            continue
        style = number_format.number_style((row.baseline, row.candidate), unit=labels.metric_unit(metric))
        cells.append(
            d.number(candidate_and_baseline(style, row.baseline, row.candidate) if both else style.value(row.candidate))
        )
    values = d.number("Baseline → candidate" if both else "Candidate")
    if named:
        values = d.words(
            "{}, {}", d.text(labels.metric_title(metric)), d.number("baseline → candidate" if both else "candidate")
        )
    return ReportColumn(values, cells, right=True)


def _plain(d: Markup, value: float | None, *, plus: bool = False) -> str | None:
    if value is None:
        return None
    style = number_format.number_style((value,), unit="fraction")
    return d.number(style.signed(value) if plus else style.value(value))


def disparity_finding(d: Markup, row: DisparityRow) -> str | None:
    """Say whether the gap between groups narrowed: ``narrowed, 0.398 → 0.230``; ``None`` without two values."""
    if row.baseline is None or row.candidate is None or row.change is None:
        return None
    style = number_format.number_style((row.baseline, row.candidate), unit=labels.metric_unit(row.metric))
    before, after = style.value(row.baseline), style.value(row.candidate)
    pair = f"{before} → {after}"
    word = "unchanged" if row.change == 0 else "narrowed" if _is_narrower(row) else "widened"
    word = "about the same" if row.change and before == after else word
    ends = row.change_interval
    doubt = ", without a clear change" if ends is not None and row.change and ends[0] <= 0 <= ends[1] else ""
    cause = "; the best-served group got worse" if _leveled(row) is not None else ""
    return d.number(f"{word}, {pair}{doubt}{cause}")


def leveling_note(d: Markup, row: DisparityRow) -> tuple[str, ...]:
    """Say it in a sentence if the gap narrowed mostly because the best-served group got worse."""
    ends = _leveled(row)
    if ends is None:
        return ()
    best, lowest = ends
    fall, moved = _change(best), _change(lowest)
    style = number_format.number_style((fall, moved), unit=labels.metric_unit(_base(row) or ""))
    words = (
        "The gap narrowed mostly because the best-served group got worse: {} fell by {}, "
        "while {}, the lowest before, {}."
    )
    last = f"moved by {style.change(moved)}" if moved else "did not change"
    parts = (d.text(best.group), d.number(style.amount(fall)), d.text(lowest.group), d.number(last))
    return (d.words(words, *parts),)


def _is_narrower(row: DisparityRow) -> bool:
    info = catalogue.find(row.metric)
    rose = (row.change or 0.0) > 0
    return rose if info is not None and info.direction == "higher" else not rose


def _base(row: DisparityRow) -> str | None:
    """Return the one metric that a disparity compares, if more of it is better."""
    bases = labels.disparity_bases(row.metric)
    info = catalogue.find(bases[0]) if len(bases) == 1 else None
    return bases[0] if info is not None and info.direction == "higher" else None


def _leveled(row: DisparityRow) -> tuple[GroupRow, GroupRow] | None:
    """Return the best and the lowest group of the baseline if the gap narrowed mostly by the fall of the best one."""
    if _base(row) is None or not row.change or not _is_narrower(row) or labels.is_shift_row(row.metric):
        return None
    groups = [group for group in row.groups if None not in {group.baseline, group.candidate} and not group.small]
    if len(groups) < 2:
        return None
    before, after = [group.baseline or 0.0 for group in groups], [group.candidate or 0.0 for group in groups]
    best, lowest = groups[before.index(max(before))], groups[before.index(min(before))]
    top, bottom = max(before) - max(after), min(after) - min(before)
    return (best, lowest) if _change(best) < 0 and top > max(bottom, 0.0) else None


def _change(group: GroupRow) -> float:
    return (group.candidate or 0.0) - (group.baseline or 0.0)
