"""Sums of numbers by code that do not depend on the order of rows.

A number in [-1, 1] is split into a multiple of 2**-32 and one of 2**-64, by adding and subtracting a large constant.
Sums of few such multiples are exact in float64, and those of many in int64, so that they add up in any order and over
any blocks. What is lost of each number is at most 2**-65.
"""

import math
from collections.abc import Iterable

import numpy as np

from mlci.engine.sql import Array

_BITS = 32
_HIGH, _LOW = 1.5 * 2.0 ** (52 - _BITS), 1.5 * 2.0 ** (52 - 2 * _BITS)
_TO_HIGH, _TO_LOW = 2.0**_BITS, 2.0 ** (2 * _BITS)
MOST_ROWS = 1 << 31
"""Rows whose sums fit 64 bits."""
MAGNITUDES = 3
_STEP = 16
_FACTORS = np.array([2.0 ** (_STEP * number) for number in range(MAGNITUDES)])


class ExactSums:
    """Sums of several columns of numbers in [-1, 1] by code."""

    def __init__(self, columns: int, codes: int) -> None:
        """Begin with sums of 0."""
        self.high, self.low = np.zeros((columns, codes), np.int64), np.zeros((columns, codes), np.int64)

    def add(self, codes: Array, columns: Iterable[Array]) -> None:
        """Add at most 2**20 rows: their codes, and each column's numbers."""
        size = self.high.shape[1]
        for column, values in enumerate(columns):
            high = values + _HIGH
            high -= _HIGH
            low = values - high
            low += _LOW
            low -= _LOW
            self.high[column] += (np.bincount(codes, weights=high, minlength=size) * _TO_HIGH).astype(np.int64)
            self.low[column] += (np.bincount(codes, weights=low, minlength=size) * _TO_LOW).astype(np.int64)

    @property
    def tables(self) -> tuple[Array, Array]:
        """Both parts, which add up over blocks."""
        return self.high, self.low


def magnitudes(values: Array) -> tuple[Array, Array]:
    """Return a class of each number by its magnitude, and the factor that brings its class near 1.

    Squares and cubes of small numbers keep their digits if they are scaled first, each row by its own class.
    """
    size = np.abs(values)
    number = (size < 1 / _FACTORS[1]).view(np.uint8) + (size < 1 / _FACTORS[2]).view(np.uint8)
    return number, _FACTORS.take(number)


def total(high: Array, low: Array) -> float:
    """Return the nearest float64 of a sum, given its parts in several codes."""
    return math.ldexp((int(high.sum()) << _BITS) + int(low.sum()), -2 * _BITS)


def total_scaled(high: Array, low: Array, degree: int) -> float:
    """Return the nearest float64 of a sum of products of ``degree`` numbers, given its parts by :func:`magnitudes`."""
    whole = 0
    for number, (one, other) in enumerate(zip(high.tolist(), low.tolist(), strict=True)):
        whole += ((one << _BITS) + other) << (_STEP * degree * (MAGNITUDES - 1 - number))
    return math.ldexp(whole, -2 * _BITS - _STEP * degree * (MAGNITUDES - 1))
