"""Bar of a gate's interval against its limit, for terminals: worse is left of the limit, better right of it."""

from math import isfinite

from mlci.report.document import GateRow, Outcome
from mlci.report.gate_table import bound_of, is_floor

WORSE = 14
"""Cells left of the limit."""
BETTER = 19
"""Cells right of the limit."""
_MARKERS: dict[Outcome, str] = {"failed": "■", "inconclusive": "◆", "passed": "●"}
_EQUAL = 1e-12  # of the largest number; a gate takes what is this close to its limit for the limit itself


def interval_bar(gate: GateRow) -> str | None:
    """Draw a gate's interval and value on a scale of its own; ``None`` where there is nothing to draw.

    Ends are moved to the side of the limit that they are on, so that the bar never contradicts the gate's outcome. A
    gate that compares its value alone is drawn without the interval.
    """
    marker = _MARKERS.get(gate.outcome)
    if marker is None or gate.value is None or (gate.limit.relative and gate.bound is None):
        return None
    ends = gate.interval if gate.interval is not None and gate.judge == "interval" else (gate.value, gate.value)
    numbers = (*ends, gate.value)
    bound = bound_of(gate)
    noise = _EQUAL * max(abs(number) for number in (*numbers, bound))
    low, high, value = (_distance(number, bound, noise, floor=is_floor(gate)) for number in numbers)
    low, high = min(low, high), max(low, high)
    reach = max(-min(low, value) / (WORSE - 1), max(high, value) / (BETTER - 1))
    if not isfinite(reach):
        return None
    return _drawn(_cell(low, reach), _cell(high, reach), _cell(value, reach), marker)


def _distance(number: float, bound: float, noise: float, *, floor: bool) -> float:
    """Return how far a number lies on the good side of the limit; what differs by rounding alone lies on it."""
    distance = number - bound if floor else bound - number
    return 0.0 if abs(distance) <= noise else distance


def _cell(distance: float, reach: float) -> int:
    """Return the cell of a number, counted from the limit; only the limit itself has cell 0."""
    if distance == 0:
        return 0
    cell = round(distance / reach) if reach else 0  # the reach of the smallest numbers rounds to 0
    return min(cell, -1) if distance < 0 else max(cell, 1)


def _drawn(low: int, high: int, value: int, marker: str) -> str:
    cells = ["·"] * WORSE + ["│"] + [" "] * BETTER
    for cell in range(low, high + 1):
        cells[WORSE + cell] = "┿" if cell == 0 else "━"
    cells[WORSE + value] = marker
    return "".join(cells).rstrip()
