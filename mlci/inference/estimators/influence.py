"""Values of metrics over weighted rows, with the influence of each row.

The value changes by the weighted mean of the influences, whose own weighted mean is 0 (Hampel 1974, JASA 69:383).
Weighted values are Horvitz–Thompson ratios: those of scikit-learn with ``sample_weight``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlci.inference.estimators import ranks
from mlci.inference.estimators.ratios import cell_influence, gradient
from mlci.inference.evidence import Cause, Undefined
from mlci.metrics.clustered_rows import ClusteredRows
from mlci.metrics.confusion import Function, Margins, Rate
from mlci.metrics.statistics import Floats, ModelBins

Array = NDArray[Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear:
    """One model's value with the influence of each row.

    Attributes:
        value: The value.
        influence: Influence of each row, shape (rows,).
        carrying: Rows that the value depends on; all others have no influence.
        right: Rows with one of two outcomes, whose rarer one limits what is known; ``None`` if outcomes are continuous.
        choice: What a model predicts for each row; two models are compared by it. ``None`` if it is continuous.
        parts: Rows by class, if each class decides by itself.
        share: Part of the value that one row of a class can change, in units of one row of that class alone.
    """

    value: float
    influence: Floats
    carrying: Mask
    right: Mask | None = None
    choice: Array | None = None
    parts: tuple[Mask, ...] = field(default=())
    share: float = 1.0


Estimate = Linear | Undefined
EMPTY = Undefined("0/0: no row here is in the denominator")
NO_ROWS = Undefined("no rows")


def mean_of(rows: ClusteredRows, numbers: Floats, **more: Any) -> Estimate:  # noqa: ANN401 (fields of Linear)
    """Return the mean of one number a row."""
    if not len(numbers):
        return NO_ROWS
    value = float(rows.weights @ numbers) / float(rows.weights.sum())
    return Linear(value=value, influence=numbers - value, carrying=np.ones(len(numbers), bool), **more)


def rate_of(rows: ClusteredRows, masks: Rate, decided: Array) -> Estimate:
    """Return a share of rows."""
    inside, part = masks.base[rows.labels, decided], masks.part[rows.labels, decided]
    return share_of_base(rows.weights, inside, part)


def share_of_base(weights: Floats, inside: Mask, part: Mask) -> Estimate:
    """Return the weight of the rows in ``part`` over that of the rows ``inside``."""
    base = float(weights[inside].sum())
    if not inside.any():
        return EMPTY
    part = part & inside
    value = float(weights[part].sum()) / base
    influence = np.where(inside, part - value, 0.0) * (float(weights.sum()) / base)
    return Linear(value=value, influence=influence, carrying=inside, right=part, choice=part + 2 * inside.astype(int))


def ratio_of(rows: ClusteredRows, function: Function, decided: Array, *, positive: int | None = None) -> Estimate:
    """Return a function of the confusion matrix; with ``positive``, one to which rows without that class are nothing.

    The influence is that of the delta method, as without clusters.
    """
    labels, weights, classes = rows.labels.astype(np.intp), rows.weights, len(rows.table.classes)
    right = labels == decided
    margins = Margins(
        *(
            np.bincount(codes, weights=part, minlength=classes)
            for codes, part in ((labels, weights * right), (labels, weights), (np.asarray(decided, np.intp), weights))
        )
    )
    value = float(function(margins)) if len(labels) else float("nan")
    if not np.isfinite(value):
        return Undefined("0/0: a class that it divides by is never labelled or never decided here")
    influence = cell_influence(gradient(function, margins), labels, decided)
    if positive is not None:
        carrying = (labels == positive) | (decided == positive)
        return Linear(value=value, influence=influence, carrying=carrying, right=right, choice=decided)
    parts = tuple(labels == k for k in np.unique(labels))
    every = np.ones(len(labels), bool)
    return Linear(
        value=value, influence=influence, carrying=every, right=right, choice=decided, parts=parts, share=1 / len(parts)
    )


def rank_of(rows: ClusteredRows, positive: Mask, scores: Floats, metric: str) -> Linear | None:
    """Return the ROC AUC or average precision of weighted rows; ``None`` if a class has no row."""
    weights = rows.weights
    values, bins = np.unique(scores, return_inverse=True)
    mine, others = (np.bincount(bins, weights=weights * part, minlength=len(values)) for part in (positive, ~positive))
    counted = ModelBins(mine, others, np.arange(len(values)))
    ranked = ranks.FUNCTIONS[metric](counted)
    if ranked is None:
        return None
    total = float(weights.sum())
    influence = np.where(
        positive, ranked.positive[bins] * (total / mine.sum()), ranked.negative[bins] * (total / others.sum())
    )
    parts = (positive, ~positive) if metric == "roc_auc" else (positive,)
    return Linear(value=ranked.value, influence=influence, carrying=np.ones(len(scores), bool), parts=parts)


def class_ranks_of(rows: ClusteredRows, probabilities: Floats, mean: str) -> Linear | Undefined:
    """Return the mean of AUCs of classes against all others (``ovr``), or of pairs of classes (``ovo``)."""
    labels = rows.labels
    classes = range(len(rows.table.classes))
    if absent := [rows.table.classes[k] for k in classes if not (labels == k).any()]:
        return Undefined(f"no rows labelled {absent[0]!r}; the metric needs every class", cause=Cause.LABELS)
    every = np.arange(len(labels))
    wanted = [(k, every) for k in classes]
    if mean == "ovo":
        wanted = [(k, np.flatnonzero((labels == k) | (labels == j))) for k in classes for j in classes if j != k]
    value, influence, total = 0.0, np.zeros(len(labels)), float(rows.weights.sum())
    for k, some in wanted:
        own = ClusteredRows(rows.table, rows.rows[some])
        one = rank_of(own, labels[some] == k, probabilities[k][some], "roc_auc")
        if one is None:
            return Undefined("a class has no rows", cause=Cause.LABELS)
        value += one.value / len(wanted)
        influence[some] += one.influence * (total / float(rows.weights[some].sum()) / len(wanted))
    parts = tuple(labels == k for k in classes)
    return Linear(
        value=value, influence=influence, carrying=np.ones(len(labels), bool), parts=parts, share=1 / len(parts)
    )


def transformed(linear: Linear, value: float, slope: float, offset: Floats | None = None) -> Linear:
    """Return a function of a mean: its value, and the mean's influence times the slope, plus ``offset``."""
    influence = linear.influence * slope
    return Linear(value=value, influence=influence if offset is None else influence + offset, carrying=linear.carrying)


def difference(now: Linear, before: Linear) -> Linear:
    """Return candidate minus baseline on the same rows."""
    differs = None
    if now.choice is not None and before.choice is not None:
        differs = now.choice != before.choice
    return Linear(
        value=now.value - before.value,
        influence=now.influence - before.influence,
        carrying=now.carrying | before.carrying,
        right=differs,
        parts=now.parts,
        share=now.share,
    )


Values = Callable[[ClusteredRows, int], Estimate]
"""Estimate of one model by its position: the candidate is 0, the baseline 1."""
