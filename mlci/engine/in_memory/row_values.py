"""Metrics that are functions of rows: the rows of every scope, and the evaluator's values as statistics."""

from collections.abc import Iterator

import numpy as np

from mlci.engine.encode.grouping import Key
from mlci.engine.interface import Job
from mlci.engine.join import Frame
from mlci.engine.sql import Array
from mlci.metrics.row_metrics import Method, On, RowMetricEvaluator, RowSample, RowValues
from mlci.metrics.statistics import Replicates


def evaluate_rows(
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
        clusters=None if job.cluster is None or frame.clustering is None else frame.clustering.clusters,
        weights=None if job.weight is None or frame.clustering is None else frame.clustering.weights,
    )
    resampled = evaluator.evaluate(
        job.row_metrics, sample, draws=job.replicates, seed=job.seed, timeout=job.row_timeout
    )
    names = [metric.name for metric in job.row_metrics]
    by_scope = {
        key: {name: paired_replicates(sample, resampled, index, scope) for index, name in enumerate(names)}
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


def paired_replicates(sample: RowSample, resampled: RowValues, index: int, scope: int) -> Replicates:
    """Return one metric's values on the resamples of one scope, paired."""
    values, method = resampled.values[index][scope], resampled.methods[index]
    rows, paired = sample.scopes[scope], len(values) > 1
    cells, counts = _resampled_units(sample, method, rows, values[:, 1:])
    return Replicates(
        candidate=float(values[0, 0]),
        baseline=float(values[1, 0]) if paired else None,
        candidate_draws=cells[0],
        baseline_draws=cells[1] if paired else None,
        differing=_count_unequal(sample, resampled.on[index], rows) if paired else 0,
        reason=resampled.reasons.get((index, scope)),
        method=method,
        counts=counts,
    )


def _resampled_units(sample: RowSample, method: Method, rows: Array, draws: Array) -> tuple[Array, Array | None]:
    """Return each model's values on paired resamples, and how many rows or groups each value stands for.

    A cell jackknife has a value for each pair of label and decision of one model. Both models' are put together for the
    cells of label and both decisions that occur.
    """
    if method != "cell jackknife":
        return draws, np.ones(draws.shape[1]) if method in {"group jackknife", "cluster jackknife"} else None
    size = len(sample.classes)
    codes, width = sample.labels[rows].astype(np.intp), size
    for decided in sample.decisions:
        codes, width = codes * size + np.asarray(decided)[rows], width * size
    counts = np.bincount(codes, minlength=width)
    cells = np.flatnonzero(counts)
    label, *decisions = np.unravel_index(cells, (size,) * (1 + len(sample.decisions)))
    values = [draws[model, label * size + decided] for model, decided in enumerate(decisions)]
    return np.stack(values), counts[cells].astype(np.float64)


def _count_unequal(sample: RowSample, on: On, rows: Array) -> int:
    """Return the rows on which the two models' predictions are not equal."""
    candidate, baseline = sample.scores if on == "score" else sample.decisions
    if candidate is None or baseline is None:
        raise AssertionError(on)  # the evaluator had both
    return int(np.count_nonzero(candidate[rows] != baseline[rows]))
