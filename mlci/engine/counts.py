"""Counts of (label, baseline decision, candidate decision) in every scope."""

from itertools import pairwise

import numpy as np

from mlci.engine.frame import Frame
from mlci.engine.levels import Key, Level, View
from mlci.engine.sql import Array
from mlci.engine.tally import count, tally
from mlci.metrics.statistics import Decisions

_DENSE = 1 << 22
Found = dict[Key, Decisions]


def decisions(frame: Frame, *, threads: int | None) -> Found:
    """Count cells in every scope; keys are (slice, group), ``(None, 0)`` for the whole."""
    if frame.cells is None:
        raise AssertionError(frame)  # a job that counts has decisions
    found: Found = {}
    for level in frame.partition.levels(frame.width, _DENSE):
        found.update(_reduce(frame, frame.cells, level, threads))
    return found


def differing(frame: Frame, *, threads: int | None) -> dict[Key, int]:
    """Count rows with unequal predictions in every scope; nothing without a baseline."""
    found: dict[Key, int] = {}
    if frame.differing is None:
        return found
    for level in frame.partition.levels(2):
        counted = _weighed(level, frame.differing) if frame.weights is not None else _flagged(level, frame, threads)
        for view in level.views:
            found.update({(view.slice, group): int(one) for group, one in enumerate(view.fold(counted))})
    return found


def _flagged(level: Level, frame: Frame, threads: int | None) -> Array:
    flags = np.asarray(frame.differing)
    return tally(level.codes, flags, (level.size, 2), None, threads)[:, 1]


def _weighed(level: Level, counts: Array) -> Array:
    codes = np.zeros(len(counts), np.intp) if level.codes is None else level.codes
    return count(codes, level.size, counts)


def _reduce(frame: Frame, cells: Array, level: Level, threads: int | None) -> Found:
    found: Found = {}
    if level.size * frame.width > _DENSE:
        for view in level.views:
            found.update(_sparse(frame, cells, level, view))
        return found
    table = frame.partition.table if level.packed else None
    if table is None:
        table = tally(level.codes, cells, (level.size, frame.width), frame.weights, threads)
    for view in level.views:
        for group, row in enumerate(view.fold(table)):
            occurring = np.flatnonzero(row)
            found[view.slice, group] = _unpack(frame, occurring, row[occurring])
    return found


def _sparse(frame: Frame, cells: Array, level: Level, view: View) -> Found:
    """Count cells by sorting, where a table of all that may occur would be too large."""
    codes, groups = np.zeros(1, np.int64), 1
    if view.slice is not None and level.codes is not None:
        codes, groups = level.codes, level.size
    occurring, inverse = np.unique(codes * np.int64(frame.width) + cells, return_inverse=True)
    table = count(inverse, len(occurring), frame.weights)
    edges = np.searchsorted(occurring, np.arange(groups + 1) * np.int64(frame.width))
    return {
        (view.slice, group): _unpack(frame, occurring[low:high] - group * frame.width, table[low:high])
        for group, (low, high) in enumerate(pairwise(edges))
    }


def _unpack(frame: Frame, cells: Array, counted: Array) -> Decisions:
    classes = len(frame.classes)
    cells = cells.astype(np.int64)
    candidate, rest = cells % classes, cells // classes
    if frame.baseline is None:
        return Decisions(frame.classes, rest, None, candidate, counted)
    return Decisions(frame.classes, rest // classes, rest % classes, candidate, counted)
