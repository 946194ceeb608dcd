"""Numbers, limit and remarks of a gate as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mlci.report.document import GateRow, Report, Waiver
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.number_format import NumberStyle

ARROW = " → "
LONG = 400
ACROSS = "the limit lies inside the interval"
"""Reason of an inconclusive gate whose numbers show it."""
SMALLEST = "rows in the smallest group"
"""Unit that gates on disparities count."""

_DRAWN = {"failed", "inconclusive", "passed"}
_EQUAL = 1e-12  # of the largest number; a gate takes what is this close to its limit for the limit itself

Stock = dict[tuple[str, str | None, str | None, str], int | None]
"""Counts (rows, labelled positives …) by metric, slice, group and unit."""


@dataclass(frozen=True)
class GateNumbers:
    """A gate's numbers as text, all printed alike.

    Attributes:
        pair: ``baseline → candidate``.
        baseline, candidate: The same, one by one.
        value: The number that is compared with the limit, with its sign where it is a change.
        interval: Its interval, ``low to high``; ``None`` where there is none.
        limit: The limit in words: ``at least 0.860``, ``may fall by 0.010``.
        condition: The same as the end of a sentence: ``it may fall by at most 0.010``.
    """

    pair: str
    baseline: str
    candidate: str
    value: str
    interval: str | None
    limit: str
    condition: str

    @property
    def evidence(self) -> str:
        """The value with its interval: ``−0.031 (−0.042 to −0.020)``."""
        return self.value if self.interval is None else f"{self.value} ({self.interval})"


def bound_of(row: GateRow) -> float:
    """Return the limit with its sign; without a baseline, a limit in per cent as it was written."""
    return row.limit.signed if row.bound is None else row.bound


def limit_distances(row: GateRow) -> tuple[float, float, float] | None:
    """Return how far on the good side of the limit both ends of a gate's interval and its value lie.

    Returns:
        The worse end, the better end and the value, negative on the bad side; ``None`` where there is nothing to draw.
        A gate that compares its value alone has no interval here.
    """
    if row.outcome not in _DRAWN or row.value is None or (row.limit.relative and row.bound is None):
        return None
    ends = row.interval if row.interval is not None and row.judge == "interval" else (row.value, row.value)
    numbers = (*ends, row.value)
    bound = bound_of(row)
    noise = _EQUAL * max(abs(number) for number in (*numbers, bound))
    distances = (row.limit.distance(number, bound) for number in numbers)
    low, high, value = (0.0 if abs(distance) <= noise else distance for distance in distances)  # 0 but for rounding
    return min(low, high), max(low, high), value


_TEST = GateNumbers(
    pair=number_format.NONE,
    baseline=number_format.NONE,
    candidate=number_format.NONE,
    value=number_format.NONE,
    interval=None,
    limit="must pass",
    condition="it must pass",
)
"""Numbers of a required test, which has none."""


@lru_cache(maxsize=4096)  # comment, page, terminal and annotations print the same gates
def gate_numbers(row: GateRow) -> GateNumbers:
    """Print a gate's numbers with the digits that its verdict can be checked by."""
    if row.test and row.value is None:
        return _TEST
    bound, unit = bound_of(row), labels.metric_unit(row.metric)
    unknown = row.limit.relative and row.bound is None
    against = (row.value, *(row.interval or ()))
    style = number_format.number_style(
        (row.baseline, row.candidate, row.value),
        unit=unit,
        interval=row.interval,
        bound=None if unknown else bound,
        judged=against,
    )
    change = row.on == "change"
    shown = row.interval is not None and row.value is not None and row.interval != (0, 0)
    return GateNumbers(
        pair=candidate_and_baseline(style, row.baseline, row.candidate),
        baseline=style.value(row.baseline, missing=number_format.NONE),
        candidate=style.value(row.candidate),
        value=_value(style, row.value, change=change),
        interval=style.interval(row.interval, plus=change) if row.interval and shown else None,
        limit=_limit(row, style),
        condition=f"it {_limit(row, style, sentence=True)}",
    )


def candidate_and_baseline(style: NumberStyle, baseline: float | None, candidate: float | None) -> str:
    """Print ``baseline → candidate``."""
    return style.value(baseline, missing=number_format.NONE) + ARROW + style.value(candidate)


def compared_head(report: Report, rows: Sequence[GateRow]) -> str:
    """Name the column of the number that is compared with the limit."""
    names = {frozenset({"change"}): "Change", frozenset({"value"}): "Value"}
    name = names.get(frozenset(row.on for row in rows), "Value or change")
    share = number_format.format_percent(report.policy.confidence)
    return f"{name}, {share} interval" if any(row.interval for row in rows) else name


def rows_available(report: Report) -> Stock:
    """Count what each metric rests on in each scope, to be compared with what a gate needs."""
    counts: Stock = {}
    for item in report.metrics:
        key = (item.metric, item.slice, item.group)
        counts[(*key, "rows")] = item.rows
        if item.support is not None:
            counts[(*key, item.support_unit or "rows")] = item.support
    for spread in report.disparities:
        sizes = (group.rows for group in spread.groups)
        counts[(spread.metric, spread.across, None, SMALLEST)] = min(sizes, default=None)
    return counts


def rows_needed_text(d: Markup, has: Stock, row: GateRow) -> str | None:
    """Say how many rows an inconclusive gate needs, and how many it has; ``None`` where that is not known."""
    if row.rows_needed is None:
        return None
    rows = row.rows_needed_of or "rows"
    needed = d.words("about {} {}", d.number(number_format.format_count(row.rows_needed)), d.text(rows))
    available = has.get((row.metric, row.scope.across or row.scope.slice, row.scope.group, rows))
    return (
        needed
        if available is None
        else d.words("{}; it has {}", needed, d.number(number_format.format_count(available)))
    )


def _value(style: NumberStyle, value: float | None, *, change: bool) -> str:
    if value is None:
        return number_format.UNDEFINED
    if not change:
        return style.value(value)
    return style.change(value)


def _limit(row: GateRow, style: NumberStyle, *, sentence: bool = False) -> str:
    """Print the limit in words and in the units of the value; one in per cent shows what was written, too."""
    limit, bound = row.limit, bound_of(row)
    if not limit.on_change:
        return limit.words(bound, style.limit(bound), sentence=sentence)
    share = f" ({number_format.format_percent(limit.value)})" if limit.relative else ""
    if limit.relative and row.bound is None and bound != 0:
        return limit.words(bound, number_format.format_percent(abs(bound)), sentence=sentence)
    return limit.words(bound, style.limit(abs(bound)), sentence=sentence) + share


def gate_remarks(d: Markup, has: Stock, row: GateRow) -> str | None:
    """Say what the numbers of a row do not show: its reason, and the rows that it needs."""
    if row.outcome == "no_baseline":
        return d.text(row.reason or "no baseline yet; it is recorded when this merges", longest=LONG)
    parts = [waiver_text(d, row.waived)] if row.waived is not None else []
    parts += [] if row.not_covered is None else [d.text(row.not_covered, longest=LONG)]
    parts += [d.text(reason, longest=LONG)] if (reason := _reason(row)) else []
    repeated = row.why == "too_few_carriers" and f"; {row.rows_needed} are needed" in reason
    needed = rows_needed_text(d, has, row) if row.outcome == "inconclusive" and not repeated else None
    if needed is not None:
        parts.append(d.words("needs {}", needed))
    if _decided_by_value(row):
        parts.append(d.number("decided by the value, not by the interval"))
    return d.join("; ", parts) if parts else None


def waiver_text(d: Markup, waiver: Waiver) -> str:
    """Say who waived a gate, until when, and why."""
    who, until = d.text(waiver.by), d.text(waiver.until)
    return d.words("waived by {} until {}: {}", who, until, d.text(waiver.reason, longest=LONG))


def is_across(row: GateRow) -> bool:
    """Whether the limit lies inside the interval that it is compared with."""
    return row.interval is not None and row.interval[0] <= bound_of(row) <= row.interval[1]


def _reason(row: GateRow) -> str:
    """Return the reason of a gate where its numbers alone do not show it."""
    if row.outcome == "passed" or (row.outcome == "failed" and row.value is not None):
        return ""
    plain = row.outcome == "inconclusive" and is_across(row) and row.why in {None, "across_limit"}
    reason = labels.reason_text(row)
    return reason.removeprefix(ACROSS).removeprefix("; ") if plain else reason


def _decided_by_value(row: GateRow) -> bool:
    """Whether a gate on the estimate is decided although the limit lies inside its interval."""
    return row.judge == "estimate" and row.outcome in {"passed", "failed"} and is_across(row)


def pair_text(d: Markup, row: GateRow, line: GateNumbers, *, both: bool) -> str | None:
    """Print ``baseline → candidate``; ``None`` for a gate on what neither model has by itself."""
    if row.candidate is None and row.baseline is None:
        return None
    return d.number(line.pair if both else line.candidate)
