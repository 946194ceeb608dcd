"""Rows with clusters and weights: the columns from which metrics, and their influence functions, are summed by cluster.

Rows of one cluster, such as the visits of a patient, are not independent; clusters are. Weighted rows without clusters
are clusters of one row each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlci.metrics.statistics import Counts, Floats

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelRows:
    """One model's predictions for all rows, if it has them.

    Attributes:
        score: The score, or a regression's value, shape (rows,).
        decision: Index of the decided class, shape (rows,).
        probabilities: Probability of each class, shape (classes, rows).
        losses: Loss of each row by its name (see :data:`mlci.metrics.statistics.LOSSES`).
    """

    score: Floats | None = None
    decision: Array | None = None
    probabilities: Floats | None = None
    losses: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class RowTable:
    """Columns of the whole evaluation set.

    Attributes:
        clusters: Number of each row's cluster, from 0 on; each row has its own without a column of clusters.
        weights: Weight of each row, all positive.
        labels: Index of each row's class, or the label of a regression.
        classes: Names of the classes; empty for regression.
        candidate, baseline: Both models' predictions; ``None`` without a baseline.
        cluster: Name of the column of clusters; ``None`` without one.
        weight: Name of the column of weights; ``None`` without one.
    """

    clusters: Counts
    weights: Floats
    labels: Array
    classes: tuple[str, ...]
    candidate: ModelRows
    baseline: ModelRows | None
    cluster: str | None
    weight: str | None

    @property
    def models(self) -> list[ModelRows]:
        """The candidate, then the baseline if there is one."""
        return [self.candidate] if self.baseline is None else [self.candidate, self.baseline]

    @property
    def manner(self) -> str:
        """Words for methods in reports: the rows are taken by cluster, or by weight."""
        return "by cluster" if self.cluster is not None else "by weight"


@dataclass(frozen=True, eq=False)
class ClusteredRows:
    """Rows of one scope, as positions in the table."""

    table: RowTable
    rows: Counts

    def take(self, column: Array) -> Array:
        """Return a column's values of these rows; the last axis has the rows."""
        return np.asarray(column[..., self.rows])

    @cached_property
    def clusters(self) -> Counts:
        """Each row's cluster."""
        return self.take(self.table.clusters)

    @cached_property
    def weights(self) -> Floats:
        """Each row's weight, divided by the rows' mean weight."""
        weights = self.take(self.table.weights)
        return np.asarray(weights / weights.mean() if len(weights) else weights, dtype=np.float64)

    @cached_property
    def labels(self) -> Array:
        """Each row's label."""
        return self.take(self.table.labels)

    def count_clusters(self, mask: Array | None = None) -> int:
        """Count the clusters that hold one of these rows, or one of those in a mask."""
        return len(np.unique(self.clusters if mask is None else self.clusters[mask]))
