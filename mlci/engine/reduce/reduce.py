"""Reduction of a frame to a job's statistics in every scope: counts and bootstrap replicates."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from mlci.engine.chunks import count_codes, count_pairs
from mlci.engine.encode.binder import needs_decision
from mlci.engine.encode.grouping import Key, Level, View
from mlci.engine.interface import Job
from mlci.engine.join.frame import Frame
from mlci.engine.reduce.moments import calibration_sums, loss_moments
from mlci.engine.reduce.ranks import rank_scores
from mlci.engine.sql import Array
from mlci.metrics.row_metrics import On, RowMetricEvaluator, RowSample, RowValues
from mlci.metrics.statistics import WHOLE, Decisions, Replicates, Scope, Statistics

_DENSE = 1 << 22
Found = dict[Key, Decisions]


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


def bootstrap_replicates(
    frame: Frame, job: Job, evaluator: RowMetricEvaluator | None
) -> tuple[dict[Key, dict[str, Replicates]], tuple[str, ...]]:
    """Evaluate a job's row metrics on every scope and on resamples of it; also return notes for the report."""
    if not job.row_metrics:
        return {}, ()
    if evaluator is None:
        raise AssertionError(job.row_metrics)  # an engine for such jobs has an evaluator
    keys, scopes = zip(*_scope_rows(frame), strict=True)
    sample = RowSample(
        task=job.task,
        labels=frame.labels,
        classes=frame.class_values,
        scores=tuple(model.score for model in frame.models),
        decisions=tuple(model.decision for model in frame.models),
        scopes=scopes,
    )
    resampled = evaluator.evaluate(
        job.row_metrics, sample, draws=job.replicates, seed=job.seed, timeout=job.row_timeout
    )
    names = [metric.name for metric in job.row_metrics]
    by_scope = {
        key: {name: _replicates(sample, resampled, index, scope) for index, name in enumerate(names)}
        for scope, key in enumerate(keys)
    }
    return by_scope, resampled.notes


def _scope_rows(frame: Frame) -> Iterator[tuple[Key, Array]]:
    rows = _by_content(frame)
    yield (None, 0), rows
    for index, names in enumerate(frame.partition.groups):
        codes = frame.partition.codes(index)
        order = rows[np.argsort(codes[rows], kind="stable")]
        edges = np.searchsorted(codes[order], np.arange(len(names) + 1))
        for group in range(len(names)):
            yield (index, group), order[edges[group] : edges[group + 1]]


def _by_content(frame: Frame) -> Array:
    """Sort rows by their labels and predictions, so that resamples do not depend on the order of rows."""
    columns = [frame.labels, *(one for model in frame.models for one in (model.score, model.decision))]
    return np.lexsort([column for column in columns if column is not None])


def _replicates(sample: RowSample, resampled: RowValues, index: int, scope: int) -> Replicates:
    values = resampled.values[index, scope]
    paired = len(values) > 1
    return Replicates(
        candidate=float(values[0, 0]),
        baseline=float(values[1, 0]) if paired else None,
        candidate_draws=values[0, 1:],
        baseline_draws=values[1, 1:] if paired else None,
        differing=_count_unequal(sample, resampled.on[index], sample.scopes[scope]) if paired else 0,
        reason=resampled.reasons.get((index, scope)),
    )


def _count_unequal(sample: RowSample, on: On, rows: Array) -> int:
    """Return the rows on which the two models' predictions are not equal."""
    candidate, baseline = sample.scores if on == "score" else sample.decisions
    if candidate is None or baseline is None:
        raise AssertionError(on)  # the evaluator had both
    return int(np.count_nonzero(candidate[rows] != baseline[rows]))


def reduce(
    job: Job, frame: Frame, *, exact_rows: int, threads: int | None, evaluator: RowMetricEvaluator | None = None
) -> tuple[tuple[Statistics, ...], tuple[str, ...]]:
    """Return the whole set's statistics, then each slice's groups, and notes for the report."""
    counted = count_decisions(frame, threads=threads) if job.decisions and needs_decision(job) else {}
    unequal = count_differing(frame, threads=threads)
    ranked, notes = rank_scores(frame, exact_rows=exact_rows, threads=threads) if job.scores else ({}, ())
    summed = {name: loss_moments(frame, name, threads=threads) for name in job.losses}
    calibrated = calibration_sums(frame, threads=threads) if job.calibration else {}
    drawn, row_notes = bootstrap_replicates(frame, job, evaluator)
    statistics = tuple(
        Statistics(
            scope,
            rows,
            decisions=counted.get(key),
            scores=ranked.get(key),
            moments={name: by_scope[key] for name, by_scope in summed.items()},
            calibration=calibrated.get(key),
            replicates=drawn.get(key, {}),
            differing=unequal.get(key),
        )
        for key, scope, rows in _scopes(job, frame)
    )
    return statistics, (*notes, *row_notes)


def _scopes(job: Job, frame: Frame) -> Iterator[tuple[Key, Scope, int]]:
    yield (None, 0), WHOLE, frame.rows
    for index, spec in enumerate(job.slices):
        groups = zip(frame.partition.groups[index], frame.partition.counts[index], strict=True)
        for number, (name, rows) in enumerate(groups):
            yield (index, number), Scope(spec.name, name), int(rows)
