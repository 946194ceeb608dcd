"""Simulate tables with clusters of ten rows whose true metrics are known, and count the intervals that cover them.

A row is a copy of its cluster's common row with probability √ρ, and its own draw otherwise: two rows of a cluster have
the correlation ρ in whatever is computed from a row, and the distribution of single rows stays the same.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mlci.inference.disparity.disparity import measure_disparity
from mlci.inference.disparity.groups import GroupedValues
from mlci.inference.evidence import Evidence, MeasureContext
from mlci.inference.measure import measure_metric
from mlci.metrics.clustered_rows import ClusteredRows, ModelRows, RowTable
from mlci.metrics.resampling import MetricCall, Plan, resample
from mlci.metrics.statistics import WHOLE, Decisions, Replicates, Scope, Statistics

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
LEVEL = 0.95
SIZE = 10
_FIRST_SEED = 20_261_201
BINARY = ("accuracy", "recall", "f1", "matthews_corrcoef", "roc_auc", "average_precision", "brier_score_loss")
REGRESSION = ("mean_absolute_error", "root_mean_squared_error", "r2")
DISPARITIES = ("accuracy_difference", "recall_difference")
"""Between two groups: of clusters, as the sex of a patient, or of rows, so that groups share clusters."""
_ROWS_OF_TRUTH = 1_000_000


MEDIAN = "median error, bootstrap"
"""The median of absolute errors as a custom function, whose interval is a cluster bootstrap's."""
_DRAWS = 200


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A number of clusters, the correlation of two rows of one, and whether its rows are all in the same group."""

    clusters: int
    correlation: float
    nested: bool = False


Key = tuple[str, str, bool]
"""A metric, ``value`` or ``change``, and whether clusters were named."""
Estimates = dict[str, tuple[Evidence | None, Evidence | None]]
Truth = dict[tuple[str, str], float]


@dataclass
class Covered:
    """Runs whose interval covers the truth; a run without an interval states nothing and counts as covered."""

    runs: int
    inside: Counter[Key] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of both tasks: labels and both models' predictions, and a group."""

    label: Array
    scores: tuple[Array, Array]
    number: Array
    predicted: tuple[Array, Array]
    group: Array

    @classmethod
    def draw(cls, rng: np.random.Generator, rows: int) -> "Table":
        """Draw independent rows; the second group has more errors, and the candidate adds some."""
        label = (rng.random(rows) < 0.3).astype(float)
        group = (rng.random(rows) < 0.4).astype(float)
        common, number = rng.normal(0, 1, rows), rng.normal(0, 1, rows)
        noise, errors = (rng.normal(0, 1, (2, rows)) for _ in range(2))
        signal = np.where(label == 1, 1.4, -1.4) * np.where(group == 1, 0.7, 1.0)
        scores = [signal * gain + 0.8 * common + 0.6 * one for gain, one in zip((0.9, 1.0), noise, strict=True)]
        predicted = [
            number + scale * (0.8 * common + 0.6 * one) for scale, one in zip((0.55, 0.5), errors, strict=True)
        ]
        return cls(
            label=label,
            scores=(_expit(scores[0]), _expit(scores[1])),
            number=number,
            predicted=(predicted[0], predicted[1]),
            group=group,
        )

    def take(self, rows: Counts) -> "Table":
        """Return some rows."""
        return Table(
            label=self.label[rows],
            scores=(self.scores[0][rows], self.scores[1][rows]),
            number=self.number[rows],
            predicted=(self.predicted[0][rows], self.predicted[1][rows]),
            group=self.group[rows],
        )


def _expit(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def draw_clusters(rng: np.random.Generator, cell: Cell) -> tuple[Table, Counts]:
    """Draw the rows of clusters, and the cluster of each."""
    rows = cell.clusters * SIZE
    clusters = np.repeat(np.arange(cell.clusters), SIZE)
    own = Table.draw(rng, rows + cell.clusters)
    if cell.nested:
        of_cluster = (np.arange(cell.clusters) < 0.4 * cell.clusters).astype(float)
        own = _regrouped(rng, np.concatenate([np.repeat(of_cluster, SIZE), of_cluster]))
    copied = rng.random(rows) < np.sqrt(cell.correlation)
    return own.take(np.where(copied, rows + clusters, np.arange(rows))), clusters


def _regrouped(rng: np.random.Generator, groups: Array) -> Table:
    """Draw rows of given groups, each from the distribution of its group."""
    pool = Table.draw(rng, 4 * len(groups) + 200)
    chosen = np.empty(len(groups), np.int64)
    for group in (0.0, 1.0):
        mine, there = np.flatnonzero(groups == group), np.flatnonzero(pool.group == group)
        chosen[mine] = there[: len(mine)] if len(there) >= len(mine) else rng.choice(there, len(mine))
    return pool.take(chosen)


def statistics_of(table: Table, clusters: Counts, *, named: bool, task: str) -> list[Statistics]:
    """Return the statistics of the whole set and of both groups."""
    rows = len(table.label)
    binary = task == "binary"
    models = [_model(table, k, binary=binary) for k in (1, 0)]
    labels = table.label.astype(np.int64) if binary else table.number
    whole = RowTable(
        clusters=clusters if named else np.arange(rows),
        weights=np.ones(rows),
        labels=labels,
        classes=("0", "1") if binary else (),
        candidate=models[0],
        baseline=models[1],
        cluster="cluster",
        weight=None,
    )
    scopes = [(WHOLE, np.arange(rows))]
    scopes += [(Scope("group", f"{k}"), np.flatnonzero(table.group == k)) for k in (0, 1)]
    return [_statistics(whole, scope, some) for scope, some in scopes]


def _model(table: Table, k: int, *, binary: bool) -> ModelRows:
    if binary:
        score = table.scores[k]
        squared = (score - table.label) ** 2
        return ModelRows(score=score, decision=(score >= 0.5).astype(np.int64), losses={"squared": squared})
    error = table.predicted[k] - table.number
    losses = {"squared": error**2, "variance": error**2, "absolute": np.abs(error)}
    return ModelRows(score=table.predicted[k], losses=losses)


def _statistics(table: RowTable, scope: Scope, rows: Counts) -> Statistics:
    decisions = None
    if table.classes and table.baseline is not None:
        label, now, before = (
            np.asarray(one)[rows] for one in (table.labels, table.candidate.decision, table.baseline.decision)
        )
        cells, count = np.unique(label * 4 + before * 2 + now, return_counts=True)
        decisions = Decisions(table.classes, cells // 4, cells // 2 % 2, cells % 2, count)
    return Statistics(scope, len(rows), decisions=decisions, differing=1, clustered=ClusteredRows(table, rows))


def estimate(table: Table, clusters: Counts, names: Sequence[str], *, named: bool) -> Estimates:
    """Return the evidence of metrics for the candidate and for the change."""
    found: Estimates = {}
    for task, known in (("binary", (*BINARY, *DISPARITIES)), ("regression", (*REGRESSION, MEDIAN))):
        wanted = [name for name in known if name in names]
        if not wanted:
            continue
        whole, *groups = statistics_of(table, clusters, named=named, task=task)
        context = MeasureContext(whole=whole, confidence=LEVEL, seed=7, baseline=True)
        across = GroupedValues(slice="group", groups=tuple(groups), reference=None, min_group_size=1)
        for name in wanted:
            if name == MEDIAN:
                whole = replace(whole, replicates={MEDIAN: _median(table, clusters, named=named)})
            spread = measure_disparity(name, across, context) if name in DISPARITIES else None
            item = spread or measure_metric(name, whole, context)
            found[name] = item.candidate, item.change
    return found


def _median(table: Table, clusters: Counts, *, named: bool) -> Replicates:
    """Return the median of absolute errors on the rows and on resamples of them."""

    def median(labels: Array, predictions: Array) -> float:
        return float(np.median(np.abs(labels - predictions)))

    rows = np.arange(len(table.number))
    call = MetricCall(median, table.number, table.predicted[::-1], "cluster bootstrap" if named else "row bootstrap")
    plan = Plan([call], [rows], 0, _DRAWS, 7, clusters if named else None)
    values = resample(plan)[0][0][0]
    return Replicates(*values[:, 0].tolist(), *values[:, 1:], differing=1, method=call.method)


def find_truth() -> Truth:
    """Return the true values, from very many independent rows."""
    table, found = Table.draw(np.random.default_rng(_FIRST_SEED), _ROWS_OF_TRUTH), {}
    names = (*BINARY, *DISPARITIES, *REGRESSION)
    for name, pair in estimate(table, np.arange(_ROWS_OF_TRUTH), names, named=False).items():
        found[name, "value"], found[name, "change"] = (float(one.value or 0.0) for one in pair if one is not None)
    medians = [float(np.median(np.abs(table.number - one))) for one in table.predicted]
    found[MEDIAN, "value"], found[MEDIAN, "change"] = medians[1], medians[1] - medians[0]
    return found


def simulate(cell: Cell, names: Sequence[str], runs: int, truth: Truth, *, both: bool = True) -> Covered:
    """Draw runs and count the intervals that cover the truth, with clusters, and for ``both`` without them too."""
    rng = np.random.default_rng([_FIRST_SEED, cell.clusters, round(100 * cell.correlation), int(cell.nested)])
    covered = Covered(runs=runs)
    for _ in range(runs):
        table, clusters = draw_clusters(rng, cell)
        for named in (True, False) if both else (True,):
            for name, pair in estimate(table, clusters, names, named=named).items():
                for what, evidence in zip(("value", "change"), pair, strict=True):
                    ends = None if evidence is None else evidence.interval(LEVEL)
                    inside = ends is None or ends[0] <= truth[name, what] <= ends[1]
                    covered.inside[name, what, named] += inside
    return covered
