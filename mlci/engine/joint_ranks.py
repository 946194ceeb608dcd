"""Both models' scores at once: rows by pair of coarse bins, which covariances of ranks are taken from."""

import numpy as np

from mlci.engine.binning import COARSE, Binning
from mlci.engine.blocks import each_block
from mlci.engine.frame import Frame
from mlci.engine.levels import Key, Level
from mlci.engine.sql import Array
from mlci.engine.tally import count, tally

_DENSE = 1 << 25
_BUDGET = 1 << 19


def joint(frame: Frame, baseline: Binning, candidate: Binning, threads: int | None) -> dict[Key, Array]:
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
    for level in frame.partition.levels(2 * len(occurring), _BUDGET):
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
