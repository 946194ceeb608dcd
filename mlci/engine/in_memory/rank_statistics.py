"""Ranks of scores in every scope of rows in memory: exact for few rows, in the bins of blocks for many."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from mlci.engine.blocks.block import Block
from mlci.engine.blocks.finish import auc_bounds, finish
from mlci.engine.blocks.loose_scopes import BOUND
from mlci.engine.blocks.plan import MOST_GROUPS, RankBins, SumPlan, count_combinations, rank_bins
from mlci.engine.blocks.score_range import FINE, Ranges, ScoreSurvey, crowded, resolve
from mlci.engine.blocks.sums import PartialSums
from mlci.engine.chunks import for_each, quarters
from mlci.engine.encode.grouping import Key
from mlci.engine.join import Frame
from mlci.engine.sql import Array
from mlci.metrics.statistics import ModelBins, Scores


def rank_scores(frame: Frame, *, exact_rows: int, threads: int | None) -> tuple[dict[Key, Scores], tuple[str, ...]]:
    """Rank both models' scores in every scope.

    Args:
        frame: The rows.
        exact_rows: Most rows that are always ranked exactly; a larger scope is ranked exactly only if bins do not keep
            its AUC within 5e-4.
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
    ranked, bounds = binned_ranks(_without_slices(frame, kept), threads=threads)
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


def binned_ranks(frame: Frame, *, threads: int | None) -> tuple[dict[Key, Scores], dict[Key, float]]:
    """Rank both models' scores in every scope, in bins; also return the bound of each scope's error."""
    plan = _plan(frame, threads)
    if plan is None:
        return {}, {}
    sums = _add_up(frame, plan, threads)
    scopes: list[Key] = [
        (None, 0),
        *((i, g) for i, names in enumerate(frame.partition.groups) for g in range(len(names))),
    ]
    ranked = {key: one.scores for key, one in zip(scopes, finish(plan, sums), strict=True) if one.scores is not None}
    return ranked, dict(zip(scopes, auc_bounds(plan, sums).values(), strict=True))


def _plan(frame: Frame, threads: int | None) -> SumPlan | None:
    """Return the plan of ranks in bins; ``None`` if a slice has too many combinations for tables."""
    bases = tuple(one.names for one in frame.partition.bases.each)
    slices = tuple((str(number), one.members) for number, one in enumerate(frame.partition.crossings))
    if any(count_combinations(bases, [one]) > MOST_GROUPS for one in slices):
        return None
    groups = count_combinations(bases, slices)
    return SumPlan(
        task="binary",
        classes=frame.classes,
        models=len(frame.models),
        bases=bases,
        slices=slices,
        decisions=False,
        scored=(True,) * len(frame.models),
        ranks=tuple(_bins(model.scores, groups, threads) for model in frame.models),
        max_groups=max((len(names) for names in frame.partition.groups), default=0),
    )


def _bins(scores: Array, groups: int, threads: int | None) -> RankBins:
    cells = _survey(scores, None, threads).cells()
    while (ranges := crowded(cells)) is not None:
        cells = resolve(cells, _survey(scores, ranges, threads).cells())
    return rank_bins(cells, groups)


def _survey(scores: Array, ranges: Ranges | None, threads: int | None) -> ScoreSurvey:
    def survey(part: slice) -> ScoreSurvey:
        own = ScoreSurvey(ranges)
        own.add(scores[part])
        return own

    return _merge(for_each(quarters(len(scores)), survey, threads), ScoreSurvey.merge)


def _add_up(frame: Frame, plan: SumPlan, threads: int | None) -> PartialSums:
    def add(part: slice) -> PartialSums:
        sums = PartialSums(plan)
        slices = tuple(one.codes[part] for one in frame.partition.bases.each)
        scores = tuple(model.scores[part] for model in frame.models)
        sums.add(Block(slices=slices, labels=frame.labels[part], scores=scores))
        return sums

    return _merge(for_each(quarters(frame.rows), add, threads), PartialSums.merge)


def _merge(parts: list[T], merge: Callable[[T, T], None]) -> T:
    first, *others = parts
    for other in others:
        merge(first, other)
    return first


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
