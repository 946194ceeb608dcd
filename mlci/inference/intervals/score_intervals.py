"""Score intervals: Wilson's for a proportion, Tango's for a paired difference, and those of ROC AUC and bounded means.

The AUC's interval is valid with a handful of positives. The variance at a hypothetical AUC is Hanley & McNeil's (1982,
Radiology 143:29), which does not vanish if few rows happen to be ranked alike, or DeLong's at the estimate, whichever
is larger.

For other means, at an end of the interval the distribution is mixed with the extreme value on that side, in the share
that moves the mean there. For a mean v with a variance V, and a distance A from v to the bound of the range, the
variance at a distance d is (1 - d / A) (V + d A / n), n being the rows whose weight an unseen extreme value has. For a
proportion, whose variance is v (1 - v) / n, this is Wilson's score test (Wilson 1927, JASA 22:209).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from mlci.inference.evidence import Interval, StatisticTest
from mlci.inference.intervals.distributions import student_cdf, student_two_sided, two_sided

_HALVINGS = 60


@dataclass(frozen=True)
class Proportion(StatisticTest):
    """``successes`` of ``rows``, with the score interval (Wilson 1927, JASA 22:209)."""

    successes: int
    rows: int
    method: str = "wilson"
    reason: str | None = None

    @property
    def value(self) -> float:
        """Successes over rows."""
        return self.successes / self.rows

    def interval(self, confidence: float) -> Interval:
        """Return the proportions that a score test does not reject."""
        return self.ends(two_sided(confidence))

    def ends(self, z: float) -> Interval:
        """Return the proportions at which the score is ``z``, below and above."""
        n, p = self.rows, self.value
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low = 0.0 if self.successes == 0 else max(0.0, centre - reach)
        high = 1.0 if self.successes == n else min(1.0, centre + reach)
        return (low, high)

    def statistic(self, limit: float) -> float | None:
        """Return the score statistic, whose variance is taken at the limit."""
        if not 0 < limit < 1:
            return None
        return (self.value - limit) / math.sqrt(limit * (1 - limit) / self.rows)

    def scaled_variance(self) -> float:
        """Return p (1 - p)."""
        return self.value * (1 - self.value)

    def variance(self) -> float:
        """Return p (1 - p) / n."""
        return self.scaled_variance() / self.rows


@dataclass(frozen=True)
class F1:
    """F1 from its counts: 2J / (1 + J) of the Jaccard index J, a proportion of the rows positive by label or decision.

    The map is increasing, so the ends of Wilson's interval for J are mapped.
    """

    hits: int
    either: int
    method: str = "wilson, by the Jaccard index"
    reason: str | None = None

    @property
    def value(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        return 2 * self.hits / (self.either + self.hits)

    @property
    def rows(self) -> int:
        """Rows that are positive by label or by decision."""
        return self.either

    def interval(self, confidence: float) -> Interval:
        """Map Wilson's interval of the Jaccard index."""
        return self.ends(two_sided(confidence))

    def ends(self, z: float) -> Interval:
        """Map the Jaccard indices at which the score is ``z``, below and above."""
        low, high = self._jaccard.ends(z)
        return (2 * low / (1 + low), 2 * high / (1 + high))

    def below(self, limit: float) -> float:
        """Test the Jaccard index against the limit mapped back."""
        return self._jaccard.below(limit / (2 - limit))

    def above(self, limit: float) -> float:
        """Test the Jaccard index against the limit mapped back."""
        return self._jaccard.above(limit / (2 - limit))

    def scaled_variance(self) -> float:
        """Return the Jaccard index's scaled variance times the squared slope of the map."""
        slope = 2 / (1 + self._jaccard.value) ** 2
        return self._jaccard.scaled_variance() * slope**2

    def variance(self) -> float:
        """Return the variance of the value."""
        return self.scaled_variance() / self.rows

    @property
    def _jaccard(self) -> Proportion:
        return Proportion(self.hits, self.either)


@dataclass(frozen=True)
class Tango(StatisticTest):
    """Paired difference of two proportions over the same rows (Tango 1998, Stat. Med. 17:891).

    Attributes:
        gained: Rows that count for the candidate only.
        lost: Rows that count for the baseline only.
        rows: All rows, including those without a disagreement.
    """

    gained: int
    lost: int
    rows: int
    method: str = "tango"
    reason: str | None = None

    @property
    def value(self) -> float:
        """Candidate minus baseline."""
        return (self.gained - self.lost) / self.rows

    @property
    def disagreements(self) -> int:
        """Rows on which the two models differ."""
        return self.gained + self.lost

    def interval(self, confidence: float) -> Interval:
        """Return the differences that the score test does not reject."""
        return self.ends(two_sided(confidence))

    def ends(self, z: float) -> Interval:
        """Return the differences at which the score is ``z``, below and above."""
        low = _root(lambda delta: self.score(delta) - z, -1.0, self.value)
        high = _root(lambda delta: self.score(delta) + z, self.value, 1.0)
        return (low, high)

    def score(self, delta: float) -> float:
        """Return Tango's statistic for a true difference of ``delta``; decreasing in ``delta``."""
        n, b, c = self.rows, self.gained, self.lost
        distance = b - c - n * delta
        linear = -b - c + (2 * n - b + c) * delta
        constant = -c * delta * (1 - delta)
        nuisance = (math.sqrt(max(linear * linear - 8 * n * constant, 0.0)) - linear) / (4 * n)
        variance = n * (2 * nuisance + delta * (1 - delta))
        if variance <= 0:
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / math.sqrt(variance)

    def statistic(self, limit: float) -> float | None:
        """Return the score at the limit."""
        return self.score(limit) if -1 < limit < 1 else None

    def scaled_variance(self) -> float:
        """Return the share of rows on which the models disagree."""
        return self.disagreements / self.rows

    def variance(self) -> float:
        """Return the variance of the difference, (share of disagreements - difference²) / n."""
        return (self.scaled_variance() - self.value**2) / self.rows


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the root of a decreasing function by bisection; 60 halvings reach the precision of a float."""
    for _ in range(60):
        middle = (low + high) / 2
        if function(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


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
