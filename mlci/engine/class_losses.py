"""Losses of a row by the probabilities of all classes: log loss, Brier score, hits among the k most probable."""

from collections.abc import Callable
from functools import partial

import numpy as np

from mlci.engine.sql import Array
from mlci.metrics.statistics import TOP

_EPS = float(np.finfo(np.float64).eps)
ClassLoss = Callable[[Array, Array], Array]
"""From class indices of the labels, and probabilities of shape (classes, rows), to one loss per row."""


def log_losses(labels: Array, probabilities: Array) -> Array:
    """Return -log of the label's probability, clipped as in scikit-learn."""
    given = np.take_along_axis(probabilities, labels[None, :].astype(np.intp), axis=0)[0]
    loss: Array = -np.log(np.clip(given, _EPS, 1 - _EPS))
    return loss


def brier_scores(labels: Array, probabilities: Array) -> Array:
    """Return the sum over classes of (probability - 1 if it is the label, else 0)²."""
    error = probabilities.copy()
    error[labels, np.arange(len(labels))] -= 1.0
    loss: Array = (error * error).sum(axis=0)
    return loss


def top_hits(labels: Array, probabilities: Array, *, k: int) -> Array:
    """Return 1 if the label is among the k most probable classes, else 0; of equal ones, later classes come first."""
    given = np.take_along_axis(probabilities, labels[None, :].astype(np.intp), axis=0)
    later = np.arange(len(probabilities))[:, None] > labels[None, :]
    above = (probabilities > given) | ((probabilities == given) & later)
    hits: Array = (above.sum(axis=0) < k).astype(np.float64)
    return hits


def class_loss(name: str) -> ClassLoss:
    """Return a loss by its name in :data:`mlci.metrics.statistics.LOSSES`."""
    if name.startswith(TOP):
        return partial(top_hits, k=int(name.removeprefix(TOP)))
    return {"log": log_losses, "squared": brier_scores}[name]
