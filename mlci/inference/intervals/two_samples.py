"""Intervals of a difference between two independent samples: a growing one against a complete one, and by MOVER."""

import math
from collections.abc import Callable

from mlci.inference.intervals.confidence_sequence import (
    FEWEST_ROWS,
    Sample,
    SampleRate,
    sequential_interval,
    sequential_quantile,
)

Ends = tuple[float, float]
Scale = Callable[[float], float]
"""An increasing function of a mean, such as the root; ``float`` is the mean itself."""


def scaled_interval(sample: Sample, *, confidence: float, tuned_for: float, scale: Scale = float) -> Ends:
    """Return the interval of a function of a sample's mean that holds at every look."""
    low, high = sequential_interval(sample, confidence=confidence, tuned_for=tuned_for)
    return scale(low), scale(high)


def growing_difference(
    before: Sample, now: Sample, *, confidence: float, tuned_for: float, scale: Scale = float
) -> Ends:
    """Return the interval of a growing sample's value minus a complete one's that holds at every look.

    The information about their difference grows like that of a single sample, of the harmonic mean of both numbers of
    rows, whose boundary is used. Few events, and functions of means, have the ends of both samples at half the error
    each.
    """
    plain = scale is float and not any(isinstance(one, SampleRate) and one.few for one in (before, now))
    if plain and min(before.rows, now.rows) >= FEWEST_ROWS and now.variance > 0:
        error = before.variance / before.rows + now.variance / now.rows
        reach = math.sqrt(error) * sequential_quantile(now.variance / error, confidence=confidence, tuned_for=tuned_for)
        change = now.mean - before.mean
        return change - reach, change + reach
    half = 1 - (1 - confidence) / 2
    (low, high), (least, most) = (
        scaled_interval(one, confidence=half, tuned_for=tuned_for, scale=scale) for one in (before, now)
    )
    return least - high, most - low


def mover_difference(value: float, ends: Ends, other: float, others: Ends) -> Ends:
    """Return the interval of ``value - other`` from both intervals (Zou & Donner 2008, MOVER)."""
    down = math.hypot(value - ends[0], others[1] - other)
    up = math.hypot(ends[1] - value, other - others[0])
    return value - other - down, value - other + up
