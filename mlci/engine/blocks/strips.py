"""Strips of the real line: narrow near 0 and 1, where scores crowd, and fixed, so that counts in them add up.

A strip is the upper bits of the distance from the nearer of 0 and 1, plus :data:`_LEAST`: 8,192 strips for each power
of two of it. Two scores in one strip below 0.5 differ by less than 1/8,192 of the larger one plus that constant.
"""

import numpy as np

from mlci.engine.sql import Array

_LEAST = 2.0**-30
"""Distances far below it share a strip."""
_LARGEST = 2.0**34
_BITS = 13
_SHIFT = 52 - _BITS
_BASE = int(np.float64(_LEAST).view(np.int64)) >> _SHIFT
_HALF = (int(np.float64(0.5 + _LEAST).view(np.int64)) >> _SHIFT) - _BASE
_MIRROR = 2 * _HALF + 1
_OUTSIDE = (int(np.float64(_LARGEST + _LEAST).view(np.int64)) >> _SHIFT) - _BASE + 1
STRIPS = 2 * _OUTSIDE + _MIRROR + 1
"""Number of strips, from the lowest scores to the highest."""


def strips_of(scores: Array, low: float, high: float) -> Array:
    """Return the strip of each score, a non-decreasing function of it.

    Args:
        scores: Finite scores.
        low: The lowest of them, or a number below it.
        high: The highest of them, or a number above it.
    """
    distance = np.subtract(1.0, scores)
    np.minimum(distance, scores, out=distance)
    if low >= 0 and high <= 1:
        distance += _LEAST
        strip = distance.view(np.int64)
        strip >>= _SHIFT
        strip -= _BASE
    else:
        beyond = distance < 0
        np.abs(distance, out=distance)
        np.minimum(distance, _LARGEST, out=distance)
        distance += _LEAST
        strip = distance.view(np.int64)
        strip >>= _SHIFT
        strip -= _BASE
        strip ^= -beyond.astype(np.int64)  # -1 - strip for distances on the other side of 0 or 1
    if high >= 0.5:
        upper = scores >= 0.5
        strip ^= -upper.astype(np.int64)
        strip += upper.astype(np.int64) * (_MIRROR + 1)  # from -1 - strip to the mirrored one
    strip += _OUTSIDE
    return strip


def first_scores(strips: Array) -> Array:
    """Return the order (see :func:`order_of`) of the lowest float64 of each strip."""
    low = np.full(len(strips), order_of(np.array([-np.finfo(np.float64).max]))[0])
    high = np.full(len(strips), order_of(np.array([np.finfo(np.float64).max]))[0])
    while (low < high).any():
        middle = (low & high) + ((low ^ high) >> 1)
        reached = strips_of(scores_at(middle), -np.inf, np.inf) >= strips
        high = np.where(reached, middle, high)
        low = np.where(reached, low, np.minimum(middle + 1, high))
    return low


def order_of(scores: Array) -> Array:
    """Return int64 numbers in the order of the scores, one for each float64; -0.0 counts as 0."""
    bits = (scores + 0.0).view(np.int64)
    order: Array = bits ^ ((bits >> 63) & np.int64(0x7FFF_FFFF_FFFF_FFFF))
    return order


def scores_at(order: Array) -> Array:
    """Return the scores of the numbers of :func:`order_of`."""
    bits = order ^ ((order >> 63) & np.int64(0x7FFF_FFFF_FFFF_FFFF))
    scores: Array = bits.view(np.float64)
    return scores
