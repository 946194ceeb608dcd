"""Metrics of ranks: ROC AUC by placements and average precision by influence functions, for one model and paired.

Both are computed from histograms of scores (one bin for each distinct score in the exact case): a row's influence
depends only on its bin and its label, so variances are sums over bins and the covariance of two models is a sum over
the joint histogram. Intervals depend on the class with fewer rows, and hold with a handful of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlci.inference.evidence import Evidence, Point, Tie, too_few
from mlci.inference.intervals.error_intervals import Normal
from mlci.inference.intervals.score_intervals import AucScore, MixingScore
from mlci.metrics.statistics import Floats, ModelBins, Scores

_NOTHING = 1e-12
_CERTAIN = 20
"""Rows of a class below which average precision gets a warning: it is biased upwards, and its intervals miss."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """One model's value with the influence of a positive and of a negative row in each bin, shape (bins,).

    The value changes by the mean of ``positive`` over positives plus the mean of ``negative`` over negatives.
    """

    value: float
    positive: Floats
    negative: Floats


@dataclass(frozen=True)
class RankMinimums:
    """Minimum of rows of the scarcer class: for one model's interval, and for the interval of a change."""

    one: int
    pair: int


NEEDS = {"roc_auc": RankMinimums(2, 3), "average_precision": RankMinimums(5, 5)}


class _ClassVariances(NamedTuple):
    """Sample variances of influences by class, and the mean influence of positives; negatives' is its opposite."""

    positives: float
    negatives: float
    shift: float


@dataclass(frozen=True)
class _Sizes:
    """Rows of each class."""

    positives: int
    negatives: int

    @classmethod
    def of(cls, bins: ModelBins) -> "_Sizes":
        """Count one model's bins."""
        return cls(int(bins.positives.sum()), int(bins.negatives.sum()))

    @property
    def rows(self) -> int:
        """Rows of both classes."""
        return self.positives + self.negatives

    @property
    def scarcer(self) -> int:
        """Rows of the class with fewer."""
        return min(self.positives, self.negatives)

    @property
    def scarce_label(self) -> str:
        """Return the class with fewer rows."""
        return "positive" if self.positives <= self.negatives else "negative"

    def too_few(self, value: float | None, least: int) -> Evidence:
        """Return a value without an interval, for lack of rows of the scarcer class."""
        return too_few(value, self.scarcer, f"labelled {self.scarce_label}", least=least)

    def doubt(self, metric: str) -> str | None:
        """Return the warning of an average precision with few rows of a class."""
        if metric != "average_precision" or self.scarcer >= _CERTAIN:
            return None
        return f"only {self.scarcer} labelled {self.scarce_label}s: average precision needs {_CERTAIN} to be reliable"

    def between(self, shift: float) -> float:
        """Return the variance that comes from the random number of positives."""
        return shift * shift * self.rows / (self.positives * self.negatives)


def roc_auc(bins: ModelBins) -> Ranked | None:
    """Return the AUC with DeLong's placement values (DeLong et al. 1988; ties count half); ``None`` for one class."""
    pos, neg = _counts(bins)
    m, n = pos.sum(), neg.sum()
    if not (m and n):
        return None
    beaten = (np.cumsum(neg) - neg / 2) / n
    beating = 1 - (np.cumsum(pos) - pos / 2) / m
    value = float((pos * beaten).sum() / m)
    return Ranked(value, beaten - value, beating - value)


def average_precision(bins: ModelBins) -> Ranked | None:
    """Return average precision with its influence function; ``None`` for one class.

    With a(s), b(s) the shares of positives and negatives scored at or above s, the value is the mean over positives of
    a / (a + b). Perturbing the distribution by one row (y, s0) changes it by
    [y (P(s0) - AP + U(s0)) - (1 - y) V(s0)] / share of positives, where U and V sum b / (a + b)² and a / (a + b)² over
    the positives scored at or below s0.
    """
    pos, neg = _counts(bins)
    m, n = pos.sum(), neg.sum()
    if not (m and n):
        return None
    rows = m + n
    a, b = np.cumsum(pos[::-1])[::-1] / rows, np.cumsum(neg[::-1])[::-1] / rows
    both = np.where(a + b > 0, a + b, 1.0)
    precision = a / both
    value = float((pos * precision).sum() / m)
    up = np.cumsum(pos * b / both**2) / rows
    down = np.cumsum(pos * a / both**2) / rows
    return Ranked(value, precision - value + up, -down * n / m)


FUNCTIONS: dict[str, Callable[[ModelBins], Ranked | None]] = {
    "roc_auc": roc_auc,
    "average_precision": average_precision,
}


def rank_evidence(ranked: Ranked | None, bins: ModelBins, *, metric: str) -> Evidence:
    """Return one model's evidence: a score interval for the AUC, the mixing score for average precision.

    For average precision the positives' part of the variance is the larger of the influence functions' and the
    jackknife's, and one unseen extreme value weighs as much as a row of the scarcer class.
    """
    size = _Sizes.of(bins)
    if ranked is None or size.scarcer < NEEDS[metric].one:
        return size.too_few(None if ranked is None else ranked.value, NEEDS[metric].one)
    variances = _class_variances(ranked, bins)
    if metric == "roc_auc":
        variance = variances.positives / size.positives + variances.negatives / size.negatives
        return AucScore(ranked.value, variance, size.scarcer, size.rows - size.scarcer)
    within = max(variances.positives / size.positives, jackknife(bins)) + variances.negatives / size.negatives
    variance, df = within + size.between(variances.shift), size.scarcer - 1.0
    doubt = size.doubt(metric)
    return MixingScore(ranked.value, variance, size.scarcer, df, size.rows, "mixing score", reason=doubt)


def paired_rank_change(
    first: Ranked | None, second: Ranked | None, scores: Scores, *, metric: str, method: str
) -> Evidence | None:
    """Return candidate (``second``) minus baseline (``first``), from the differences of influences row by row.

    The scarcer class, of m rows, gets two pseudo-rows whose square is the sum of both classes' variances, so that a few
    equal differences among few rows are not certainty; Student's t with m + 1 degrees of freedom.
    """
    if scores.baseline is None or scores.joint is None:
        return None
    size = _Sizes.of(scores.candidate)
    if first is None or second is None:
        return size.too_few(None, NEEDS[metric].pair)
    if scores.differing == 0:
        return Tie()
    value = second.value - first.value
    if size.scarcer < NEEDS[metric].pair:
        return size.too_few(value, NEEDS[metric].pair)
    variances = _paired_variances(first, second, scores)
    if variances.positives == 0 and variances.negatives == 0:
        return Point(value, "too few", "too few rows: the scores differ, but the rows have no variance in ranks")
    m, n, scarce, other = size.positives, size.negatives, variances.positives, variances.negatives
    if n < m:
        m, n, scarce, other = n, m, other, scarce
    variance = (scarce + 2 * other / (m + 1)) / m + other / n + size.between(variances.shift)
    doubt = size.doubt(metric)
    return Normal(value, math.sqrt(variance), m + n, method, low=-1.0, high=1.0, df=m + 1.0, reason=doubt)


def jackknife(bins: ModelBins) -> float:
    """Return the variance of average precision that comes from its positives, by the jackknife.

    The others' weight is m / (m - 1), so that the share of positives is unchanged.
    """
    pos, neg = _counts(bins)
    m = pos.sum()
    weight = m / (m - 1)
    above, alarms = np.cumsum(pos[::-1])[::-1], np.cumsum(neg[::-1])[::-1]
    whole = _divide(weight * above, weight * above + alarms)
    less = np.maximum(weight * (above - 1), 0.0)
    without = _divide(less, less + alarms)
    higher = (pos * whole).sum() - np.cumsum(pos * whole)
    values = weight / m * (higher + np.cumsum(pos * without) - without)
    centre = (pos * values).sum() / m
    return float((m - 1) / m * (pos * (values - centre) ** 2).sum())


def _counts(bins: ModelBins) -> tuple[Floats, Floats]:
    return bins.positives.astype(np.float64), bins.negatives.astype(np.float64)


def _divide(part: Floats, whole: Floats) -> Floats:
    return np.asarray(part / np.where(whole > 0, whole, 1.0))


def _class_variances(ranked: Ranked, bins: ModelBins) -> _ClassVariances:
    pos, neg = _counts(bins)
    (shift, positives), (_, negatives) = _moments(ranked.positive, pos), _moments(ranked.negative, neg)
    return _ClassVariances(positives, negatives, shift)


def _moments(values: Floats, weights: Floats) -> tuple[float, float]:
    """Return the mean and the sample variance of weighted values; 0 if it is within rounding error."""
    total = float(weights.sum())
    centre = float((weights * values).sum()) / total
    variance = float((weights * (values - centre) ** 2).sum()) / max(total - 1, 1)
    return centre, variance if variance > _NOTHING**2 else 0.0


def _paired_variances(first: Ranked, second: Ranked, scores: Scores) -> _ClassVariances:
    """Return the variances of the rows' differences between both models.

    With exact ranks each joint cell has one difference. In bins it is one model's variance plus the other's less twice
    their covariance, which averages influences inside coarse bins and so makes the variance slightly too large.
    """
    assert scores.joint is not None  # noqa: S101 (checked by the callers; for the type checker)
    assert scores.baseline is not None  # noqa: S101 (as above)
    left, right = scores.joint[:, 0], scores.joint[:, 1]
    base, mine = (first, scores.baseline), (second, scores.candidate)
    if scores.exact:
        return _ClassVariances(
            _moments(second.positive[right] - first.positive[left], scores.joint[:, 2].astype(np.float64))[1],
            _moments(second.negative[right] - first.negative[left], scores.joint[:, 3].astype(np.float64))[1],
            _class_variances(*mine).shift - _class_variances(*base).shift,
        )
    before, now = _class_variances(*base), _class_variances(*mine)
    (a, b), (c, d) = _coarse_means(*base), _coarse_means(*mine)
    both = (_covariance(a[left], c[right], scores.joint[:, 2]), _covariance(b[left], d[right], scores.joint[:, 3]))
    gaps = [_difference(x, y, z) for x, y, z in zip(before[:2], now[:2], both, strict=True)]
    return _ClassVariances(gaps[0], gaps[1], now.shift - before.shift)


def _difference(first: float, second: float, covariance: float) -> float:
    """Return the variance of a difference; 0 if it is within the rounding error of the sum."""
    variance = first + second - 2 * covariance
    return variance if variance > _NOTHING * (first + second) else 0.0


def _covariance(first: Floats, second: Floats, weights: np.ndarray) -> float:
    total = float(weights.sum())
    centres = float((weights * first).sum()) / total, float((weights * second).sum()) / total
    return float((weights * (first - centres[0]) * (second - centres[1])).sum()) / max(total - 1, 1)


def _coarse_means(ranked: Ranked, bins: ModelBins) -> tuple[Floats, Floats]:
    """Average influences inside each coarse bin, weighted by rows of the class."""
    return _mean(ranked.positive, bins.positives, bins), _mean(ranked.negative, bins.negatives, bins)


def _mean(values: Floats, weights: np.ndarray, bins: ModelBins) -> Floats:
    size = int(bins.coarse[-1]) + 1 if len(bins.coarse) else 0
    total = np.bincount(bins.coarse, weights=weights, minlength=size)
    weighted = np.bincount(bins.coarse, weights=weights * values, minlength=size)
    return weighted / np.where(total > 0, total, 1.0)
