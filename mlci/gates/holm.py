"""Holm's step-down adjustment (Holm 1979, Scand. J. Stat. 6:65)."""

from collections.abc import Hashable, Mapping, Sequence


def adjust(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values in the order given; rejecting those at or below α keeps the family-wise error at α."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, running = [1.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def adjust_distinct(p_values: Mapping[Hashable, float]) -> dict[Hashable, float]:
    """Return adjusted p-values by hypothesis; one that several gates test under different names counts once."""
    return dict(zip(p_values, adjust(list(p_values.values())), strict=True))
