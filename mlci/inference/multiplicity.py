"""Adjustment of p-values for the number of tests."""

from collections.abc import Sequence


def holm_adjust(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values in the order given; rejecting those at or below α keeps the family-wise error at α."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, running = [1.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted
