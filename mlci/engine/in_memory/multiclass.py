"""Scores for each class: losses by the probabilities of all classes, means of AUCs over classes, and histograms.

Every AUC is exact: ties count half, as in scikit-learn. Each row's influence on the mean is computed for both models,
and summed by class; see :class:`mlci.metrics.statistics.ClassRanks`.

Histograms of a class's probability have fixed bins, so that they add up over blocks of rows: equally wide ones in the
inverse hyperbolic sine of the log odds. Many classes have small probabilities only, which equally wide bins of the
probability would put into one, and naive Bayes has some of 1e-100, whose order counts, too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlci.engine.encode.grouping import Key
from mlci.engine.join import Frame
from mlci.engine.sql import Array
from mlci.metrics.statistics import TOP, ClassHistogram, ClassRanks, ProbabilityBins

_EPS = float(np.finfo(np.float64).eps)
_BINS = 1024
_MOST = 20  # classes with histograms: those with the most rows
_LEAST, _LARGEST = float(np.nextafter(0, 1)), float(np.nextafter(1, 0))
_REACH = 7.4  # of the smallest float
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
    return {key: _ranks(frame, rows, means) for key, rows in _scopes(frame)} if means else {}


def _scopes(frame: Frame) -> Iterator[tuple[Key, Array]]:
    """Yield every scope with its rows."""
    yield (None, 0), np.arange(frame.rows)
    for index, names in enumerate(frame.partition.groups):
        codes = frame.partition.codes(index)
        order = np.argsort(codes, kind="stable")
        edges = np.searchsorted(codes[order], np.arange(len(names) + 1))
        for group in range(len(names)):
            yield (index, group), order[edges[group] : edges[group + 1]]


def _ranks(frame: Frame, rows: Array, means: tuple[str, ...]) -> dict[str, ClassRanks]:
    labels = frame.labels[rows].astype(np.intp)
    counts = np.bincount(labels, minlength=len(frame.classes))
    models = [model.probabilities for model in (frame.candidate, frame.baseline) if model is not None]
    each = [None if one is None else one[:, rows] for one in models]
    differing = 0
    if len(each) == 2 and each[0] is not None and each[1] is not None:
        differing = int(np.count_nonzero((each[0] != each[1]).any(axis=0)))
    if absent := tuple(frame.classes[index] for index in np.flatnonzero(counts == 0)):
        return dict.fromkeys(means, ClassRanks(np.nan, None, {}, differing, absent))
    averaged = [None if one is None else _average(one, labels, counts) for one in each]
    return {
        name: _pair([None if one is None else one[name] for one in averaged], labels, len(counts), differing)
        for name in means
    }


def _pair(models: Sequence["_Mean | None"], labels: Array, classes: int, differing: int) -> ClassRanks:
    """Return a mean of both models with the sums of its influences by class."""
    influences = {line: mean.influence for line, mean in zip(("candidate", "baseline"), models, strict=False) if mean}
    if len(influences) == 2:
        influences["change"] = influences["candidate"] - influences["baseline"]
    values = [None if mean is None else mean.value for mean in models]
    sums: dict[str, Array] = {
        line: np.column_stack([np.bincount(labels, weights=one**power, minlength=classes) for power in range(3)])
        for line, one in influences.items()
    }
    return ClassRanks(float(values[0] or 0.0), values[1] if len(values) > 1 else None, sums, differing)


@dataclass(frozen=True)
class _Mean:
    """A mean of AUCs, and the influence of each row."""

    value: float
    influence: Array


def _average(probabilities: Array, labels: Array, counts: Array) -> dict[str, _Mean]:
    """Average the AUCs of all classes against all others, and of all pairs by the probability of either class.

    Rows are sorted once for each class: the rows of a class below a row are a running sum, and so are those of all
    other classes, each weighted by the number of its rows for pairs (Hand & Till 2001, Mach. Learn. 45:171).
    """
    classes, rows = probabilities.shape
    pairs = classes * (classes - 1)
    values, influences = {"ovr": 0.0, "ovo": 0.0}, {"ovr": np.zeros(rows), "ovo": np.zeros(rows)}
    for index, size in enumerate(counts.tolist()):
        sorted_rows, mine, others = _SortedRows.of(probabilities[index]), labels == index, rows - size
        above = 1 - sorted_rows.below(mine) / size
        beaten = sorted_rows.below(~mine) / others
        auc = float(beaten[mine].mean())
        values["ovr"] += auc / classes
        influences["ovr"] += np.where(mine, (beaten - auc) / size, (above - auc) / others) * (rows / classes)
        against = np.bincount(labels, weights=above, minlength=classes) / counts
        against[index] = 0.0
        beaten = sorted_rows.below(np.where(mine, 0.0, 1 / counts[labels]))
        values["ovo"] += float(against.sum()) / pairs
        own, theirs = (beaten - against.sum()) / size, (above - against[labels]) / counts[labels]
        influences["ovo"] += np.where(mine, own, theirs) * (rows / pairs)
    return {name: _Mean(values[name], influences[name]) for name in values}


@dataclass(frozen=True)
class _SortedRows:
    """Rows in the order of their scores: their positions, and the end and size of each run of equal scores."""

    order: Array
    ends: Array
    sizes: Array

    @classmethod
    def of(cls, scores: Array) -> "_SortedRows":
        """Sort the rows."""
        order = np.argsort(scores, kind="stable")
        ascending = scores[order]
        ends = np.append(np.flatnonzero(ascending[1:] != ascending[:-1]), len(scores) - 1)
        return cls(order, ends, np.diff(ends, prepend=-1))

    def below(self, weights: Array) -> Array:
        """Return the weight of the rows below each row, and half of that of rows with its score."""
        total = np.cumsum(weights[self.order])[self.ends]
        found: Array = np.empty(len(weights))
        found[self.order] = np.repeat(total - np.diff(total, prepend=0) / 2, self.sizes)
        return found


def class_histograms(frame: Frame) -> tuple[ClassHistogram, ...]:
    """Return histograms of the most frequent classes on the whole set; none without probabilities."""
    if not frame.has_probabilities:
        return ()
    counts = np.bincount(frame.labels, minlength=len(frame.classes))
    order = np.argsort(-counts, kind="stable")[:_MOST]
    chosen = sorted(int(index) for index in order if 0 < counts[index] < frame.rows)
    return tuple(_histogram(frame, index) for index in chosen)


def _histogram(frame: Frame, index: int) -> ClassHistogram:
    mine = frame.labels == index
    each = [model.probabilities for model in frame.models]
    bins = [None if one is None else _count(one[index], mine) for one in each]
    candidate = bins[0]
    if candidate is None:
        raise AssertionError(index)  # the candidate has probabilities
    return ClassHistogram(frame.classes[index], candidate, bins[1] if len(bins) > 1 else None)


def _count(probability: Array, mine: Array) -> ProbabilityBins:
    inside = np.clip(probability, _LEAST, _LARGEST)
    place = np.arcsinh(np.log(inside) - np.log1p(-inside))
    bins = np.clip((place + _REACH) * (_BINS / (2 * _REACH)), 0, _BINS - 1).astype(np.int64)
    positives = np.bincount(bins[mine], minlength=_BINS)
    sums: Array = np.bincount(bins, weights=probability, minlength=_BINS)
    return ProbabilityBins(positives=positives, negatives=np.bincount(bins, minlength=_BINS) - positives, sums=sums)
