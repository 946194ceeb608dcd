"""Evidence from a report: a value and its interval, without the rows behind them."""

from dataclasses import dataclass

from mlci.inference.evidence import Interval
from mlci.inference.intervals.distributions import cdf, two_sided


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
