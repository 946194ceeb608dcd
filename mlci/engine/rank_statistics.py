"""Ranks of scores in every scope: exact for few rows, in bins with a bounded error for many.

Merged strips of equal width are fast and resolve most scores. Clustered scores (half of them below 1e-6, or a third of
them exactly 0 beside others near it) need edges at the scores' quantiles.

A bin hides the order of its rows, so the AUC from bins is off by at most half the sum over bins of the product of the
two classes' mass in a bin. A bin of equal scores has no error.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from mlci.engine.chunks import count_codes, count_pairs, each_block
from mlci.engine.encode.grouping import Key, Level
from mlci.engine.join import Frame
from mlci.engine.sql import Array
from mlci.metrics.statistics import ModelBins, Scores


def rank_scores(frame: Frame, *, exact_rows: int, threads: int | None) -> tuple[dict[Key, Scores], tuple[str, ...]]:
    """Rank both models' scores in every scope.

    Args:
        frame: The rows.
        exact_rows: Most rows that are always ranked exactly; a larger scope is ranked exactly only if no bins keep its
            AUC within 5e-4.
        threads: For NumPy; no result depends on it.

    Returns:
        The scores, and notes for the report.
    """
    scopes: list[Key] = [(None, 0)] + [
        (i, g) for i, names in enumerate(frame.partition.groups) for g in range(len(names))
    ]
    if frame.rows <= exact_rows:
        return exact_ranks(frame, scopes), ()
    kept = [i for i, names in enumerate(frame.partition.groups) if len(names) * FINE <= _HISTOGRAMS]
    ranked, bounds = binned_ranks(_without_slices(frame, kept), exact_rows=exact_rows, threads=threads)
    ranked, bounds = _renumber(ranked, kept), _renumber(bounds, kept)
    loose = [key for key in scopes if bounds.get(key, np.inf) > BOUND]
    ranked.update(exact_ranks(frame, loose))
    worst = max((bound for key, bound in bounds.items() if key not in loose), default=0.0)
    message = f"scores ranked in {FINE:,} bins; the AUC is off by at most {worst:.1e}"
    return ranked, (message,) if worst else ()


_HISTOGRAMS = 1 << 22
"""Most bins of all groups of a slice; the few rows of each of more groups are ranked exactly, in less memory."""
T = TypeVar("T")


def _without_slices(frame: Frame, kept: list[int]) -> Frame:
    """Return the rows with some of their slices."""
    crossings = tuple(frame.partition.crossings[i] for i in kept)
    return replace(frame, partition=replace(frame.partition, crossings=crossings))


def _renumber(found: dict[Key, T], kept: list[int]) -> dict[Key, T]:
    """Return results of some slices under the numbers that these have among all."""
    return {(None if index is None else kept[index], group): one for (index, group), one in found.items()}


def exact_ranks(frame: Frame, keys: list[Key]) -> dict[Key, Scores]:
    """Rank both models' scores in the given scopes, from the rows of each."""
    ranked: dict[Key, Scores] = {}
    wanted: dict[int | None, list[int]] = {}
    for index, group in keys:
        wanted.setdefault(index, []).append(group)
    for index, groups in wanted.items():
        if index is None:
            ranked[None, 0] = _rank_exactly(frame, None)
            continue
        codes = frame.partition.codes(index)
        rows = np.flatnonzero(np.isin(codes, groups)) if len(groups) < len(frame.partition.groups[index]) else None
        mine = codes if rows is None else codes[rows]
        order = np.argsort(mine, kind="stable")
        edges = np.searchsorted(mine[order], np.array(groups, mine.dtype), side="left")
        ends = np.searchsorted(mine[order], np.array(groups, mine.dtype), side="right")
        for group, low, high in zip(groups, edges, ends, strict=True):
            part = order[low:high]
            ranked[index, group] = _rank_exactly(frame, part if rows is None else rows[part])
    return ranked


def _rank_exactly(frame: Frame, rows: Array | None) -> Scores:
    labels = frame.labels if rows is None else frame.labels[rows]
    candidate = frame.candidate.scores if rows is None else frame.candidate.scores[rows]
    bins, codes = _distinct_bins(candidate, labels)
    if frame.baseline is None:
        return Scores(bins, None, None, 0, exact=True)
    baseline = frame.baseline.scores if rows is None else frame.baseline.scores[rows]
    other, other_codes = _distinct_bins(baseline, labels)
    cells, inverse = np.unique(other_codes * np.int64(len(bins.coarse)) + codes, return_inverse=True)
    counts = _by_label(inverse, labels, len(cells))
    joint = np.column_stack([cells // len(bins.coarse), cells % len(bins.coarse), counts[:, 1], counts[:, 0]])
    return Scores(bins, other, joint, int(np.count_nonzero(candidate != baseline)), exact=True)


def _distinct_bins(scores: Array, labels: Array) -> tuple[ModelBins, Array]:
    distinct, codes = np.unique(scores, return_inverse=True)
    counts = _by_label(codes, labels, len(distinct))
    return ModelBins(counts[:, 1].copy(), counts[:, 0].copy(), np.arange(len(distinct))), codes


def _by_label(codes: Array, labels: Array, size: int) -> Array:
    return np.bincount(codes * 2 + labels, minlength=size * 2).reshape(size, 2)


FINE = 4096
COARSE = 256
_STRIPS = 1 << 17


@dataclass(frozen=True)
class Binning:
    """One model's bins: each row's score and fine bin, and the coarse bin of each fine one."""

    score: Array
    fine: Array
    coarse: Array

    @property
    def size(self) -> int:
        """Number of fine bins."""
        return len(self.coarse)

    def mixed(self) -> Array:
        """Return for each bin whether it contains more than one distinct score."""
        one = np.zeros(self.size)
        one[self.fine] = self.score
        mixed = np.zeros(self.size, bool)
        mixed[self.fine[one.take(self.fine) != self.score]] = True
        return mixed


def by_width(score: Array, threads: int | None) -> Binning:
    """Cut the range of scores into 131,072 strips, and merge strips into bins of about equal mass."""
    low, high = float(score.min()), float(score.max())
    scale = (_STRIPS - 1) / (high - low) if high > low else 0.0
    strip = np.empty(len(score), np.int32)

    def cut(part: slice) -> None:
        strip[part] = (score[part] - low) * scale

    each_block(len(score), cut, threads)
    mass = count_codes(strip, _STRIPS, None, threads)
    lut = _merge(mass, FINE)
    fine = np.empty(len(score), np.uint16)

    def merge(part: slice) -> None:
        lut.take(strip[part], out=fine[part], mode="clip")

    each_block(len(score), merge, threads)
    return Binning(score, fine, _coarse_bins(np.bincount(lut, weights=mass).astype(np.int64)))


def by_quantile(score: Array, threads: int | None) -> Binning:
    """Cut at 4,096 quantiles; a score that equals more than one of them has its own bin.

    All rows are sorted, not a sample, so that the bins do not depend on the order of rows.
    """
    picked = np.sort(score)[np.arange(FINE) * len(score) // FINE]
    frequent = picked[1:][picked[1:] == picked[:-1]]
    edges = np.unique(np.concatenate([picked, np.nextafter(frequent, np.inf)]))  # never more than were picked
    fine = np.empty(len(score), np.uint16)

    def find(part: slice) -> None:
        fine[part] = np.searchsorted(edges, score[part], side="right") - 1

    each_block(len(score), find, threads)
    return Binning(score, fine, _coarse_bins(count_codes(fine, len(edges), None, threads)))


def _coarse_bins(mass: Array) -> Array:
    return _merge(mass, COARSE)


def _merge(mass: Array, most: int) -> Array:
    """Map ordered strips to at most ``most`` ordered bins; each occupied strip gets its own if they suffice."""
    occupied = mass > 0
    if int(occupied.sum()) <= most:
        own: Array = np.maximum(np.cumsum(occupied) - 1, 0).astype(np.uint16)
        return own
    before = np.cumsum(mass) - mass
    bins = before * most // int(mass.sum())
    steps = np.zeros(len(mass), bool)
    at = np.flatnonzero(occupied)
    steps[at[1:]] = bins[at[1:]] != bins[at[:-1]]
    return np.cumsum(steps).astype(np.uint16)


BOUND = 5e-4
"""Largest allowed error of an AUC from bins."""


@dataclass(frozen=True)
class _CountedBins:
    """One model's bins, their rows by (label, bin) in every scope, and the error bound of each scope's AUC."""

    binning: Binning
    histograms: dict[Key, Array]
    bounds: dict[Key, float]

    def loose(self) -> list[Key]:
        return [key for key, bound in self.bounds.items() if bound > BOUND]

    def tightened(self) -> "_CountedBins":
        """Exclude bins of equal scores from the bounds, which reads every row."""
        mixed = self.binning.mixed()
        return replace(self, bounds={key: _auc_bound(one[:, mixed], one) for key, one in self.histograms.items()})


def binned_ranks(frame: Frame, *, exact_rows: int, threads: int | None) -> tuple[dict[Key, Scores], dict[Key, float]]:
    """Rank both models' scores in every scope, in bins.

    Args:
        frame: The rows.
        exact_rows: Rows of the largest scope that the caller ranks exactly if its bound is too loose.
        threads: For NumPy; no result depends on it.

    Returns:
        The scores, and the error bound of each scope's AUC.
    """
    binned = [_count_bins(frame, by_width(model.scores, threads), threads) for model in frame.models]
    if any(one.loose() for one in binned):
        binned = [one.tightened() for one in binned]
    if _largest_loose_scope(binned) > exact_rows:
        binned = [_bin_by_quantile(frame, one, threads) for one in binned]
    bounds = {key: max(one.bounds[key] for one in binned) for key in binned[0].bounds}
    return _scores(frame, binned, threads), bounds


def _largest_loose_scope(binned: list[_CountedBins]) -> int:
    """Return the rows of the largest scope whose bound is too loose."""
    return max((int(one.histograms[key].sum()) for one in binned for key in one.loose()), default=0)


def _bin_by_quantile(frame: Frame, one: _CountedBins, threads: int | None) -> _CountedBins:
    """Bin a model's scores by their quantiles if strips of equal width do not resolve them."""
    if not one.loose():
        return one
    return _count_bins(frame, by_quantile(one.binning.score, threads), threads).tightened()


def _count_bins(frame: Frame, binning: Binning, threads: int | None) -> _CountedBins:
    histograms = _histograms(frame, binning, threads)
    return _CountedBins(binning, histograms, {key: _auc_bound(one, one) for key, one in histograms.items()})


def _auc_bound(mixed: Array, histogram: Array) -> float:
    negatives, positives = histogram.sum(axis=1)
    products = mixed[0].astype(np.float64) * mixed[1]
    return 0.5 * float(products.sum()) / (negatives * positives) if negatives and positives else 0.0


def _scores(frame: Frame, binned: list[_CountedBins], threads: int | None) -> dict[Key, Scores]:
    keys = list(binned[0].histograms)
    bins = [{key: _model_bins(one.histograms[key], one.binning) for key in keys} for one in binned]
    if len(binned) == 1:
        return {key: Scores(bins[0][key], None, None, 0, exact=False) for key in keys}
    pairs = joint_ranks(frame, binned[1].binning, binned[0].binning, threads)
    unequal = (binned[0].binning.score != binned[1].binning.score).view(np.uint8)
    differing = frame.partition.count_flagged(unequal, threads)
    return {k: Scores(bins[0][k], bins[1][k], pairs[k], differing[k], exact=False) for k in keys}


def _model_bins(histogram: Array, binning: Binning) -> ModelBins:
    kept = np.flatnonzero(histogram.any(axis=0))
    return ModelBins(histogram[1, kept], histogram[0, kept], binning.coarse[kept].astype(np.int64))


def _histograms(frame: Frame, binning: Binning, threads: int | None) -> dict[Key, Array]:
    width = 2 * binning.size
    cells = binning.fine + frame.labels * np.uint16(binning.size)  # at most 2 × 4,096

    def count(level: Level) -> Array:
        counts = count_pairs(level.codes, cells, (level.size, width), None, threads)
        return counts.reshape(level.size, 2, binning.size)

    return dict(frame.partition.fold(width, count))


_DENSE = 1 << 25
_BUDGET = 1 << 19


def joint_ranks(frame: Frame, baseline: Binning, candidate: Binning, threads: int | None) -> dict[Key, Array]:
    """Count rows by (baseline's coarse bin, candidate's coarse bin, label) in every scope.

    Most pairs of bins never occur, so pairs are numbered first: a table of the occurring ones fits the cache.
    """
    across = int(candidate.coarse[-1]) + 1
    mine, theirs = candidate.coarse.astype(np.uint16), baseline.coarse.astype(np.uint16) * np.uint16(across)
    pairs = np.empty(frame.rows, np.uint16)  # 256 × 256 pairs at most

    def pair(part: slice) -> None:
        mine.take(candidate.fine[part], out=pairs[part], mode="clip")  # "clip" writes to out without a buffer
        pairs[part] += theirs.take(baseline.fine[part])

    each_block(frame.rows, pair, threads)
    occurring = np.flatnonzero(count_codes(pairs, COARSE * COARSE, None, threads))
    number = np.zeros(COARSE * COARSE, np.int32)
    number[occurring] = np.arange(0, 2 * len(occurring), 2)
    cells = np.empty(frame.rows, np.int32)

    def label(part: slice) -> None:
        number.take(pairs[part], out=cells[part], mode="clip")
        cells[part] += frame.labels[part]

    each_block(frame.rows, label, threads)
    where = np.column_stack([occurring // across, occurring % across])
    joint: dict[Key, Array] = {}
    for level in frame.partition.levels(2 * len(occurring), _BUDGET):
        if level.size * 2 * len(occurring) > _DENSE:
            joint.update(_sparse_joint(level, cells, where))
            continue
        table = count_pairs(level.codes, cells, (level.size, 2 * len(occurring)), None, threads)
        for view in level.views:
            joint.update({(view.slice, g): _cells(one, where) for g, one in enumerate(view.fold(table))})
    return joint


def _cells(counts: Array, where: Array) -> Array:
    pairs = counts.reshape(-1, 2)
    kept = np.flatnonzero(pairs.any(axis=1))
    return np.column_stack([where[kept], pairs[kept, 1], pairs[kept, 0]])


def _sparse_joint(level: Level, cells: Array, where: Array) -> dict[Key, Array]:
    if level.codes is None:
        raise AssertionError(level)  # a single code always fits
    width = 2 * len(where)
    keys, counts = np.unique(level.codes * np.int64(width) + cells, return_counts=True)
    edges = np.searchsorted(keys, np.arange(level.size + 1) * np.int64(width))
    joint: dict[Key, Array] = {}
    for view in level.views:
        for group in range(view.groups):
            table = np.zeros(width, np.int64)
            for code in np.flatnonzero(view.members(level.size) == group):
                part = slice(edges[code], edges[code + 1])
                table[keys[part] - code * width] += counts[part]
            joint[view.slice, group] = _cells(table, where)
    return joint
