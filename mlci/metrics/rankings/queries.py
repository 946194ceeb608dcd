"""Values of ranking metrics by query, from relevance labels and scores.

Documents with equal scores have no order. Their metric is its expectation over all their orders, which depends on no
order of rows (McSherry & Najork 2008, ECIR, LNCS 4956:414); for NDCG it is that of ``sklearn.metrics.ndcg_score``.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlci.metrics.rankings.names import RankingMetric
from mlci.metrics.statistics import Counts, Floats


@dataclass(frozen=True, eq=False)
class RankedDocuments:
    """The documents of all queries, each query's from the highest score to the lowest.

    Attributes:
        queries: Number of each document's query, ascending from 0, shape (documents,).
        labels: Relevance of each document, at least 0.
        groups: Number of the group of equal scores that each document is in, ascending over all queries.
    """

    queries: Counts
    labels: Floats
    groups: Counts

    @classmethod
    def of(cls, queries: Counts, labels: Floats, scores: Floats) -> "RankedDocuments":
        """Rank documents in any order; every number from 0 to the last query's occurs."""
        order = np.lexsort((labels, -scores, queries))
        query, score = queries[order], scores[order]
        begins = np.ones(len(order), bool)
        begins[1:] = (query[1:] != query[:-1]) | (score[1:] != score[:-1])
        return cls(query.astype(np.int64), labels[order].astype(np.float64), np.cumsum(begins) - 1)

    @cached_property
    def positions(self) -> Counts:
        """Position in the ranking of its query, from 1."""
        starts = np.searchsorted(self.queries, np.arange(self.queries[-1] + 1))
        return np.arange(1, len(self.queries) + 1) - starts[self.queries]

    @cached_property
    def relevant(self) -> Counts:
        """Relevant documents of each query, those with a label above 0, shape (queries,)."""
        found: Counts = np.bincount(self.queries[self.labels > 0], minlength=int(self.queries[-1]) + 1)
        return found

    @cached_property
    def ties(self) -> "_Ties":
        """The groups of equal scores."""
        starts = np.flatnonzero(np.diff(self.groups, prepend=-1))
        relevant = np.bincount(self.groups, weights=self.labels > 0).astype(np.float64)
        above = np.cumsum(relevant) - relevant
        queries = self.queries[starts]
        first = np.searchsorted(queries, np.arange(queries[-1] + 1))
        sizes = np.bincount(self.groups).astype(np.float64)
        return _Ties(starts, sizes, relevant, above - above[first][queries])

    def values(self, metric: RankingMetric) -> Floats:
        """Return the metric of each query, in [0, 1]; NaN for a query without a relevant document.

        Raises:
            ValueError: if the metric needs a cutoff and has none.
        """
        if metric.lacks_cutoff:
            raise ValueError(f"{metric.name} needs k")
        found = self._values(metric)
        return np.where(self.relevant > 0, np.clip(found, 0.0, 1.0), np.nan)

    def _values(self, metric: RankingMetric) -> Floats:
        ties, groups, relevant = self.ties, self.groups, np.maximum(self.relevant, 1)
        match metric.measure:
            case "ndcg" | "ndcg_burges":
                return self._ndcg(metric)
            case "mean_average_precision":
                return self._sum(ties.chances[groups] * self._precisions, metric.k) / relevant
            case "mean_reciprocal_rank":
                return self._sum(self._first_relevant / self.positions, metric.k)
            case "recall":
                return self._sum(ties.chances[groups], metric.k) / relevant
            case "precision":
                return self._sum(ties.chances[groups], metric.k) / (metric.k or 1)
            case "hit_rate":
                return self._sum(self._first_relevant, metric.k)

    def _sum(self, parts: Floats, k: int | None) -> Floats:
        """Add up what each position contributes, by query, down to position ``k``."""
        counted = parts if k is None else np.where(self.positions <= k, parts, 0.0)
        return np.asarray(np.bincount(self.queries, weights=counted), np.float64)

    def _ndcg(self, metric: RankingMetric) -> Floats:
        """Return the discounted gain of each query (Järvelin & Kekäläinen 2002, TOIS 20:422) over its largest.

        The gain is the label; for ``ndcg_burges`` it is 2 to the label minus 1 (Burges et al. 2005, ICML).
        """
        gains = np.exp2(self.labels) - 1 if metric.measure == "ndcg_burges" else self.labels
        discounts = 1 / np.log2(self.positions + 1.0)
        mean = np.bincount(self.groups, weights=gains) / self.ties.sizes
        ideal = gains[np.lexsort((-gains, self.queries))]
        most = self._sum(ideal * discounts, metric.k)
        return self._sum(mean[self.groups] * discounts, metric.k) / np.where(most > 0, most, 1.0)

    @cached_property
    def _precisions(self) -> Floats:
        """Expected precision at each position if the document there is relevant."""
        ties, groups = self.ties, self.groups
        inside = np.arange(len(groups)) - ties.starts[groups]
        others = np.maximum(ties.relevant - 1, 0) / np.maximum(ties.sizes - 1, 1)
        return (ties.above[groups] + 1 + inside * others[groups]) / self.positions

    @cached_property
    def _first_relevant(self) -> Floats:
        """Probability that the first relevant document of the query is at each position."""
        ties, found = self.ties, np.zeros(len(self.groups))
        active = np.flatnonzero((ties.relevant > 0) & (ties.above == 0))
        none_yet, inside = np.ones(len(active)), 0
        while len(active):
            left = ties.sizes[active] - inside
            here = ties.relevant[active] / left
            found[ties.starts[active] + inside] = none_yet * here
            none_yet, inside = none_yet * (left - ties.relevant[active]) / left, inside + 1
            open_ = (ties.sizes[active] > inside) & (none_yet > 0)
            active, none_yet = active[open_], none_yet[open_]
        return found


@dataclass(frozen=True, eq=False)
class _Ties:
    """Groups of equal scores.

    Attributes:
        starts: Index of each group's first document.
        sizes: Documents in it.
        relevant: Relevant ones among them.
        above: Relevant documents of the same query with higher scores.
    """

    starts: Counts
    sizes: Floats
    relevant: Floats
    above: Floats

    @property
    def chances(self) -> Floats:
        """Probability that a position of the group has a relevant document."""
        return self.relevant / self.sizes
