"""Ranks of scores in every scope: exact for few rows, binned for many."""

import numpy as np

from mlci.engine.encode.grouping import Key
from mlci.engine.join.frame import Frame
from mlci.engine.reduce.binned_ranks import BOUND, FINE, binned_ranks
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
    found, bounds = binned_ranks(frame, exact_rows=exact_rows, threads=threads)
    loose = [key for key in scopes if bounds[key] > BOUND]
    found.update(exact_ranks(frame, loose))
    worst = max((bound for key, bound in bounds.items() if key not in loose), default=0.0)
    message = f"scores ranked in {FINE:,} bins; the AUC is off by at most {worst:.1e}"
    return found, (message,) if worst else ()


def exact_ranks(frame: Frame, keys: list[Key]) -> dict[Key, Scores]:
    """Rank both models' scores in the given scopes, from the rows of each."""
    found: dict[Key, Scores] = {}
    wanted: dict[int | None, list[int]] = {}
    for index, group in keys:
        wanted.setdefault(index, []).append(group)
    for index, groups in wanted.items():
        if index is None:
            found[None, 0] = _rank_exactly(frame, None)
            continue
        codes = frame.partition.codes(index)
        rows = np.flatnonzero(np.isin(codes, groups)) if len(groups) < len(frame.partition.groups[index]) else None
        mine = codes if rows is None else codes[rows]
        order = np.argsort(mine, kind="stable")
        edges = np.searchsorted(mine[order], np.array(groups, mine.dtype), side="left")
        ends = np.searchsorted(mine[order], np.array(groups, mine.dtype), side="right")
        for group, low, high in zip(groups, edges, ends, strict=True):
            part = order[low:high]
            found[index, group] = _rank_exactly(frame, part if rows is None else rows[part])
    return found


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
