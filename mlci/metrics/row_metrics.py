"""Metrics that are functions of rows: their description, the rows that they get, their values, and a paired bootstrap.

Rows of one resample are drawn once for both models and all metrics. Each resample of each scope has its own random
stream, so that no result depends on the order of work.
"""

import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Scalar = float | str | bool | int
On = Literal["score", "decision"]

SCORE_WORDS = (
    "score", "scores", "prob", "probs", "proba", "probas", "probability", "probabilities", "logit", "logits",
    "margin", "margins", "confidence", "confidences", "likelihood", "likelihoods",
)  # fmt: skip
"""Words of a parameter's name that mean scores; ``pred_decision`` is scikit-learn's name for margins."""
DECISION_WORDS = (
    "pred", "preds", "predicted", "prediction", "predictions", "decision", "decisions", "decided",
    "class", "classes",
)  # fmt: skip
"""Words of a parameter's name that mean decisions, without one of :data:`SCORE_WORDS`."""
_LABEL_WORDS = frozenset({"true", "truth", "label", "labels", "target", "targets", "actual", "actuals", "y"})
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MARGINS = "pred_decision"
_STRICT = (UserWarning, RuntimeWarning)
"""Warnings that mean "undefined": UndefinedMetricWarning is a UserWarning, NumPy's 0/0 a RuntimeWarning."""


@dataclass(frozen=True, kw_only=True)
class RowMetric:
    """A metric that is computed only by a function of rows: ``function(labels, predictions) -> number``.

    Attributes:
        name: Its name in reports.
        function: ``module:function``, or a function or scorer of scikit-learn.
        on: Predictions that it gets: the score (or the regression's value), or the decision. ``None`` derives it from
            the names of its parameters, see :func:`predictions_by_name`.
        params: Keyword arguments.
        line: Its line in the configuration.
    """

    name: str
    function: str
    on: On | None = None
    params: Mapping[str, Scalar] = field(default_factory=dict)
    line: int | None = None

    @property
    def is_users(self) -> bool:
        """Return whether the function is the user's and not one of scikit-learn."""
        return ":" in self.function


@dataclass(frozen=True, kw_only=True, eq=False)
class RowSample:
    """Labels and predictions of every row, and the scopes to evaluate.

    Attributes:
        task: ``binary``, ``multiclass`` or ``regression``.
        labels: Class index of each row, or the regression's label.
        classes: The classes' values in the label column; empty for regression.
        scores: The candidate's scores, then the baseline's if there is one; ``None`` if a model has none.
        decisions: Class indices, likewise.
        scopes: Rows of each scope.
    """

    task: str
    labels: Array
    classes: tuple[Scalar, ...]
    scores: tuple[Array | None, ...]
    decisions: tuple[Array | None, ...]
    scopes: tuple[Array, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class RowValues:
    """Values of the metrics.

    Attributes:
        values: On the sample and on its resamples, shape (metrics, scopes, models, 1 + draws); NaN if undefined.
        reasons: Why a metric is undefined on a scope's sample, by (metric, scope).
        on: The predictions that each metric got.
        notes: Lines for the report.
    """

    values: NDArray[np.float64]
    reasons: Mapping[tuple[int, int], str]
    on: tuple[On, ...]
    notes: tuple[str, ...] = ()


class RowMetricEvaluator(Protocol):
    """Port that evaluates functions of rows."""

    def evaluate(
        self, metrics: Sequence[RowMetric], sample: RowSample, *, draws: int, seed: int, timeout: float
    ) -> RowValues:
        """Evaluate every metric on every scope and on ``draws`` resamples of it, within ``timeout`` seconds."""
        ...


def predictions_by_name(names: Sequence[str]) -> On | None:
    """Return which predictions a function gets by the names of its parameters; ``None`` if they are ambiguous.

    Only the second parameter counts: the first one is the labels.
    """
    if len(names) < 2:
        return None
    name = names[1]
    words = task_words(name)
    if name == _MARGINS or words & set(SCORE_WORDS):
        return "score"
    return "decision" if words & set(DECISION_WORDS) else None


def is_reversed(names: Sequence[str]) -> bool:
    """Return whether a function takes predictions first and labels second."""
    if len(names) < 2:
        return False
    first, second = task_words(names[0]), task_words(names[1])
    predicted = set(SCORE_WORDS) | set(DECISION_WORDS)
    return bool(first & predicted) and not second & predicted and bool(second & (_LABEL_WORDS - {"y"}))


def task_words(name: str) -> set[str]:
    """Return the words of a name in lower case: ``y_pred_proba`` and ``yPredProba`` are y, pred and proba."""
    return {word.lower() for word in _WORD.findall(name)}


def shown_name(name: str, params: Mapping[str, Scalar]) -> str:
    """Return the name of a metric with its parameters: ``fbeta_score(beta=2)``."""
    if not params:
        return name
    return f"{name}({', '.join(f'{key}={params[key]}' for key in sorted(params))})"


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
