"""Sections on disparities: whether the gap narrowed, the groups behind each, and all in one table."""

from collections.abc import Sequence

from mlci.metrics import catalogue
from mlci.report.document import DisparityRow, GroupRow, MetricRow, Report
from mlci.report.gate_numbers import candidate_and_baseline
from mlci.report.sections.evidence import (
    count_cell,
    evidence_columns,
)
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, Section, build_table


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
