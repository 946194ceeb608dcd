"""Metrics of scores for each class: losses by the probabilities of all classes, and means of AUCs over classes.

Every AUC is exact: ties count half, as in scikit-learn. Each row's influence on the mean is computed for both models,
and summed by class; see :class:`mlci.metrics.statistics.ClassRanks`.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlci.engine.encode.grouping import Key
from mlci.engine.join import Frame
from mlci.engine.sql import Array
from mlci.metrics.statistics import TOP, ClassRanks

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


def rank_classes(frame: Frame, means: tuple[str, ...]) -> dict[Key, dict[str, ClassRanks]]:
    """Return the wanted means (``ovr``, ``ovo``) in every scope."""
    if not means:
        return {}
    return {key: {name: _ranks(frame, rows, name) for name in means} for key, rows in _scopes(frame)}


def _scopes(frame: Frame) -> Iterator[tuple[Key, Array]]:
    """Yield every scope with its rows."""
    yield (None, 0), np.arange(frame.rows)
    for index, names in enumerate(frame.partition.groups):
        codes = frame.partition.codes(index)
        order = np.argsort(codes, kind="stable")
        edges = np.searchsorted(codes[order], np.arange(len(names) + 1))
        for group in range(len(names)):
            yield (index, group), order[edges[group] : edges[group + 1]]


def _ranks(frame: Frame, rows: Array, name: str) -> ClassRanks:
    labels = frame.labels[rows].astype(np.intp)
    counts = np.bincount(labels, minlength=len(frame.classes))
    models = [model.probabilities for model in (frame.candidate, frame.baseline) if model is not None]
    each = [None if one is None else one[:, rows] for one in models]
    differing = 0
    if len(each) == 2 and each[0] is not None and each[1] is not None:
        differing = int(np.count_nonzero((each[0] != each[1]).any(axis=0)))
    if absent := tuple(frame.classes[index] for index in np.flatnonzero(counts == 0)):
        return ClassRanks(np.nan, None, {}, differing, absent)
    groups = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
    averaged = [None if one is None else _Mean.of(one, groups, name) for one in each]
    influences = {line: mean.influence for line, mean in zip(("candidate", "baseline"), averaged, strict=False) if mean}
    if len(influences) == 2:
        influences["change"] = influences["candidate"] - influences["baseline"]
    values = [None if mean is None else mean.value for mean in averaged]
    baseline = values[1] if len(values) > 1 else None
    return ClassRanks(float(values[0] or 0.0), baseline, _sums(influences, labels, len(counts)), differing)


def _sums(influences: Mapping[str, Array], labels: Array, classes: int) -> dict[str, Array]:
    """Return the sums of powers 0 to 2 by class."""
    return {
        line: np.column_stack([np.bincount(labels, weights=one**power, minlength=classes) for power in range(3)])
        for line, one in influences.items()
    }


@dataclass(frozen=True)
class _Mean:
    """A mean of AUCs, and the influence of each row."""

    value: float
    influence: Array

    @classmethod
    def of(cls, probabilities: Array, groups: list[Array], name: str) -> "_Mean":
        """Average the AUCs of all classes, or of all pairs by the probability of either class."""
        rows = probabilities.shape[1]
        influence, total = np.zeros(rows), 0.0
        parts = list(_against_others(groups) if name == "ovr" else _pairs(groups))
        for index, mine, others in parts:
            one = _Auc.of(probabilities[index, mine], probabilities[index, others])
            total += one.value
            influence[mine] += (one.beaten - one.value) * (rows / len(mine) / len(parts))
            influence[others] += (one.beating - one.value) * (rows / len(others) / len(parts))
        return cls(total / len(parts), influence)


def _against_others(groups: list[Array]) -> Iterator[tuple[int, Array, Array]]:
    """Yield each class with its rows and those of all others."""
    for index, mine in enumerate(groups):
        yield index, mine, np.concatenate([*groups[:index], *groups[index + 1 :]])


def _pairs(groups: list[Array]) -> Iterator[tuple[int, Array, Array]]:
    """Yield each class with its rows and those of each other class (Hand & Till 2001, Mach. Learn. 45:171)."""
    for mine, other in itertools.permutations(range(len(groups)), 2):
        yield mine, groups[mine], groups[other]


@dataclass(frozen=True)
class _Auc:
    """One AUC with its placements: the share of the other class that each row beats, or is beaten by; ties half."""

    value: float
    beaten: Array
    beating: Array

    @classmethod
    def of(cls, positives: Array, negatives: Array) -> "_Auc":
        """Compare every positive with every negative, by their ranks."""
        beaten = _below(positives, np.sort(negatives))
        return cls(float(beaten.mean()), beaten, 1 - _below(negatives, np.sort(positives)))


def _below(scores: Array, others: Array) -> Array:
    """Return the share of the sorted ``others`` below each score, ties half."""
    found = np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")
    below: Array = found / (2.0 * len(others))
    return below
