"""Gate table: value, limit and remarks of each gate."""

from dataclasses import dataclass

from mlci.report.document import GateRow, Report
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.number_format import NumberStyle
from mlci.report.text.tables import ReportColumn, ReportTable, build_table

ARROW = " → "
DELTA = "Δ "
LONG = 400
SMALLEST = "rows in the smallest group"
"""What gates on disparities count."""

Stock = dict[tuple[str, str | None, str | None, str], int | None]
"""How many (rows, labelled positives …) there are: by metric, slice, group and what is counted."""


@dataclass(frozen=True)
class GateNumbers:
    """A gate's numbers as text, all printed alike.

    Attributes:
        pair: ``baseline → candidate``.
        value: What was measured, with its sign where it is a change.
        size: The same without its sign.
        interval: Its interval; ``None`` where there is none.
        limit: The limit with its relation: ``≥ 0.860``, ``Δ ≥ −0.010``.
        allowed: The limit's size alone.
    """

    pair: str
    value: str
    size: str
    interval: str | None
    limit: str
    allowed: str


def bound_of(row: GateRow) -> float:
    """Return the limit with its sign: what the row says, else what was written."""
    if row.bound is not None:
        return row.bound
    limit = limit_text(row) or 0.0
    return -limit if row.limit.max_drop is not None else limit


def limit_text(row: GateRow) -> float | None:
    """Return the limit as it was written; ``None`` if the metric only has to be there."""
    limit = row.limit
    return next((one for one in (limit.min, limit.max, limit.max_drop, limit.max_rise) if one is not None), None)


def is_floor(row: GateRow) -> bool:
    """Whether the number has to be at or above the limit."""
    return row.limit.min is not None or row.limit.max_drop is not None


def gate_numbers(row: GateRow) -> GateNumbers:
    """Print a gate's numbers with the digits that its verdict can be checked by."""
    bound, unit = bound_of(row), labels.metric_unit(row.metric)
    unknown = row.limit.relative and row.bound is None
    against = (row.value, *(row.interval or ()))
    pair_numbers = (row.baseline, row.candidate)
    style = number_format.number_style(
        (*pair_numbers, row.value),
        unit=unit,
        interval=row.interval,
        bound=None if unknown else bound,
        judged=against,
    )
    change = row.on == "change"
    return GateNumbers(
        pair=candidate_and_baseline(style, *pair_numbers),
        value=_value(style, row.value, change=change),
        size=style.amount(row.value) if row.value is not None else number_format.UNDEFINED,
        interval=style.interval(row.interval, plus=change) if row.interval else None,
        limit=_limit(row, style, bound),
        allowed=(style.amount(bound) if change else style.value(bound)) + _share(row),
    )


def candidate_and_baseline(style: NumberStyle, baseline: float | None, candidate: float | None) -> str:
    """Print ``baseline → candidate``."""
    return style.value(baseline, missing=number_format.NONE) + ARROW + style.value(candidate)


def gate_table(d: Markup, report: Report, rows: list[GateRow]) -> ReportTable:
    """Lay gates out: state, name, both values, what was judged, limit."""
    lines = [gate_numbers(row) for row in rows]
    has = rows_available(report)
    share = number_format.format_percent(report.policy.confidence)
    intervals = any(row.interval and (row.judge == "interval" or d.emphasis) for row in rows)
    held = f"Judged on, {share} interval" if intervals else "Judged on"
    both = any(row.baseline is not None for row in rows)
    return build_table(
        d,
        [
            ReportColumn(d.number(""), [_state(d, row) for row in rows]),
            ReportColumn(d.number("Gate"), [_name(d, has, row) for row in rows], name=True),
            ReportColumn(
                d.number("Baseline → candidate" if both else "Candidate"),
                [_both(d, row, line, both=both) for row, line in zip(rows, lines, strict=True)],
                right=True,
            ),
            ReportColumn(
                d.number(held), [_held(d, row, line) for row, line in zip(rows, lines, strict=True)], right=True
            ),
            ReportColumn(d.number("Limit"), [d.number(line.limit) for line in lines], right=True),
        ],
    )


def rows_available(report: Report) -> Stock:
    """Count what each metric rests on in each scope, to be compared with what a gate needs."""
    found: Stock = {}
    for item in report.metrics:
        key = (item.metric, item.slice, item.group)
        found[(*key, "rows")] = item.rows
        if item.support is not None:
            found[(*key, item.support_unit or "rows")] = item.support
    for spread in report.disparities:
        sizes = (group.rows for group in spread.groups)
        found[(spread.metric, spread.across, None, SMALLEST)] = min(sizes, default=None)
    return found


def rows_needed_text(d: Markup, has: Stock, row: GateRow) -> str | None:
    """Say how many rows an undecided gate needs, and how many it has; ``None`` where nobody knows."""
    if row.rows_needed is None:
        return None
    rows = row.rows_needed_of or "rows"
    needed = d.words("about {} {}", d.number(number_format.format_count(row.rows_needed)), d.text(rows))
    held = has.get((row.metric, row.scope.across or row.scope.slice, row.scope.group, rows))
    return needed if held is None else d.words("{}; it has {}", needed, d.number(number_format.format_count(held)))


def _value(style: NumberStyle, value: float | None, *, change: bool) -> str:
    if value is None:
        return number_format.UNDEFINED
    if not change:
        return style.value(value)
    return number_format.NO_CHANGE if value == 0 else DELTA + style.change(value)


def _limit(row: GateRow, style: NumberStyle, bound: float) -> str:
    """Print the limit in the units of the value; one in per cent shows what was written, too."""
    if limit_text(row) is None:
        return "must be there"
    relation = "≥ " if is_floor(row) else "≤ "
    if row.on == "value":
        return relation + style.limit(bound)
    if row.limit.relative and row.bound is None:
        return (
            DELTA
            + relation
            + (number_format.MINUS if is_floor(row) else "+")
            + number_format.format_percent(abs(bound))
        )
    return DELTA + relation + style.limit(bound, plus=True) + _share(row)


def _share(row: GateRow) -> str:
    return f" ({number_format.format_percent(limit_text(row) or 0.0)})" if row.limit.relative else ""


def _state(d: Markup, row: GateRow) -> str:
    state = labels.STATES[row.outcome]
    return d.number(f"{state.glyph if d.emphasis else state.mark} {labels.outcome_word(row)}")


def _name(d: Markup, has: Stock, row: GateRow) -> str:
    name = labels.scoped_title(d, row.metric, row.scope)
    if labels.lower_is_better(row.metric):
        name = d.words("{}, lower is better", name)
    remark = gate_remarks(d, has, row)
    return d.join("", [name, d.note(remark)]) if remark is not None else name


def gate_remarks(d: Markup, has: Stock, row: GateRow) -> str | None:
    """Say what the numbers of a row don't: its reason, what it needs, who waived it."""
    if row.waived is not None:
        given = row.waived
        words = (d.text(given.by), d.text(given.until), d.text(given.reason, longest=LONG))
        return d.words("waived by {} until {}: {}", *words)
    if row.outcome == "no_baseline":
        return d.text(row.reason or "no baseline yet; it is recorded when this merges", longest=LONG)
    evident = row.outcome == "passed" or (row.outcome == "failed" and row.value is not None)
    reason = (row.reason or "").removeprefix(f"{labels.INSUFFICIENT}: ")
    parts = [d.text(reason, longest=LONG)] if reason and not evident else []
    said = row.why == "too_few_carriers" and f"; {row.rows_needed} are needed" in reason
    needed = rows_needed_text(d, has, row) if row.outcome == "inconclusive" and not said else None
    if needed is not None:
        parts.append(d.words("needs {}", needed))
    return d.join("; ", parts) if parts else None


def _both(d: Markup, row: GateRow, line: GateNumbers, *, both: bool) -> str:
    if row.candidate is None and row.baseline is None:
        return d.number(number_format.NONE if labels.is_shift_row(row.metric) else number_format.UNDEFINED)
    return d.number(line.pair if both else line.pair.partition(ARROW)[2])


def _held(d: Markup, row: GateRow, line: GateNumbers) -> str | None:
    if row.value is None:
        return d.number(number_format.UNDEFINED if row.outcome == "error" else number_format.NONE)
    value = d.number(line.value)
    if line.interval is None or row.interval == (0, 0) or (row.judge == "estimate" and not d.emphasis):
        return d.strong(value)
    interval = d.number(line.interval)
    if row.judge == "estimate":
        return d.words("{} {}", d.strong(value), interval)
    return d.words("{} {}", value, d.strong(interval))
