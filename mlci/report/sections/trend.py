"""The history of each gated metric as text: a bar a version, the candidate last."""

from collections.abc import Sequence

from mlci.report.document import Report, TrendRow
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.number_format import NumberStyle
from mlci.report.text.tables import ReportColumn, Section, build_table

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
            d.number("First → production → candidate"), [_ends(d, row, now.get(row.metric)) for row in rows], right=True
        ),
    ]
    moved = any(not point.same_rows for row in rows for point in row.points)
    lines = (d.number(f"{BREAK} stands where the evaluation set changed; only bars on one side of it compare."),)
    title = _title(d, rows, now.get(rows[0].metric))
    return [Section("trend", title, (build_table(d, columns),), lines if moved else ())]


def _title(d: Markup, rows: Sequence[TrendRow], now: float | None) -> str:
    """Say how the first metric went over the versions on the rows of this report, and where the candidate is."""
    first = rows[0]
    same = [point for point in first.points if point.same_rows]
    if len(same) < 2:
        numbered = [point.version for row in rows for point in row.points]
        return d.number(f"Trend over versions {min(numbered)} to {max(numbered)}")
    style = _style(first, now)
    past = _verb(style, same[0].value, same[-1].value, ("rose", "fell", "stayed the same"))
    said = f"{past} over versions {same[0].version} to {same[-1].version}"
    if now is not None:
        said += f" and {_verb(style, same[-1].value, now, ('rises', 'falls', 'stays the same'))} with this candidate"
    return d.words("Trend: {} {}", d.text(labels.metric_title(first.metric)), d.number(said))


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
    drawn = _drawn(values)
    joined = [bar if index == 0 or kept[index] == kept[index - 1] else BREAK + bar for index, bar in enumerate(drawn)]
    return "".join(joined)


def _drawn(values: Sequence[float]) -> list[str]:
    low, high = min(values), max(values)
    if low == high:
        return [_LEVEL] * len(values)
    top = len(BARS) - 1
    span = high / 2 - low / 2  # halves, because a difference of two numbers can be larger than any number
    return [BARS[round((value / 2 - low / 2) / span * top)] if span else _LEVEL for value in values]


def _ends(d: Markup, row: TrendRow, now: float | None) -> str:
    shown = [row.points[0].value, row.points[-1].value, *([now] if now is not None else [])]
    style = _style(row, now)
    return d.number(" → ".join(style.value(value) for value in shown))
