"""Counting rows by code, the whole of what most statistics need."""

import numpy as np

from mlci.engine.blocks import each, quarters
from mlci.engine.sql import Array


def count(codes: Array, size: int, weights: Array | None, threads: int | None = 1) -> Array:
    """Count rows (or sum their whole-number weights) by code, all of them below ``size``."""
    if weights is None:
        found = each(quarters(len(codes)), lambda part: np.bincount(codes[part], minlength=size), threads)
        return sum(found[1:], found[0])
    return np.rint(np.bincount(codes, weights=weights, minlength=size)).astype(np.int64)


def tally(
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
        return count(keys(slice(None)), size * width, weights).reshape(shape)
    found = each(quarters(len(cells)), lambda part: np.bincount(keys(part), minlength=size * width), threads)
    return np.asarray(sum(found[1:], found[0])).reshape(shape)
