"""Mean losses of a binary task, with a mean and a variance for the rows of each class.

If 2 % of rows are positive, a mean over all rows depends on the few positives, and Student's interval, which assumes
equally distributed rows, is too short. The variance is that of both classes plus that of the number of positives; its
degrees of freedom are Satterthwaite's.
"""

import math
from dataclasses import dataclass

import numpy as np

from mlci.inference.context import too_few
from mlci.inference.evidence import Evidence, Point, Tie, Undefined
from mlci.inference.families.moments import ALIKE, SAME
from mlci.inference.intervals import distributions
from mlci.inference.intervals.estimates import Normal
from mlci.inference.intervals.hall import Hall
from mlci.metrics.statistics import Floats, Moments

FEWEST = 2
"""Minimum of rows of each class."""
_NOTHING = 1e-13


@dataclass(frozen=True)
class _Class:
    """Rows of one class: their number, mean, and sample variance."""

    rows: int
    mean: float
    variance: float

    @classmethod
    def of(cls, sums: Floats) -> "_Class":
        """Compute them from sums of powers 0, 1, 2, …."""
        rows, total, square = int(sums[0]), float(sums[1]), float(sums[2])
        around = square - total * total / rows
        return cls(rows, total / rows, around / (rows - 1) if around > _NOTHING * square else 0.0)


@dataclass(frozen=True)
class _Error:
    """Variance of a mean over both classes, and its degrees of freedom."""

    variance: float
    df: float


def class_mean(moments: Moments, name: str, *, low: float, high: float) -> Evidence:
    """Return one model's mean loss: Hall's transformation with the degrees of freedom of both classes' variances."""
    sums = moments.by_class[name]
    total = sums.sum(axis=0)
    if (few := _too_few(sums)) is not None:
        return few
    n, centre = moments.rows, float(total[1]) / moments.rows
    square = float(total[2]) / n - centre**2
    if square <= _NOTHING * float(total[2]) / n:
        return Point(centre, "too few", ALIKE)
    cube = float(total[3]) / n - 3 * centre * float(total[2]) / n + 2 * centre**3
    error, skewness = math.sqrt(square / (n - 1)), cube / (square * math.sqrt(square)) / math.sqrt(n)
    df = _error(sums).df
    return Hall(centre, error, skewness, df, n, "hall by class", low=low, high=high)


def paired_class_mean(moments: Moments) -> Evidence | None:
    """Return the candidate's mean loss minus the baseline's: Student's t with the variance of both classes."""
    if moments.differing == 0 and moments.rows:
        return Tie()
    sums = moments.by_class["change"]
    if (few := _too_few(sums)) is not None:
        return few
    found, value = _error(sums), float(sums[:, 1].sum()) / moments.rows
    if found.variance == 0:
        return Point(value, "too few", SAME)
    return Normal(value, math.sqrt(found.variance), moments.rows, "paired t by class", df=found.df)


def _too_few(sums: Floats) -> Evidence | None:
    """Return the mean without an interval if a class has too few rows; ``None`` if both have enough."""
    negatives, positives = (int(count) for count in sums[:, 0])
    if negatives + positives == 0:
        return Undefined("no rows")
    if min(negatives, positives) >= FEWEST:
        return None
    unit = "labelled positive" if positives <= negatives else "labelled negative"
    value = float(sums[:, 1].sum()) / (negatives + positives)
    return too_few(value, min(negatives, positives), unit, least=FEWEST)


def _error(sums: Floats) -> _Error:
    classes = [_Class.of(row) for row in np.asarray(sums)]
    n = sum(one.rows for one in classes)
    parts = [((one.rows / n) ** 2 * one.variance / one.rows, one.rows - 1.0) for one in classes]
    negatives, positives = classes
    between = positives.rows * negatives.rows / n**3 * (positives.mean - negatives.mean) ** 2
    parts.append((between, min(one.rows for one in classes) - 1.0))
    return _Error(sum(v for v, _ in parts), distributions.of_sum(parts, most=n - 1.0))
