"""Intervals from a standard error: on the metric's scale or a transformed one, by a bootstrap, or from a report."""

import math
from dataclasses import dataclass

import numpy as np

from mlci.inference.evidence import Evidence, Interval, StatisticTest
from mlci.inference.intervals.distributions import cdf, student_cdf, student_two_sided, two_sided
from mlci.metrics.statistics import Floats


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


_BEYOND = 5
"""Draws that have to lie beyond an end for it to be a percentile of them."""


def percentile_ends(draws: Floats, value: float, *, confidence: float) -> Interval:
    """Return the percentiles of a bootstrap's draws, with the value between them.

    With too few draws beyond an end, as at the level of one look of many, the end is at least as far out as that of the
    normal interval.
    """
    tail = (1 - confidence) / 2
    low, high = (float(end) for end in np.quantile(draws, [tail, 1 - tail]))
    if tail * len(draws) < _BEYOND:
        reach = two_sided(confidence) * float(draws.std(ddof=1))
        low, high = min(low, value - reach), max(high, value + reach)
    return min(low, value), max(high, value)


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


@dataclass(frozen=True)
class Hall(StatisticTest):
    """A mean of skewed values.

    Attributes:
        value: The estimate.
        error: Its standard error.
        skewness: Skewness of the mean: the values' skewness over the root of their number.
        df: Degrees of freedom of the error.
        rows: Rows behind the estimate.
        method: Name for the report.
        low, high: Bounds that intervals are cut at.
    """

    value: float
    error: float
    skewness: float
    df: float
    rows: int
    method: str = "hall"
    low: float = -math.inf
    high: float = math.inf
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return the ends at which the transformed statistic is Student's quantile, cut at the bounds."""
        t = student_two_sided(confidence, self.df)
        low, high = (self.value - self._skewed(side) * self.error for side in (t, -t))
        return (max(self.low, low), min(self.high, high))

    def statistic(self, limit: float) -> float | None:
        """Return Hall's statistic, about Student's, of the standardised distance; a limit beyond a bound has none."""
        if not self.low <= limit <= self.high:
            return None
        y, a = (self.value - limit) / self.error, self.skewness
        return y + a * y * y / 3 + a * a * y**3 / 27 + a / 6

    def tail(self, statistic: float) -> float:
        """Return Student's distribution function."""
        return student_cdf(statistic, self.df)

    def scaled_variance(self) -> float:
        """Return error² × rows."""
        return self.error**2 * self.rows

    def _skewed(self, x: float) -> float:
        """Undo :meth:`statistic`: (3 / a) ((1 + a (x - a / 6))^(1/3) - 1)."""
        a = self.skewness
        inner = a * (x - a / 6)
        if abs(inner) < 0.5:
            return 3 / a * math.expm1(math.log1p(inner) / 3) if a else x
        return 3 / a * (math.copysign(abs(1 + inner) ** (1 / 3), 1 + inner) - 1)


@dataclass(frozen=True)
class LogScale:
    """A power of a positive number, or one minus it.

    Attributes:
        log: Evidence for the logarithm of that number.
        rows: Rows behind the estimate.
        power: The exponent.
        complement: Whether the value is one minus the power.
    """

    log: Evidence
    rows: int
    power: float = 1.0
    complement: bool = False

    @property
    def value(self) -> float:
        """The estimate."""
        return self._back(self.log.value or 0.0)

    @property
    def method(self) -> str:
        """Method of the logarithm's interval."""
        return f"{self.log.method} on the log scale"

    @property
    def reason(self) -> str | None:
        """Remark on the logarithm's interval."""
        return self.log.reason

    def interval(self, confidence: float) -> Interval | None:
        """Map both ends back."""
        ends = self.log.interval(confidence)
        if ends is None:
            return None
        first, second = self._back(ends[0]), self._back(ends[1])
        return (second, first) if self.complement else (first, second)

    def below(self, limit: float) -> float:
        """Test the logarithm."""
        inside = 1 - limit if self.complement else limit
        if inside <= 0:
            return float(not self.complement)
        at = math.log(inside) / self.power
        return self.log.above(at) if self.complement else self.log.below(at)

    def above(self, limit: float) -> float:
        """Test the logarithm."""
        inside = 1 - limit if self.complement else limit
        if inside <= 0:
            return float(self.complement)
        at = math.log(inside) / self.power
        return self.log.below(at) if self.complement else self.log.above(at)

    def scaled_variance(self) -> float | None:
        """Return the logarithm's variance times the squared slope."""
        variance, slope = self.log.scaled_variance(), self.power * (1 - self.value if self.complement else self.value)
        return None if variance is None else variance * slope**2

    def _back(self, log: float) -> float:
        try:
            power = math.exp(self.power * log)
        except OverflowError:
            power = math.inf
        return 1 - power if self.complement else power


@dataclass(frozen=True)
class Logit(StatisticTest):
    """A value strictly between two bounds whose logit, after scaling to 0 to 1, is about normal.

    Between 0 and 1 it is the interval of Boyd, Eng & Page 2013 for average precision; between -1 and 1 it is Fisher's
    z transform of a correlation (Fisher 1915).
    """

    value: float
    error: float
    rows: int
    method: str
    low: float = 0.0
    high: float = 1.0
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return the interval on the logit scale, mapped back."""
        z = two_sided(confidence) * self._logit_error
        centre = self._logit(self.value)
        span = self.high - self.low
        return (self.low + span * _expit(centre - z), self.low + span * _expit(centre + z))

    def statistic(self, limit: float) -> float | None:
        """Return the distance on the logit scale over its error."""
        if not self.low < limit < self.high:
            return None
        return (self._logit(self.value) - self._logit(limit)) / self._logit_error

    def scaled_variance(self) -> float:
        """Return error² × rows."""
        return self.error**2 * self.rows

    def _logit(self, value: float) -> float:
        return math.log((value - self.low) / (self.high - value))

    @property
    def _logit_error(self) -> float:
        """Return the error of the logit, whose slope is the width over the product of the distances to both bounds."""
        return self.error * (self.high - self.low) / ((self.value - self.low) * (self.high - self.value))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0
