"""Sections on the past: what changed since the baseline, and the trend of each gated metric."""

from collections.abc import Sequence

from mlci.report.document import Report
from mlci.report.lineage_rows import DataDifference, Lineage, LineageItem, LineageRow, NullRate, TrendRow
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.number_format import NumberStyle
from mlci.report.text.tables import ReportColumn, ReportTable, Section, build_table

_NAMES = {
    "code": "code",
    "evaluation": "evaluation set",
    "data": "training data",
    "configuration": "configuration",
    "environment": "environment",
    "model": "model",
}
_SHOWN = 4
_LONGEST = 60
_SIGNS = {"added": "+", "removed": "\N{MINUS SIGN}"}


def lineage_section(d: Markup, report: Report) -> list[Section]:
    """Show what changed, one row a kind, under a sentence that says it all where there is little."""
    if report.lineage is None:
        return []
    return [Section("lineage", d.number(lineage_sentence(report.lineage)), (lineage_changes(d, report.lineage),))]


def lineage_changes(d: Markup, lineage: Lineage, *, ends: str = "Baseline → candidate") -> ReportTable:
    """Lay out what changed; ``ends`` names the two that are compared."""
    rows = lineage.rows
    columns = [
        ReportColumn(d.number("What"), [d.number(_NAMES[row.kind]) for row in rows], name=True),
        ReportColumn(d.number(ends), [_sides(d, row) for row in rows], name=True),
        ReportColumn(d.number("Changed"), [_cell(d, row, lineage.evaluation) for row in rows], name=True),
    ]
    return build_table(d, columns)


def lineage_sentence(lineage: Lineage) -> str:
    """Say in a line what changed; the model's bytes follow from the rest and count only where nothing else did."""
    causes = [row for row in lineage.rows if row.kind != "model"]
    changed = [_NAMES[row.kind] for row in causes if row.changed]
    unknown = [_NAMES[row.kind] for row in causes if row.changed is None]
    but = f" (not known: {', '.join(unknown)})" if unknown else ""
    if len(changed) == 1:
        return f"What changed: nothing but the {changed[0]}{but}"
    if changed:
        return f"What changed: {', '.join(changed[:-1])} and {changed[-1]}{but}"
    if any(row.kind == "model" and row.changed for row in lineage.rows):
        return f"What changed: nothing but the model itself; it was trained again and came out different{but}"
    return f"What changed: nothing{but}"


def _sides(d: Markup, row: LineageRow) -> str | None:
    if row.baseline is None and row.candidate is None:
        return None
    if row.baseline == row.candidate:
        return _digest(d, row.candidate)
    return d.words("{} → {}", _digest(d, row.baseline), _digest(d, row.candidate))


def _digest(d: Markup, digest: str | None) -> str:
    return d.number(number_format.NONE) if digest is None else d.code(digest.removeprefix("sha256:")[:7])


def _cell(d: Markup, row: LineageRow, data: DataDifference | None) -> str:
    return _evaluation_text(d, data) if row.kind == "evaluation" and data is not None else _change_text(d, row)


def _evaluation_text(d: Markup, data: DataDifference) -> str:
    """Say what differs between two evaluation sets, row by row and column by column."""
    counts = [
        (data.added, "added"),
        (data.removed, "removed"),
        (data.relabelled, "relabelled"),
        (data.changed, "changed"),
    ]
    parts = [d.number(f"{number_format.format_count(number)} {word}") for number, word in counts if number]
    texts = [d.words("rows: {}", d.join(", ", parts))] if parts else []
    if data.reason is not None:
        texts.append(d.text(data.reason))
    columns = [("+", name) for name in data.columns_added] + [
        (_SIGNS["removed"], name) for name in data.columns_removed
    ]
    listed = [d.words("{} {}", d.number(sign), d.text(name, longest=_LONGEST)) for sign, name in columns[:_SHOWN]]
    listed += [d.number(f"{len(columns) - _SHOWN} more")] if len(columns) > _SHOWN else []
    texts += [d.words("columns: {}", d.join(", ", listed))] if listed else []
    rates = [_rate(d, rate) for rate in data.null_rates[:_SHOWN]]
    texts += [d.words("without a value: {}", d.join(", ", rates))] if rates else []
    return d.join("; ", texts) if texts else d.number("only how values are written")


def _rate(d: Markup, rate: NullRate) -> str:
    style = number_format.number_style((rate.baseline, rate.candidate), unit="percent")
    ends = d.number(f"{style.value(rate.baseline)} → {style.value(rate.candidate)}")
    return d.words("{} {}", d.text(rate.column, longest=_LONGEST), ends)


def _change_text(d: Markup, row: LineageRow) -> str:
    if row.items:
        shown = [_item(d, item, values=row.kind != "data") for item in row.items[:_SHOWN]]
        more = len(row.items) + row.more - len(shown)
        shown += [d.number(f"{number_format.format_count(more)} more")] if more else []
        listed = d.join(", ", shown)
        return d.words("{}; {}", d.text(row.reason), listed) if row.reason else listed
    if row.reason:
        return d.text(row.reason)
    return d.number({True: "yes", False: "no", None: "not known"}[row.changed])


def _item(d: Markup, item: LineageItem, *, values: bool) -> str:
    """Name what differs, and from what to what unless those are digests."""
    name = d.text(item.name, longest=_LONGEST)
    if item.how != "changed":
        name = d.words("{} {}", d.number(_SIGNS[item.how]), name)
        value = item.candidate if item.how == "added" else item.baseline
        return name if value is None or not values else d.words("{} {}", name, d.text(value, longest=_LONGEST))
    if item.baseline is None or item.candidate is None or not values:
        return name
    return d.words(
        "{} {} → {}", name, d.text(item.baseline, longest=_LONGEST), d.text(item.candidate, longest=_LONGEST)
    )


BARS = "▁▂▃▄▅▆▇█"
BREAK = "┊"
_LEVEL = BARS[3]


def trend_section(d: Markup, report: Report) -> list[Section]:
    """Show how each gated metric went over the versions that were in production."""
    rows = report.trend
    if not rows:
        return []
    now = {row.metric: row.candidate for row in report.metrics if row.slice is None}
    columns = [
        ReportColumn(d.number("Metric"), [d.text(labels.metric_title(row.metric)) for row in rows], name=True),
        ReportColumn(
            d.number("Versions, then candidate"), [d.number(trend_bars(row, now.get(row.metric))) for row in rows]
        ),
        ReportColumn(
            d.number("First → production → candidate"),
            [_first_and_last(d, row, now.get(row.metric)) for row in rows],
            right=True,
        ),
    ]
    moved = any(not point.same_rows for row in rows for point in row.points)
    lines = (d.number(f"{BREAK} stands where the evaluation set changed; only bars on one side of it compare."),)
    title = _trend_title(d, rows, now.get(rows[0].metric))
    return [Section("trend", title, (build_table(d, columns),), lines if moved else ())]


def _trend_title(d: Markup, rows: Sequence[TrendRow], now: float | None) -> str:
    """Say how the first metric went over the versions on the rows of this report, and where the candidate is."""
    first = rows[0]
    same = [point for point in first.points if point.same_rows]
    if len(same) < 2:
        numbered = [point.version for row in rows for point in row.points]
        return d.number(f"Trend over versions {min(numbered)} to {max(numbered)}")
    style = _style(first, now)
    past = _verb(style, same[0].value, same[-1].value, ("rose", "fell", "stayed the same"))
    movement = f"{past} over versions {same[0].version} to {same[-1].version}"
    if now is not None:
        movement += (
            f" and {_verb(style, same[-1].value, now, ('rises', 'falls', 'stays the same'))} with this candidate"
        )
    return d.words("Trend: {} {}", d.text(labels.metric_title(first.metric)), d.number(movement))


def _verb(style: NumberStyle, before: float, after: float, verbs: tuple[str, str, str]) -> str:
    """Choose a verb by the printed numbers, which a reader compares."""
    if style.value(before) == style.value(after):
        return verbs[2]
    return verbs[0] if after > before else verbs[1]


def _style(row: TrendRow, now: float | None) -> NumberStyle:
    shown = [row.points[0].value, row.points[-1].value, *([now] if now is not None else [])]
    return number_format.number_style(shown, unit=labels.metric_unit(row.metric))


def trend_bars(row: TrendRow, now: float | None) -> str:
    """Draw a bar for each version and one for the candidate, the lowest value lowest, breaks where the rows changed."""
    values = [point.value for point in row.points] + ([now] if now is not None else [])
    kept = [point.same_rows for point in row.points] + ([True] if now is not None else [])
    drawn = _draw_bars(values)
    joined = [bar if index == 0 or kept[index] == kept[index - 1] else BREAK + bar for index, bar in enumerate(drawn)]
    return "".join(joined)


def _draw_bars(values: Sequence[float]) -> list[str]:
    low, high = min(values), max(values)
    if low == high:
        return [_LEVEL] * len(values)
    top = len(BARS) - 1
    span = high / 2 - low / 2  # halves, because a difference of two numbers can be larger than any number
    return [BARS[round((value / 2 - low / 2) / span * top)] if span else _LEVEL for value in values]


def _first_and_last(d: Markup, row: TrendRow, now: float | None) -> str:
    shown = [row.points[0].value, row.points[-1].value, *([now] if now is not None else [])]
    style = _style(row, now)
    return d.number(" → ".join(style.value(value) for value in shown))
