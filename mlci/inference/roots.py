"""Roots of increasing functions."""

from collections.abc import Callable

_DOUBLINGS = 60
_TURNS = 100
_CLOSE = 1e-12


def crossing(function: Callable[[float], float], first: float) -> float:
    """Find where a function that is negative at 0 crosses 0, by the Illinois form of regula falsi.

    See Dowell & Jarratt 1971, BIT 11:168. The search begins at ``first`` and doubles it until the function is positive;
    where it never is, the last is returned.
    """
    low, high, under, over = 0.0, first, function(0.0), function(first)
    if under >= 0:
        return low
    for _ in range(_DOUBLINGS):
        if over > 0:
            return _between(function, low, high, under, over)
        low, high, under, over = high, 2 * high, over, function(2 * high)
    return high


def _between(function: Callable[[float], float], low: float, high: float, under: float, over: float) -> float:
    middle, kept = low, 0
    for _ in range(_TURNS):
        before, middle = middle, (low * over - high * under) / (over - under)
        found = function(middle)
        if found == 0 or abs(middle - before) <= _CLOSE * middle:
            break
        if found > 0:
            high, over, under = middle, found, under / 2 if kept > 0 else under
        else:
            low, under, over = middle, found, over / 2 if kept < 0 else over
        kept = 1 if found > 0 else -1
    return middle
