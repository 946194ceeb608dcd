"""Gaffke's interval for the mean of values in a known range, from the number of rows with each value.

Each end adds one row at the bound of the range on that side, and weighs all rows by a flat Dirichlet distribution: the
lower end at a one-sided level α is the mean that the weighted mean is below with probability α (Gaffke 2005, Three
test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative variable; Learned-Miller & Thomas
2019, arXiv 1905.06208). For values at both bounds only, this is Clopper & Pearson's interval. It holds where few rows
differ, where Student's does not. The probability is Lugannani & Rice's (1980, Adv. Appl. Prob. 12:475), so that no
random numbers are drawn.
"""

import math
from dataclasses import dataclass

import numpy as np

from mlci.inference.evidence import Interval
from mlci.inference.intervals.distributions import cdf, find_crossing, two_sided
from mlci.metrics.statistics import Counts, Floats

_TURNS = 100
_CLOSE = 1e-14
_INSIDE = 1 - 1e-10
_FLAT = 1e-4


@dataclass(frozen=True, eq=False)
class BoundedMean:
    """A mean of values between two bounds.

    Attributes:
        values: The distinct values, ascending.
        counts: Rows with each, all positive.
        low, high: Bounds of the values, which the data may not reach.
        method: Name for the report.
    """

    values: Floats
    counts: Counts
    low: float
    high: float
    method: str = "gaffke"
    reason: str | None = None

    def __post_init__(self) -> None:
        """Take sequences as arrays, and refuse values beyond the bounds.

        Raises:
            ValueError: if a value is beyond a bound or not a number, or without a row.
        """
        object.__setattr__(self, "values", np.asarray(self.values, np.float64))
        object.__setattr__(self, "counts", np.asarray(self.counts, np.int64))
        if self.values.ndim != 1 or self.values.shape != self.counts.shape or (self.counts < 1).any():
            raise ValueError("each value has its number of rows, at least one")
        if not len(self.values) or not (self.low <= self.values.min() <= self.values.max() <= self.high):
            raise ValueError(f"values must be between {self.low} and {self.high}, and there must be one")

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.counts.sum())

    @property
    def value(self) -> float:
        """The mean."""
        return float(self.values @ self.counts) / self.rows

    def interval(self, confidence: float) -> Interval:
        """Return the means that neither one-sided test rejects at (1 - confidence) / 2."""
        level = (1 - confidence) / 2
        reach = two_sided(confidence) * (
            math.sqrt(self.scaled_variance() / self.rows) + (self.high - self.low) / self.rows
        )
        below = find_crossing(lambda distance: level - self.above(self.value - distance), reach)
        above = find_crossing(lambda distance: level - self.below(self.value + distance), reach)
        return (max(self.low, self.value - below), min(self.high, self.value + above))

    def above(self, limit: float) -> float:
        """Return the p-value of a mean at or below the limit."""
        return _tail_probability(self.values - limit, self.counts, self.low - limit)

    def below(self, limit: float) -> float:
        """Return the p-value of a mean at or above the limit."""
        return _tail_probability(limit - self.values, self.counts, limit - self.high)

    def scaled_variance(self) -> float:
        """Return the variance of the values."""
        return float((self.values - self.value) ** 2 @ self.counts) / self.rows


def bounded_mean(values: Floats, low: float, high: float) -> BoundedMean:
    """Return the mean of single values, which depends on no order of them.

    Args:
        values: The values, between the bounds, at least one.
        low: Lower bound of every value.
        high: Upper bound.
    """
    distinct, counts = np.unique(values, return_counts=True)
    return BoundedMean(distinct, counts, low, high)


def _tail_probability(distances: Floats, counts: Counts, bound: float) -> float:
    """Return the probability that the weighted mean of the distances and of one more row at the bound is at most 0."""
    if bound >= 0:
        return float(distances.max() <= 0)
    if distances.max() <= 0:
        return 1.0
    if len(distances) == 1:
        return float((bound / (bound - distances[0])) ** counts[0])
    points, weights = np.append(distances, bound), np.append(counts.astype(np.float64), 1.0)
    tilt = _tilt(points, weights)
    scale = 1 + tilt * points
    root = math.copysign(math.sqrt(max(2 * float(weights @ np.log(scale)), 0.0)), -tilt)
    if abs(root) < _FLAT:
        return 0.5
    slope = -tilt * math.sqrt(float(weights @ (points / scale) ** 2))
    density = math.exp(-root * root / 2) / math.sqrt(2 * math.pi)
    return min(1.0, max(0.0, cdf(root) + density * (1 / root - 1 / slope)))


def _tilt(points: Floats, weights: Floats) -> float:
    """Return the saddle point: the root of Σ w a / (1 + λ a), by Newton's method inside a shrinking bracket."""
    low, high = -_INSIDE / float(points.max()), -_INSIDE / float(points.min())
    tilt = 0.0
    for _ in range(_TURNS):
        ratios = points / (1 + tilt * points)
        value = float(weights @ ratios)
        low, high = (tilt, high) if value > 0 else (low, tilt)
        step = tilt + value / float(weights @ ratios**2)
        following = step if low < step < high else (low + high) / 2
        if abs(following - tilt) <= _CLOSE * max(abs(tilt), _CLOSE):
            break
        tilt = following
    return tilt
