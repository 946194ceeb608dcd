"""Sums of proportions: the squared distances of the parts' own limits add up.

The method of variance estimates recovery (Zou & Donner 2008, Stat. Med. 27:1693; for linear functions of proportions
Zou, Huang & Zhang 2009, Comput. Stat. Data Anal. 53:1080) takes the variance that each end of a sum needs from the
distance of the parts' own limits: Wilson's for proportions, where it is method 10 of Newcombe 1998, Stat. Med. 17:873,
and Tango's for paired differences. So a part of a dozen rows keeps its own skewness and uncertainty.
"""

import math
from dataclasses import dataclass

from mlci.inference.evidence import Interval, StatisticTest
from mlci.inference.intervals.distributions import find_crossing, two_sided
from mlci.inference.intervals.proportions import F1, Proportion


@dataclass(frozen=True)
class Mover(StatisticTest):
    """A weighted sum of independent proportions, or of independent paired differences.

    Attributes:
        value: The estimate.
        parts: The terms of the sum.
        weights: Weight of each part, not negative.
        rest: Standard error that the parts do not explain.
        rows: Rows behind the estimate.
        method: Name for the report.
        low, high: Bounds that intervals are cut at.
    """

    value: float
    parts: tuple[Proportion | F1, ...]
    weights: tuple[float, ...]
    rest: float
    rows: int
    method: str = "wilson by class"
    low: float = 0.0
    high: float = 1.0
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return the value less and plus the root of the parts' squared distances."""
        z = two_sided(confidence)
        return (max(self.low, self.value - self._reach(z, 0)), min(self.high, self.value + self._reach(z, 1)))

    def statistic(self, limit: float) -> float | None:
        """Return the z, positive for a value above the limit, whose interval ends at the limit."""
        if not self.low < limit < self.high:
            return None
        distance, end = abs(self.value - limit), int(limit > self.value)
        z = find_crossing(lambda z: self._reach(z, end) - distance, 1.0)
        return z if self.value > limit else -z

    def scaled_variance(self) -> float:
        """Return the variance of the sum × rows."""
        return self.rows * (self.rest**2 + self.explained())

    def explained(self) -> float:
        """Return the variance that comes from the parts."""
        return sum(w * w * part.variance() for w, part in zip(self.weights, self.parts, strict=True))

    def _reach(self, z: float, end: int) -> float:
        """Return how far the sum's lower (0) or upper (1) end is from the value."""
        squares = (self.rest * z) ** 2
        for weight, part in zip(self.weights, self.parts, strict=True):
            squares += (weight * (part.ends(z)[end] - part.value)) ** 2
        return math.sqrt(squares)
