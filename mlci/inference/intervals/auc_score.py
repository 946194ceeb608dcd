"""Score interval for one model's ROC AUC, valid with a handful of positives.

The variance at a hypothetical AUC is Hanley & McNeil's (1982, Radiology 143:29), which does not vanish if few rows
happen to be ranked alike, or DeLong's at the estimate, whichever is larger.
"""

import math
from dataclasses import dataclass

from mlci.inference.evidence import Interval
from mlci.inference.intervals.distributions import cdf, two_sided

_HALVINGS = 60


@dataclass(frozen=True)
class AucScore:
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

    def below(self, limit: float) -> float:
        """Test by the score at the limit."""
        return cdf(self._score(limit)) if 0 <= limit <= 1 else float(limit < 0)

    def above(self, limit: float) -> float:
        """Test by the score at the limit."""
        return cdf(-self._score(limit)) if 0 <= limit <= 1 else float(limit > 1)

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

    def _score(self, limit: float) -> float:
        distance, variance = self.value - limit, self.variance_at(limit)
        if variance <= 0:
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / math.sqrt(variance)

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
