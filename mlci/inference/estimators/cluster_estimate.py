"""A metric's value from rows with clusters or weights: influences summed by cluster, and the intervals of the sums."""

import math
from dataclasses import dataclass

import numpy as np

from mlci.inference.estimators.influence import Linear, Mask
from mlci.inference.estimators.means import ALIKE, SAME
from mlci.inference.evidence import (
    Evidence,
    Point,
)
from mlci.inference.intervals.clusters import FEWEST, ClusterSums
from mlci.inference.intervals.distributions import df_of_sample
from mlci.inference.intervals.error_intervals import Hall, Normal
from mlci.inference.intervals.score_intervals import MixingScore
from mlci.inference.minimums import FRAGILE
from mlci.metrics.clustered_rows import ClusteredRows
from mlci.metrics.statistics import Floats

_PSEUDO = 2


@dataclass(frozen=True, eq=False)
class ClusterEstimate:
    """A value with its influences summed by cluster.

    Attributes:
        linear: The value, with the influence of each row.
        rows: The rows.
        sums: Sums by cluster over the rows that carry the value; their mean is the value.
    """

    linear: Linear
    rows: ClusteredRows
    sums: ClusterSums

    @classmethod
    def of(cls, linear: Linear, rows: ClusteredRows) -> "ClusterEstimate":
        """Sum the influences of the rows that carry the value."""
        inside = linear.carrying
        weights = rows.weights[inside]
        scale = float(weights.sum()) / float(rows.weights.sum())
        numbers = linear.value + linear.influence[inside] * scale
        rare = None if linear.right is None else _rarer(linear.right[inside], weights)
        mean_one = weights / weights.mean()
        return cls(linear, rows, ClusterSums.of(numbers, rows.clusters[inside], mean_one, rare=rare))

    @property
    def df(self) -> float:
        """Degrees of freedom of the variance, at most those of the clusters' kurtosis."""
        squares = self.sums.residuals**2
        fourth = float((squares**2).sum())
        kurtosis = self.sums.clusters * fourth / float(squares.sum()) ** 2 if fourth > 0 else 1.0
        return max(1.0, min(self.sums.df, df_of_sample(self.sums.clusters, kurtosis)))

    @property
    def error(self) -> float:
        """Standard error of the value; 0 within rounding."""
        return math.sqrt(self.sums.variance) if self.sums.row_variance > 0 else 0.0

    @property
    def skewness(self) -> float:
        """Skewness of the value: that of the clusters' sums."""
        residuals = self.sums.residuals
        return float((residuals**3).sum()) / math.sqrt(float((residuals**2).sum())) ** 3

    @property
    def extreme_rows(self) -> float:
        """Rows whose weight one unseen extreme value has, of each class that decides by itself."""
        if not self.linear.parts:
            return self.sums.extreme_rows
        deff = self.sums.design_effect
        seen = self.sums.holding / (self.sums.holding + _PSEUDO)
        inverse = 0.0
        for part in self.linear.parts:
            inside = part & self.linear.carrying
            weights = self.rows.weights[inside]
            by_cluster = np.bincount(np.unique(self.rows.clusters[inside], return_inverse=True)[1], weights=weights)
            whole = float(weights.sum())
            clusters = whole**2 / float((by_cluster**2).sum())
            inverse += seen / max(whole / deff, clusters) + (1 - seen) / clusters
        return 1 / (self.linear.share**2 * inverse)

    @property
    def doubt(self) -> str | None:
        """Return the warning of an interval from few clusters."""
        few = self.rows.table.cluster is not None and self.sums.clusters < FRAGILE
        return f"only {self.sums.clusters} clusters: the interval is fragile" if few else None

    def method(self, name: str) -> str:
        """Return a method's name for the report."""
        return f"{name} {self.rows.table.manner}"

    def few(self) -> Evidence | None:
        """Return the value without an interval if one cluster decides it; ``None`` if more do."""
        if self.sums.alone is None:
            return None
        if self.sums.clusters >= FEWEST:
            return Point(self.linear.value, "too few", self.sums.alone)
        one = "all rows that count belong to one cluster" if self.rows.table.cluster is not None else "one row counts"
        return Point(self.linear.value, "too few", f"too few rows: {one}; {FEWEST} are needed")


def _rarer(right: Mask, weights: Floats) -> Mask:
    """Return the rows with the rarer of two outcomes."""
    return ~right if float(weights[right].sum()) > float(weights[~right].sum()) else right


def bounded_evidence(one: ClusterEstimate, low: float, high: float, *, df: float) -> Evidence:
    """Return the mixing score between two bounds."""
    if (few := one.few()) is not None:
        return few
    value = min(max(one.linear.value, low), high)
    return MixingScore(
        value, one.sums.variance, one.extreme_rows, df, one.sums.rows, one.method("mixing score"), low, high, one.doubt
    )


def student_evidence(
    one: ClusterEstimate, *, low: float = -math.inf, high: float = math.inf, same: str = SAME
) -> Evidence:
    """Return Student's interval."""
    if (few := one.few()) is not None:
        return few
    if one.error == 0:
        return Point(one.linear.value, "too few", same)
    name = one.method("t")
    return Normal(one.linear.value, one.error, one.sums.rows, name, low=low, high=high, df=one.df, reason=one.doubt)


def hall_evidence(one: ClusterEstimate, *, low: float = -math.inf, high: float = math.inf) -> Evidence:
    """Return one model's mean, whose clusters' sums are skewed."""
    if (few := one.few()) is not None:
        return few
    if one.error == 0:
        return Point(one.linear.value, "too few", ALIKE)
    return Hall(
        one.linear.value,
        one.error,
        one.skewness,
        one.df,
        one.sums.rows,
        one.method("hall"),
        low=low,
        high=high,
        reason=one.doubt,
    )
