"""Reduction of joined rows to a job's statistics in every scope: counts, moments of losses, calibration.

Floats are summed over blocks of rows of a fixed size in the evaluation set's order, and blocks are added in order: the
result does not depend on the number of threads, and rounding errors are those of short sums.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from mlci.engine.chunks import count_codes, count_pairs, each_block
from mlci.engine.encode.binder import needs_decision
from mlci.engine.encode.clusters import clustered_scopes
from mlci.engine.encode.grouping import Key, Level, View
from mlci.engine.encode.queries import values_by_query
from mlci.engine.in_memory import multiclass
from mlci.engine.in_memory.multiclass import class_histograms, rank_classes
from mlci.engine.in_memory.rank_statistics import rank_scores
from mlci.engine.in_memory.row_values import evaluate_rows
from mlci.engine.interface import Job
from mlci.engine.join import Frame, ModelColumns, most_probable
from mlci.engine.sql import Array
from mlci.metrics import statistics
from mlci.metrics.clustered_rows import ModelRows, RowTable
from mlci.metrics.row_metrics import RowMetricEvaluator
from mlci.metrics.statistics import (
    WHOLE,
    Calibration,
    Decisions,
    Moments,
    QueryValues,
    ResidualSums,
    Scope,
    Statistics,
)

_DENSE = 1 << 22
Found = dict[Key, Decisions]
BINS = 15
_BLOCK = 1 << 18
_TAILS, _CLASS_TAILS = frozenset({"squared", "variance"}), frozenset({"squared", "log"})
"""Losses whose sums of powers are needed, because a few rows can carry their variance."""
_EPS = float(np.finfo(np.float64).eps)
Loss = Callable[[Array, Array], Array]


def count_decisions(frame: Frame, *, threads: int | None) -> Found:
    """Count cells in every scope; keys are (slice, group), ``(None, 0)`` for the whole."""
    if frame.cells is None:
        raise AssertionError(frame)  # a job with counts has decisions
    counted: Found = {}
    for level in frame.partition.levels(frame.width, _DENSE):
        counted.update(_reduce(frame, frame.cells, level, threads))
    return counted


def count_differing(frame: Frame, *, threads: int | None) -> dict[Key, int]:
    """Count rows with unequal predictions in every scope; empty without a baseline."""
    if frame.differing is None:
        return {}
    if frame.weights is None:
        return frame.partition.count_flagged(frame.differing, threads)
    counts = frame.differing

    def weigh(level: Level) -> Array:
        codes = np.zeros(len(counts), np.intp) if level.codes is None else level.codes
        return count_codes(codes, level.size, counts)

    return {key: int(one) for key, one in frame.partition.fold(2, weigh)}


def _reduce(frame: Frame, cells: Array, level: Level, threads: int | None) -> Found:
    counted: Found = {}
    if level.size * frame.width > _DENSE:
        for view in level.views:
            counted.update(_count_sparsely(frame, cells, level, view))
        return counted
    table = frame.partition.table if level.packed else None
    if table is None:
        table = count_pairs(level.codes, cells, (level.size, frame.width), frame.weights, threads)
    for view in level.views:
        for group, row in enumerate(view.fold(table)):
            occurring = np.flatnonzero(row)
            counted[view.slice, group] = _unpack(frame, occurring, row[occurring])
    return counted


def _count_sparsely(frame: Frame, cells: Array, level: Level, view: View) -> Found:
    """Count cells by sorting, if a table of all possible ones would be too large."""
    codes, groups = np.zeros(1, np.int64), 1
    if view.slice is not None and level.codes is not None:
        codes, groups = level.codes, level.size
    occurring, inverse = np.unique(codes * np.int64(frame.width) + cells, return_inverse=True)
    table = count_codes(inverse, len(occurring), frame.weights)
    edges = np.searchsorted(occurring, np.arange(groups + 1) * np.int64(frame.width))
    return {
        (view.slice, group): _unpack(frame, occurring[low:high] - group * frame.width, table[low:high])
        for group, (low, high) in enumerate(pairwise(edges))
    }


def _unpack(frame: Frame, cells: Array, counted: Array) -> Decisions:
    classes = len(frame.classes)
    cells = cells.astype(np.int64)
    candidate, rest = cells % classes, cells // classes
    if frame.baseline is None:
        return Decisions(frame.classes, rest, None, candidate, counted)
    return Decisions(frame.classes, rest // classes, rest % classes, candidate, counted)


def reduce(
    job: Job, frame: Frame, *, exact_rows: int, threads: int | None, evaluator: RowMetricEvaluator | None = None
) -> tuple[tuple[Statistics, ...], tuple[str, ...]]:
    """Return the whole set's statistics, then each slice's groups, and notes for the report."""
    counted = count_decisions(frame, threads=threads) if job.decisions and needs_decision(job) else {}
    unequal = count_differing(frame, threads=threads)
    ranked, notes = rank_scores(frame, exact_rows=exact_rows, threads=threads) if job.scores else ({}, ())
    summed = {name: loss_moments(frame, name, threads=threads) for name in job.losses}
    calibrated = calibration_sums(frame, threads=threads) if job.calibration else {}
    residuals = residual_sums(frame) if job.task == "regression" else ()
    by_class = rank_classes(frame, job.class_ranks)
    histograms = class_histograms(frame) if job.task == "multiclass" else ()
    drawn, row_notes = evaluate_rows(frame, job, evaluator)
    clustered = clustered_scopes(row_table(frame, job.losses), frame.partition) if frame.clustering else {}
    queried, query_notes = _by_query(job, frame)
    statistics = tuple(
        Statistics(
            scope,
            rows,
            decisions=counted.get(key),
            scores=ranked.get(key),
            class_ranks=by_class.get(key, {}),
            moments={name: by_scope[key] for name, by_scope in summed.items()},
            calibration=calibrated.get(key),
            residuals=residuals if scope == WHOLE else (),
            class_histograms=histograms if scope == WHOLE else (),
            replicates=drawn.get(key, {}),
            rankings=queried.get(key, {}),
            differing=unequal.get(key),
            clustered=clustered.get(key),
        )
        for key, scope, rows in _scopes(job, frame)
    )
    return statistics, (*notes, *row_notes, *query_notes)


def _by_query(job: Job, frame: Frame) -> tuple[dict[Key, Mapping[str, QueryValues]], tuple[str, ...]]:
    if frame.queries is None:
        return {}, ()
    scores = [model.scores for model in frame.models]
    return values_by_query(frame.queries, frame.partition, frame.labels, scores, job.rankings)


def _scopes(job: Job, frame: Frame) -> Iterator[tuple[Key, Scope, int]]:
    yield (None, 0), WHOLE, frame.rows
    for index, spec in enumerate(job.slices):
        groups = zip(frame.partition.groups[index], frame.partition.counts[index], strict=True)
        for number, (name, rows) in enumerate(groups):
            yield (index, number), Scope(spec.name, name), int(rows)


def _squared_error(y: Array, p: Array) -> Array:
    error = p - y
    error *= error
    return error


def _log_loss(y: Array, p: Array) -> Array:
    given = np.where(y == 1, p, 1 - p)
    loss: Array = -np.log(np.clip(given, _EPS, 1 - _EPS))
    return loss


LOSSES: dict[str, Loss] = {
    "squared": _squared_error,
    "absolute": lambda y, p: np.abs(p - y),
    "signed": lambda y, p: p - y,
    "percentage": lambda y, p: np.abs(p - y) / np.maximum(np.abs(y), _EPS),
    "pinball": lambda y, p: np.abs(p - y) / 2,
    "log": _log_loss,
}
"""Formulas of :mod:`mlci.metrics.statistics`, from labels and predictions to one loss per row."""


def row_table(frame: Frame, losses: tuple[str, ...]) -> RowTable:
    """Return the columns of all rows with their clusters and weights, and the losses of both models."""
    if frame.clustering is None:
        raise AssertionError(frame)  # called for frames with clusters
    by_loss = {
        name: _Rows(frame, "squared" if name == "variance" else name, 0.0).columns(slice(0, frame.rows))
        for name in losses
    }

    def rows_of(name: str, model: ModelColumns) -> ModelRows:
        own = {loss: columns[name] for loss, columns in by_loss.items() if name in columns}
        return ModelRows(score=model.score, decision=model.decision, probabilities=model.probabilities, losses=own)

    return RowTable(
        clusters=frame.clustering.clusters,
        weights=frame.clustering.weights,
        labels=frame.labels,
        classes=frame.classes,
        candidate=rows_of("candidate", frame.candidate),
        baseline=None if frame.baseline is None else rows_of("baseline", frame.baseline),
        cluster=frame.clustering.cluster,
        weight=frame.clustering.weight,
    )


@dataclass(frozen=True)
class _Plan:
    """Sums of one loss, in order.

    Attributes:
        names: Quantities whose sums and products are needed.
        lines: Numbers whose powers are needed, for squared losses of regression.
        classed: Numbers whose powers are needed by class, for losses of a binary task.
        centre: Centre of the labels.
        units: Divisors of losses and labels before they are raised to powers.
    """

    names: tuple[str, ...]
    lines: tuple[statistics.Line, ...] = ()
    classed: tuple[str, ...] = ()
    centre: float = 0.0
    units: Mapping[str, float] = field(default_factory=dict)


def loss_moments(frame: Frame, name: str, *, threads: int | None) -> dict[Key, Moments]:
    """Sum a named loss, its square, its product between models and powers for its tails, in every scope.

    Raises:
        KeyError: if no loss has that name.
    """
    rows = _Rows(frame, name, _mean(frame.labels, threads) if name == "variance" else 0.0)
    plan = _plan(frame, name, rows, threads)

    def quantities(part: slice) -> Iterator[Array]:
        return _quantities(plan, rows.columns(part), rows.unequal(part), frame.labels[part])

    sums = frame.partition.fold(1, lambda level: _sums(frame.rows, level, quantities, threads))
    return {key: _moments(plan, row) for key, row in sums}


@dataclass(frozen=True)
class _Rows:
    """One loss of both models, block by block."""

    frame: Frame
    name: str
    centre: float

    @cached_property
    def predictions(self) -> dict[str, Array]:
        """Both models' scores or probabilities, the baseline's first; without a baseline that has none."""
        models = {"baseline": self.frame.baseline, "candidate": self.frame.candidate}
        if self.frame.has_probabilities:
            each = {name: None if model is None else model.probabilities for name, model in models.items()}
            return {name: one for name, one in each.items() if one is not None}
        return {name: model.scores for name, model in models.items() if model is not None}

    def columns(self, part: slice) -> dict[str, Array]:
        """Return the losses, and for R² the centred labels with their squares."""
        if self.frame.has_probabilities:
            labels, of_classes = self.frame.labels[part], multiclass.class_loss(self.name)
            return {model: of_classes(labels, each[:, part]) for model, each in self.predictions.items()}
        y = self.frame.labels[part].astype(np.float64)
        loss = LOSSES["squared" if self.name == "variance" else self.name]
        losses = {model: loss(y, score[part]) for model, score in self.predictions.items()}
        if self.name != "variance":
            return losses
        y -= self.centre
        return {"y": y, "y2": y * y, **losses}

    def unequal(self, part: slice) -> list[Array]:
        """Return whether predictions are unequal, in a list that is empty without a baseline."""
        if "baseline" not in self.predictions:
            return []
        differs = self.predictions["candidate"][..., part] != self.predictions["baseline"][..., part]
        return [(differs.any(axis=0) if differs.ndim > 1 else differs).astype(np.float64)]


def _plan(frame: Frame, name: str, rows: _Rows, threads: int | None) -> _Plan:
    models = tuple(rows.predictions)
    names = ("y", "y2", *models) if name == "variance" else models
    if frame.classes and not frame.has_probabilities:
        return _Plan(names, classed=(*models, "change") if len(models) == 2 else models)
    if name not in (_CLASS_TAILS if frame.has_probabilities else _TAILS):
        return _Plan(names)
    largest = each_block(frame.rows, lambda part: {k: abs(v).max() for k, v in rows.columns(part).items()}, threads)
    units = {
        "loss": statistics.unit_of(max(float(block[model]) for block in largest for model in models)),
        "y": statistics.unit_of(max(float(block.get("y", 0.0)) for block in largest)),
    }
    return _Plan(names, lines=tuple(statistics.lines_of(dict.fromkeys(names))), centre=rows.centre, units=units)


def _quantities(plan: _Plan, columns: dict[str, Array], unequal: list[Array], labels: Array) -> Iterator[Array]:
    """Yield all summed numbers of the rows, one by one to save memory."""
    plain = [columns[name] for name in plan.names]
    yield from plain
    yield from (a * b for i, a in enumerate(plain) for b in plain[i:])
    yield from unequal
    lines = statistics.with_change(columns) if plan.lines or plan.classed else {}
    for line in plan.lines:
        yield from statistics.products(line, lines, plan.units)
    if plan.classed:
        positive = labels.astype(np.float64)
        yield positive
        for name in plan.classed:
            yield from statistics.class_products(lines[name], positive)


def _sums(rows: int, level: Level, values: Callable[[slice], Iterable[Array]], threads: int | None) -> Array:
    """Return counts and sums of values by code, shape (codes, 1 + values)."""

    def block(part: slice) -> Array:
        codes = np.zeros(part.stop - part.start, np.intp) if level.codes is None else level.codes[part].astype(np.intp)
        columns = [np.bincount(codes, minlength=level.size)]
        columns += [np.bincount(codes, weights=value, minlength=level.size) for value in values(part)]
        return np.column_stack(columns).astype(np.float64)

    parts = each_block(rows, block, threads, block=_BLOCK)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _moments(plan: _Plan, row: Array) -> Moments:
    """Split the sums of one scope, in the order of :func:`_quantities`."""
    rest = iter(row.tolist())

    def take(count: int) -> Array:
        return np.array([next(rest) for _ in range(count)])

    rows, size = int(take(1)[0]), len(plan.names)
    sums, upper = take(size), np.triu_indices(size)
    products = np.zeros((size, size))
    products[upper] = take(len(upper[0]))
    products = products + np.triu(products, 1).T
    differing = int(take(1)[0]) if "baseline" in plan.names else 0
    powers = {line.name: statistics.collected(line, rows, take(len(line.exponents)), plan.units) for line in plan.lines}
    by_class = {}
    if plan.classed:
        positives = take(1)[0]
        counts = np.array([[rows - positives], [positives]])
        for name in plan.classed:
            by_class[name] = np.hstack([counts, take(2 * statistics.CLASS_ORDER).reshape(2, -1)])
    return Moments(plan.names, rows, sums, products, differing, powers, by_class)


def _mean(values: Array, threads: int | None) -> float:
    sums = each_block(len(values), lambda part: float(values[part].sum()), threads)
    return sum(sums) / len(values)


def calibration_sums(frame: Frame, *, threads: int | None) -> dict[Key, Calibration]:
    """Sum (score - label) and its square in equally wide bins of the score, in every scope."""
    each = [dict(_calibration_sums(frame, *one, threads)) for one in _confidences(frame)]
    return {key: Calibration(*(column for sums in each for column in sums[key])) for key in each[0]}


def _confidences(frame: Frame) -> Iterator[tuple[Array, Array]]:
    """Yield each model's score and whether the class that it is a probability of is the label.

    With a probability for each class that is the largest one, and its class.
    """
    for model in frame.models:
        if model.probabilities is not None:
            yield (
                model.probabilities.max(axis=0),
                (most_probable(model.probabilities, frame.tie_order) == frame.labels).view(np.uint8),
            )
        elif not frame.has_probabilities:
            yield model.scores, frame.labels


def _calibration_sums(
    frame: Frame, score: Array, hits: Array, threads: int | None
) -> Iterator[tuple[Key, tuple[Array, ...]]]:
    bins = np.clip(score * BINS, 0, BINS - 1).astype(np.int8)  # a calibration error beyond [0, 1] is not reported

    def gaps(part: slice) -> list[Array]:
        gap = score[part] - hits[part]
        return [gap, gap * gap, hits[part].astype(np.float64)]

    def reduce(level: Level) -> Array:
        codes = bins if level.codes is None else level.codes * np.int64(BINS) + bins
        return _sums(frame.rows, Level(codes, level.size * BINS, ()), gaps, threads).reshape(level.size, BINS, 4)

    for key, sums in frame.partition.fold(BINS, reduce):
        rows, gap, square, positives = sums.T
        yield key, (rows.astype(np.int64), gap.copy(), square.copy(), positives.astype(np.int64))


def residual_sums(frame: Frame) -> tuple[ResidualSums, ...]:
    """Sum both models' residuals on the whole set, in bins of their own predictions; the candidate's first."""
    return tuple(_residual_sums(model.scores, frame.labels) for model in frame.models)


def _residual_sums(predicted: Array, labels: Array) -> ResidualSums:
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins, size = np.searchsorted(edges, predicted, side="left"), len(edges) + 1
    residual = labels - predicted
    rows = np.bincount(bins, minlength=size)

    def sums(values: Array) -> Array:
        total: Array = np.bincount(bins, weights=values, minlength=size)
        return total

    total = sums(residual)
    centred = residual - (total / np.maximum(rows, 1))[bins]
    return ResidualSums(rows=rows, predicted=sums(predicted), residual=total, square=sums(centred * centred))
