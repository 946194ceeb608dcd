"""Counts of (label, baseline decision, candidate decision) in every scope."""

from itertools import pairwise

import numpy as np

from mlci.engine.load import Frame
from mlci.engine.partition import View, count
from mlci.engine.sql import Array
from mlci.metrics.statistics import Decisions

_DENSE = 1 << 22
Found = dict[tuple[int | None, int], Decisions]


def decisions(frame: Frame) -> Found:
    """Count cells in every scope; keys are (slice, group), ``(None, 0)`` for the whole."""
    cells = _cells(frame)
    found: Found = {}
    size = _size(frame)
    for level in frame.partition.levels(size):
        found.update(_reduce(frame, cells, size, level.codes, level.size, level.views))
    return found


def _size(frame: Frame) -> int:
    return int(len(frame.classes) ** (1 + len(frame.models)))


def _cells(frame: Frame) -> Array:
    """Return each element's mixed code of label, baseline's and candidate's decision."""
    classes = len(frame.classes)
    codes: Array = frame.labels.astype(np.uint16 if _size(frame) <= 1 << 16 else np.int64)
    for model in reversed(frame.models):  # the baseline stands before the candidate
        if model.decision is None:
            raise AssertionError(model)  # a job that counts has decisions
        codes = codes * codes.dtype.type(classes) + model.decision.astype(codes.dtype, copy=False)
    return codes


def _reduce(frame: Frame, cells: Array, size: int, codes: Array | None, groups: int, views: tuple[View, ...]) -> Found:
    found: Found = {}
    if groups * size > _DENSE:
        for view in views:
            whole = view.slice is None
            found.update(_sparse(frame, cells, size, None if whole else codes, view.slice, 1 if whole else groups))
        return found
    keys = cells if codes is None else codes * np.int64(size) + cells
    table = count(keys, groups * size, frame.weights).reshape(groups, size)
    for view in views:
        for group, row in enumerate(view.fold(table)):
            occurring = np.flatnonzero(row)
            found[view.slice, group] = _unpack(frame, occurring, row[occurring])
    return found


def _sparse(frame: Frame, cells: Array, size: int, codes: Array | None, index: int | None, groups: int) -> Found:
    keys = cells.astype(np.int64) if codes is None else codes * np.int64(size) + cells
    occurring, inverse = np.unique(keys, return_inverse=True)
    table = count(inverse, len(occurring), frame.weights)
    edges = np.searchsorted(occurring, np.arange(groups + 1) * np.int64(size))
    return {
        (index, group): _unpack(frame, occurring[low:high] - group * size, table[low:high])
        for group, (low, high) in enumerate(pairwise(edges))
    }


def _unpack(frame: Frame, cells: Array, counted: Array) -> Decisions:
    classes = len(frame.classes)
    cells = cells.astype(np.int64)
    candidate, rest = cells % classes, cells // classes
    if frame.baseline is None:
        return Decisions(frame.classes, rest, None, candidate, counted)
    return Decisions(frame.classes, rest // classes, rest % classes, candidate, counted)
