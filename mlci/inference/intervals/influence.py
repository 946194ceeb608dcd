"""Influence values by their sums of powers: variance, skewness, and effective rows."""

import math
from dataclasses import dataclass

import numpy as np

from mlci.inference.intervals import distributions
from mlci.metrics.statistics import ORDER, PowerSums

FEWEST, SCARCE = 5.0, 12.0
"""Effective rows below which an interval is not valid, and below which it has a warning."""
_NOTHING, _BLURRED = 1e-13, 1e-12


@dataclass(frozen=True)
class Influence:
    """Influence of each row on a value, summed over all rows; the mean is 0.

    Attributes:
        rows: Number of rows.
        square, cube, fourth: Sums of powers.
    """

    rows: int
    square: float
    cube: float
    fourth: float

    @property
    def error(self) -> float:
        """Standard error of the value."""
        return math.sqrt(self.square / (self.rows - 1) / self.rows)

    @property
    def skewness(self) -> float:
        """Skewness of the value: that of the rows over the root of their number."""
        variance = self.square / self.rows
        return self.cube / self.rows / (variance * math.sqrt(variance)) / math.sqrt(self.rows)

    @property
    def effective(self) -> float:
        """Effective rows: rows over kurtosis, the number of equal rows with the same variance."""
        return self.square**2 / self.fourth

    @property
    def df(self) -> float:
        """Degrees of freedom of the variance."""
        return distributions.df_of_sample(self.rows, self.rows / self.effective)

    @property
    def doubt(self) -> str | None:
        """Return the warning if a few rows carry the variance; ``None`` if they do not."""
        if self.effective >= SCARCE:
            return None
        needed = f"; {FEWEST:g} are needed" if self.effective < FEWEST else ""
        return f"a few rows carry the variance (as much as {self.effective:.1f} equal rows{needed})"


def influence(powers: PowerSums, slope: float, companion: list[float]) -> Influence | None:
    """Return the influence ``slope`` × line + polynomial of the companion, by its coefficients from the constant up.

    Returns ``None`` if the sums do not resolve it: without variance, or if terms cancel down to rounding errors.
    """
    steps = slope * powers.unit
    polynomial = [factor * powers.other_unit**i for i, factor in enumerate(companion)]
    sums = [_power(powers, steps, polynomial, k) for k in range(ORDER + 1)]
    (rows, _), _, (square, terms), (cube, _), (fourth, fine) = sums
    if square <= _NOTHING * terms or fourth <= _BLURRED * fine:
        return None
    return Influence(round(rows), square, cube, fourth)


def _power(powers: PowerSums, slope: float, polynomial: list[float], k: int) -> tuple[float, float]:
    """Return the sum over rows of the influence's ``k``-th power, and the sum of its terms' absolute values."""
    total = size = 0.0
    for j in range(k + 1):
        factors = np.polynomial.polynomial.polypow(polynomial, k - j)
        terms = math.comb(k, j) * slope**j * factors * powers.sums[: len(factors), j]
        total, size = total + float(terms.sum()), size + float(abs(terms).sum())
    return total, size
