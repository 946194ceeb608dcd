"""Proportions: Wilson's interval for one, Tango's for the paired difference of two."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from mlci.inference.evidence import Interval, StatisticTest
from mlci.inference.intervals.distributions import two_sided


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
