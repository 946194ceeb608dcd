"""Means of losses over rows, for each class of a binary task too, and functions of means: RMSE and R².

Means of losses have Student's interval. RMSE, MSE and R² take their degrees of freedom from the kurtosis of their
influence: if a few rows carry the variance, the result is undecided, with a reason.

For a binary task the rows of each class have their own mean and variance. If 2 % of rows are positive, a mean over all
rows depends on the few positives, and Student's interval, which assumes equally distributed rows, is too short. The
variance is that of both classes plus that of the number of positives; its degrees of freedom are Satterthwaite's.
"""

import math
from dataclasses import dataclass

import numpy as np

from mlci.inference.evidence import Cause, Evidence, Point, Undefined, too_few
from mlci.inference.intervals import distributions
from mlci.inference.intervals.error_intervals import Hall, LogScale, Normal
from mlci.metrics.statistics import ORDER, Floats, Moments, PowerSums

FEWEST, SCARCE = 5.0, 12.0
"""Effective rows below which an interval is not valid, and below which it has a warning."""
_NOTHING, _BLURRED = 1e-13, 1e-12
ALIKE = "too few rows: every row has the same loss, so the rows have no variance"
SAME = "too few rows: the predictions differ, but the rows have no variance in losses"
_CONSTANT = Undefined("the label is constant, so it has no variance to explain", cause=Cause.LABELS)


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


def loss_mean(moments: Moments, name: str, *, low: float, high: float) -> Evidence:
    """Return the mean of one quantity with Student's interval (Student 1908)."""
    return _linear(moments, _unit(moments, name), method="t", low=low, high=high)


def paired_loss_mean(moments: Moments) -> Evidence:
    """Return the candidate's mean loss minus the baseline's, paired."""
    weights = _unit(moments, "candidate") - _unit(moments, "baseline")
    return _linear(moments, weights, method="paired t", low=-math.inf, high=math.inf)


def rmse(moments: Moments, name: str, *, power: float = 1.0) -> Evidence:
    """Return the root of the mean of squares, or the mean itself for a ``power`` of 2.

    Hall's transformation of log RMSE, whose influence is (e² / MSE - 1) / 2.
    """
    if moments.rows == 0:
        return Undefined("no rows")
    square = _average(moments, name)
    effect = _influence(moments, name, 0.5 / square, [-0.5]) if square > 0 else None
    if (few := _too_few(moments, effect, math.sqrt(square) ** power, ALIKE)) is not None or effect is None:
        return few or Undefined("no rows")
    log = Hall(math.log(square) / 2, effect.error, effect.skewness, effect.df, moments.rows, reason=effect.doubt)
    return LogScale(log, moments.rows, power)


def mse(moments: Moments, name: str, *, low: float, high: float) -> Evidence:  # noqa: ARG001 (as for other means)
    """Return the mean of squares, through log RMSE."""
    return rmse(moments, name, power=2.0)


def paired_rmse(moments: Moments) -> Evidence:
    """Return the difference of two RMSE; the influence is that of both roots, by each row's change in squares."""
    if moments.rows == 0:
        return Undefined("no rows")
    first, second = (math.sqrt(_average(moments, name)) for name in ("baseline", "candidate"))
    both = first + second
    value = _change(moments) / both if both else 0.0
    effect = None
    if first > 0 and second > 0:
        effect = _influence(moments, "change", 0.5 / second, [-value / 2, -value / (2 * first * second)])
    return _student(moments, effect, value)


def paired_mse(moments: Moments) -> Evidence:
    """Return the difference of two means of squares."""
    if moments.rows == 0:
        return Undefined("no rows")
    value = _change(moments)
    return _student(moments, _influence(moments, "change", 1.0, [-value]), value)


def r2(moments: Moments, name: str) -> Evidence:
    """Return 1 - sum e² / sum (y - mean y)²; log (1 - R²) has the influence e² / MSE - (y - mean y)² / var y."""
    label_variance = _label_variance(moments)
    if label_variance is None:
        return _CONSTANT
    square = _average(moments, name)
    effect = _influence(moments, name, 1 / square, _squares(moments, -1 / label_variance)) if square > 0 else None
    if (few := _too_few(moments, effect, 1 - square / label_variance, ALIKE)) is not None or effect is None:
        return few or _CONSTANT
    log = Normal(math.log(square / label_variance), effect.error, moments.rows, "t", df=effect.df, reason=effect.doubt)
    return LogScale(log, moments.rows, complement=True)


def paired_r2(moments: Moments) -> Evidence:
    """Return the difference of two R² over the same labels."""
    label_variance = _label_variance(moments)
    if label_variance is None:
        return _CONSTANT
    gain = _change(moments) / label_variance
    effect = _influence(moments, "change", -1 / label_variance, _squares(moments, gain / label_variance))
    return _student(moments, effect, -gain)


def variance(moments: Moments, weights: Floats) -> float:
    """Return the sample variance of a weighted sum of the quantities; 0 if it is within rounding error."""
    n = moments.rows
    centre, squares = float(weights @ moments.sums), float(weights @ moments.products @ weights)
    size = float(abs(weights) @ abs(moments.products) @ abs(weights))
    around = squares - centre**2 / n
    return around / (n - 1) if around > _NOTHING * size else 0.0


def single_row_value(value: float) -> Evidence:
    """Return the value of a single row, which has no variance."""
    return Point(value, "single row", "a single row has no interval")


def _linear(moments: Moments, weights: Floats, *, method: str, low: float, high: float) -> Evidence:
    n = moments.rows
    if n == 0:
        return Undefined("no rows")
    value = float(weights @ moments.sums) / n
    if n == 1:
        return single_row_value(value)
    error = math.sqrt(variance(moments, weights) / n)
    if error == 0:
        return Point(value, "too few", SAME if (weights < 0).any() else ALIKE)
    return Normal(value, error, n, method, low=low, high=high, df=float(n - 1))


def _student(moments: Moments, effect: Influence | None, value: float) -> Evidence:
    if (few := _too_few(moments, effect, value, SAME)) is not None or effect is None:
        return few or Undefined("no rows")
    return Normal(value, effect.error, moments.rows, "paired t", df=effect.df, reason=effect.doubt)


def _too_few(moments: Moments, effect: Influence | None, value: float, unresolved: str) -> Evidence | None:
    """Return the value without an interval if too few rows carry its variance; ``None`` if enough do."""
    if moments.rows == 1:
        return single_row_value(value)
    if effect is None:
        return Point(value, "too few", unresolved)
    return Point(value, "too few", effect.doubt) if effect.effective < FEWEST else None


def _squares(moments: Moments, factor: float) -> list[float]:
    """Return the coefficients of factor × (y - mean y)²."""
    centre = _average(moments, "y")
    return [factor * centre**2, -2 * factor * centre, factor]


def _unit(moments: Moments, name: str) -> Floats:
    return np.array([float(item == name) for item in moments.names])


def _average(moments: Moments, name: str) -> float:
    return float(moments.sums[moments.names.index(name)]) / moments.rows


def _change(moments: Moments) -> float:
    """Return the mean change of a row's loss, from its own sum if there is one."""
    powers = moments.powers.get("change")
    if powers is None:
        return _average(moments, "candidate") - _average(moments, "baseline")
    return float(powers.sums[0, 1]) * powers.unit / moments.rows


def _label_variance(moments: Moments) -> float | None:
    """Return the label's variance; ``None`` if it is constant or there are fewer than two rows."""
    if moments.rows < 2:
        return None
    centre = _average(moments, "y")
    label_variance = _average(moments, "y2") - centre**2
    return label_variance if label_variance > 1e-12 * max(_average(moments, "y2"), 1e-300) else None


FEWEST_IN_CLASS = 2
"""Minimum of rows of each class."""


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
    if (few := _too_few_in_class(sums)) is not None:
        return few
    n, centre = moments.rows, float(total[1]) / moments.rows
    square = float(total[2]) / n - centre**2
    if square <= _NOTHING * float(total[2]) / n:
        return Point(centre, "too few", ALIKE)
    cube = float(total[3]) / n - 3 * centre * float(total[2]) / n + 2 * centre**3
    error, skewness = math.sqrt(square / (n - 1)), cube / (square * math.sqrt(square)) / math.sqrt(n)
    df = _error(sums).df
    return Hall(centre, error, skewness, df, n, "hall by class", low=low, high=high)


def paired_class_mean(moments: Moments) -> Evidence:
    """Return the candidate's mean loss minus the baseline's: Student's t with the variance of both classes."""
    sums = moments.by_class["change"]
    if (few := _too_few_in_class(sums)) is not None:
        return few
    error, value = _error(sums), float(sums[:, 1].sum()) / moments.rows
    if error.variance == 0:
        return Point(value, "too few", SAME)
    return Normal(value, math.sqrt(error.variance), moments.rows, "paired t by class", df=error.df)


def _too_few_in_class(sums: Floats) -> Evidence | None:
    """Return the mean without an interval if a class has too few rows; ``None`` if both have enough."""
    negatives, positives = (int(count) for count in sums[:, 0])
    if negatives + positives == 0:
        return Undefined("no rows")
    if min(negatives, positives) >= FEWEST_IN_CLASS:
        return None
    unit = "labelled positive" if positives <= negatives else "labelled negative"
    value = float(sums[:, 1].sum()) / (negatives + positives)
    return too_few(value, min(negatives, positives), unit, least=FEWEST_IN_CLASS)


def _error(sums: Floats) -> _Error:
    classes = [_Class.of(row) for row in np.asarray(sums)]
    n = sum(one.rows for one in classes)
    parts = [((one.rows / n) ** 2 * one.variance / one.rows, one.rows - 1.0) for one in classes]
    negatives, positives = classes
    between = positives.rows * negatives.rows / n**3 * (positives.mean - negatives.mean) ** 2
    parts.append((between, min(one.rows for one in classes) - 1.0))
    return _Error(sum(v for v, _ in parts), distributions.df_of_sum(parts, most=n - 1.0))


def _influence(moments: Moments, line: str, slope: float, companion: list[float]) -> Influence | None:
    """Return the influence ``slope`` × line + polynomial of the companion, by its coefficients from the constant up.

    Returns ``None`` if the sums do not resolve it: without variance, or if terms cancel down to rounding errors.
    """
    powers = moments.powers.get(line)
    if powers is None or moments.rows < 2:
        return None
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
