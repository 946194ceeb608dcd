"""Ranks of scores in every scope: exact for few rows, 4,096 bins of about equal mass for many.

A bin hides the order of its rows, so the AUC from bins is off by at most half the sum over bins of the product of the
two classes' mass in a bin. That bound is computed for every scope, and a scope where it exceeds 5e-4 is ranked
exactly from its own rows.
"""

from dataclasses import dataclass

import numpy as np

from mlci.engine.blocks import each, each_block, quarters
from mlci.engine.frame import Frame, Model
from mlci.engine.levels import Key, Level
from mlci.engine.sql import Array
from mlci.engine.tally import count, tally
from mlci.metrics.statistics import ModelBins, Scores

FINE = 4096
COARSE = 256
BOUND = 5e-4
_MICRO = 1 << 17
_DENSE = 1 << 25
_JOINT = 1 << 19


def ranks(frame: Frame, *, exact_rows: int, threads: int | None) -> tuple[dict[Key, Scores], tuple[str, ...]]:
    """Rank both models' scores in every scope; keys are (slice, group), ``(None, 0)`` for the whole.

    Returns:
        The scores, and notes for the report.
    """
    scopes: list[Key] = [(None, 0)] + [
        (i, g) for i, names in enumerate(frame.partition.groups) for g in range(len(names))
    ]
    if frame.rows <= exact_rows:
        return _exactly(frame, scopes), ()
    found, bound = _binned(frame, threads)
    loose = [key for key in scopes if bound[key] > BOUND]
    found.update(_exactly(frame, loose))
    worst = max((value for key, value in bound.items() if key not in loose), default=0.0)
    said = f"scores ranked in {FINE:,} bins; the AUC is off by at most {worst:.1e}"
    return found, (said,) if worst else ()


# exact


def _exactly(frame: Frame, keys: list[Key]) -> dict[Key, Scores]:
    found: dict[Key, Scores] = {}
    wanted: dict[int | None, list[int]] = {}
    for index, group in keys:
        wanted.setdefault(index, []).append(group)
    for index, groups in wanted.items():
        if index is None:
            found[None, 0] = _exact(frame, None)
            continue
        codes = frame.partition.codes(index)
        rows = np.flatnonzero(np.isin(codes, groups)) if len(groups) < len(frame.partition.groups[index]) else None
        mine = codes if rows is None else codes[rows]
        order = np.argsort(mine, kind="stable")
        edges = np.searchsorted(mine[order], np.array(groups, mine.dtype), side="left")
        ends = np.searchsorted(mine[order], np.array(groups, mine.dtype), side="right")
        for group, low, high in zip(groups, edges, ends, strict=True):
            part = order[low:high]
            found[index, group] = _exact(frame, part if rows is None else rows[part])
    return found


def _exact(frame: Frame, rows: Array | None) -> Scores:
    labels = frame.labels if rows is None else frame.labels[rows]
    candidate = _score(frame.candidate) if rows is None else _score(frame.candidate)[rows]
    bins, codes = _distinct(candidate, labels)
    if frame.baseline is None:
        return Scores(bins, None, None, 0, exact=True)
    baseline = _score(frame.baseline) if rows is None else _score(frame.baseline)[rows]
    other, other_codes = _distinct(baseline, labels)
    cells, inverse = np.unique(other_codes * np.int64(len(bins.coarse)) + codes, return_inverse=True)
    counts = _by_label(inverse, labels, len(cells))
    joint = np.column_stack([cells // len(bins.coarse), cells % len(bins.coarse), counts[:, 1], counts[:, 0]])
    return Scores(bins, other, joint, int(np.count_nonzero(candidate != baseline)), exact=True)


def _score(model: Model) -> Array:
    if model.score is None:
        raise AssertionError(model)  # a job that ranks has scores
    return model.score


def _distinct(scores: Array, labels: Array) -> tuple[ModelBins, Array]:
    distinct, codes = np.unique(scores, return_inverse=True)
    counts = _by_label(codes, labels, len(distinct))
    return ModelBins(counts[:, 1].copy(), counts[:, 0].copy(), np.arange(len(distinct))), codes


def _by_label(codes: Array, labels: Array, size: int) -> Array:
    return np.bincount(codes * 2 + labels, minlength=size * 2).reshape(size, 2)


# binned


@dataclass(frozen=True)
class _Binning:
    """One model's bins: each row's fine bin, the coarse bin of each fine one, and which bins hold unequal scores."""

    score: Array
    fine: Array
    coarse: Array

    @property
    def size(self) -> int:
        return len(self.coarse)

    def mixed(self) -> Array:
        """Tell for each bin whether it holds more than one distinct score."""
        one = np.zeros(self.size)
        one[self.fine] = self.score
        mixed = np.zeros(self.size, bool)
        mixed[self.fine[one.take(self.fine) != self.score]] = True
        return mixed


def _bin(score: Array, threads: int | None) -> _Binning:
    """Cut the range of scores into 131,072 strips, and merge strips into bins of about equal mass."""
    low, high = float(score.min()), float(score.max())
    scale = (_MICRO - 1) / (high - low) if high > low else 0.0
    strip = np.empty(len(score), np.int32)

    def cut(part: slice) -> None:
        strip[part] = (score[part] - low) * scale

    each_block(len(score), cut, threads)
    mass = sum(
        each(quarters(len(score)), lambda part: np.bincount(strip[part], minlength=_MICRO), threads),
        np.zeros(_MICRO, np.int64),
    )
    lut = _merge(mass, FINE)
    size = int(lut[-1]) + 1
    fine = np.empty(len(score), np.uint16)

    def merge(part: slice) -> None:
        lut.take(strip[part], out=fine[part], mode="clip")

    each_block(len(score), merge, threads)
    coarse = _merge(np.bincount(lut, weights=mass, minlength=size).astype(np.int64), COARSE)
    return _Binning(score, fine, coarse)


def _merge(mass: Array, most: int) -> Array:
    """Map ordered strips to at most ``most`` ordered bins; each occupied strip gets its own where they suffice."""
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


def _binned(frame: Frame, threads: int | None) -> tuple[dict[Key, Scores], dict[Key, float]]:
    binnings = [_bin(_score(model), threads) for model in frame.models]
    fine = [_fine(frame, binning, threads) for binning in binnings]
    bound = {key: max(_bound(histogram[key], None) for histogram in fine) for key in fine[0]}
    if any(value > BOUND for value in bound.values()):
        mixed = [binning.mixed() for binning in binnings]
        bound = {k: max(_bound(one[k], flag) for one, flag in zip(fine, mixed, strict=True)) for k in bound}
    bins = [{key: _model_bins(h[key], b) for key in h} for h, b in zip(fine, binnings, strict=True)]
    if len(binnings) == 1:
        return {key: Scores(bins[0][key], None, None, 0, exact=False) for key in bins[0]}, bound
    joint = _joint(frame, binnings[1], binnings[0], threads)
    differing = _differing(frame, threads)
    return {k: Scores(bins[0][k], bins[1][k], joint[k], differing[k], exact=False) for k in bins[0]}, bound


def _bound(histogram: Array, mixed: Array | None) -> float:
    negatives, positives = histogram.sum(axis=1)
    products = histogram[0].astype(np.float64) * histogram[1]
    if mixed is not None:
        products = products[mixed]
    return 0.5 * float(products.sum()) / (negatives * positives) if negatives and positives else 0.0


def _model_bins(histogram: Array, binning: _Binning) -> ModelBins:
    kept = np.flatnonzero(histogram.any(axis=0))
    return ModelBins(histogram[1, kept], histogram[0, kept], binning.coarse[kept].astype(np.int64))


def _fine(frame: Frame, binning: _Binning, threads: int | None) -> dict[Key, Array]:
    width = 2 * binning.size
    cells = binning.fine + frame.labels * np.uint16(binning.size)  # at most 2 × 4,096
    found: dict[Key, Array] = {}
    for level in frame.partition.levels(width):
        table = tally(level.codes, cells, (level.size, width), None, threads).reshape(level.size, 2, binning.size)
        for view in level.views:
            found.update({(view.slice, group): one for group, one in enumerate(view.fold(table))})
    return found


def _joint(frame: Frame, baseline: _Binning, candidate: _Binning, threads: int | None) -> dict[Key, Array]:
    """Count rows by (baseline's coarse bin, candidate's coarse bin, label) in every scope.

    Most pairs of bins never occur, so pairs are numbered first: a table of those that do stays in the cache.
    """
    across = int(candidate.coarse[-1]) + 1
    mine, theirs = candidate.coarse.astype(np.uint16), baseline.coarse.astype(np.uint16) * np.uint16(across)
    pairs = np.empty(frame.rows, np.uint16)  # 256 × 256 pairs at most

    def pair(part: slice) -> None:
        mine.take(candidate.fine[part], out=pairs[part], mode="clip")  # "clip" writes to out without a buffer
        pairs[part] += theirs.take(baseline.fine[part])

    each_block(frame.rows, pair, threads)
    occurring = np.flatnonzero(count(pairs, COARSE * COARSE, None, threads))
    number = np.zeros(COARSE * COARSE, np.int32)
    number[occurring] = np.arange(0, 2 * len(occurring), 2)
    cells = np.empty(frame.rows, np.int32)

    def label(part: slice) -> None:
        number.take(pairs[part], out=cells[part], mode="clip")
        cells[part] += frame.labels[part]

    each_block(frame.rows, label, threads)
    where = np.column_stack([occurring // across, occurring % across])
    found: dict[Key, Array] = {}
    for level in frame.partition.levels(2 * len(occurring), _JOINT):
        if level.size * 2 * len(occurring) > _DENSE:
            found.update(_sparse_joint(level, cells, where))
            continue
        table = tally(level.codes, cells, (level.size, 2 * len(occurring)), None, threads)
        for view in level.views:
            found.update({(view.slice, g): _cells(one, where) for g, one in enumerate(view.fold(table))})
    return found


def _cells(counts: Array, where: Array) -> Array:
    pairs = counts.reshape(-1, 2)
    kept = np.flatnonzero(pairs.any(axis=1))
    return np.column_stack([where[kept], pairs[kept, 1], pairs[kept, 0]])


def _sparse_joint(level: Level, cells: Array, where: Array) -> dict[Key, Array]:
    if level.codes is None:
        raise AssertionError(level)  # one code is never too many
    width = 2 * len(where)
    keys, counts = np.unique(level.codes * np.int64(width) + cells, return_counts=True)
    edges = np.searchsorted(keys, np.arange(level.size + 1) * np.int64(width))
    found: dict[Key, Array] = {}
    for view in level.views:
        for group in range(view.groups):
            table = np.zeros(width, np.int64)
            for code in np.flatnonzero(view.members(level.size) == group):
                part = slice(edges[code], edges[code + 1])
                table[keys[part] - code * width] += counts[part]
            found[view.slice, group] = _cells(table, where)
    return found


def _differing(frame: Frame, threads: int | None) -> dict[Key, int]:
    baseline = frame.baseline
    if baseline is None:
        return {}
    unequal = (_score(frame.candidate) != _score(baseline)).view(np.uint8)
    found: dict[Key, int] = {}
    for level in frame.partition.levels(2):
        table = tally(level.codes, unequal, (level.size, 2), None, threads)
        for view in level.views:
            found.update({(view.slice, group): int(one[1]) for group, one in enumerate(view.fold(table))})
    return found
