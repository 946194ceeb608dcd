"""Means over rows and functions of them: paired t intervals, and the delta method for RMSE and R²."""

import math

import numpy as np

from mlci.inference.estimates import Normal
from mlci.inference.evidence import Cause, Evidence, Point, Tie, Undefined
from mlci.metrics.statistics import Floats, Moments


def mean(moments: Moments, name: str, *, low: float, high: float) -> Evidence:
    """Return the mean of one quantity with Student's interval (Student 1908)."""
    weights = _unit(moments, name)
    return _linear(moments, weights, method="t", low=low, high=high)


def paired_mean(moments: Moments) -> Evidence | None:
    """Return the candidate's mean loss minus the baseline's, paired; ``None`` without a baseline."""
    if "baseline" not in moments.names:
        return None
    if moments.differing == 0 and moments.rows:
        return Tie()
    weights = _unit(moments, "candidate") - _unit(moments, "baseline")
    return _linear(moments, weights, method="paired t", low=-math.inf, high=math.inf)


def rmse(moments: Moments, name: str) -> Evidence:
    """Return the root of the mean of squares; its error is that of the mean over twice the root."""
    square = mean(moments, name, low=0.0, high=math.inf)
    if square.value is None:
        return square
    root = math.sqrt(square.value)
    if not isinstance(square, Normal):
        return _single(root)
    error = square.error / (2 * root) if root else 0.0
    return Normal(root, error, moments.rows, "delta", low=0.0)


def paired_rmse(moments: Moments) -> Evidence | None:
    """Return the difference of two RMSE by the delta method on both means of squares."""
    if "baseline" not in moments.names:
        return None
    if moments.differing == 0 and moments.rows:
        return Tie()
    first, second = rmse(moments, "baseline"), rmse(moments, "candidate")
    if first.value is None or second.value is None:
        return first if first.value is None else second
    if moments.rows == 1:
        return _single(second.value - first.value)
    weights = _slope(second.value) * _unit(moments, "candidate") - _slope(first.value) * _unit(moments, "baseline")
    error = math.sqrt(max(variance(moments, weights), 0.0) / moments.rows)
    return Normal(second.value - first.value, error, moments.rows, "delta")


def r2(moments: Moments, name: str) -> Evidence:
    """Return 1 - sum e² / sum (y - mean y)², with influence -(e² - (1 - R²)(y - mean y)²) / var y."""
    spread = _spread(moments)
    if spread is None:
        return _unexplained()
    share = _average(moments, name) / spread
    error = _r2_error(moments, _unit(moments, name), share, spread)
    return Normal(1 - share, error, moments.rows, "delta", high=1.0)


def paired_r2(moments: Moments) -> Evidence | None:
    """Return the difference of two R² over the same labels."""
    if "baseline" not in moments.names:
        return None
    if moments.differing == 0 and moments.rows:
        return Tie()
    spread = _spread(moments)
    if spread is None:
        return _unexplained()
    weights = _unit(moments, "candidate") - _unit(moments, "baseline")
    gain = float(weights @ moments.sums) / moments.rows / spread
    return Normal(-gain, _r2_error(moments, weights, gain, spread), moments.rows, "delta")


def variance(moments: Moments, weights: Floats) -> float:
    """Return the sample variance of a weighted sum of the quantities."""
    n = moments.rows
    centre = float(weights @ moments.sums)
    return float(weights @ moments.products @ weights - centre**2 / n) / (n - 1)


def _linear(moments: Moments, weights: Floats, *, method: str, low: float, high: float) -> Evidence:
    n = moments.rows
    if n == 0:
        return Undefined("no rows")
    value = float(weights @ moments.sums) / n
    if n == 1:
        return _single(value)
    error = math.sqrt(max(variance(moments, weights), 0.0) / n)
    return Normal(value, error, n, method, low=low, high=high, df=float(n - 1))


def _single(value: float) -> Point:
    return Point(value, "single row", "a single row has no interval")


def _unexplained() -> Undefined:
    return Undefined("the label is constant, so there is no variance to explain", cause=Cause.LABELS)


def _unit(moments: Moments, name: str) -> Floats:
    return np.array([float(item == name) for item in moments.names])


def _average(moments: Moments, name: str) -> float:
    return float(moments.sums[moments.names.index(name)]) / moments.rows


def _slope(root: float) -> float:
    return 1 / (2 * root) if root else 0.0


def _spread(moments: Moments) -> float | None:
    """Return the label's variance; ``None`` if it is constant or there are fewer than two rows."""
    if moments.rows < 2:
        return None
    centre = _average(moments, "y")
    spread = _average(moments, "y2") - centre**2
    return spread if spread > 1e-12 * max(_average(moments, "y2"), 1e-300) else None


def _r2_error(moments: Moments, weights: Floats, share: float, spread: float) -> float:
    """Return the error of ``weights · e²`` / spread, subtracting share × (y - mean y)², which expands in y and y²."""
    centre = _average(moments, "y")
    total = weights - share * (_unit(moments, "y2") - 2 * centre * _unit(moments, "y"))
    return math.sqrt(max(variance(moments, total), 0.0) / moments.rows) / spread
