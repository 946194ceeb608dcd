"""Comparison of scored items: means, shares, totals and quantiles of both models, with the interval that each allows.

An item is what is independent: its repeats are averaged first. A mean of scores in a known range has Gaffke's interval,
which holds where few items differ; with clusters it has the mixing score of the clusters' variance. What has no bounds,
such as cost, has Student's interval with the degrees of freedom of its kurtosis.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from mlci.inference.evidence import Cause, Evidence, Point, Tie, Undefined
from mlci.inference.intervals.clusters import ClusterSums, clustered_mean
from mlci.inference.intervals.distributions import df_of_sample
from mlci.inference.intervals.error_intervals import Normal, Sampled, percentile_ends
from mlci.inference.intervals.gaffke import bounded_mean
from mlci.inference.result import Comparison
from mlci.metrics.statistics import Counts, Floats, Scope

Mask = NDArray[np.bool_]

UNIT = "items"
FEWEST, SCARCE = 5.0, 12.0
"""Effective items below which an unbounded mean has no interval, and below which it has a warning."""
_DRAWS = 1000
_NO_SCORE = "no item has a value"


class Errored(StrEnum):
    """Values that answers without a score get."""

    LEFT_OUT = "left out"
    WORST = "worst"
    """Against the candidate: its own get the lowest score, the baseline's the highest."""
    BEST = "best"
    """For the candidate."""


@dataclass(frozen=True, eq=False)
class ItemColumn:
    """One value of each item by one model, shape (items,).

    Attributes:
        observed: Mean over the answers that have one; NaN without any.
        lowest, highest: Mean if every other answer had the lowest or the highest value; infinite without bounds.
    """

    observed: Floats
    lowest: Floats
    highest: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemMetric:
    """One metric of both models over the same items.

    Attributes:
        name: Name in reports.
        candidate, baseline: The values; ``None`` without a baseline.
        low, high: Bounds of a value; infinite if it has none.
        quantile: Quantile of the items instead of their mean.
        total: Whether the sum over the items is reported instead of their mean.
        missing: Why the metric can't be computed; ``None`` if it can.
        higher_is_better: Direction; ``None`` if it is not known.
        applies: Items that the metric is about; ``None`` for all.
    """

    name: str
    candidate: ItemColumn
    baseline: ItemColumn | None
    low: float = -math.inf
    high: float = math.inf
    quantile: float | None = None
    total: bool = False
    missing: str | None = None
    higher_is_better: bool | None = None
    applies: Mask | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemScope:
    """Items of one scope, as positions."""

    scope: Scope
    items: Counts


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemContext:
    """What all metrics of a comparison share.

    Attributes:
        scopes: The whole set first, then the groups of each slice.
        clusters: Number of each item's cluster; ``None`` if items are independent.
        errored: Values of answers without a score.
        confidence: Two-sided level of intervals.
        seed: Seed of resamples, for quantiles.
    """

    scopes: Sequence[ItemScope]
    clusters: Counts | None
    errored: Errored
    confidence: float
    seed: int


def compare_items(metric: ItemMetric, context: ItemContext) -> list[Comparison]:
    """Return the metric in every scope that has an item which the metric is about."""
    scopes = context.scopes
    if metric.applies is not None and metric.missing is None:
        kept = [replace(one, items=one.items[metric.applies[one.items]]) for one in scopes]
        scopes = [one for one in kept if len(one.items)]
    return [_compare(metric, one, context) for one in scopes]


def _compare(metric: ItemMetric, where: ItemScope, context: ItemContext) -> Comparison:
    now = _chosen(metric.candidate, context.errored, candidate=True)[where.items]
    before = None
    if metric.baseline is not None:
        before = _chosen(metric.baseline, context.errored, candidate=False)[where.items]
    clusters = None if context.clusters is None else context.clusters[where.items]
    measure = _Measure(metric, clusters, context)
    both = None if before is None else np.isfinite(now) & np.isfinite(before)
    known = int(np.isfinite(now).sum())
    return Comparison(
        metric=metric.name,
        scope=where.scope,
        rows=len(where.items),
        support=known,
        unit=UNIT,
        candidate=measure.value(now),
        baseline=None if before is None else measure.value(before),
        change=None if before is None or both is None else measure.change(now, before, both),
        disagreements=None if before is None or both is None else int((now[both] != before[both]).sum()),
        higher_is_better=metric.higher_is_better,
    )


def _chosen(column: ItemColumn, errored: Errored, *, candidate: bool) -> Floats:
    if errored is Errored.LEFT_OUT:
        return column.observed
    return column.lowest if candidate == (errored is Errored.WORST) else column.highest


@dataclass(frozen=True, eq=False)
class _Measure:
    """Estimates of one metric in one scope."""

    metric: ItemMetric
    clusters: Counts | None
    context: ItemContext

    def value(self, values: Floats) -> Evidence:
        """Return one model's value."""
        if self.metric.missing is not None:
            return Undefined(self.metric.missing, cause=Cause.MISSING)
        known = np.isfinite(values)
        if not known.any():
            return Undefined(_NO_SCORE, cause=Cause.MISSING)
        if self.metric.quantile is not None:
            return Point(float(np.quantile(values[known], self.metric.quantile, method="inverted_cdf")))
        return self._mean(values[known], known, self.metric.low, self.metric.high)

    def change(self, now: Floats, before: Floats, both: Mask) -> Evidence:
        """Return candidate minus baseline over the items that both have."""
        if self.metric.missing is not None:
            return Undefined(self.metric.missing, cause=Cause.MISSING)
        if not both.any():
            return Undefined("no item has a value of both models", cause=Cause.MISSING)
        if self.metric.quantile is not None:
            return self._quantile_change(now[both], before[both], self.metric.quantile)
        reach = self.metric.high - self.metric.low
        if not math.isfinite(reach) and (now[both] == before[both]).all():
            return Tie()
        return self._mean(now[both] - before[both], both, -reach, reach)

    def _mean(self, values: Floats, known: Mask, low: float, high: float) -> Evidence:
        factor = len(values) if self.metric.total else 1
        values = values * factor
        bounded = math.isfinite(low) and math.isfinite(high) and not self.metric.total
        if bounded:
            values = np.clip(values, low, high)  # differences of rounded means can pass a bound by a rounding error
        ends = (low, high) if bounded else (-math.inf, math.inf)
        return items_mean(values, *ends, clusters=None if self.clusters is None else self.clusters[known])

    def _quantile_change(self, now: Floats, before: Floats, quantile: float) -> Evidence:
        """Return the difference of two quantiles, with a percentile interval over items that are resampled in pairs."""
        if (now == before).all():
            return Tie()

        def difference(rows: Counts) -> float:
            pair = [np.quantile(values[rows], quantile, method="inverted_cdf") for values in (now, before)]
            return float(pair[0] - pair[1])

        rng = np.random.default_rng([self.context.seed, len(now)])
        draws = np.array([difference(rng.integers(0, len(now), len(now))) for _ in range(_DRAWS)])
        value, confidence = difference(np.arange(len(now))), self.context.confidence
        low, high = percentile_ends(draws, value, confidence=confidence)
        return Sampled(value, low, high, float(draws.std(ddof=1)), len(now), confidence)


def items_mean(values: Floats, low: float, high: float, *, clusters: Counts | None) -> Evidence:
    """Return the mean of one value of each item: by cluster, in known bounds, or without them.

    Args:
        values: One value of each item.
        low: Lower bound of the values; infinite if there is none.
        high: Upper bound.
        clusters: Number of each item's cluster; ``None`` if items are independent.
    """
    if clusters is not None:
        return clustered_mean(ClusterSums.of(values, clusters), low=low, high=high)
    if math.isfinite(low) and math.isfinite(high):
        return bounded_mean(values, low, high)
    return unbounded_mean(values)


def unbounded_mean(values: Floats) -> Evidence:
    """Return the mean of values without bounds: Student's t with the degrees of freedom of their kurtosis.

    The variance of a variance is that of its kurtosis (Satterthwaite 1946). If as few as five values carry the
    variance, no interval is valid.
    """
    n, value = len(values), float(values.mean())
    if (values == values[0]).all():
        return Point(value, "too few", "too few rows: every item has the same value, so they have no variance")
    around = values - value
    square, fourth = float((around**2).sum()), float((around**4).sum())
    effective = square**2 / fourth
    doubt = f"a few items carry the variance (as much as {effective:.1f} equal items)" if effective < SCARCE else None
    if effective < FEWEST:
        return Point(value, "too few", f"{doubt}; {FEWEST:g} are needed")
    error = math.sqrt(square / (n - 1) / n)
    return Normal(value, error, n, "t", df=df_of_sample(n, n / effective), reason=doubt)
