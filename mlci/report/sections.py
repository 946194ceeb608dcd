"""Sections below the verdict: groups, disparities, metrics of the whole set, slices, provenance."""

from collections.abc import Iterable, Sequence

from mlci.report.document import AgreementRow, DisparityRow, Evidenced, GateRow, GroupRow, MetricRow, Report
from mlci.report.gate_table import LONG, candidate_and_baseline, gate_table
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, ReportTable, Section, build_table


def evidence_columns(d: Markup, report: Report, rows: Sequence[Evidenced]) -> list[ReportColumn]:
    """Return the columns that every table of values shares; empty ones fall away later."""
    share = number_format.format_percent(report.policy.confidence)
    both = any(row.baseline is not None for row in rows)
    cells = [_cells(d, row, both=both) for row in rows]
    change = f"Change, {share} interval" if any(row.change_interval for row in rows) else "Change"
    heads = (
        "Baseline → candidate" if both else "Candidate",
        f"Candidate, {share} interval",
        change,
    )
    columns = [
        ReportColumn(d.number(head), [line[index] for line in cells], right=True) for index, head in enumerate(heads)
    ]
    why = [d.text(row.reason, longest=LONG) if row.reason and row.candidate is None else None for row in rows]
    return [*columns, ReportColumn(d.number("Why"), why, name=True)]


def _cells(d: Markup, row: Evidenced, *, both: bool) -> tuple[str | None, str | None, str | None]:
    narrow = min(
        (one for one in (row.candidate_interval, row.change_interval) if one is not None and one[0] != one[1]),
        key=lambda one: one[1] - one[0],
        default=None,
    )
    values = (row.baseline, row.candidate, row.change, *(row.candidate_interval or ()), *(row.change_interval or ()))
    style = number_format.number_style(values, unit=labels.metric_unit(row.metric), interval=narrow)
    shift = labels.is_shift_row(row.metric)
    value = candidate_and_baseline(style, row.baseline, row.candidate) if both else style.value(row.candidate)
    value = number_format.NONE if shift else value
    interval = style.interval(row.candidate_interval) if row.candidate_interval else None
    change = None
    if row.change is not None:
        change = style.value(row.change) if shift and row.change else style.change(row.change)
        if row.change_interval and not row.change_interval[0] == row.change_interval[1] == 0:
            change += f" ({style.interval(row.change_interval, plus=not shift)})"
    return d.number(value), interval and d.number(interval), change and d.number(change)


_NAMED = 12


def passed_gates(d: Markup, report: Report) -> list[Section]:
    """Fold the passed gates away and name them in the title."""
    rows = [row for row in report.gates if row.outcome == "passed"]
    if not rows:
        return []
    named = _distinct(d, rows)
    shown = named[:_NAMED]
    if len(named) > _NAMED:
        shown.append(d.number(f"{number_format.format_count(len(named) - _NAMED)} more"))
    title = d.words("{} passed: {}", d.number(number_format.format_count(len(rows))), d.join(", ", shown))
    return [Section("passed gates", title, (gate_table(d, report, rows),))]


def watched_groups(d: Markup, report: Report) -> list[Section]:
    """Show every group of the slices and metrics that a gate looks at one by one."""
    found = _by_scope(report)
    keys = dict.fromkeys((row.scope.slice, row.metric) for row in report.gates)
    watched = [(key, found[key]) for key in keys if key in found]
    tables = [_groups(d, report, *key, rows) for key, rows in watched]
    return [Section("groups", table.caption or d.number("Groups"), (table,)) for table in tables]


def other_slices(d: Markup, report: Report) -> list[Section]:
    """Show every slice with every metric that no gate looks at, one section a slice."""
    watched = {(row.scope.slice, row.metric) for row in report.gates}
    parts: dict[str, list[ReportTable]] = {}
    for (name, metric), rows in _by_scope(report).items():
        if (name, metric) not in watched:
            parts.setdefault(name, []).append(_groups(d, report, name, metric, rows))
    return [Section("slices", _slice(d, name, tables), tuple(tables)) for name, tables in parts.items()]


def _slice(d: Markup, name: str, tables: list[ReportTable]) -> str:
    """Head a slice's tables: a single one, which has no caption of its own, by what it shows."""
    many = d.words("{}: {} by group", d.text(name), d.number(number_format.pluralize(len(tables), "metric")))
    return tables[0].caption or many if len(tables) == 1 else many


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


def whole_set_section(d: Markup, report: Report) -> list[Section]:
    """Show both models' metrics on the whole set, and how often they were right together."""
    rows = [row for row in report.metrics if row.slice is None]
    if not rows:
        return []
    named = ReportColumn(d.number("Metric"), [_metric(d, row.metric) for row in rows], name=True)
    lines = (_agreement(d, report.agreement),) if report.agreement else ()
    title = d.number(f"Metrics on the whole set: {number_format.format_count(len(rows))}")
    return [Section("metrics", title, (build_table(d, [named, *evidence_columns(d, report, rows)]),), lines)]


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
        *([(d.number("configuration"), d.code(origin.config))] if origin.config else []),
        *(
            [(d.number("evaluation set"), d.code(report.evaluation.fingerprint))]
            if report.evaluation.fingerprint
            else []
        ),
    ]
    if not pairs:
        return []
    columns = [
        ReportColumn(d.number("What"), [name for name, _ in pairs], name=True),
        ReportColumn(d.number("Value"), [value for _, value in pairs], name=True),
    ]
    return [Section("provenance", d.number("Provenance"), (build_table(d, columns),))]


def _by_scope(report: Report) -> dict[tuple[str, str], list[MetricRow]]:
    """Sort rows of groups by slice and metric, in the order of the document."""
    found: dict[tuple[str, str], list[MetricRow]] = {}
    for row in report.metrics:
        if row.slice is not None:
            found.setdefault((row.slice, row.metric), []).append(row)
    return found


def _groups(d: Markup, report: Report, name: str, metric: str, rows: list[MetricRow]) -> ReportTable:
    caption = _directed(d, metric, d.words("{} by {}", d.text(labels.metric_title(metric)), d.text(name)))
    units = {row.support_unit for row in rows if row.support is not None}
    support = units.pop() if len(units) == 1 else None
    columns = [
        ReportColumn(d.text(name), [d.text(row.group or "") for row in rows], name=True),
        ReportColumn(d.number("Rows"), [_count(d, row.rows) for row in rows], right=True),
        *evidence_columns(d, report, rows),
    ]
    if support and support != "rows":
        counted = ReportColumn(
            d.text(support[:1].upper() + support[1:]), [_count(d, row.support) for row in rows], right=True
        )
        columns.insert(2, counted)
    return build_table(d, columns, caption=caption)


def _disparity(d: Markup, report: Report, row: DisparityRow) -> Section:
    name = d.text(labels.metric_title(row.metric))
    caption = d.words("{} across {}", name, d.text(row.across))
    columns = [
        ReportColumn(d.text(row.across), [_group(d, group) for group in row.groups], name=True),
        ReportColumn(d.number("Rows"), [_count(d, group.rows) for group in row.groups], right=True),
        *_rates(d, report, row),
        *(_changes(d, row) if labels.is_shift_row(row.metric) else _distances(d, row)),
    ]
    head = ReportColumn(d.number("Disparity"), [name], name=True)
    spread = build_table(d, [head, *evidence_columns(d, report, [row])])
    return Section("group rates", caption, (spread, build_table(d, columns)))


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
        known = group.candidate is not None and group.baseline is not None
        change = (group.candidate or 0.0) - (group.baseline or 0.0) if known else None
        style = number_format.number_style(
            (group.baseline, group.candidate, change), unit=labels.metric_unit(row.metric)
        )
        cells.append(d.number(style.change(change)) if known else None)
    return [ReportColumn(d.number("Change"), cells, right=True)]


def _group(d: Markup, group: GroupRow) -> str:
    name = d.text(group.group)
    return d.words("{} (too few rows to judge)", name) if group.small else name


def _rates(d: Markup, report: Report, row: DisparityRow) -> list[ReportColumn]:
    """Show what the disparity compares: the row's own rates, and those of its other metrics from the slice's rows."""
    bases = labels.disparity_bases(row.metric)
    found = {(item.metric, item.group): item for item in report.metrics if item.slice == row.across}
    columns = [_rate(d, bases[0] if bases else row.metric, row.groups, named=bool(bases))]
    for base in bases[1:]:
        others = [found.get((base, group.group)) for group in row.groups]
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


def _count(d: Markup, number: int | None) -> str | None:
    return None if number is None else d.number(number_format.format_count(number))


def _metric(d: Markup, metric: str) -> str:
    return _directed(d, metric, d.text(labels.metric_title(metric)))


def _directed(d: Markup, metric: str, name: str) -> str:
    """Add to a name which direction is the good one, where that is not the usual one."""
    return d.words("{}, lower is better", name) if labels.lower_is_better(metric) else name


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


def _distinct(d: Markup, rows: Iterable[GateRow]) -> list[str]:
    """Name gates briefly: groups of one slice together, and each name once."""
    found: dict[tuple[str, str | None, str | None], int] = {}
    for row in rows:
        key = (row.metric, row.scope.slice, row.scope.across)
        found[key] = found.get(key, 0) + 1
    return [_briefly(d, key, number) for key, number in found.items()]


def _briefly(d: Markup, key: tuple[str, str | None, str | None], number: int) -> str:
    metric, name, across = key
    words = d.text(labels.metric_title(metric))
    if across is not None:
        words = d.words("{} across {}", words, d.text(across))
    if name is not None:
        words = d.words("{} by {}", words, d.text(name))
    return words if number == 1 else d.words("{} (×{})", words, d.number(number_format.format_count(number)))
