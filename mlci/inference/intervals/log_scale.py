"""Evidence for a value through its logarithm: RMSE and MSE by log RMSE, R² by log(1 - R²)."""

import math
from dataclasses import dataclass

from mlci.inference.evidence import Evidence, Interval


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
            found = math.exp(self.power * log)
        except OverflowError:
            found = math.inf
        return 1 - found if self.complement else found
