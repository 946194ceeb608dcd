"""Hall's transformation: an interval for the mean of skewed values (Hall 1992, JRSS B 54:221)."""

import math
from dataclasses import dataclass

from mlci.inference.evidence import Interval
from mlci.inference.intervals.distributions import student_cdf, student_two_sided


@dataclass(frozen=True)
class Hall:
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

    def below(self, limit: float) -> float:
        """Test by the transformed distance; a limit beyond a bound needs no test."""
        if not self.low <= limit <= self.high:
            return float(limit < self.low)
        return student_cdf(self._straight(limit), self.df)

    def above(self, limit: float) -> float:
        """Test by the transformed distance; a limit beyond a bound needs no test."""
        if not self.low <= limit <= self.high:
            return float(limit > self.high)
        return student_cdf(-self._straight(limit), self.df)

    def scaled_variance(self) -> float:
        """Return error² × rows."""
        return self.error**2 * self.rows

    def _straight(self, limit: float) -> float:
        """Return Hall's statistic, about Student's, of the standardised distance from a limit."""
        y, a = (self.value - limit) / self.error, self.skewness
        return y + a * y * y / 3 + a * a * y**3 / 27 + a / 6

    def _skewed(self, x: float) -> float:
        """Undo :meth:`_straight`: (3 / a) ((1 + a (x - a / 6))^(1/3) - 1)."""
        a = self.skewness
        inner = a * (x - a / 6)
        if abs(inner) < 0.5:
            return 3 / a * math.expm1(math.log1p(inner) / 3) if a else x
        return 3 / a * (math.copysign(abs(1 + inner) ** (1 / 3), 1 + inner) - 1)
