"""Any metric as a function of rows: its value on the sample and on paired bootstrap samples (Efron 1979).

Rows of one replicate are drawn once, and both models and all metrics see the same rows. Each replicate of each scope
has its own random stream, so that nothing depends on the order of work.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlci.engine import values
from mlci.engine.frame import Frame, Model
from mlci.engine.interface import RowMetric
from mlci.engine.levels import Key
from mlci.engine.sql import Array
from mlci.metrics.statistics import Replicates

_STRICT = (UserWarning, RuntimeWarning)
"""Warnings that mean "undefined": UndefinedMetricWarning is a UserWarning, NumPy's 0/0 a RuntimeWarning."""


@dataclass(frozen=True)
class _Given:
    """What one metric is given for one scope: labels and each model's predictions."""

    metric: RowMetric
    labels: Array
    predictions: list[Array]

    def draw(self, rows: Array) -> list[float]:
        labels = self.labels[rows]
        return [_value(self.metric.function, labels, one[rows])[0] for one in self.predictions]


def replicates(
    frame: Frame, metrics: tuple[RowMetric, ...], *, draws: int, seed: int
) -> dict[Key, dict[str, Replicates]]:
    """Evaluate metrics on every scope and on ``draws`` resamples of it."""
    found = {}
    for number, (key, rows) in enumerate(_scopes(frame)):
        given = [_given(frame, metric, rows) for metric in metrics]
        found[key] = _scope(given, len(rows), draws=draws, seed=(seed, number))
    return found


def _scopes(frame: Frame) -> list[tuple[Key, Array]]:
    scopes: list[tuple[Key, Array]] = [((None, 0), np.arange(frame.rows))]
    for index, names in enumerate(frame.partition.groups):
        codes = frame.partition.codes(index)
        order = np.argsort(codes, kind="stable")
        edges = np.searchsorted(codes[order], np.arange(len(names) + 1))
        scopes += [((index, group), order[edges[group] : edges[group + 1]]) for group in range(len(names))]
    return scopes


def _given(frame: Frame, metric: RowMetric, rows: Array) -> _Given:
    meant = _meant(frame.classes) if metric.raw and frame.classes else None
    labels = frame.labels[rows]
    if frame.classes:
        labels = labels.astype(np.int64) if meant is None else meant[labels]
    return _Given(metric, labels, [_predictions(model, metric, meant, rows) for model in frame.models])


def _meant(classes: tuple[str, ...]) -> Array:
    """Return the classes' values as a caller would have them in a column of a data frame."""
    parsed = [values.parse(name) for name in classes]
    kinds = {type(value) for value in parsed}
    return np.array(parsed) if len(kinds) == 1 or kinds <= {int, float} else np.array(classes)


def _predictions(model: Model, metric: RowMetric, meant: Array | None, rows: Array) -> Array:
    chosen = model.score if metric.on == "score" else model.decision
    if chosen is None:
        raise AssertionError(metric)  # bind has asked for the column
    if metric.on == "score":
        return chosen[rows]
    return chosen[rows].astype(np.int64) if meant is None else meant[chosen[rows]]


def _scope(given: list[_Given], rows: int, *, draws: int, seed: tuple[int, int]) -> dict[str, Replicates]:
    sample = [[_value(one.metric.function, one.labels, p) for p in one.predictions] for one in given]
    drawn = [np.full((len(one.predictions), draws), np.nan) for one in given]
    defined = [i for i, found in enumerate(sample) if all(reason is None for _, reason in found)]
    for replicate in range(draws if defined else 0):
        chosen = np.random.default_rng(np.random.SeedSequence((*seed, replicate))).integers(0, rows, rows)
        for i in defined:
            drawn[i][:, replicate] = given[i].draw(chosen)
    return {one.metric.name: _replicates(one, s, d) for one, s, d in zip(given, sample, drawn, strict=True)}


def _replicates(given: _Given, sample: list[tuple[float, str | None]], drawn: Array) -> Replicates:
    reason = next((said for _, said in sample if said), None)
    candidate, *rest = given.predictions
    differing = int(np.count_nonzero(candidate != rest[0])) if rest else 0
    return Replicates(
        sample[0][0], sample[1][0] if rest else None, drawn[0], drawn[1] if rest else None, differing, reason
    )


def _value(function: Callable[..., float], labels: Array, predictions: Array) -> tuple[float, str | None]:
    """Call the metric; what it raises, warns of or returns that is no finite number is a reason."""
    try:
        with warnings.catch_warnings():
            for category in _STRICT:
                warnings.simplefilter("error", category)
            value = float(function(labels, predictions))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's function; what it raises makes it undefined
        said = str(error).strip().split("\n", maxsplit=1)[0]
        return math.nan, f"{type(error).__name__}: {said}" if said else type(error).__name__
    return (value, None) if math.isfinite(value) else (math.nan, f"the metric returned {value}")
