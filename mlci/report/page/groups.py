"""Groups on the page: values and changes by slice, and how far apart the groups are with both models."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlci.report.document import DisparityRow, GateRow, GroupRow, MetricRow, Report
from mlci.report.gate_numbers import bound_of, gate_numbers
from mlci.report.page.gates import OPEN
from mlci.report.page.scales import Scale, Tick, fit_scale, sets_scale
from mlci.report.sections.evidence import evidence_cells
from mlci.report.sections.groups import (
    Gates,
    count_states,
    disparity_finding,
    gain_of,
    gate_rank,
    gated_groups,
    groups_finding,
    leveling_note,
)
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup

MOST = 1_000
"""Groups of a section beyond which groups are counted and not listed, and no strip is drawn."""
MANY = 60
"""Groups above which folded rows have no plot of both values."""


@dataclass(frozen=True, kw_only=True)
class ChangePlot:
    """A change on the scale of its table; ``cut_low`` and ``cut_high`` say that an end lies outside of it."""

    low: float
    high: float
    value: float
    cut_low: bool
    cut_high: bool
    has_interval: bool


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """A row of a table of groups or of metrics.

    Attributes:
        name: Group or metric.
        count: Rows, or what the metric counts.
        values: ``baseline → candidate``.
        levels: Positions of both values; each may be missing.
        change: The change as text.
        interval: Its interval as text.
        plot: The change on the table's scale.
        outcome, word: State of its gate, or a finding; empty without one.
        hollow: Whether its mark is hollow, for too few rows.
    """

    name: str
    count: str
    values: str
    levels: tuple[float | None, float | None] | None
    change: str | None
    interval: str | None
    plot: ChangePlot | None
    outcome: str
    word: str
    hollow: bool = False


@dataclass(frozen=True, kw_only=True)
class ChangeAxis:
    """Scale of the changes of one table, with the limit on them if there is one.

    Attributes:
        ticks: Ticks.
        zero: Position of no change.
        limit: Position of the limit; ``None`` without one.
        worse_left: Whether the side left of the limit is the bad one.
    """

    ticks: tuple[Tick, ...]
    zero: float | None
    limit: float | None = None
    worse_left: bool = True


@dataclass(frozen=True, kw_only=True)
class GroupSection:
    """One gated metric by slice.

    Attributes:
        anchor: Its id on the page.
        title: Metric and slice.
        finding: One sentence on what happened.
        slice, unit: Heads of the first columns.
        both: Whether there is a baseline.
        level_ticks: Ticks of the values; empty if they are not drawn.
        overall: Position of the candidate's value on all rows.
        axis: Scale of the changes; ``None`` without changes.
        strip: Position and outcome of every group, where there are many.
        rows, more: Groups that are open, and folded ones.
        more_groups: Number of folded groups, those that are left out among them.
        more_title: What the fold says.
        failed: Whether a gate of it failed.
        limit: The limit in words.
    """

    anchor: str
    title: str
    finding: str
    slice: str
    unit: str
    both: bool
    level_ticks: tuple[Tick, ...]
    overall: float | None
    axis: ChangeAxis | None
    strip: tuple[tuple[float, str], ...]
    rows: tuple[GroupView, ...]
    more: tuple[GroupView, ...]
    more_groups: int
    more_title: str
    failed: bool
    limit: str | None


def group_sections(d: Markup, report: Report) -> list[GroupSection]:
    """Show every group of each gated metric and slice, what needs attention first."""
    return [
        _section(d, report, key, rows, gates, number=number)
        for number, (key, rows, gates) in enumerate(gated_groups(report), start=1)
    ]


def _section(
    d: Markup,
    report: Report,
    key: tuple[str, str],
    rows: Sequence[MetricRow],
    gates: Gates,
    *,
    number: int,
) -> GroupSection:
    name, metric = key
    ordered = sorted(rows, key=lambda row: (gate_rank(gates.get(row.group or "", [])), gain_of(metric, row)))
    overall = next((row for row in report.metrics if row.slice is None and row.metric == metric), None)
    limit = _change_limit(gates)
    scales = _Scales.of(rows, overall, limit)
    views = [_view(d, row, gates.get(row.group or "", []), scales) for row in ordered[:MOST]]
    shown = len(rows) if len(rows) <= OPEN else max(1, min(OPEN, _doubtful(ordered, gates)) or OPEN)
    more = tuple(view if len(rows) <= MANY else replace(view, levels=None) for view in views[shown:])
    units = {row.support_unit or "rows" for row in rows}
    unit = labels.metric_unit(metric)
    return GroupSection(
        anchor=f"by-{number}",
        title=d.words("{} by {}", d.text(labels.metric_title(metric)), d.text(name)),
        finding=d.words("{}.", d.capital(groups_finding(d, metric, rows))),
        slice=d.text(name),
        unit=d.text(_capital(units.pop() if len(units) == 1 else "rows")),
        both=any(row.baseline is not None for row in rows),
        level_ticks=scales.level.ticks(unit) if scales.level else (),
        overall=scales.overall,
        axis=_axis(scales.change, limit, unit),
        strip=_strip(ordered, gates, scales.change) if OPEN < len(rows) <= MOST else (),
        rows=tuple(views[:shown]),
        more=more,
        more_groups=len(ordered) - shown,
        more_title=_more_title(d, ordered[shown:], gates),
        failed=any(gate.outcome in {"failed", "error"} for found in gates.values() for gate in found),
        limit=None if limit is None else d.number(_limit_words(gates)),
    )


def _doubtful(rows: Sequence[MetricRow], gates: Gates) -> int:
    states = [gates[row.group or ""][0].outcome for row in rows if row.group in gates]
    return sum(state != "passed" for state in states)


def _change_limit(gates: Gates) -> GateRow | None:
    """Return a gate on the change whose limit is the same number in every group; ``None`` without one."""
    found = [gate for group in gates.values() for gate in group if gate.on == "change" and gate.value is not None]
    return found[0] if found and len({bound_of(gate) for gate in found}) == 1 else None


def _limit_words(gates: Gates) -> str:
    gate = _change_limit(gates)
    return "" if gate is None else gate_numbers(gate).limit


@dataclass(frozen=True)
class _Scales:
    level: Scale | None
    change: Scale | None
    overall: float | None

    @classmethod
    def of(cls, rows: Sequence[MetricRow], overall: MetricRow | None, limit: GateRow | None) -> "_Scales":
        largest = max((row.support or row.rows or 0 for row in rows), default=0)
        ruling = [row for row in rows if sets_scale(row.support if row.support is not None else row.rows, largest)]
        values = [value for row in ruling for value in (row.baseline, row.candidate)]
        at = overall.candidate if overall is not None else None
        level = fit_scale([*values, at]) if any(value is not None for value in values) else None
        changes = [value for row in ruling for value in (row.change, *(row.change_interval or ()))]
        known = any(value is not None for value in changes)
        change = fit_scale(changes, include=(0.0, *((bound_of(limit),) if limit else ()))) if known else None
        return cls(level, change, level.x(at) if level is not None and at is not None else None)


def change_plot(row: MetricRow, scale: Scale | None) -> ChangePlot | None:
    """Place a row's change on a table's scale."""
    if scale is None or row.change is None:
        return None
    low, high = row.change_interval or (row.change, row.change)
    return ChangePlot(
        low=scale.x(low),
        high=scale.x(high),
        value=scale.x(row.change),
        cut_low=scale.is_cut(low),
        cut_high=scale.is_cut(high),
        has_interval=row.change_interval is not None,
    )


def _axis(scale: Scale | None, limit: GateRow | None, unit: str) -> ChangeAxis | None:
    if scale is None:
        return None
    return ChangeAxis(
        ticks=scale.ticks(unit, change=True),
        zero=scale.x(0.0),
        limit=scale.x(bound_of(limit)) if limit is not None else None,
        worse_left=limit.limit.is_floor if limit is not None else True,
    )


def _view(d: Markup, row: MetricRow, gates: Sequence[GateRow], scales: _Scales) -> GroupView:
    cells = evidence_cells(d, row, both=row.baseline is not None)
    count = row.support if row.support is not None else row.rows
    level = scales.level
    values = (row.baseline, row.candidate)
    levels = tuple(None if value is None or level is None else level.x(value) for value in values)
    gate = gates[0] if gates else None
    return GroupView(
        name=d.text(row.group or ""),
        count=d.number(number_format.format_count(count)),
        values=cells.values if row.candidate is not None else d.text(row.reason or "undefined"),
        levels=(levels[0], levels[1]) if level is not None else None,
        change=cells.change,
        interval=cells.change_interval,
        plot=change_plot(row, scales.change),
        outcome=gate.outcome if gate else "",
        word=d.number(labels.outcome_word(gate)) if gate else d.number(""),
        hollow=gate is not None and labels.lacks_rows(gate),
    )


def _strip(rows: Sequence[MetricRow], gates: Gates, scale: Scale | None) -> tuple[tuple[float, str], ...]:
    """Place a line for every group at its change, those that failed last, so that they are drawn on top."""
    if scale is None:
        return ()
    known = [row for row in reversed(rows) if row.change is not None]
    return tuple(
        (scale.x(row.change or 0.0), gates[row.group or ""][0].outcome if gates.get(row.group or "") else "none")
        for row in known
    )


def _more_title(d: Markup, rows: Sequence[MetricRow], gates: Gates) -> str:
    more = number_format.pluralize(len(rows), "more group")
    return d.number(f"{more}: {count_states(rows, gates)}") if rows else d.number("")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, kw_only=True)
class RangeLine:
    """One model's groups on a line: each position with the group's name, then both ends."""

    model: str
    points: tuple[tuple[float, str], ...]
    low: float
    high: float
    lowest: str
    highest: str


@dataclass(frozen=True, kw_only=True)
class FairnessSection:
    """A disparity that a gate looks at.

    Attributes:
        anchor: Its id on the page.
        title: Disparity and slice.
        finding: One sentence on the gap.
        numbers: Both values if the sentence does not have them, and the change with its interval.
        note: Text of the "read with care" note; empty without one.
        base: The metric whose values are drawn.
        lines: The baseline's groups and the candidate's.
        ticks: Ticks of their scale.
    """

    anchor: str
    title: str
    finding: str | None
    numbers: str
    note: tuple[str, ...]
    base: str
    lines: tuple[RangeLine, ...]
    ticks: tuple[Tick, ...]


def fairness_sections(d: Markup, report: Report) -> list[FairnessSection]:
    """Show each disparity that a gate looks at and whose groups are known."""
    gated = {(row.metric, row.scope.across) for row in report.gates}
    rows = [row for row in report.disparities if (row.metric, row.across) in gated and row.groups]
    return [_fairness_section(d, row, number) for number, row in enumerate(rows, start=1)]


def _fairness_section(d: Markup, row: DisparityRow, number: int) -> FairnessSection:
    bases = labels.disparity_bases(row.metric)
    base = bases[0] if bases else row.metric
    scale = fit_scale([value for group in row.groups for value in (group.baseline, group.candidate)])
    finding = disparity_finding(d, row)
    cells = evidence_cells(d, row, both=row.baseline is not None)
    values = d.words("{}.", cells.values) if finding is None else d.number("")
    change = d.words(" Change: {}.", cells.change_with_interval) if cells.change_with_interval else d.number("")
    return FairnessSection(
        anchor=f"fairness-{number}",
        title=d.words("{} across {}", d.text(labels.metric_title(row.metric)), d.text(row.across)),
        finding=None if finding is None else d.words("The gap {}.", finding),
        numbers=d.words("{}{}", values, change),
        note=leveling_note(d, row),
        base=d.text(labels.metric_title(base)),
        lines=_lines(d, row.groups, scale) if scale is not None else (),
        ticks=scale.ticks(labels.metric_unit(base)) if scale is not None else (),
    )


def _lines(d: Markup, groups: Sequence[GroupRow], scale: Scale) -> tuple[RangeLine, ...]:
    before = [(group.baseline, group.group) for group in groups if group.baseline is not None]
    after = [(group.candidate, group.group) for group in groups if group.candidate is not None]
    return tuple(
        _line(d, model, values, scale) for model, values in (("Baseline", before), ("Candidate", after)) if values
    )


def _line(d: Markup, model: str, values: Sequence[tuple[float, str]], scale: Scale) -> RangeLine:
    lowest, highest = min(values), max(values)
    return RangeLine(
        model=d.number(model),
        points=tuple((scale.x(value), d.text(name)) for value, name in values),
        low=scale.x(lowest[0]),
        high=scale.x(highest[0]),
        lowest=d.text(lowest[1]),
        highest=d.text(highest[1]),
    )
