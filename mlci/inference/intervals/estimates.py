"""Evidence with a standard error: normal, on the logit scale, or by a bootstrap."""

import math
from dataclasses import dataclass

from mlci.inference.evidence import Interval
from mlci.inference.intervals.distributions import cdf, student_cdf, student_two_sided, two_sided


@dataclass(frozen=True)
class Normal:
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

    def below(self, limit: float) -> float:
        """Test by the standardised distance; a limit beyond a bound needs no test."""
        return self._tail(self.value - limit) if self.low <= limit <= self.high else float(limit < self.low)

    def above(self, limit: float) -> float:
        """Test by the standardised distance; a limit beyond a bound needs no test."""
        return self._tail(limit - self.value) if self.low <= limit <= self.high else float(limit > self.high)

    def scaled_variance(self) -> float:
        """Return error² × rows."""
        return self.error**2 * self.rows

    def _tail(self, distance: float) -> float:
        if self.error == 0:
            return float(distance >= 0)
        z = distance / self.error
        return cdf(z) if self.df is None else student_cdf(z, self.df)


@dataclass(frozen=True)
class Logit:
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

    def below(self, limit: float) -> float:
        """Test on the logit scale."""
        if not self.low < limit < self.high:
            return float(limit <= self.low)
        return cdf((self._logit(self.value) - self._logit(limit)) / self._logit_error)

    def above(self, limit: float) -> float:
        """Test on the logit scale."""
        if not self.low < limit < self.high:
            return float(limit >= self.high)
        return cdf((self._logit(limit) - self._logit(self.value)) / self._logit_error)

    def scaled_variance(self) -> float:
        """Return error² × rows."""
        return self.error**2 * self.rows

    def _logit(self, value: float) -> float:
        return math.log((value - self.low) / (self.high - value))

    @property
    def _logit_error(self) -> float:
        """Return the error of the logit, whose slope is the width over the product of the distances to both bounds."""
        return self.error * (self.high - self.low) / ((self.value - self.low) * (self.high - self.value))


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


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0
