"""Mixing score: Wilson's interval for the mean of any bounded quantity, from its variance alone.

At an end of the interval the distribution is mixed with the extreme value on that side, in the share that moves the
mean there. For a mean v with a variance V, and a distance A from v to the bound of the range, the variance at a
distance d is (1 - d / A) (V + d A / n), n being the rows whose weight an unseen extreme value has. For a
proportion, whose variance is v (1 - v) / n, this is Wilson's score test (Wilson 1927, JASA 22:209).
"""

import math
from dataclasses import dataclass

from mlci.inference.evidence import Interval
from mlci.inference.intervals.distributions import student_cdf, student_two_sided


def mixing_score(variance: float, rows: float, quantile: float, room: float) -> float:
    """Return the distance from the mean to an end of its interval.

    Args:
        variance: Variance of the mean.
        rows: Rows whose weight one unseen extreme value has.
        quantile: Normal's or Student's.
        room: Distance from the mean to the bound of its range on the side of this end.
    """
    if room <= 0:
        return 0.0
    square = quantile * quantile
    a = room * room * (1 + square / rows)
    b = square * (room * room / rows - variance)
    root = math.sqrt(b * b + 4 * a * square * variance)
    share = (b + root) / (2 * a) if b > 0 else 2 * square * variance / (root - b) if root > b else 0.0
    return min(1.0, share) * room


def mixing_quantile(variance: float, rows: float, distance: float, room: float) -> float:
    """Return the quantile at which an end of the interval is at this distance: :func:`mixing_score` solved for it."""
    if distance <= 0:
        return 0.0
    at = (1 - distance / room) * (variance + distance * room / rows) if room > 0 else 0.0
    return distance / math.sqrt(at) if at > 0 else math.inf


@dataclass(frozen=True)
class MixingScore:
    """A mean of bounded values.

    Attributes:
        value: The estimate.
        variance: Its variance.
        weight: Rows whose weight one unseen extreme value has.
        df: Degrees of freedom of the variance.
        rows: Rows behind the estimate.
        method: Name for the report.
        low, high: Bounds of the values.
    """

    value: float
    variance: float
    weight: float
    df: float
    rows: int
    method: str
    low: float = 0.0
    high: float = 1.0
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return the means that the score test does not reject."""
        t = student_two_sided(confidence, self.df)
        below, above = self.value - self.low, self.high - self.value
        return (
            self.value - mixing_score(self.variance, self.weight, t, below),
            self.value + mixing_score(self.variance, self.weight, t, above),
        )

    def below(self, limit: float) -> float:
        """Test by the score, whose variance is taken at the limit."""
        if not self.low < limit < self.high:
            return float(limit <= self.low or self.value == limit)
        return student_cdf(self._score(limit), self.df)

    def above(self, limit: float) -> float:
        """Test by the score, whose variance is taken at the limit."""
        if not self.low < limit < self.high:
            return float(limit >= self.high or self.value == limit)
        return student_cdf(-self._score(limit), self.df)

    def scaled_variance(self) -> float:
        """Return variance × rows."""
        return self.variance * self.rows

    def _score(self, limit: float) -> float:
        distance = self.value - limit
        room = self.value - self.low if distance > 0 else self.high - self.value
        return math.copysign(mixing_quantile(self.variance, self.weight, abs(distance), room), distance)
