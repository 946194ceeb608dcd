"""Evidence with a standard error (normal, or by a bootstrap), or with an interval from a report."""

import math
from dataclasses import dataclass

from mlci.inference.evidence import Interval, StatisticTest
from mlci.inference.intervals.distributions import cdf, student_cdf, student_two_sided, two_sided


@dataclass(frozen=True)
class Normal(StatisticTest):
    """A value whose estimate is normal, or Student's with ``df`` degrees of freedom, around the truth.

    Attributes:
        value: The estimate.
        error: Its standard error.
        rows: Rows behind the error.
        method: Name for the report.
        low, high: Bounds that intervals are cut at.
        df: Degrees of freedom; ``None`` for normal.
    """

    value: float
    error: float
    rows: int
    method: str
    low: float = -math.inf
    high: float = math.inf
    df: float | None = None
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return value ± quantile × error, cut at the bounds."""
        width = two_sided(confidence) if self.df is None else student_two_sided(confidence, self.df)
        reach = width * self.error
        return (max(self.low, self.value - reach), min(self.high, self.value + reach))

    def statistic(self, limit: float) -> float | None:
        """Return the standardised distance; a limit beyond a bound needs no test."""
        if self.error == 0 or not self.low <= limit <= self.high:
            return None
        return (self.value - limit) / self.error

    def tail(self, statistic: float) -> float:
        """Return the normal distribution function, or Student's."""
        return cdf(statistic) if self.df is None else student_cdf(statistic, self.df)

    def scaled_variance(self) -> float:
        """Return error² × rows."""
        return self.error**2 * self.rows


@dataclass(frozen=True)
class Sampled:
    """A value with a bootstrap interval drawn at one confidence, and the draws' standard error for tests."""

    value: float
    low: float
    high: float
    error: float
    rows: int
    confidence: float
    method: str = "bootstrap"
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return the interval at its own confidence; another confidence is an error of the caller."""
        if not math.isclose(confidence, self.confidence):
            raise ValueError(f"drawn at confidence {self.confidence}, asked for {confidence}")
        return (self.low, self.high)

    def below(self, limit: float) -> float:
        """Test by the draws' standard error on the side of the interval's upper end."""
        return self._tail(self.value - limit, self.high - self.value)

    def above(self, limit: float) -> float:
        """Test by the draws' standard error on the side of the interval's lower end."""
        return self._tail(limit - self.value, self.value - self.low)

    def scaled_variance(self) -> float:
        """Return error² × rows."""
        return self.error**2 * self.rows

    def _tail(self, distance: float, reach: float) -> float:
        """Scale the distance by the interval's own reach, so that test and interval agree at the interval's end."""
        scale = reach / two_sided(self.confidence) if reach > 0 else self.error
        return cdf(distance / scale) if scale > 0 else float(distance >= 0)


@dataclass(frozen=True)
class Recorded:
    """A value with its interval from a report.

    Attributes:
        value: The estimate.
        ends: The interval; ``None`` if the report has none.
        confidence: Two-sided level of the interval.
        method: How both were estimated.
        reason: Why the interval is missing.
    """

    value: float
    ends: Interval | None
    confidence: float
    method: str
    reason: str | None = None

    def interval(self, confidence: float) -> Interval | None:
        """Return the recorded interval; at another level, both of its sides in proportion to the normal quantile."""
        if self.ends is None or confidence == self.confidence:
            return self.ends
        factor = two_sided(confidence) / two_sided(self.confidence)
        low, high = self.ends
        return self.value - factor * (self.value - low), self.value + factor * (high - self.value)

    def below(self, limit: float) -> float:
        """Return the level at which the upper end reaches the limit, or from above the lower one."""
        return self._tail(limit - self.value, upper=True)

    def above(self, limit: float) -> float:
        """Return the level at which the lower end reaches the limit, or from below the upper one."""
        return self._tail(self.value - limit, upper=False)

    def scaled_variance(self) -> None:
        """Return ``None``: a report does not have it."""

    def _tail(self, distance: float, *, upper: bool) -> float:
        """Return the normal tail beyond a distance, scaled by the interval's length on its side."""
        if self.ends is None:
            return 1.0
        low, high = self.ends
        reach = high - self.value if upper == (distance > 0) else self.value - low
        if reach <= 0:
            return float(distance <= 0)
        return cdf(-two_sided(self.confidence) * distance / reach)
