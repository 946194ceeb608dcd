"""One model's scores in at most 4,096 ordered bins of about equal mass.

Strips of equal width, merged, are quick and resolve most scores. Scores that crowd (half of them below 1e-6, or a third
of them exactly 0 beside others that are near it) need edges at the scores' own quantiles.
"""

from dataclasses import dataclass

import numpy as np

from mlci.engine.blocks import each_block
from mlci.engine.sql import Array
from mlci.engine.tally import count

FINE = 4096
COARSE = 256
_STRIPS = 1 << 17


@dataclass(frozen=True)
class Binning:
    """One model's bins: each row's score and fine bin, and the coarse bin of each fine one."""

    score: Array
    fine: Array
    coarse: Array

    @property
    def size(self) -> int:
        """Fine bins."""
        return len(self.coarse)

    def mixed(self) -> Array:
        """Tell for each bin whether it holds more than one distinct score."""
        one = np.zeros(self.size)
        one[self.fine] = self.score
        mixed = np.zeros(self.size, bool)
        mixed[self.fine[one.take(self.fine) != self.score]] = True
        return mixed


def by_width(score: Array, threads: int | None) -> Binning:
    """Cut the range of scores into 131,072 strips, and merge strips into bins of about equal mass."""
    low, high = float(score.min()), float(score.max())
    scale = (_STRIPS - 1) / (high - low) if high > low else 0.0
    strip = np.empty(len(score), np.int32)

    def cut(part: slice) -> None:
        strip[part] = (score[part] - low) * scale

    each_block(len(score), cut, threads)
    mass = count(strip, _STRIPS, None, threads)
    lut = _merge(mass, FINE)
    fine = np.empty(len(score), np.uint16)

    def merge(part: slice) -> None:
        lut.take(strip[part], out=fine[part], mode="clip")

    each_block(len(score), merge, threads)
    return Binning(score, fine, _coarse(np.bincount(lut, weights=mass).astype(np.int64)))


def by_quantile(score: Array, threads: int | None) -> Binning:
    """Cut at 4,096 quantiles; a score that is more than one of them has a bin of its own.

    All rows are sorted, not a sample: the same bins come out whatever the order of rows.
    """
    picked = np.sort(score)[np.arange(FINE) * len(score) // FINE]
    frequent = picked[1:][picked[1:] == picked[:-1]]
    edges = np.unique(np.concatenate([picked, np.nextafter(frequent, np.inf)]))  # never more than were picked
    fine = np.empty(len(score), np.uint16)

    def find(part: slice) -> None:
        fine[part] = np.searchsorted(edges, score[part], side="right") - 1

    each_block(len(score), find, threads)
    return Binning(score, fine, _coarse(count(fine, len(edges), None, threads)))


def _coarse(mass: Array) -> Array:
    return _merge(mass, COARSE)


def _merge(mass: Array, most: int) -> Array:
    """Map ordered strips to at most ``most`` ordered bins; each occupied strip gets its own where they suffice."""
    occupied = mass > 0
    if int(occupied.sum()) <= most:
        own: Array = np.maximum(np.cumsum(occupied) - 1, 0).astype(np.uint16)
        return own
    before = np.cumsum(mass) - mass
    bins = before * most // int(mass.sum())
    steps = np.zeros(len(mass), bool)
    at = np.flatnonzero(occupied)
    steps[at[1:]] = bins[at[1:]] != bins[at[:-1]]
    return np.cumsum(steps).astype(np.uint16)
