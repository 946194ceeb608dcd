"""Evidence on a transformed scale: the logit, Hall's transformation of a skewed mean, and the logarithm."""

import math
from dataclasses import dataclass

from mlci.inference.evidence import Evidence, Interval, StatisticTest
from mlci.inference.intervals.distributions import student_cdf, student_two_sided, two_sided


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
