"""A function of rows on a scope and on resamples of it: bootstrap samples, and the scope without some of its rows.

Three ways, each paired, because both models get the same rows:

- *row bootstrap* (Efron 1979): as many rows drawn with replacement;
- *group jackknife* (Shao & Wu 1989, Ann. Stat. 17:1176): rows are split into groups at random, and each group is left
  out in turn; valid for smooth functions;
- *cell jackknife* (Quenouille 1956): each row is left out in turn. A function of decisions depends on how often each
  pair of label and decision occurs, so one evaluation stands for all rows of a pair, and the rows are not read again.

Rows that belong together are drawn, or left out, together: *cluster bootstrap* and *cluster jackknife*, whose groups
are clusters, or groups of them if there are very many (Field & Welsh 2007, JRSS B 69:369).

Rows of a scope are sorted by their content. Each resample has its own random stream, so that no result depends on the
order of rows or of work.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from mlci.metrics.row_metrics import Array, Method

MetricValue = tuple[float, str | None]
"""A value, and the reason if it is undefined."""
MOST_CLASSES = 10
"""Classes for which a cell jackknife is cheaper than a group jackknife."""
FEWEST_GROUPS, MOST_GROUPS = 200, 1_000
_ROWS_IN_ALL_GROUPS = 400_000
_STRICT = (UserWarning, RuntimeWarning)
"""Warnings that mean "undefined": UndefinedMetricWarning is a UserWarning, NumPy's 0/0 a RuntimeWarning."""


def count_row_groups(rows: int) -> int:
    """Return the groups of a group jackknife: 1,000 of a small scope, 200 from 2,000 rows, at most one a row.

    The standard error of G groups has a relative error of about 1 / √(2 G); Student's t allows for it.
    """
    return min(rows, max(FEWEST_GROUPS, min(MOST_GROUPS, _ROWS_IN_ALL_GROUPS // max(rows, 1))))


def assign_row_groups(rows: int, *, seed: int, scope: int) -> Array:
    """Return each row's group: groups of equal size, give or take a row, drawn by the rows' positions."""
    stream = np.random.default_rng(np.random.SeedSequence((seed, scope)))
    return stream.permutation(rows) % count_row_groups(rows)


def count_resamples(method: Method, *, rows: int, classes: int, draws: int) -> int:
    """Return how many resamples a method takes of a scope with so many rows, or clusters of them."""
    if method == "cell jackknife":
        return classes * classes
    return count_row_groups(rows) if method in {"group jackknife", "cluster jackknife"} else draws


@dataclass(frozen=True, eq=False)
class MetricCall:
    """A function with its arguments: the labels of all rows, and each model's predictions."""

    function: Callable[..., float]
    labels: Array
    predictions: tuple[Array, ...]
    method: Method = "row bootstrap"
    classes: Array | None = None
    """Class values, if labels and decisions are class indices that the function does not get itself."""
    weights: Array | None = None
    """Weight of each row, which the function gets as ``sample_weight``."""

    @property
    def models(self) -> int:
        """Number of models."""
        return len(self.predictions)

    def on(self, rows: Array, model: int) -> MetricValue:
        """Return the value for one model on some rows; the function gets copies of the arrays."""
        weights = {} if self.weights is None else {"sample_weight": self.weights[rows]}
        labels, predictions = self._written(self.labels[rows]), self._written(self.predictions[model][rows])
        return call_value(self.function, labels, predictions, **weights)

    def on_cells(self, counts: Array) -> MetricValue:
        """Return the value on rows of which ``counts[label, decision]`` are alike, by their weights."""
        label, decided = np.nonzero(counts)
        weights = counts[label, decided].astype(np.float64)
        return call_value(self.function, self._written(label), self._written(decided), sample_weight=weights)

    def _written(self, values: Array) -> Array:
        return values if self.classes is None else self.classes[values]


class Resamples(Protocol):
    """A metric in one scope, with its resamples."""

    @property
    def count(self) -> int:
        """Number of resamples."""
        ...

    def sample(self) -> list[MetricValue]:
        """Return each model's value on the scope itself."""
        ...

    def value(self, index: int) -> list[float]:
        """Return each model's value on one resample; NaN if undefined."""
        ...


@dataclass(frozen=True, eq=False)
class _Rows:
    """A metric on the rows of a scope."""

    call: MetricCall
    rows: Array
    scope: int
    seed: int
    count: int
    clusters: Array | None = None
    """Number of each row's cluster, for all rows of the evaluation set."""

    @property
    def of_cluster(self) -> tuple[int, Array]:
        """Number of clusters in the scope, and the position of each row's cluster among them."""
        if self.clusters is None:
            return len(self.rows), np.arange(len(self.rows))
        found, codes = np.unique(self.clusters[self.rows], return_inverse=True)
        return len(found), codes

    def sample(self) -> list[MetricValue]:
        """Return each model's value, with rows in the evaluation set's order."""
        rows = np.sort(self.rows)
        return [self.call.on(rows, model) for model in range(self.call.models)]


class Bootstrap(_Rows):
    """Rows drawn with replacement."""

    def value(self, index: int) -> list[float]:
        """Return each model's value on one bootstrap sample."""
        stream = np.random.default_rng(np.random.SeedSequence((self.seed, self.scope, index)))
        chosen = self.rows[stream.integers(0, len(self.rows), len(self.rows))]
        return [self.call.on(chosen, model)[0] for model in range(self.call.models)]


class ClusterBootstrap(_Rows):
    """Clusters drawn with replacement, each with all of its rows."""

    @cached_property
    def _by_cluster(self) -> tuple[Array, Array]:
        """The rows in the order of their clusters, and the position at which each cluster begins."""
        clusters, codes = self.of_cluster
        order = np.argsort(codes, kind="stable")
        return self.rows[order], np.searchsorted(codes[order], np.arange(clusters + 1))

    def value(self, index: int) -> list[float]:
        """Return each model's value on one bootstrap sample."""
        rows, edges = self._by_cluster
        stream = np.random.default_rng(np.random.SeedSequence((self.seed, self.scope, index)))
        drawn = stream.integers(0, len(edges) - 1, len(edges) - 1)
        sizes = edges[drawn + 1] - edges[drawn]
        ends = np.cumsum(sizes)
        chosen = rows[np.arange(int(ends[-1])) + np.repeat(edges[drawn] - ends + sizes, sizes)]
        return [self.call.on(chosen, model)[0] for model in range(self.call.models)]


class GroupJackknife(_Rows):
    """Rows without one group of them; groups have whole clusters.

    Scores are handed over in ascending order, because sorting a sorted array is most of what a rank metric saves.
    """

    @cached_property
    def _ordered(self) -> list[tuple[Array, Array]]:
        """Each model's rows in the order of its scores, with their groups."""
        units, codes = self.of_cluster
        groups = assign_row_groups(units, seed=self.seed, scope=self.scope)[codes]
        found = []
        for predictions in self.call.predictions:
            mine = predictions[self.rows]
            order = np.argsort(mine, kind="stable") if mine.dtype.kind == "f" else np.arange(len(mine))
            found.append((self.rows[order], groups[order]))
        return found

    def value(self, index: int) -> list[float]:
        """Return each model's value without one group."""
        return [self.call.on(rows[groups != index], model)[0] for model, (rows, groups) in enumerate(self._ordered)]


class CellJackknife(_Rows):
    """Rows without one of them, each pair of label and decision once."""

    @cached_property
    def _counts(self) -> list[Array]:
        """Each model's rows by label and decision, shape (classes, classes)."""
        size = math.isqrt(self.count)
        labels = self.call.labels[self.rows].astype(np.intp) * size
        tables = [np.bincount(labels + decided[self.rows], minlength=self.count) for decided in self.call.predictions]
        return [table.reshape(size, size) for table in tables]

    def sample(self) -> list[MetricValue]:
        """Return each model's value by the weights of its pairs."""
        return [self.call.on_cells(counts) for counts in self._counts]

    def value(self, index: int) -> list[float]:
        """Return each model's value without one row of a pair; NaN for a pair that no row has."""
        found = []
        for counts in self._counts:
            fewer = counts.copy()
            fewer.flat[index] -= 1
            found.append(self.call.on_cells(fewer)[0] if fewer.flat[index] >= 0 and fewer.any() else math.nan)
        return found


@dataclass(frozen=True, eq=False)
class Plan:
    """All metrics on all scopes.

    Attributes:
        calls: One for each metric.
        scopes: Rows of each scope, in an order that depends on their content only: resamples are drawn by position.
        classes: Number of classes; 0 for regression.
        draws: Resamples of a bootstrap.
        seed: Of bootstraps and groups.
        clusters: Number of each row's cluster; ``None`` if rows are independent.
        units: Rows, or clusters, of each scope.
    """

    calls: Sequence[MetricCall]
    scopes: Sequence[Array]
    classes: int
    draws: int
    seed: int
    clusters: Array | None = None
    units: Sequence[int] | None = None
    _cells: dict[tuple[int, int], CellJackknife] = field(default_factory=dict)

    def count(self, metric: int, scope: int) -> int:
        """Return how many resamples a metric has of a scope."""
        rows, method = len(self.scopes[scope]), self.calls[metric].method
        if self.units is not None:
            rows = self.units[scope]
        return count_resamples(method, rows=rows, classes=self.classes, draws=self.draws)

    def resamples(self, metric: int, scope: int) -> Resamples:
        """Return a metric with its resamples of a scope; the counts of cells, which are small, are kept."""
        call, rows, count = self.calls[metric], self.scopes[scope], self.count(metric, scope)
        if call.method == "cell jackknife":
            return self._cells.setdefault((metric, scope), CellJackknife(call, rows, scope, self.seed, count))
        own = (call, rows, scope, self.seed, count, self.clusters)
        if call.method == "cluster bootstrap":
            return ClusterBootstrap(*own)
        return (Bootstrap if call.method == "row bootstrap" else GroupJackknife)(*own)

    def samples(self, begin: Callable[[int], None]) -> tuple[list[list[Array]], dict[tuple[int, int], str]]:
        """Evaluate every metric on every scope itself.

        Args:
            begin: Called with a metric's index before each of its calls.

        Returns:
            Values of each metric in each scope, shape (models, 1 + resamples), NaN for the resamples; and the reason
            of each undefined sample by (metric, scope).
        """
        values: list[list[Array]] = []
        reasons: dict[tuple[int, int], str] = {}
        for index, call in enumerate(self.calls):
            values.append([])
            for scope in range(len(self.scopes)):
                begin(index)
                resamples = self.resamples(index, scope)
                results = resamples.sample()
                table = np.full((call.models, 1 + resamples.count), np.nan)
                table[:, 0] = [number for number, _ in results]
                values[-1].append(table)
                why = [reason for _, reason in results if reason is not None]
                if why:
                    reasons[index, scope] = why[0]
        return values, reasons


def resample(plan: Plan) -> tuple[list[list[Array]], dict[tuple[int, int], str]]:
    """Evaluate every metric on every scope and on its resamples, in this process.

    Returns:
        As :meth:`Plan.samples`, with the resamples. A metric that is undefined on a scope is not resampled there.
    """
    values, reasons = plan.samples(lambda _: None)
    for metric, of_scopes in enumerate(values):
        for scope, table in enumerate(of_scopes):
            if (metric, scope) not in reasons:
                resamples = plan.resamples(metric, scope)
                for index in range(resamples.count):
                    table[:, 1 + index] = resamples.value(index)
    return values, reasons


def draws_random_numbers(call: MetricCall, rows: Array) -> bool:
    """Return whether two calls on the same rows differ."""
    first, second = call.on(rows, 0), call.on(rows, 0)
    return first[1] is None and second[1] is None and first[0] != second[0]


_CHECKED = 10_000


def weighs_rows(call: MetricCall, rows: Array, classes: int) -> bool:
    """Return whether weights of cells give a function the value that it has on the rows, on some of them."""
    some = rows[:: max(1, len(rows) // _CHECKED)]
    by_cells = CellJackknife(call, some, 0, 0, classes * classes).sample()[0]
    by_rows = call.on(some, 0)
    if by_cells[1] is not None or by_rows[1] is not None:
        return by_cells[1] is not None and by_rows[1] is not None
    return math.isclose(by_cells[0], by_rows[0], rel_tol=1e-9, abs_tol=1e-12)


def call_value(function: Callable[..., float], labels: Array, predictions: Array, **weights: Array) -> MetricValue:
    """Call the metric; an exception, a warning or a value that is not finite is a reason."""
    try:
        with warnings.catch_warnings():
            for category in _STRICT:
                warnings.simplefilter("error", category)
            number = float(function(labels, predictions, **weights))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's function; any exception makes the value undefined
        text = str(error).strip().split("\n", maxsplit=1)[0]
        return math.nan, f"{type(error).__name__}: {text}" if text else type(error).__name__
    return (number, None) if math.isfinite(number) else (math.nan, f"the metric returned {number}")
