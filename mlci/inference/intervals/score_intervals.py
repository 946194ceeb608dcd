"""Score intervals for one model's ROC AUC, and for the mean of any bounded quantity.

The AUC's interval is valid with a handful of positives. The variance at a hypothetical AUC is Hanley & McNeil's (1982,
Radiology 143:29), which does not vanish if few rows happen to be ranked alike, or DeLong's at the estimate, whichever
is larger.

For other means, at an end of the interval the distribution is mixed with the extreme value on that side, in the share
that moves the mean there. For a mean v with a variance V, and a distance A from v to the bound of the range, the
variance at a distance d is (1 - d / A) (V + d A / n), n being the rows whose weight an unseen extreme value has. For a
proportion, whose variance is v (1 - v) / n, this is Wilson's score test (Wilson 1927, JASA 22:209).
"""

import math
from dataclasses import dataclass

from mlci.inference.evidence import Interval, StatisticTest
from mlci.inference.intervals.distributions import student_cdf, student_two_sided, two_sided

_HALVINGS = 60


@dataclass(frozen=True)
class AucScore(StatisticTest):
    """One model's AUC.

    Attributes:
        value: The estimate.
        variance: DeLong's.
        scarcer, other: Rows of the class with fewer rows, and of the other.
        method: Name for the report.
    """

    value: float
    variance: float
    scarcer: int
    other: int
    method: str = "delong score"
    reason: str | None = None

    @property
    def rows(self) -> int:
        """Rows of both classes."""
        return self.scarcer + self.other

    def interval(self, confidence: float) -> Interval:
        """Return the AUCs that the score test does not reject."""
        z = two_sided(confidence)
        return (self._end(z, 0.0), self._end(z, 1.0))

    def statistic(self, limit: float) -> float | None:
        """Return the score at the limit, whose variance is taken there."""
        if not 0 <= limit <= 1:
            return None
        distance, variance = self.value - limit, self.variance_at(limit)
        if variance <= 0:
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / math.sqrt(variance)

    def scaled_variance(self) -> float:
        """Return the variance at the estimate × rows."""
        return self.variance_at(self.value) * self.rows

    def variance_at(self, auc: float) -> float:
        """Return the variance for a true AUC.

        Hanley & McNeil's formula is not symmetric in the classes. The scarcer class takes the role of the positives,
        whose scores vary more: exchanging classes and signs of scores changes neither the AUC nor its interval.
        """
        m, n = self.scarcer, self.other
        two_scarce, two_other = auc / (2 - auc) - auc * auc, 2 * auc * auc / (1 + auc) - auc * auc
        exponential = (auc * (1 - auc) + (m - 1) * two_scarce + (n - 1) * two_other) / (m * n)
        return max(exponential, self.variance)

    def _end(self, z: float, bound: float) -> float:
        """Bisect between the estimate and a bound; the distance grows faster than the error everywhere."""
        inside, outside = self.value, bound
        if abs(bound - inside) <= z * math.sqrt(self.variance_at(bound)):
            return bound
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            if abs(middle - self.value) <= z * math.sqrt(self.variance_at(middle)):
                inside = middle
            else:
                outside = middle
        return (inside + outside) / 2


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
class MixingScore(StatisticTest):
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

    def statistic(self, limit: float) -> float | None:
        """Return the score at the limit, whose variance is taken there."""
        if not self.low < limit < self.high:
            return None
        distance = self.value - limit
        room = self.value - self.low if distance > 0 else self.high - self.value
        return math.copysign(mixing_quantile(self.variance, self.weight, abs(distance), room), distance)

    def tail(self, statistic: float) -> float:
        """Return Student's distribution function."""
        return student_cdf(statistic, self.df)

    def scaled_variance(self) -> float:
        """Return variance × rows."""
        return self.variance * self.rows
