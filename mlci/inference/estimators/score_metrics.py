"""Metrics of scores and of regression: ranks, mean losses, functions of moments, calibration, and functions of rows."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from mlci.inference.estimators import means, ranks, ratios
from mlci.inference.estimators.class_metrics import NO_BASELINE
from mlci.inference.estimators.jackknife import LeftOut, jackknife_evidence
from mlci.inference.evidence import (
    Cause,
    Evidence,
    MeasureContext,
    Point,
    Tie,
    Triple,
    Undefined,
    absent_evidence,
    tied_evidence,
)
from mlci.inference.intervals.distributions import cdf
from mlci.inference.intervals.gaffke import bounded_mean
from mlci.metrics import catalogue
from mlci.metrics.entries import MetricInfo
from mlci.metrics.statistics import Counts, Floats, Moments, Scores, Statistics

SAME_PREDICTIONS = "too few rows distinguish the models: no prediction that the metric gets differs"
_RETURNED = "the metric returned "
"""Start of the reason of a function whose value is not a finite number."""


def ranks_evidence(info: MetricInfo, statistics: Statistics, _: MeasureContext) -> Triple:
    """Return AUC or average precision."""
    scores = statistics.scores
    if scores is None:
        return absent_evidence("scores")
    metric = catalogue.canonical(info.name)
    function = ranks.FUNCTIONS[metric]
    now = function(scores.candidate)
    candidate = ranks.rank_evidence(now, scores.candidate, metric=metric)
    if scores.baseline is None:
        return candidate, None, None
    before = function(scores.baseline)
    change = ranks.paired_rank_change(before, now, scores, metric=metric, method=_rank_method(metric, scores))
    return candidate, ranks.rank_evidence(before, scores.baseline, metric=metric), change


def ranking_evidence(info: MetricInfo, statistics: Statistics, _: MeasureContext) -> Triple:
    """Return a mean over queries in [0, 1], with the interval that holds where few queries differ."""
    values = statistics.rankings.get(catalogue.canonical(info.name))
    if values is None:
        return absent_evidence("queries")
    if not len(values.candidate):
        none = Undefined("no query has a relevant document", cause=Cause.LABELS)
        return none, none, none
    candidate = bounded_mean(values.candidate, 0.0, 1.0)
    if values.baseline is None:
        return candidate, None, None
    if statistics.differing == 0:
        return candidate, bounded_mean(values.baseline, 0.0, 1.0), tied_evidence(candidate)
    change = bounded_mean(values.candidate - values.baseline, -1.0, 1.0)
    return candidate, bounded_mean(values.baseline, 0.0, 1.0), change


def loss_evidence(info: MetricInfo, statistics: Statistics, context: MeasureContext) -> Triple:
    """Return a mean over rows."""
    sums = statistics.moments.get(info.loss or "")
    if sums is None and info.loss == "percentage" and statistics.moments:
        zero = Undefined("a label is 0, and the metric divides by the label", cause=Cause.LABELS)
        return zero, zero, zero
    if sums is None:
        return absent_evidence("scores")
    low = -math.inf if info.low is None else info.low
    high = math.inf if info.high is None else info.high
    one, pair = _mean_of(sums)
    evidence = _compare(sums, partial(one, low=low, high=high), pair)
    return (evidence[0], NO_BASELINE, NO_BASELINE) if context.baseline and evidence[1] is None else evidence


def _compare(sums: Moments, one: Callable[[Moments, str], Evidence], pair: Callable[[Moments], Evidence]) -> Triple:
    """Return the evidence for both models and the change, which is a tie if predictions are identical."""
    candidate = one(sums, "candidate")
    if "baseline" not in sums.names:
        return candidate, None, None
    change = Tie() if sums.differing == 0 and sums.rows else pair(sums)
    return candidate, one(sums, "baseline"), change


def _mean_of(sums: Moments) -> tuple[Callable[..., Evidence], Callable[[Moments], Evidence]]:
    """Return the interval methods of a mean loss and its change: by class, by squares' tails, or by Student's t."""
    if sums.by_class:
        return means.class_mean, means.paired_class_mean
    if sums.powers:
        return means.mse, means.paired_mse
    return means.loss_mean, means.paired_loss_mean


def moments_evidence(info: MetricInfo, statistics: Statistics, _: MeasureContext) -> Triple:
    """Return RMSE or R²."""
    sums = statistics.moments.get(info.loss or "")
    if sums is None:
        return absent_evidence("scores")
    if info.loss == "variance":
        return _compare(sums, means.r2, means.paired_r2)
    return _compare(sums, means.rmse, means.paired_rmse)


def calibration_evidence(_info: MetricInfo, statistics: Statistics, context: MeasureContext) -> Triple:
    """Return the calibration error."""
    sums = statistics.calibration
    if sums is None:
        return absent_evidence("probabilities")
    candidate = expected_calibration_error(sums.rows, sums.gap, sums.square)
    if sums.baseline_rows is None or sums.baseline_gap is None or sums.baseline_square is None:
        return (candidate, NO_BASELINE, NO_BASELINE) if context.baseline else (candidate, None, None)
    baseline = expected_calibration_error(sums.baseline_rows, sums.baseline_gap, sums.baseline_square)
    if candidate.value is None or baseline.value is None:
        return candidate, baseline, Undefined("no rows")
    return candidate, baseline, Point(candidate.value - baseline.value, "difference", NO_CALIBRATION_INTERVAL)


def _rank_method(metric: str, scores: Scores) -> str:
    plain = "delong" if metric == "roc_auc" else "influence"
    return plain if scores.exact else f"{plain}, {len(scores.candidate.positives)} bins"


def custom_evidence(name: str, statistics: Statistics, context: MeasureContext) -> Triple:
    """Return a metric of rows, by the paired row bootstrap or a jackknife."""
    replicates = statistics.replicates.get(name)
    if replicates is None:
        return absent_evidence("row values")
    if replicates.reason and ":" in name and not replicates.reason.startswith(_RETURNED):
        broken = Undefined(replicates.reason, cause=Cause.MISSING)  # the user's function failed and has to be fixed
        return broken, broken, broken

    magnitude = max(abs(replicates.candidate), abs(replicates.baseline or 0.0))

    def sample(value: float, draws: Floats) -> Evidence:
        if math.isnan(value):
            return Undefined(replicates.reason or "undefined on these rows")
        if replicates.reason:  # the other model's value is missing, and with it all resamples
            return Point(value, "measured", "its error is not known because the other model's value is undefined")
        if replicates.counts is not None:
            left_out = LeftOut(draws, replicates.counts, statistics.rows, replicates.method, magnitude)
            return jackknife_evidence(value, left_out)
        return _bootstrap_evidence(value, draws, statistics, context.confidence, replicates.method)

    candidate = sample(replicates.candidate, replicates.candidate_draws)
    if replicates.baseline is None or replicates.baseline_draws is None:
        return candidate, None, None
    baseline = sample(replicates.baseline, replicates.baseline_draws)
    if replicates.differing == 0 and not statistics.differing:
        return candidate, baseline, tied_evidence(candidate)
    if replicates.differing == 0 and replicates.counts is not None and replicates.reason is None:
        return candidate, baseline, Point(0.0, "too few", SAME_PREDICTIONS)
    change = sample(replicates.candidate - replicates.baseline, replicates.candidate_draws - replicates.baseline_draws)
    return candidate, baseline, change


_RESAMPLED = 20
"""Clusters below which a bootstrap's interval is too short."""


def _bootstrap_evidence(
    value: float, draws: Floats, statistics: Statistics, confidence: float, method: str
) -> Evidence:
    """Return percentile evidence; clusters have to be enough to be resampled."""
    clusters = statistics.clustered.count_clusters() if statistics.clustered is not None else _RESAMPLED
    if method == "cluster bootstrap" and clusters < _RESAMPLED:
        return Point(value, "too few", f"too few rows: {clusters} clusters; a bootstrap needs {_RESAMPLED}")
    return ratios.bootstrap_ratio(value, draws, statistics.rows, confidence=confidence, method=method)


NO_CALIBRATION_INTERVAL = (
    "no interval: near 0 the error of a calibration error is not regular; gate on brier_score_loss or log_loss"
)


def expected_calibration_error(rows: Counts, gap: Floats, square: Floats) -> Evidence:
    """Return the debiased error over fixed bins.

    The plug-in value, the sum over bins of |sum of gaps| / n, is biased upwards by noise. Its bias is estimated as in
    Kumar, Liang & Ma 2019 (NeurIPS, section 5): the increase of the absolute value by normal noise of each bin's
    standard error, by the mean of the folded normal distribution. Never below 0.

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
    noisy = sum(k * folded_mean(abs(c), e) for k, c, e in zip(n.tolist(), centre.tolist(), error.tolist(), strict=True))
    return Point(max(0.0, 2 * plain - noisy / total), "debiased", NO_CALIBRATION_INTERVAL)


def folded_mean(centre: float, error: float) -> float:
    """Return the mean of |X| for X normal around ``centre`` (Leone, Nelson & Nottingham 1961)."""
    if error == 0:
        return centre
    z = centre / error
    return error * math.sqrt(2 / math.pi) * math.exp(-z * z / 2) + centre * (1 - 2 * cdf(-z))
