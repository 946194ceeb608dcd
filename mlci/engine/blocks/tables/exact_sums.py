"""Sums of numbers by code that do not depend on the order of rows.

A number in [-1, 1] is rounded to a multiple of 2**-37, and if necessary its rest to one of 2**-64, by adding and
subtracting a large constant. Sums of such multiples over a block are exact in float64, and those of all blocks in two
words of 64 bits, so that they add up in any order and over any blocks.
"""

import math
from collections.abc import Iterable

import numpy as np

from mlci.engine.blocks.block import MOST_ROWS as _BLOCK
from mlci.engine.sql import Array

_WORD, _COARSE_BITS, _FINE_BITS = 32, 37, 64
_COARSE, _FINE = 1.5 * 2.0 ** (52 - _COARSE_BITS), 1.5 * 2.0 ** (52 - _FINE_BITS)
_TO_COARSE, _TO_FINE = 2.0**_COARSE_BITS, 2.0**_FINE_BITS
_SPLIT = _COARSE_BITS - _WORD
MOST_ROWS = 1 << 31
"""Rows whose sums fit the words."""
MAGNITUDES = 3
_STEP = 16
_FACTORS = np.array([2.0 ** (_STEP * number) for number in range(MAGNITUDES)])
_FLOAT_BITS = 53
_FULL = 2.0 ** (_FLOAT_BITS - _COARSE_BITS - 1)
"""Sum of a code from which on another block might not be added exactly."""
_BLOCKS = 1 << 11
"""Blocks whose finer parts are added exactly."""
if _BLOCK > _FULL:
    raise AssertionError(_BLOCK)  # a block's sum has to be exact in float64


class ExactSums:
    """Sums of several columns of numbers in [-1, 1] by code: multiples of 2**-32, and of 2**-64."""

    def __init__(self, columns: int, codes: int) -> None:
        """Begin with sums of 0."""
        self.high, self.low = np.zeros((columns, codes), np.int64), np.zeros((columns, codes), np.int64)
        self._coarse, self._fine = np.zeros((columns, codes)), np.zeros((columns, codes))
        self._blocks = 0

    def add(self, codes: Array, columns: Iterable[Array], *, fine: int = 0) -> None:
        """Add the rows of a block.

        Args:
            codes: Their codes.
            columns: Each column's numbers.
            fine: Number of columns, from the first on, whose numbers are rounded to 2**-64 instead of 2**-37.
        """
        size = self.high.shape[1]
        for column, values in enumerate(columns):
            rounded = values + _COARSE
            rounded -= _COARSE
            self._coarse[column] += np.bincount(codes, weights=rounded, minlength=size)
            if column < fine:
                rest = np.subtract(values, rounded, out=rounded)
                rest += _FINE
                rest -= _FINE
                self._fine[column] += np.bincount(codes, weights=rest, minlength=size)
        self._blocks += 1
        if self._blocks >= _BLOCKS or self._coarse.max() > _FULL or self._coarse.min() < -_FULL:
            self._flush()

    def _flush(self) -> None:
        """Move the float64 sums of the last blocks into the words."""
        units = (self._coarse * _TO_COARSE).astype(np.int64)
        self.high += units >> _SPLIT
        self.low += (units & ((1 << _SPLIT) - 1)) << (_FINE_BITS - _COARSE_BITS)
        self.low += (self._fine * _TO_FINE).astype(np.int64)
        self._coarse[:], self._fine[:], self._blocks = 0.0, 0.0, 0

    @property
    def tables(self) -> tuple[Array, Array]:
        """Both words, which add up over blocks, in the form in which equal sums are equal."""
        self._flush()
        self.high += self.low >> _WORD
        self.low &= (1 << _WORD) - 1
        return self.high, self.low


def magnitudes(sizes: Array) -> tuple[Array, Array]:
    """Return a class of each number by its absolute value, and the factor that brings its class near 1.

    Squares and cubes of small numbers keep their digits if they are scaled first, each row by its own class.
    """
    number = (sizes < 1 / _FACTORS[1]).view(np.uint8) + (sizes < 1 / _FACTORS[2]).view(np.uint8)
    return number, _FACTORS.take(number)


def total(high: Array, low: Array) -> float:
    """Return the nearest float64 of a sum, given its parts in several codes."""
    return math.ldexp((int(high.sum()) << _WORD) + int(low.sum()), -2 * _WORD)


def total_scaled(high: Array, low: Array, degree: int) -> float:
    """Return the nearest float64 of a sum of products of ``degree`` numbers, given its parts by :func:`magnitudes`."""
    whole = 0
    for number, (one, other) in enumerate(zip(high.tolist(), low.tolist(), strict=True)):
        whole += ((one << _WORD) + other) << (_STEP * degree * (MAGNITUDES - 1 - number))
    return math.ldexp(whole, -2 * _WORD - _STEP * degree * (MAGNITUDES - 1))
