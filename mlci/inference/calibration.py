"""Expected calibration error, debiased: how far scores and observed rates are apart beyond what chance makes of it."""

import math

import numpy as np

from mlci.inference.evidence import Evidence, Point, Undefined
from mlci.inference.normal import cdf
from mlci.metrics.statistics import Counts, Floats

WHY = "no interval: near 0 the error of a calibration error is not regular; gate on brier_score_loss or log_loss"


def expected_calibration_error(rows: Counts, gap: Floats, square: Floats) -> Evidence:
    """Return the debiased error over fixed bins.

    The plug-in value, the sum over bins of |sum of gaps| / n, is biased upwards by noise. Its bias is estimated as in
    Kumar, Liang & Ma 2019 (NeurIPS, section 5): what normal noise of each bin's standard error adds to the absolute
    value, by the mean of the folded normal distribution. Never below 0.

    Args:
        rows: Rows in each bin.
        gap: Sum of (score - label) in each bin.
        square: Sum of (score - label)² in each bin.
    """
    total = int(rows.sum())
    if total == 0:
        return Undefined("no rows")
    used = rows > 0
    n, sums, squares = rows[used], gap[used], square[used]
    centre = sums / n
    error = np.sqrt(np.maximum(squares / n - centre**2, 0.0) / n)
    plain = float((n * np.abs(centre)).sum()) / total
    noisy = sum(k * _folded(abs(c), e) for k, c, e in zip(n.tolist(), centre.tolist(), error.tolist(), strict=True))
    return Point(max(0.0, 2 * plain - noisy / total), "debiased", WHY)


def _folded(centre: float, error: float) -> float:
    """Return the mean of |X| for X normal around ``centre`` (Leone, Nelson & Nottingham 1961)."""
    if error == 0:
        return centre
    z = centre / error
    return error * math.sqrt(2 / math.pi) * math.exp(-z * z / 2) + centre * (1 - 2 * cdf(-z))
