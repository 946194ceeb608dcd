"""Largest pairwise difference between groups, without enumerating all pairs in every replicate.

The number of pairs is quadratic in the number of groups; a thousand replicates of each pair would take hours and
gigabytes for a few thousand groups.
"""

import math
from collections.abc import Iterator

import numpy as np

from mlci.metrics.statistics import Floats

_ROUNDS = 2
_DIRECTIONS = tuple((math.cos(angle), math.sin(angle)) for angle in np.linspace(0, math.pi / 2, 7).tolist())


def largest_distances(moved: Floats, error: Floats) -> Floats:
    """Return each replicate's largest ``|x_i - x_j| / sqrt(e_i² + e_j²)`` over all pairs of groups.

    For every angle t, ``sqrt(e_i² + e_j²)`` is at least ``e_i cos t + e_j sin t``, so a pair above some value lies
    above it along every direction, for which one pass over the groups finds those that could be in such a pair. A value
    that some pair reaches leaves few groups, and only those are paired.

    Args:
        moved: Deviations x, shape (replicates, groups).
        error: Their standard errors e, of the same shape.
    """
    some = max(1, MOST // moved.shape[1])  # replicates at a time, so that temporary arrays stay in the cache
    parts = (slice(start, start + some) for start in range(0, len(moved), some))
    return np.concatenate([_largest_of(moved[part], error[part]) for part in parts])


def _largest_of(moved: Floats, error: Floats) -> Floats:
    found = _promising_value(moved, error)
    above, below = np.ones(moved.shape, bool), np.ones(moved.shape, bool)
    for cosine, sine in _DIRECTIONS:
        top, bottom = _edges(moved, error, found, cosine, sine)
        above &= top > bottom.min(axis=1, keepdims=True)
        below &= bottom < top.max(axis=1, keepdims=True)
    for i in np.flatnonzero(above.any(axis=1) & below.any(axis=1)):
        found[i] = max(found[i], _all_pairs(moved[i], error[i], above[i], below[i]))
    return found


def _promising_value(moved: Floats, error: Floats) -> Floats:
    """Return the value of the most promising pair along each direction, which is close to the largest of all."""
    found, rows = np.zeros(len(moved)), np.arange(len(moved))
    for cosine, sine in _DIRECTIONS * _ROUNDS:
        top, bottom = _edges(moved, error, found, cosine, sine)
        i, j = top.argmax(axis=1), bottom.argmin(axis=1)
        distance = moved[rows, i] - moved[rows, j]
        found = np.maximum(found, distance / np.hypot(error[rows, i], error[rows, j]))
    return found


def _edges(moved: Floats, error: Floats, found: Floats, cosine: float, sine: float) -> tuple[Floats, Floats]:
    """Return each group's lower and upper edge at ``found`` standard errors along a direction."""
    reach = found[:, None] * error
    return moved - cosine * reach, moved + sine * reach


def _all_pairs(moved: Floats, error: Floats, above: np.ndarray, below: np.ndarray) -> float:
    """Return the largest deviation over the pairs of some groups with some others."""
    largest = 0.0
    for i in np.flatnonzero(above):
        distance = moved[i] - moved[below]
        largest = max(largest, float((distance / np.hypot(error[i], error[below])).max()))
    return largest


def envelope(start: Floats, slope: Floats) -> list[int]:
    """Return which of the lines ``start - slope × limit`` is the highest at some limit from 0 up, in their order.

    Whatever the limit, the highest of all lines is the highest of these few.
    """
    kept = [_flattest(slope, start == start.max())]
    while (flatter := np.flatnonzero(slope < slope[kept[-1]])).size:
        highest = kept[-1]
        overtakes = (start[highest] - start[flatter]) / (slope[highest] - slope[flatter])
        kept.append(int(flatter[_flattest(slope[flatter], overtakes == overtakes.min())]))
    return kept


def _flattest(slope: Floats, among: np.ndarray) -> int:
    chosen = np.flatnonzero(among)
    return int(chosen[slope[chosen].argmin()])


MOST = 1 << 18
"""Pairs in one block: arrays of two megabytes, which stay in a processor's cache."""

Block = tuple[np.ndarray, np.ndarray]
"""Indices of both groups of each pair."""


def unordered(groups: int, reference: int | None) -> Iterator[Block]:
    """Yield every pair of groups once, or every group with the reference."""
    if reference is not None:
        others = np.flatnonzero(np.arange(groups) != reference)
        yield others, np.full(len(others), reference)
        return
    row = 0
    while row < groups - 1:
        rows = np.arange(row, min(groups - 1, row + max(1, MOST // (groups - row - 1))))
        counts = groups - 1 - rows
        begins = np.cumsum(counts) - counts
        yield np.repeat(rows, counts), np.arange(counts.sum()) - np.repeat(begins - rows - 1, counts)
        row = int(rows[-1]) + 1
