"""Fairness on the page: where each group stands with both models, and how far apart the groups are."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.report.document import DisparityRow, GroupRow, Report
from mlci.report.page.scales import Scale, Tick, fit_scale
from mlci.report.sections.disparities import disparity_finding, leveling_note
from mlci.report.sections.evidence import evidence_cells
from mlci.report.text import labels
from mlci.report.text.markup import Markup


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
    return [_section(d, row, number) for number, row in enumerate(rows, start=1)]


def _section(d: Markup, row: DisparityRow, number: int) -> FairnessSection:
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
