"""Groups whose rows have clusters: each group's estimate and error, and the covariance of groups that share clusters.

A group's estimate is the centre of its interval and its error is the interval's half-length over the normal quantile,
as Wilson's centre and length are those of adjusted counts. If every two groups have a covariance of at least c, their
difference has at most the variance of independent groups whose variances are smaller by c, and exactly that for two
groups. So c, the smallest covariance of two groups, is subtracted from every group's variance. It is 0 if no cluster
has rows in two groups, and may be negative.
"""

from collections.abc import Sequence

import numpy as np

from mlci.inference.estimators.by_cluster import cluster_sums
from mlci.inference.evidence import Evidence, MeasureContext, Tie
from mlci.inference.intervals.clusters import ClusterSums
from mlci.inference.intervals.distributions import two_sided
from mlci.inference.result import Comparison
from mlci.metrics.statistics import Floats, Statistics

_LEAST = 0.1
"""Smallest part of a group's variance that is left: an estimated covariance has an error of its own."""
_CELLS = 1 << 22


def estimate_groups(
    base: str, groups: Sequence[Statistics], measured: Sequence[Comparison], context: MeasureContext, what: str
) -> tuple[Floats, Floats]:
    """Return each group's estimate of a metric and its variance, both of shape (groups,); NaN without an interval.

    Args:
        base: The metric.
        groups: Statistics of the groups.
        measured: The metric in each group.
        context: Settings.
        what: ``candidate``, ``baseline`` or ``change``.
    """
    ends = [_centre_and_error(getattr(item, what), context.confidence) for item in measured]
    centre, error = (np.array(column) for column in zip(*ends, strict=True))
    variance = error**2
    found = [cluster_sums(base, group, context, what) for group in groups]
    sums = [None if one is None or one.alone is not None else one for one in found]
    shared = smallest_covariance([one for one in sums if one is not None])
    known = [v / one.variance for v, one in zip(variance, sums, strict=True) if one is not None and one.variance > 0]
    if shared != 0 and np.isfinite(variance).all():
        # the interval of few clusters is longer than their error, and its variance is this much larger
        longer = (min if shared > 0 else max)(known, default=1.0)
        variance = np.maximum(variance - shared * longer, _LEAST * variance)
    return centre, variance


def _centre_and_error(evidence: Evidence | None, confidence: float) -> tuple[float, float]:
    if isinstance(evidence, Tie):
        return evidence.value, 0.0
    ends = None if evidence is None else evidence.interval(confidence)
    if ends is None:
        return float("nan"), float("nan")
    return (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2 / two_sided(confidence)


def smallest_covariance(groups: Sequence[ClusterSums]) -> float:
    """Return the smallest covariance of the means of two groups; 0 if there are fewer than two."""
    count = len(groups)
    if count < 2:
        return 0.0
    last = max(int(one.ids[-1]) for one in groups)
    parts = [one.residuals / np.sqrt(1 - one.shares) / one.weights.sum() for one in groups]
    total, step = np.zeros((count, count)), max(1, _CELLS // count)
    for start in range(0, last + 1, step):
        dense = np.zeros((count, min(step, last + 1 - start)))
        for row, one, part in zip(dense, groups, parts, strict=True):
            low, high = np.searchsorted(one.ids, [start, start + step])
            row[one.ids[low:high] - start] = part[low:high]
        total += dense @ dense.T
    return float(total[~np.eye(count, dtype=bool)].min())
