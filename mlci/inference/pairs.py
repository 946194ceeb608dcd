"""Pairs of groups, some at a time: there are as many as the groups' number squared, too many to hold at once."""

from collections.abc import Iterator

import numpy as np

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
