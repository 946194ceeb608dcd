"""Metrics of a confusion matrix: functions of its margins, and rates as masks over its cells.

A confusion matrix enters as three arrays whose last axis is the class: ``hits`` (diagonal), ``labels`` (row sums) and
``decisions`` (column sums). All common metrics are functions of those 3K numbers, so that influence functions are
cheap: all functions here are homogeneous of degree 0 and accept complex input, so that their gradient can be taken by a
complex step (Squire & Trapp 1998, SIAM Review 40:110).

0/0 is undefined: functions return NaN for it, never a conventional 0 or 1.

A mask is a boolean array of shape (classes, classes), rows being labels and columns decisions. ``part`` marks the cells
of the numerator, ``base`` those of the denominator. If ``base`` depends on the label alone, two models have the same
base rows, and their difference is one of paired proportions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Margins:
    """``hits``, ``labels`` and ``decisions`` by class, each of shape (..., classes); counts or shares."""

    hits: Array
    labels: Array
    decisions: Array

    @property
    def total(self) -> Array:
        """Number of rows, shape (...)."""
        return np.asarray(self.labels.sum(axis=-1))


Function = Callable[[Margins], Array]


def _divide(numerator: Array, denominator: Array) -> Array:
    """Divide; NaN if the denominator's real part is 0."""
    empty = np.real(denominator) == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(empty, np.nan, numerator / np.where(empty, 1, denominator)))


def accuracy(m: Margins) -> Array:
    """Share of rows decided as labelled."""
    return _divide(m.hits.sum(axis=-1), m.total)


def precision_of(k: int) -> Function:
    """Precision of class ``k``: hits over decisions for it."""
    return lambda m: _divide(m.hits[..., k], m.decisions[..., k])


def f1_of(k: int) -> Function:
    """F1 of class ``k``: 2 hits over labels plus decisions (van Rijsbergen 1979)."""
    return lambda m: _divide(2 * m.hits[..., k], m.labels[..., k] + m.decisions[..., k])


def jaccard_of(k: int) -> Function:
    """Jaccard index of class ``k``: hits over the union of labels and decisions."""
    return lambda m: _divide(m.hits[..., k], m.labels[..., k] + m.decisions[..., k] - m.hits[..., k])


def complement(function: Function) -> Function:
    """One minus a rate, e.g. the false discovery rate from precision."""
    return lambda m: np.asarray(1 - function(m))


def balanced_accuracy(m: Margins) -> Array:
    """Mean recall over the classes that occur among the labels (Brodersen et al. 2010)."""
    present = np.real(m.labels) > 0
    return _divide(np.where(present, _divide(m.hits, m.labels), 0).sum(axis=-1), present.sum(axis=-1))


def average_odds(m: Margins) -> Array:
    """Mean of recall and false-positive rate of a binary task, of which AIF360 averages the groups' differences."""
    wrong = m.decisions[..., 1] - m.hits[..., 1]
    return (_divide(m.hits[..., 1], m.labels[..., 1]) + _divide(wrong, m.labels[..., 0])) / 2


def macro(rate: Callable[[Margins], Array]) -> Function:
    """Unweighted mean of a rate by class over the classes that occur as label or decision; NaN if one is undefined."""

    def mean(m: Margins) -> Array:
        present = np.real(m.labels + m.decisions) > 0
        return _divide(np.where(present, rate(m), 0).sum(axis=-1), present.sum(axis=-1))

    return mean


def weighted(rate: Callable[[Margins], Array]) -> Function:
    """Mean of a rate by class, weighted by the class's labels; NaN if a labelled class's rate is undefined."""

    def mean(m: Margins) -> Array:
        present = np.real(m.labels) > 0
        return _divide((np.where(present, rate(m), 0) * m.labels).sum(axis=-1), m.total)

    return mean


def precisions(m: Margins) -> Array:
    """Precision by class."""
    return _divide(m.hits, m.decisions)


def recalls(m: Margins) -> Array:
    """Recall by class."""
    return _divide(m.hits, m.labels)


def f1s(m: Margins) -> Array:
    """F1 by class."""
    return _divide(2 * m.hits, m.labels + m.decisions)


def matthews_corrcoef(m: Margins) -> Array:
    """Matthews' correlation of any number of classes (Gorodkin 2004); undefined if labels or decisions are constant."""
    n = m.total
    covariance = m.hits.sum(axis=-1) * n - (m.labels * m.decisions).sum(axis=-1)
    spread_labels = n * n - (m.labels * m.labels).sum(axis=-1)
    spread_decisions = n * n - (m.decisions * m.decisions).sum(axis=-1)
    return _divide(covariance, np.sqrt(spread_labels * spread_decisions))


def cohen_kappa_score(m: Margins) -> Array:
    """Agreement beyond chance (Cohen 1960); undefined if chance agreement is 1."""
    n = m.total
    chance = (m.labels * m.decisions).sum(axis=-1)
    return _divide(m.hits.sum(axis=-1) * n - chance, n * n - chance)


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
