"""Metrics that are functions of rows: their description, the rows that they get, and their values on resamples."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Scalar = float | str | bool | int
On = Literal["score", "decision"]
Resampling = Literal["jackknife", "bootstrap"]
"""In the order of the configuration's: typing keeps one of two equal types, and the schema shows its order."""
Method = Literal["row bootstrap", "cell jackknife", "group jackknife", "cluster bootstrap", "cluster jackknife"]
"""Source of an interval: rows or clusters drawn with replacement, or the values without some of them."""
METHODS: tuple[Method, ...] = get_args(Method)

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


@dataclass(frozen=True, kw_only=True)
class RowMetric:
    """A metric that is computed only by a function of rows: ``function(labels, predictions) -> number``.

    Attributes:
        name: Its name in reports.
        function: ``module:function``, or a function or scorer of scikit-learn.
        on: Predictions that it gets: the score (or the regression's value), or the decision. ``None`` derives it from
            the names of its parameters, see :func:`predictions_by_name`.
        params: Keyword arguments.
        resampling: How its interval arises; ``None`` derives it from the function's signature.
        line: Its line in the configuration.
    """

    name: str
    function: str
    on: On | None = None
    params: Mapping[str, Scalar] = field(default_factory=dict)
    resampling: Resampling | None = None
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
        clusters: Number of each row's cluster; ``None`` if rows are independent.
        weights: Weight of each row; ``None`` if rows count equally.
    """

    task: str
    labels: Array
    classes: tuple[Scalar, ...]
    scores: tuple[Array | None, ...]
    decisions: tuple[Array | None, ...]
    scopes: tuple[Array, ...]
    clusters: Array | None = None
    weights: Array | None = None

    @property
    def units(self) -> tuple[int, ...]:
        """What is independent in each scope: its rows, or its clusters."""
        if self.clusters is None:
            return tuple(len(rows) for rows in self.scopes)
        return tuple(len(np.unique(self.clusters[rows])) for rows in self.scopes)


@dataclass(frozen=True, kw_only=True, eq=False)
class RowValues:
    """Values of the metrics.

    Attributes:
        values: For each metric, in each scope: the values on the sample and on its resamples, shape
            (models, 1 + resamples); NaN if undefined.
        methods: How each metric was resampled.
        reasons: Why a metric is undefined on a scope's sample, by (metric, scope).
        on: The predictions that each metric got.
        notes: Lines for the report.
    """

    values: Sequence[Sequence[NDArray[np.float64]]]
    methods: tuple[Method, ...]
    reasons: Mapping[tuple[int, int], str]
    on: tuple[On, ...]
    notes: tuple[str, ...] = ()


class RowMetricEvaluator(Protocol):
    """Port that evaluates functions of rows."""

    def evaluate(
        self, metrics: Sequence[RowMetric], sample: RowSample, *, draws: int, seed: int, timeout: float
    ) -> RowValues:
        """Evaluate every metric on every scope and on resamples of it, within ``timeout`` seconds.

        ``draws`` is the number of resamples of a bootstrap.
        """
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
