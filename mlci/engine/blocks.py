"""Work on blocks of rows that fit a processor's cache, on as many threads as allowed.

Blocks have one size whatever the number of threads, and results come back in the order of rows, so that nothing
depends on who did what.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")
BLOCK = 1 << 16
"""Rows in a block."""


def each_block(rows: int, work: Callable[[slice], T], threads: int | None, *, block: int = BLOCK) -> list[T]:
    """Apply ``work`` to consecutive slices of ``rows`` rows and return its results in order."""
    parts = [slice(start, min(start + block, rows)) for start in range(0, rows, block)]
    return each(parts, work, threads)


def quarters(rows: int) -> list[slice]:
    """Cut rows into at most four parts, for work whose results are large and add up in any order."""
    edges = [rows * i // 4 for i in range(5)]
    return [slice(low, high) for low, high in pairwise(edges) if high > low]


def each(parts: list[slice], work: Callable[[slice], T], threads: int | None) -> list[T]:
    """Apply ``work`` to each part, on threads where there is more than one part."""
    wanted = min(threads or os.cpu_count() or 1, len(parts))
    if wanted <= 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(wanted) as pool:
        return list(pool.map(work, parts))
