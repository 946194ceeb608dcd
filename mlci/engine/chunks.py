"""Chunks of rows that fit a processor's cache, on a bounded number of threads, and counting by code.

Blocks have a fixed size for any number of threads, and results are in the order of rows, so that no result depends on
scheduling.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np

from mlci.engine.sql import Array

T = TypeVar("T")
BLOCK = 1 << 16
"""Rows in a block."""


def each_block(rows: int, work: Callable[[slice], T], threads: int | None, *, block: int = BLOCK) -> list[T]:
    """Apply ``work`` to consecutive slices of ``rows`` rows and return its results in order."""
    parts = [slice(start, min(start + block, rows)) for start in range(0, rows, block)]
    return for_each(parts, work, threads)


def quarters(rows: int) -> list[slice]:
    """Split rows into at most four parts, for work whose results are large and add up in any order.

    Few rows are one part, because starting threads takes longer than the work.
    """
    parts = 4 if rows > BLOCK else 1
    edges = [rows * i // parts for i in range(parts + 1)]
    return [slice(low, high) for low, high in pairwise(edges) if high > low]


def for_each(parts: list[slice], work: Callable[[slice], T], threads: int | None) -> list[T]:
    """Apply ``work`` to each part, on threads if there is more than one part."""
    wanted = min(threads or os.cpu_count() or 1, len(parts))
    if wanted <= 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(wanted) as pool:
        return list(pool.map(work, parts))


def count_codes(codes: Array, size: int, weights: Array | None, threads: int | None = 1) -> Array:
    """Count rows (or sum their whole-number weights) by code, all of them below ``size``."""
    if weights is None:
        counts = for_each(quarters(len(codes)), lambda part: np.bincount(codes[part], minlength=size), threads)
        return sum(counts[1:], counts[0])
    return np.rint(np.bincount(codes, weights=weights, minlength=size)).astype(np.int64)


def count_pairs(
    codes: Array | None, cells: Array, shape: tuple[int, int], weights: Array | None, threads: int | None
) -> Array:
    """Count rows (or sum their whole-number weights) by (code, cell); ``None`` for one code only."""
    size, width = shape

    def keys(part: slice) -> Array:
        if codes is None:
            return cells[part]
        mixed: Array = codes[part] * np.int64(width)
        mixed += cells[part]
        return mixed

    if weights is not None:
        return count_codes(keys(slice(None)), size * width, weights).reshape(shape)
    counts = for_each(quarters(len(cells)), lambda part: np.bincount(keys(part), minlength=size * width), threads)
    return np.asarray(sum(counts[1:], counts[0])).reshape(shape)
