"""Rows that an inconclusive gate needs to be decided with a power of 0.8."""

import math
from dataclasses import dataclass

from mlci.gates.expand import GateCase
from mlci.gates.outcomes import Shortage
from mlci.inference.evidence import Evidence
from mlci.inference.minimums import MOST_ROWS, rows_needed, rows_without_disagreement
from mlci.inference.result import Comparison


@dataclass(frozen=True)
class RowsNeeded:
    """A number of rows and their unit, e.g. 510 labelled positives."""

    rows: int
    unit: str


def rows_to_decide(case: GateCase, confidence: float, short: Shortage) -> RowsNeeded | None:
    """Return the rows for a power of 80 %; ``None`` if no number of rows helps, or it is not known."""
    level = 1 - (1 - confidence) / short.family
    by_power = _by_power(case, level) if case.judge == "interval" else None  # an estimate is judged without its error
    least = _least(case, short)
    if by_power is None or least is None:
        return least or by_power
    other = short.unit is not None and least.unit != by_power.unit
    return least if other or least.rows > by_power.rows else by_power


def _least(case: GateCase, short: Shortage) -> RowsNeeded | None:
    """Return the minimum of rows for a group to be judged at all."""
    measured = case.measured
    if not isinstance(measured, Comparison):
        return RowsNeeded(short.rows, _unit(case)) if measured.smallest and short.rows else None
    if short.unit is not None and short.unit != "rows":
        return RowsNeeded(short.rows, short.unit)
    rows = short.rows
    if short.disagreements and measured.disagreements:
        rows = max(rows, math.ceil(short.disagreements * measured.rows / measured.disagreements))
    return RowsNeeded(rows, "rows") if rows > measured.rows else None


def _by_power(case: GateCase, confidence: float) -> RowsNeeded | None:
    """Return the rows that decide the gate with a power of 80 %.

    A change is planned for two equally good models, so the distance is the margin. If the set has that many rows
    already, the observed change is close to the limit, and its distance is used instead.
    """
    evidence, bound = case.evidence, case.bound
    if evidence is None or bound is None or evidence.value is None:
        return None
    have, distance = int(getattr(evidence, "rows", 0)), abs(evidence.value - bound)
    if case.on_change and (planned := _rows(evidence, abs(bound), confidence)) and planned > have:
        return RowsNeeded(planned, _unit(case))
    observed = _rows(evidence, distance, confidence)
    return RowsNeeded(observed, _unit(case)) if observed and observed > have else None


def _rows(evidence: Evidence, distance: float, confidence: float) -> int | None:
    variance = evidence.scaled_variance()
    if variance is None:
        return None
    if variance == 0:
        return _rows_without_disagreement(evidence, distance, confidence)
    return rows_needed(variance, distance=distance, confidence=confidence)


def _rows_without_disagreement(evidence: Evidence, distance: float, confidence: float) -> int | None:
    """Return the rows for models without disagreement: the interval's length is inversely proportional to the rows."""
    least = rows_without_disagreement(distance, confidence=confidence)
    ends, have = evidence.interval(confidence), int(getattr(evidence, "rows", 0))
    if ends is None or not have or evidence.value is None or distance == 0:
        return least
    half = max(abs(end - evidence.value) for end in ends)
    rows = have * half / distance
    return max(least or 0, math.ceil(rows)) if rows <= MOST_ROWS else None


def _unit(case: GateCase) -> str:
    if not isinstance(case.measured, Comparison):
        return "rows in the smallest group"
    return case.measured.unit
