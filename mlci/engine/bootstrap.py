"""Metrics that are functions of rows: what an evaluator is given of a frame, and the replicates made of its answer."""

from collections.abc import Iterator

import numpy as np

from mlci.engine.frame import Frame
from mlci.engine.interface import Job
from mlci.engine.levels import Key
from mlci.engine.sql import Array
from mlci.metrics.row_metrics import On, RowMetricEvaluator, RowSample, RowValues
from mlci.metrics.statistics import Replicates


def replicates(
    frame: Frame, job: Job, evaluator: RowMetricEvaluator | None
) -> tuple[dict[Key, dict[str, Replicates]], tuple[str, ...]]:
    """Evaluate a job's row metrics on every scope and on resamples of it; also return notes for the report."""
    if not job.row_metrics:
        return {}, ()
    if evaluator is None:
        raise AssertionError(job.row_metrics)  # an engine for such jobs is built with an evaluator
    keys, scopes = zip(*_scopes(frame), strict=True)
    sample = RowSample(
        task=job.task,
        labels=frame.labels,
        classes=frame.class_values,
        scores=tuple(model.score for model in frame.models),
        decisions=tuple(model.decision for model in frame.models),
        scopes=scopes,
    )
    found = evaluator.evaluate(job.row_metrics, sample, draws=job.replicates, seed=job.seed, timeout=job.row_timeout)
    names = [metric.name for metric in job.row_metrics]
    by_scope = {
        key: {name: _replicates(sample, found, index, scope) for index, name in enumerate(names)}
        for scope, key in enumerate(keys)
    }
    return by_scope, found.notes


def _scopes(frame: Frame) -> Iterator[tuple[Key, Array]]:
    rows = _by_content(frame)
    yield (None, 0), rows
    for index, names in enumerate(frame.partition.groups):
        codes = frame.partition.codes(index)
        order = rows[np.argsort(codes[rows], kind="stable")]
        edges = np.searchsorted(codes[order], np.arange(len(names) + 1))
        for group in range(len(names)):
            yield (index, group), order[edges[group] : edges[group + 1]]


def _by_content(frame: Frame) -> Array:
    """Order rows by their labels and predictions, so that a table with its rows in another order is drawn alike."""
    columns = [frame.labels, *(one for model in frame.models for one in (model.score, model.decision))]
    return np.lexsort([column for column in columns if column is not None])


def _replicates(sample: RowSample, found: RowValues, index: int, scope: int) -> Replicates:
    values = found.values[index, scope]
    paired = len(values) > 1
    return Replicates(
        candidate=float(values[0, 0]),
        baseline=float(values[1, 0]) if paired else None,
        candidate_draws=values[0, 1:],
        baseline_draws=values[1, 1:] if paired else None,
        differing=_differing(sample, found.on[index], sample.scopes[scope]) if paired else 0,
        reason=found.reasons.get((index, scope)),
    )


def _differing(sample: RowSample, on: On, rows: Array) -> int:
    """Return the rows on which the two models' predictions are not equal."""
    candidate, baseline = sample.scores if on == "score" else sample.decisions
    if candidate is None or baseline is None:
        raise AssertionError(on)  # the evaluator had both
    return int(np.count_nonzero(candidate[rows] != baseline[rows]))
