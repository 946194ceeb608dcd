"""Influence values by their sums of powers: their spread, their skewness, and how few rows they rest on."""

import math
from dataclasses import dataclass

import numpy as np

from mlci.inference.intervals import distributions
from mlci.metrics.power_sums import ORDER
from mlci.metrics.statistics import PowerSums

FEWEST, SCARCE = 5.0, 12.0
"""Effective rows under which an interval means nothing, and under which it carries a warning."""
_NOTHING, _BLURRED = 1e-13, 1e-12


@dataclass(frozen=True)
class Influence:
    """How far each row moves a value, over all rows; the mean is 0.

    Attributes:
        rows: How many rows there are.
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
        """Skewness of the value: the rows' own over the root of how many they are."""
        variance = self.square / self.rows
        return self.cube / self.rows / (variance * math.sqrt(variance)) / math.sqrt(self.rows)

    @property
    def effective(self) -> float:
        """Effective rows: rows over kurtosis, which is how many equal ones would carry the variance."""
        return self.square**2 / self.fourth

    @property
    def df(self) -> float:
        """Degrees of freedom of the variance."""
        return distributions.of_sample(self.rows, self.rows / self.effective)

    @property
    def doubt(self) -> str | None:
        """Return what to say where a few rows carry the variance; ``None`` if they do not."""
        if self.effective >= SCARCE:
            return None
        needed = f"; {FEWEST:g} are needed" if self.effective < FEWEST else ""
        return f"a few rows carry the variance (as much as {self.effective:.1f} equal rows{needed})"


def influence(powers: PowerSums, slope: float, companion: list[float]) -> Influence | None:
    """Return the influence ``slope`` × line + polynomial of the companion, by its coefficients from the constant up.

    Returns ``None`` if the sums do not resolve it: without a spread, or if terms cancel down to rounding errors.
    """
    steps = slope * powers.unit
    polynomial = [factor * powers.other_unit**i for i, factor in enumerate(companion)]
    sums = [_power(powers, steps, polynomial, k) for k in range(ORDER + 1)]
    (rows, _), _, (square, terms), (cube, _), (fourth, fine) = sums
    if square <= _NOTHING * terms or fourth <= _BLURRED * fine:
        return None
    return Influence(round(rows), square, cube, fourth)


def _power(powers: PowerSums, slope: float, polynomial: list[float], k: int) -> tuple[float, float]:
    """Return the sum over rows of the influence's ``k``-th power, and that of the sizes of its terms."""
    total = size = 0.0
    for j in range(k + 1):
        factors = np.polynomial.polynomial.polypow(polynomial, k - j)
        terms = math.comb(k, j) * slope**j * factors * powers.sums[: len(factors), j]
        total, size = total + float(terms.sum()), size + float(abs(terms).sum())
    return total, size
