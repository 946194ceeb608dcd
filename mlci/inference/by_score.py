"""Metrics of scores and of regression: ranks, mean losses, functions of moments, calibration, and row bootstraps."""

import math
from collections.abc import Callable

from mlci.inference import calibration, cells, class_means, moments, ranks
from mlci.inference.common import Context, Triple, absent, tie
from mlci.inference.evidence import Cause, Evidence, Point, Undefined
from mlci.metrics import catalogue
from mlci.metrics.info import MetricInfo
from mlci.metrics.statistics import Floats, Moments, Scores, Statistics

_RETURNED = "the metric returned "
"""How the reason of a function begins that returned what is not a finite number."""


def ranks_evidence(info: MetricInfo, statistics: Statistics, _: Context) -> Triple:
    """Return AUC or average precision."""
    scores = statistics.scores
    if scores is None:
        return absent("scores")
    metric = catalogue.canonical(info.name)
    function = ranks.FUNCTIONS[metric]
    now = function(scores.candidate)
    candidate = ranks.single(now, scores.candidate, metric=metric)
    if scores.baseline is None:
        return candidate, None, None
    before = function(scores.baseline)
    change = ranks.paired(before, now, scores, metric=metric, method=_rank_method(metric, scores))
    return candidate, ranks.single(before, scores.baseline, metric=metric), change


def loss_evidence(info: MetricInfo, statistics: Statistics, _: Context) -> Triple:
    """Return a mean over rows."""
    found = statistics.moments.get(info.loss or "")
    if found is None and info.loss == "percentage" and statistics.moments:
        zero = Undefined("a label is 0, and it divides by the label", cause=Cause.LABELS)
        return zero, zero, zero
    if found is None:
        return absent("scores")
    low = -math.inf if info.low is None else info.low
    high = math.inf if info.high is None else info.high
    one, pair = _mean_of(found)
    candidate = one(found, "candidate", low=low, high=high)
    if "baseline" not in found.names:
        return candidate, None, None
    return candidate, one(found, "baseline", low=low, high=high), pair(found)


def _mean_of(found: Moments) -> tuple[Callable[..., Evidence], Callable[[Moments], Evidence | None]]:
    """Return how a mean loss and its change get their intervals: by class, by squares' tails, or by Student's t."""
    if found.by_class:
        return class_means.mean, class_means.paired_mean
    if found.powers:
        return moments.mse, moments.paired_mse
    return moments.mean, moments.paired_mean


def moments_evidence(info: MetricInfo, statistics: Statistics, _: Context) -> Triple:
    """Return RMSE or R²."""
    found = statistics.moments.get(info.loss or "")
    if found is None:
        return absent("scores")
    one, two = (moments.r2, moments.paired_r2) if info.loss == "variance" else (moments.rmse, moments.paired_rmse)
    baseline = one(found, "baseline") if "baseline" in found.names else None
    return one(found, "candidate"), baseline, two(found)


def calibration_evidence(_info: MetricInfo, statistics: Statistics, _: Context) -> Triple:
    """Return the calibration error."""
    found = statistics.calibration
    if found is None:
        return absent("probabilities")
    candidate = calibration.expected_calibration_error(found.rows, found.gap, found.square)
    if found.baseline_rows is None or found.baseline_gap is None or found.baseline_square is None:
        return candidate, None, None
    baseline = calibration.expected_calibration_error(found.baseline_rows, found.baseline_gap, found.baseline_square)
    if candidate.value is None or baseline.value is None:
        return candidate, baseline, Undefined("no rows")
    return candidate, baseline, Point(candidate.value - baseline.value, "difference", calibration.WHY)


def _rank_method(metric: str, scores: Scores) -> str:
    plain = "delong" if metric == "roc_auc" else "influence"
    return plain if scores.exact else f"{plain}, {len(scores.candidate.positives)} bins"


def custom(name: str, statistics: Statistics, context: Context) -> Triple:
    """Return a metric known only on rows, by the paired row bootstrap."""
    found = statistics.replicates.get(name)
    if found is None:
        return absent("row values")
    if found.reason and ":" in name and not found.reason.startswith(_RETURNED):
        broken = Undefined(found.reason, cause=Cause.MISSING)  # the user's own function failed: it is to be repaired
        return broken, broken, broken

    def sample(value: float, draws: Floats) -> Evidence:
        if math.isnan(value):
            return Undefined(found.reason or "undefined on these rows")
        if found.reason:  # the other model's value is missing, and with it all resamples
            return Point(value, "measured", "its error is not known where the other model's value is undefined")
        return cells.sampled(value, draws, statistics.rows, confidence=context.confidence, method="row bootstrap")

    candidate = sample(found.candidate, found.candidate_draws)
    if found.baseline is None or found.baseline_draws is None:
        return candidate, None, None
    baseline = sample(found.baseline, found.baseline_draws)
    if found.differing == 0 and not statistics.differing:
        return candidate, baseline, tie(candidate)
    change = sample(found.candidate - found.baseline, found.candidate_draws - found.baseline_draws)
    return candidate, baseline, change
