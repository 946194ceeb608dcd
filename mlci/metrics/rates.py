"""Rates: metrics that are a share of rows, as masks over (label, decision) cells.

A mask is a boolean array of shape (classes, classes), rows being labels and columns decisions. ``part`` marks the cells
of the numerator, ``base`` those of the denominator. If ``base`` depends on the label alone, two models have the same
base rows, and their difference is one of paired proportions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlci.metrics.confusion import Function, accuracy, complement, precision_of

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rate:
    """``part`` of ``base``; ``function`` computes it from margins if the models' bases differ."""

    part: Mask
    base: Mask
    function: Function | None = None

    @property
    def shared(self) -> bool:
        """Whether the base depends on the label alone, so that it is the same for every model."""
        return bool((self.base == self.base[:, :1]).all())


def rate(name: str, classes: int, positive: int) -> Rate:
    """Return the masks of a rate by its canonical name.

    Args:
        name: e.g. ``recall``.
        classes: Number of classes.
        positive: Index of the positive class.
    """
    return _RATES[name](classes, positive)


def _cells(classes: int, positive: int) -> tuple[Mask, Mask, Mask]:
    """Return masks of all cells, of labelled positives, and of decided positives."""
    labelled = np.zeros((classes, classes), dtype=bool)
    labelled[positive, :] = True
    return np.ones((classes, classes), dtype=bool), labelled, labelled.T.copy()


def _accuracy(classes: int, positive: int) -> Rate:
    everything, _, _ = _cells(classes, positive)
    return Rate(np.eye(classes, dtype=bool), everything, accuracy)


def _of_labelled(classes: int, positive: int, *, positives: bool, decided: bool) -> Rate:
    _, labelled, chosen = _cells(classes, positive)
    base = labelled if positives else ~labelled
    return Rate(base & (chosen if decided else ~chosen), base)


def _of_decided(classes: int, positive: int, *, positives: bool, right: bool) -> Rate:
    """Return a share of the rows decided positive (or negative) that are right (or wrong)."""
    _, labelled, chosen = _cells(classes, positive)
    base = chosen if positives else ~chosen
    correct = labelled if positives else ~labelled
    share = precision_of(positive if positives else 1 - positive)
    return Rate(base & (correct if right else ~correct), base, share if right else complement(share))


def _of_all(classes: int, positive: int, *, labels: bool) -> Rate:
    everything, labelled, chosen = _cells(classes, positive)
    return Rate(labelled if labels else chosen, everything)


_RATES: dict[str, Callable[[int, int], Rate]] = {
    "accuracy": _accuracy,
    "f1_micro": _accuracy,
    "recall_weighted": _accuracy,
    "recall": lambda k, p: _of_labelled(k, p, positives=True, decided=True),
    "false_negative_rate": lambda k, p: _of_labelled(k, p, positives=True, decided=False),
    "false_positive_rate": lambda k, p: _of_labelled(k, p, positives=False, decided=True),
    "true_negative_rate": lambda k, p: _of_labelled(k, p, positives=False, decided=False),
    "precision": lambda k, p: _of_decided(k, p, positives=True, right=True),
    "false_discovery_rate": lambda k, p: _of_decided(k, p, positives=True, right=False),
    "negative_predictive_value": lambda k, p: _of_decided(k, p, positives=False, right=True),
    "false_omission_rate": lambda k, p: _of_decided(k, p, positives=False, right=False),
    "selection_rate": lambda k, p: _of_all(k, p, labels=False),
    "prevalence": lambda k, p: _of_all(k, p, labels=True),
    "predicted_positive_share": lambda k, p: _of_all(k, p, labels=False),
}
