"""Metrics of ranks: ROC AUC by DeLong's method and average precision by influence functions, for one model and paired.

Both come from histograms of scores (one bin for each distinct score in the exact case): a row's influence depends only
on its bin and its label, so variances are sums over bins and the covariance of two models is a sum over the joint
histogram.
"""

from dataclasses import dataclass

import numpy as np

from mlci.inference.estimates import Logit, Normal
from mlci.inference.evidence import Evidence, Tie, Undefined
from mlci.inference.proportions import Proportion
from mlci.metrics.statistics import Floats, ModelBins, Scores


@dataclass(frozen=True, eq=False)
class Ranked:
    """One model's value with the influence of a positive and of a negative row in each bin, shape (bins,)."""

    value: float
    positive: Floats
    negative: Floats


def roc_auc(bins: ModelBins) -> Ranked | None:
    """Return the AUC with DeLong's placement values (DeLong et al. 1988; ties count half); ``None`` for one class.

    Influences are scaled so that the variance of the AUC is the sum over rows of influence², with the unbiased
    denominators of DeLong's S10 / m and S01 / n.
    """
    pos, neg = bins.positives.astype(np.float64), bins.negatives.astype(np.float64)
    m, n = pos.sum(), neg.sum()
    if not (m and n):
        return None
    beaten = (np.cumsum(neg) - neg / 2) / n
    beating = 1 - (np.cumsum(pos) - pos / 2) / m
    value = float((pos * beaten).sum() / m)
    return Ranked(value, (beaten - value) / np.sqrt(m * max(m - 1, 1)), (beating - value) / np.sqrt(n * max(n - 1, 1)))


def average_precision(bins: ModelBins) -> Ranked | None:
    """Return average precision with its influence function; ``None`` without positives.

    With a(s), b(s) the shares of positives and negatives scored at or above s, the value is the mean over positives of
    a / (a + b). Perturbing the distribution by one row (y, s0) changes it by
    [y (P(s0) - AP + U(s0)) - (1 - y) V(s0)] / share of positives, where U and V sum b / (a + b)² and a / (a + b)² over
    the positives scored at or below s0.
    """
    pos, neg = bins.positives.astype(np.float64), bins.negatives.astype(np.float64)
    m, rows = pos.sum(), pos.sum() + neg.sum()
    if not m:
        return None
    a, b = np.cumsum(pos[::-1])[::-1] / rows, np.cumsum(neg[::-1])[::-1] / rows
    both = np.where(a + b > 0, a + b, 1.0)
    precision = a / both
    value = float((pos * precision).sum() / m)
    up = np.cumsum(pos * b / both**2) / rows
    down = np.cumsum(pos * a / both**2) / rows
    return Ranked(value, (precision - value + up) / m, -down / m)


def single(ranked: Ranked | None, bins: ModelBins, *, metric: str) -> Evidence:
    """Return one model's evidence: normal for the AUC, on the logit scale for average precision."""
    if ranked is None:
        return Undefined("only one class is labelled here")
    error = float(np.sqrt(_variance(ranked, bins)))
    rows = int(bins.positives.sum() + bins.negatives.sum())
    if error == 0:
        return _separated(ranked.value, bins)
    if metric == "average_precision":
        return Logit(ranked.value, error, rows, "logit influence")
    return Normal(ranked.value, error, rows, "delong", low=0.0, high=1.0)


def paired(first: Ranked | None, second: Ranked | None, scores: Scores, *, method: str) -> Evidence | None:
    """Return candidate (``second``) minus baseline (``first``) with the covariance of the joint histogram."""
    if scores.baseline is None or scores.joint is None:
        return None
    if first is None or second is None:
        return Undefined("only one class is labelled here")
    if scores.differing == 0:
        return Tie()
    covariance = _covariance(first, second, scores)
    variance = _variance(first, scores.baseline) + _variance(second, scores.candidate) - 2 * covariance
    rows = int(scores.candidate.positives.sum() + scores.candidate.negatives.sum())
    # A difference of sums of squares keeps only the digits that do not cancel; below them it is noise, not certainty.
    floor = 1e-12 * (_variance(first, scores.baseline) + _variance(second, scores.candidate))
    value = second.value - first.value
    if variance <= floor and abs(value) < 1e-12:
        return Tie(reason="both models rank all rows alike")
    return Normal(value, float(np.sqrt(max(variance, floor))), rows, method, low=-1.0, high=1.0)


def _variance(ranked: Ranked, bins: ModelBins) -> float:
    return float((bins.positives * ranked.positive**2).sum() + (bins.negatives * ranked.negative**2).sum())


def _covariance(first: Ranked, second: Ranked, scores: Scores) -> float:
    """Sum the product of both models' influences over the joint cells, averaged inside coarse bins."""
    assert scores.joint is not None  # noqa: S101 (callers have checked; for the type checker)
    assert scores.baseline is not None  # noqa: S101 (as above)
    left, right = scores.joint[:, 0], scores.joint[:, 1]
    base, mine = _coarse(first, scores.baseline), _coarse(second, scores.candidate)
    positives = (scores.joint[:, 2] * base[0][left] * mine[0][right]).sum()
    negatives = (scores.joint[:, 3] * base[1][left] * mine[1][right]).sum()
    return float(positives + negatives)


def _coarse(ranked: Ranked, bins: ModelBins) -> tuple[Floats, Floats]:
    """Average influences inside each coarse bin, weighted by rows of the class."""
    return _mean(ranked.positive, bins.positives, bins), _mean(ranked.negative, bins.negatives, bins)


def _mean(values: Floats, weights: np.ndarray, bins: ModelBins) -> Floats:
    size = int(bins.coarse[-1]) + 1 if len(bins.coarse) else 0
    total = np.bincount(bins.coarse, weights=weights, minlength=size)
    weighted = np.bincount(bins.coarse, weights=weights * values, minlength=size)
    return weighted / np.where(total > 0, total, 1.0)


def _separated(value: float, bins: ModelBins) -> Evidence:
    """Bound a value without observed variance (perfect separation) by the scarcer class (Obuchowski & Lieber 2002)."""
    scarcer = int(min(bins.positives.sum(), bins.negatives.sum()))
    if scarcer == 0 or value not in (0.0, 1.0):
        return Undefined("every score is the same or one class is missing: its error can't be estimated")
    return Proportion(round(value) * scarcer, scarcer, method="wilson, scarcer class")
