"""Rows of gates: what each was judged on, its limit, and what to know about its outcome."""

import math
from dataclasses import dataclass

from mlci.report import names, numbers
from mlci.report.dialect import Dialect
from mlci.report.document import GateRow, Report
from mlci.report.numbers import Style
from mlci.report.tables import Column, Table, table

ARROW = " → "
DELTA = "Δ "
LONG = 400


@dataclass(frozen=True)
class Judged:
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
    written = row.limit
    if written.max_drop is not None:
        return -written.max_drop
    return next(value for value in (written.min, written.max, written.max_rise, 0.0) if value is not None)


def is_floor(row: GateRow) -> bool:
    """Whether the number has to be at or above the limit."""
    return row.limit.min is not None or row.limit.max_drop is not None


def judged(row: GateRow) -> Judged:
    """Print a gate's numbers with the digits that its verdict can be checked by."""
    bound, unit = bound_of(row), names.unit(row.metric)
    against = (row.value, *(row.interval or ()))
    pair_numbers = (row.baseline, row.candidate)
    in_percent = _in_percent(row, bound)
    style = numbers.style(
        (row.value,) if in_percent else (*pair_numbers, row.value),
        unit="percent" if in_percent else unit,
        interval=row.interval,
        bound=bound,
        judged=against,
    )
    change = row.on == "change"
    return Judged(
        pair=pair(numbers.style(pair_numbers, unit=unit) if in_percent else style, *pair_numbers),
        value=_value(style, row.value, change=change),
        size=style.amount(row.value) if row.value is not None else numbers.UNDEFINED,
        interval=style.interval(row.interval, plus=change) if row.interval else None,
        limit=_limit(row, style, bound, in_percent=in_percent),
        allowed=style.amount(bound) if change else style.value(bound),
    )


def pair(style: Style, baseline: float | None, candidate: float | None) -> str:
    """Print ``baseline → candidate``."""
    return style.value(baseline, missing=numbers.NONE) + ARROW + style.value(candidate)


def gate_table(d: Dialect, report: Report, rows: list[GateRow]) -> Table:
    """Lay gates out: state, name, both values, what was judged, limit."""
    lines = [judged(row) for row in rows]
    share = numbers.percent(report.policy.confidence)
    intervals = any(row.interval for row in rows)
    held = f"Judged on, {share} interval" if intervals else "Judged on"
    both = any(row.baseline is not None for row in rows)
    return table(
        d,
        [
            Column(d.number(""), [_state(d, row) for row in rows]),
            Column(d.number("Gate"), [_name(d, report, row) for row in rows], name=True),
            Column(
                d.number("Baseline → candidate" if both else "Candidate"),
                [_both(d, row, line, both=both) for row, line in zip(rows, lines, strict=True)],
                right=True,
            ),
            Column(d.number(held), [_held(d, row, line) for row, line in zip(rows, lines, strict=True)], right=True),
            Column(d.number("Limit"), [d.number(line.limit) for line in lines], right=True),
        ],
    )


def needs(d: Dialect, report: Report, row: GateRow) -> str | None:
    """Say how many rows an undecided gate needs, and how many it has; ``None`` where nobody knows."""
    if row.rows_needed is None:
        return None
    rows = row.rows_needed_of or "rows"
    needed = d.words("about {} {}", d.number(numbers.count(row.rows_needed)), d.text(rows))
    has = _has(report, row, rows)
    return needed if has is None else d.words("{}; it has {}", needed, d.number(numbers.count(has)))


def _in_percent(row: GateRow, bound: float) -> bool:
    written = row.limit.max_drop if row.limit.max_drop is not None else row.limit.max_rise
    return row.limit.relative and written is not None and math.isclose(abs(bound), written)


def _value(style: Style, value: float | None, *, change: bool) -> str:
    if value is None:
        return numbers.UNDEFINED
    if not change:
        return style.value(value)
    return numbers.NO_CHANGE if value == 0 else DELTA + style.change(value)


def _limit(row: GateRow, style: Style, bound: float, *, in_percent: bool) -> str:
    relation = "≥ " if is_floor(row) else "≤ "
    if row.on == "value":
        return relation + style.value(bound)
    text = DELTA + relation + (style.change(bound) if bound else style.value(bound))
    if not row.limit.relative or in_percent:
        return text
    written = row.limit.max_drop if row.limit.max_drop is not None else row.limit.max_rise
    return f"{text} ({numbers.percent(written or 0.0)})"


def _state(d: Dialect, row: GateRow) -> str:
    state = names.STATES[row.outcome]
    return d.number(f"{state.glyph if d.emphasis else state.mark} {names.word(row)}")


def _name(d: Dialect, report: Report, row: GateRow) -> str:
    name = names.scoped(d, row.metric, row.scope)
    if names.lower_is_better(row.metric):
        name = d.words("{}, lower is better", name)
    remark = remarks(d, report, row)
    return d.join("", [name, d.note(remark)]) if remark is not None else name


def remarks(d: Dialect, report: Report, row: GateRow) -> str | None:
    """Say what the numbers of a row don't: its reason, what it needs, who waived it."""
    parts = [d.text(row.reason, longest=LONG)] if row.reason and row.outcome != "passed" else []
    if row.waived is not None:
        who = row.waived
        words = (d.text(who.by), d.text(who.until), d.text(who.reason, longest=LONG))
        parts = [d.words("waived by {} until {}: {}", *words)]
    elif row.outcome == "no_baseline" and not parts:
        parts = [d.number("no baseline yet; it is recorded when this merges")]
    needed = needs(d, report, row) if row.outcome == "inconclusive" else None
    if needed is not None:
        parts.append(d.words("needs {}", needed))
    return d.join("; ", parts) if parts else None


def _both(d: Dialect, row: GateRow, line: Judged, *, both: bool) -> str:
    if row.candidate is None and row.baseline is None:
        return d.number(numbers.UNDEFINED)
    return d.number(line.pair if both else line.pair.partition(ARROW)[2])


def _held(d: Dialect, row: GateRow, line: Judged) -> str | None:
    if row.value is None:
        return d.number(numbers.UNDEFINED if row.outcome == "error" else numbers.NONE)
    value = d.number(line.value)
    if line.interval is None or (row.judge == "estimate" and not d.emphasis):
        return d.strong(value)
    interval = d.number(line.interval)
    if row.judge == "estimate":
        return d.words("{} {}", d.strong(value), interval)
    return d.words("{} {}", value, d.strong(interval))


def _has(report: Report, row: GateRow, rows: str) -> int | None:
    """Look up how much the gate has of what it needs."""
    for item in report.metrics:
        if (item.metric, item.slice, item.group) == (row.metric, row.scope.slice, row.scope.group):
            if row.scope.across is None and item.support is not None and (item.support_unit or "rows") == rows:
                return item.support
            return item.rows if rows == "rows" and row.scope.across is None else None
    return None
