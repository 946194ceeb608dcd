"""Functions of binary labels and scores that scikit-learn does not have, with its signature.

The recalibration is smooth, so that the jackknife gives its error; rates at a working point are not, and are resampled
by the bootstrap. Bad input raises a ``ValueError``, whose message is the reason why the value is undefined.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_EPS = float(np.finfo(np.float64).eps)
_STEPS = 50


def recall_at_fpr(y_true: Array, y_score: Array, sample_weight: Array | None = None, *, fpr: float) -> float:
    """Return the largest recall among the thresholds whose false-positive rate is at most ``fpr``.

    Rows with equal scores are on one side of a threshold. The recall is 0 if even the highest score exceeds the rate:
    the threshold above all scores decides for no row.
    """
    _check_share("fpr", fpr)
    recall, false_positive_rate = _curve(y_true, y_score, sample_weight)
    return float(recall[false_positive_rate <= fpr].max())


def specificity_at_sensitivity(
    y_true: Array, y_score: Array, sample_weight: Array | None = None, *, sensitivity: float
) -> float:
    """Return the largest specificity among the thresholds whose sensitivity is at least ``sensitivity``."""
    _check_share("sensitivity", sensitivity)
    recall, false_positive_rate = _curve(y_true, y_score, sample_weight)
    return float(1 - false_positive_rate[recall >= sensitivity].min())


def _check_share(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}, and a rate is between 0 and 1")


def _curve(y_true: Array, y_score: Array, sample_weight: Array | None) -> tuple[Array, Array]:
    """Return recall and false-positive rate at every threshold, from above all scores to below all."""
    scores = np.asarray(y_score, np.float64)
    weight = np.ones_like(scores) if sample_weight is None else np.asarray(sample_weight, np.float64)
    positive = np.asarray(y_true) == 1
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    found, wrong = (np.cumsum((weight * part)[order])[ends] for part in (positive, ~positive))
    if not found[-1] or not wrong[-1]:
        raise ValueError("only one class is labelled here")
    return np.append(0.0, found / found[-1]), np.append(0.0, wrong / wrong[-1])


def calibration_slope(y_true: Array, y_prob: Array, sample_weight: Array | None = None) -> float:
    """Return the slope b of Cox's recalibration, logit P(label) = a + b logit(score); 1 is best.

    Below 1, scores are too extreme: high ones too high, low ones too low.

    Source: Cox 1958, Biometrika 45:562; Van Calster et al. 2019, BMC Med. 17:230.
    """
    logit, positive, weight = _prepared(y_true, y_prob, sample_weight)
    design = np.column_stack([np.ones_like(logit), logit])
    if np.ptp(logit) == 0:
        raise ValueError("all scores are equal, so that they have no slope")
    return float(_logistic(design, positive, weight, np.zeros_like(logit))[1])


def calibration_intercept(y_true: Array, y_prob: Array, sample_weight: Array | None = None) -> float:
    """Return the intercept a of Cox's recalibration with a slope of 1, logit P(label) = a + logit(score); 0 is best.

    Above 0, scores are too low on average.

    Source: Cox 1958, Biometrika 45:562; Van Calster et al. 2019, BMC Med. 17:230.
    """
    logit, positive, weight = _prepared(y_true, y_prob, sample_weight)
    return float(_logistic(np.ones((len(logit), 1)), positive, weight, logit)[0])


def _prepared(y_true: Array, y_prob: Array, sample_weight: Array | None) -> tuple[Array, Array, Array]:
    """Return logits, labels as 0 and 1, and weights."""
    scores, positive = np.asarray(y_prob, np.float64), (np.asarray(y_true) == 1).astype(np.float64)
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError("scores are not probabilities: some are outside [0, 1]")
    weight = np.ones_like(scores) if sample_weight is None else np.asarray(sample_weight, np.float64)
    share = float(weight @ positive) / float(weight.sum())
    if share in {0.0, 1.0}:
        raise ValueError("only one class is labelled here")
    clipped = np.clip(scores, _EPS, 1 - _EPS)
    return np.log(clipped / (1 - clipped)), positive, weight


def _logistic(design: Array, positive: Array, weight: Array, offset: Array) -> Array:
    """Return the coefficients of a logistic regression by Newton's method, whose steps are halved if they overshoot."""
    coefficients = np.zeros(design.shape[1])
    known = _likelihood(design @ coefficients + offset, positive, weight)
    for _ in range(_STEPS):
        predicted = 1 / (1 + np.exp(-(design @ coefficients + offset)))
        gradient = design.T @ (weight * (positive - predicted))
        curvature = (design * (weight * predicted * (1 - predicted))[:, None]).T @ design
        try:
            step = np.linalg.solve(curvature, gradient)
        except np.linalg.LinAlgError:
            break
        for _ in range(_STEPS):
            found = _likelihood(design @ (coefficients + step) + offset, positive, weight)
            if found >= known:
                break
            step = step / 2
        coefficients, known = coefficients + step, found
        if np.abs(step).max() < 1e-10 * (1 + np.abs(coefficients).max()):
            return coefficients
    raise ValueError("the recalibration has no finite solution: the scores separate the classes")


def _likelihood(linear: Array, positive: Array, weight: Array) -> float:
    return float(weight @ (positive * linear - np.logaddexp(0.0, linear)))


FUNCTIONS: dict[str, Callable[..., float]] = {
    "recall_at_fpr": recall_at_fpr,
    "specificity_at_sensitivity": specificity_at_sensitivity,
    "calibration_slope": calibration_slope,
    "calibration_intercept": calibration_intercept,
}
"""Functions by the name of their metric."""
