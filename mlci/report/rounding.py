"""Rounding of a report on sealed labels: numbers keep what their intervals carry, and exact counts are left out. Pure.

Exact numbers reveal labels: of two tables of predictions that differ in one row, the difference in accuracy is that
row's label. So a number and the ends of its interval are rounded to the largest step of 1, 2 or 5 times a power of ten
that is not above half of the interval's half-width, and the error of rounding stays below a quarter of it. (With powers
of ten alone, a step may be a tenth of that, and one row may be more than a step.) Of a classification, a number whose
step is less than :data:`ROWS` rows is left out, as is a number without an interval, each count that depends on labels,
and each curve and matrix, which consist of counts. A second metric or group of the same rows is a second equation for
the same labels, so only numbers that a gate is on are shown. Gates were judged before, on the exact numbers.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mlci.report.document import DisparityRow, Evidenced, GateRow, GroupRow, MetricRow, Report
from mlci.report.lineage_rows import TrendRow
from mlci.report.parts import Pair
from mlci.report.text import labels

ROWS = 5
"""Fewest rows that a step of a shown number stands for."""
NOTE = (
    "the numbers of the gates are rounded to what their intervals carry, and other numbers, counts and curves are left "
    "out, because exact ones would reveal the sealed labels; the gates were judged on the exact numbers"
)
_WITHHELD = "not shown, because few rows carry it and the labels are sealed"
_TOO_FEW = f"{labels.TOO_FEW}: the count is not shown, because the labels are sealed"
_COUNTED = {"too_few", "too_few_carriers"}
_NARROWEST, _EXACT = 1e-12, 2**53

Key = tuple[str, str | None, str | None, str | None]


def rounding_step(interval: Pair) -> tuple[int, int] | None:
    """Return the step as mantissa and power of ten; ``None`` for an interval without a width."""
    quarter = interval[1] / 4 - interval[0] / 4
    if quarter < _NARROWEST:
        return None
    exponent = math.floor(math.log10(quarter))
    steps = [(digit, power) for power in (exponent - 1, exponent, exponent + 1) for digit in (1, 2, 5)]
    return max((step for step in steps if _size(step) <= quarter), key=_size)


def _size(step: tuple[int, int]) -> float:
    return float(f"{step[0]}e{step[1]}")


def round_to_step(value: float, step: tuple[int, int]) -> float:
    """Return the nearest multiple of a step, as the float that prints without further digits."""
    units = value / _size(step)
    return value if abs(units) >= _EXACT else float(f"{round(units) * step[0]}e{step[1]}")


def round_report(report: Report) -> Report:
    """Return a report whose numbers reveal less of the labels; verdict, outcomes and their causes are unchanged."""
    counted = report.task != "regression"
    watched: dict[Key, set[str]] = {}
    for gate in report.gates:
        watched.setdefault(_gate_key(gate), set()).add(gate.on)
    rows: dict[Key, tuple[Evidenced, int | None]] = {}
    for one in (*report.metrics, *report.disparities):
        key = _key(one)
        if key in watched:
            rows[key] = (_evidenced(one, watched[key], counted=counted), _carriers(one))
    shown = [row for row, _ in rows.values()]
    changes: dict[str, Any] = {
        "evaluation": report.evaluation.model_copy(update={"rounded": True}),
        "metrics": tuple(row for row in shown if isinstance(row, MetricRow)),
        "disparities": tuple(row for row in shown if isinstance(row, DisparityRow)),
        "gates": tuple(_gate(row, rows.get(_gate_key(row)), counted=counted) for row in report.gates),
        "trend": tuple(filter(None, (_trend(row, report.metrics, watched, counted=counted) for row in report.trend))),
        "notes": (*report.notes, NOTE),
        "class_curves": (),
    }
    left_out = ("agreement", "curves", "residuals", "confusion", "rows_changed", "worst_slices")
    return report.model_copy(update=changes | dict.fromkeys(left_out))


def _trend(
    row: TrendRow, metrics: Iterable[MetricRow], watched: Mapping[Key, set[str]], *, counted: bool
) -> TrendRow | None:
    """Round the values of versions as that of the baseline; ``None`` if fewer than two are left."""
    key = (row.metric, None, None, None)
    of = next((one for one in metrics if _key(one) == key and key in watched), None)
    if of is None:
        return None
    interval, rows = of.baseline_interval or of.candidate_interval, _carriers(of)
    points = []
    for point in row.points:
        value = _shown(point.value, interval, rows, counted=counted)[0]
        if value is not None:
            points.append(point.model_copy(update={"value": value}))
    return row.model_copy(update={"points": tuple(points)}) if len(points) > 1 else None


def _key(row: Evidenced) -> Key:
    if isinstance(row, MetricRow):
        return row.metric, row.slice, row.group, None
    return row.metric, None, None, row.across if isinstance(row, DisparityRow) else None


def _gate_key(row: GateRow) -> Key:
    return row.metric, row.scope.slice, row.scope.group, row.scope.across


def _carriers(row: Evidenced) -> int | None:
    """Return how many rows carry a number: those of its denominator, or of the smallest group."""
    if isinstance(row, DisparityRow):
        return min((group.rows for group in row.groups), default=None)
    return (row.rows if row.support is None else row.support) if isinstance(row, MetricRow) else None


def _shown(
    value: float | None, interval: Pair | None, rows: int | None, *, counted: bool
) -> tuple[float | None, Pair | None]:
    """Round a number and its interval; both are ``None`` if they are left out."""
    if value == 0 and interval == (0.0, 0.0):  # of equal predictions, whatever the labels are
        return value, interval
    step = None if value is None or interval is None else rounding_step(interval)
    if value is None or interval is None or step is None:
        return None, None
    if counted and (rows is None or _size(step) * rows < ROWS * (1 - _NARROWEST)):
        return None, None
    return round_to_step(value, step), (round_to_step(interval[0], step), round_to_step(interval[1], step))


def _evidenced(row: Evidenced, on: set[str], *, counted: bool) -> Evidenced:
    """Round the numbers that a gate is on, and the baseline's; the candidate's value follows from a change."""
    changes: dict[str, Any] = {"candidate": None, "change": None, "candidate_interval": None, "change_interval": None}
    names = ("baseline", *(("candidate",) if "value" in on else ()), *(("change",) if "change" in on else ()))
    for name in names:
        shown = _shown(getattr(row, name), getattr(row, f"{name}_interval"), _carriers(row), counted=counted)
        changes[name], changes[f"{name}_interval"] = shown
    if "value" not in on and None not in {changes["baseline"], changes["change"]}:
        changes["candidate"] = round(changes["baseline"] + changes["change"], 12)
    if row.reason is not None and "too few" in {row.method, row.candidate_method}:
        changes["reason"] = _TOO_FEW
    elif row.reason is None and changes["candidate"] is None:
        changes["reason"] = _WITHHELD
    if isinstance(row, MetricRow):
        changes["support"] = row.support if row.support == row.rows else None
    if isinstance(row, DisparityRow):
        changes["groups"] = tuple(map(_group, row.groups))
    return row.model_copy(update=changes)


def _group(group: GroupRow) -> GroupRow:
    shortage = None if group.shortage is None else "too few rows that the metric counts"
    left_out = dict.fromkeys(("baseline", "candidate", "ratio", "difference"))
    return group.model_copy(update={**left_out, "shortage": shortage})


def _gate(row: GateRow, found: tuple[Evidenced, int | None] | None, *, counted: bool) -> GateRow:
    """Round a gate's numbers; both models' values are those of its metric."""
    of, rows = found or (None, None)
    value, interval = _shown(row.value, row.interval, rows, counted=counted)
    if row.interval is None and of is not None:  # a limit on the estimate
        value = of.change if row.on == "change" else of.candidate
    bound = row.bound
    if row.limit.relative and bound is not None:  # a share of the baseline's exact value
        step = None if value is None or row.interval is None else rounding_step(row.interval)
        bound = None if step is None else round_to_step(bound, step)
    changes: dict[str, Any] = {
        "value": value,
        "interval": interval,
        "baseline": None if of is None else of.baseline,
        "candidate": None if of is None else of.candidate,
        "bound": bound,
        "p": None,
        "rows_needed": None if row.rows_needed is None else _round_up(row.rows_needed),
        "reason": _TOO_FEW if row.why in _COUNTED else row.reason,
    }
    return row.model_copy(update=changes)


def _round_up(count: int) -> int:
    """Return a count with one significant digit, not below it."""
    unit = int("1" + "0" * (len(str(count)) - 1))
    return -(-count // unit) * unit
