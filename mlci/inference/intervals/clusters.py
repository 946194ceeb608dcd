"""Intervals for means over rows that belong together: repeats of an item, items of a passage, visits of a patient.

Clusters are independent, rows within one are not. The variance is Bell & McCaffrey's CR2 (2002, Survey Methodology
28:169), the degrees of freedom are Imbens & Kolesár's (2016, Rev. Econ. Stat. 98:701); both are sums over clusters. A
mean of bounded values has the mixing score with that variance, because the variance alone collapses where few clusters
hold an event. With clusters of equal size both are Student's t over the clusters' means.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mlci.inference.evidence import Evidence, Point, Undefined
from mlci.inference.intervals.error_intervals import Normal
from mlci.inference.intervals.score_intervals import MixingScore
from mlci.inference.minimums import FRAGILE
from mlci.metrics.statistics import Counts, Floats

FEWEST = 2
"""Clusters that an interval needs."""
_LARGEST = 0.95
"""Share of the weight above which one cluster is the mean: the variance then collapses with what is left of 1."""
_PSEUDO = 2
_NOTHING = 1e-13


@dataclass(frozen=True, eq=False)
class ClusterSums:
    """Sums over the rows of each cluster; they add up over shards that keep clusters apart or together.

    Attributes:
        weights: Rows of each cluster, or the sum of their weights; all positive, shape (clusters,).
        sums: Sum of the (weighted) values, shape (clusters,).
        squares: Sum of the (weighted) squares over all rows.
        rows: Number of rows.
        holding: Clusters with a row of the rarer outcome; for a change, with a row whose values differ.
        ids: Number of each cluster in the whole set, ascending, shape (clusters,).
    """

    weights: Floats
    sums: Floats
    squares: float
    rows: int
    holding: int
    ids: Counts = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of(
        cls, values: Floats, clusters: Counts, weights: Floats | None = None, *, rare: NDArray[np.bool_] | None = None
    ) -> "ClusterSums":
        """Sum values by cluster, of rows whose cluster is a number from 0 on.

        Args:
            values: One number a row.
            clusters: Each row's cluster.
            weights: Each row's weight, with a mean of 1; ``None`` if rows count equally.
            rare: Rows with the rarer outcome; ``None`` if those are all without the most frequent value.
        """
        each = np.ones(len(values)) if weights is None else weights
        ids, codes = np.unique(clusters, return_inverse=True)
        if rare is None:
            occurring, counts = np.unique(values, return_counts=True)
            rare = values != occurring[counts.argmax()] if len(occurring) else np.zeros(0, bool)
        return cls(
            ids=ids,
            weights=np.bincount(codes, weights=each).astype(np.float64),
            sums=np.bincount(codes, weights=each * values).astype(np.float64),
            squares=float(each @ (values * values)),
            rows=len(values),
            holding=len(np.unique(codes[rare])),
        )

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return len(self.weights)

    @property
    def value(self) -> float:
        """The mean over rows."""
        return float(self.sums.sum() / self.weights.sum())

    @property
    def shares(self) -> Floats:
        """Share of the weight of each cluster."""
        shares: Floats = self.weights / self.weights.sum()
        return shares

    @property
    def alone(self) -> str | None:
        """Return why one cluster decides the mean, so that it has no interval; ``None`` if it does not."""
        if self.clusters < FEWEST:
            return f"too few rows: all of them belong to one cluster; {FEWEST} clusters are needed"
        largest = float(self.shares.max())
        if largest <= _LARGEST:
            return None
        kind = "row" if self.rows == self.clusters else "cluster"
        return f"too few rows: one {kind} has {largest:.3%} of the weight, and at most {_LARGEST:.0%} has an interval"

    @property
    def residuals(self) -> Floats:
        """Sum of each cluster's distances from the mean."""
        residuals: Floats = self.sums - self.value * self.weights
        return residuals

    @property
    def row_variance(self) -> float:
        """Variance of the values over rows; 0 if it is within rounding error."""
        total = float(self.weights.sum())
        around = self.squares / total - self.value**2
        return around if around > _NOTHING * self.squares / total else 0.0

    @property
    def variance(self) -> float:
        """CR2 variance of the mean."""
        return float((self.residuals**2 / (1 - self.shares)).sum() / self.weights.sum() ** 2)

    @property
    def correlation(self) -> float:
        """Correlation of two rows of one cluster, between 0 and 1."""
        total, variance = float(self.weights.sum()), self.row_variance
        pairs = float((self.weights**2).sum()) - total
        if pairs <= 0 or variance == 0:
            return 0.0
        return min(1.0, max(0.0, (float((self.residuals**2).sum()) - total * variance) / (pairs * variance)))

    @property
    def df(self) -> float:
        """Degrees of freedom of the variance, for rows that are correlated as those observed."""
        share, ratio = self.shares, 1 / (1 - self.shares)
        spread = self.weights * (1 + (self.weights - 1) * self.correlation)
        total = float(spread.sum())
        moved = share**2 * total - 2 * share * spread
        a, b, c = (float((ratio * one).sum()) for one in (share**2, spread**2, share * spread))
        own = float((ratio**2 * ((spread + moved) ** 2 - moved**2)).sum())
        trace = float((ratio * (spread + moved)).sum())
        return trace**2 / (2 * a * b + a * a * total**2 + 2 * c * c - 4 * total * a * c + own)

    @property
    def design_effect(self) -> float:
        """Variance of the mean over that of independent rows, at least 1."""
        variance = self.row_variance
        return max(1.0, self.variance * float(self.weights.sum()) / variance) if variance else math.inf

    @property
    def effective_clusters(self) -> float:
        """Number of clusters of equal weight."""
        return 1 / float((self.shares**2).sum())

    @property
    def extreme_rows(self) -> float:
        """Rows whose weight one unseen extreme value has: few if only few clusters hold an event."""
        rows = max(float(self.weights.sum()) / self.design_effect, self.effective_clusters)
        seen = self.holding / (self.holding + _PSEUDO)
        return 1 / (seen / rows + (1 - seen) / self.effective_clusters)


def clustered_mean(sums: ClusterSums, *, low: float = -math.inf, high: float = math.inf) -> Evidence:
    """Return the mean with the interval for clusters: the mixing score if it has two bounds, otherwise Student's t."""
    few = _too_few(sums)
    if few is not None:
        return few
    fragile = f"only {sums.clusters} clusters: the interval is fragile" if sums.clusters < FRAGILE else None
    if math.isfinite(low) and math.isfinite(high):
        return MixingScore(
            sums.value,
            sums.variance,
            sums.extreme_rows,
            sums.df,
            sums.rows,
            "mixing score by cluster",
            low,
            high,
            fragile,
        )
    if sums.variance == 0:
        return Point(
            sums.value, "too few", "too few rows: every cluster has the same mean, so clusters have no variance"
        )
    error = math.sqrt(sums.variance)
    return Normal(sums.value, error, sums.rows, "t by cluster", low=low, high=high, df=sums.df, reason=fragile)


def _too_few(sums: ClusterSums) -> Evidence | None:
    if sums.clusters == 0:
        return Undefined("no rows")
    return None if sums.alone is None else Point(sums.value, "too few", sums.alone)
