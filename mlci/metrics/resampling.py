"""The paired row bootstrap (Efron 1979) of any function of rows.

Rows of one resample are drawn once for both models and all metrics. Each resample of each scope has its own random
stream, so that no result depends on the order of work.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mlci.metrics.row_metrics import Array

_STRICT = (UserWarning, RuntimeWarning)
"""Warnings that mean "undefined": UndefinedMetricWarning is a UserWarning, NumPy's 0/0 a RuntimeWarning."""


@dataclass(frozen=True, eq=False)
class MetricCall:
    """A function with its arguments: the labels of all rows, and each model's predictions."""

    function: Callable[[Array, Array], float]
    labels: Array
    predictions: tuple[Array, ...]

    def on(self, rows: Array, model: int) -> tuple[float, str | None]:
        """Return the value for one model on some rows; the function gets copies of the arrays."""
        return call_value(self.function, self.labels[rows], self.predictions[model][rows])


def resample(
    calls: Sequence[MetricCall],
    scopes: Sequence[Array],
    *,
    draws: int,
    seed: int,
    begin: Callable[[int], None] | None = None,
) -> tuple[Array, dict[tuple[int, int], str]]:
    """Evaluate every call on every scope and on ``draws`` resamples of it.

    Args:
        calls: One for each metric.
        scopes: Rows of each scope, in an order that depends on their content only: resamples are drawn by position.
        draws: Resamples of each scope.
        seed: Of the resamples.
        begin: Called with a metric's index before each of its calls.

    Returns:
        Values of shape (metrics, scopes, models, 1 + draws), the sample's first, and the reason of each undefined
        sample by (metric, scope). A metric that is undefined on the sample is not resampled.
    """
    begin = begin or (lambda _: None)
    models = len(calls[0].predictions) if calls else 0
    values = np.full((len(calls), len(scopes), models, 1 + draws), np.nan)
    reasons: dict[tuple[int, int], str] = {}
    for scope, rows in enumerate(scopes):
        for index, call in enumerate(calls):
            begin(index)
            results = [call.on(np.sort(rows), model) for model in range(models)]
            values[index, scope, :, 0] = [number for number, _ in results]
            why = [reason for _, reason in results if reason is not None]
            if why:
                reasons[index, scope] = why[0]
        defined = [index for index in range(len(calls)) if (index, scope) not in reasons]
        for draw in range(draws if defined else 0):
            stream = np.random.default_rng(np.random.SeedSequence((seed, scope, draw)))
            chosen = rows[stream.integers(0, len(rows), len(rows))]
            for index in defined:
                begin(index)
                values[index, scope, :, 1 + draw] = [calls[index].on(chosen, model)[0] for model in range(models)]
    return values, reasons


def draws_random_numbers(call: MetricCall, rows: Array) -> bool:
    """Return whether two calls on the same rows differ."""
    first, second = call.on(rows, 0), call.on(rows, 0)
    return first[1] is None and second[1] is None and first[0] != second[0]


def call_value(
    function: Callable[[Array, Array], float], labels: Array, predictions: Array
) -> tuple[float, str | None]:
    """Call the metric; an exception, a warning or a value that is not finite is a reason."""
    try:
        with warnings.catch_warnings():
            for category in _STRICT:
                warnings.simplefilter("error", category)
            number = float(function(labels, predictions))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's function; any exception makes the value undefined
        text = str(error).strip().split("\n", maxsplit=1)[0]
        return math.nan, f"{type(error).__name__}: {text}" if text else type(error).__name__
    return (number, None) if math.isfinite(number) else (math.nan, f"the metric returned {number}")
