"""Ranks of many scores in bins, with a bound on what that hides.

A bin hides the order of its rows, so the AUC from bins is off by at most half the sum over bins of the product of the
two classes' mass in a bin. A bin of equal scores hides nothing.
"""

from dataclasses import dataclass, replace

import numpy as np

from mlci.engine.binning import Binning, by_quantile, by_width
from mlci.engine.frame import Frame
from mlci.engine.joint_ranks import joint
from mlci.engine.levels import Key
from mlci.engine.sql import Array
from mlci.engine.tally import tally
from mlci.metrics.statistics import ModelBins, Scores

BOUND = 5e-4
"""Most that an AUC from bins may be off."""


@dataclass(frozen=True)
class _Counted:
    """One model's bins, their rows by (label, bin) in every scope, and how far off each scope's AUC may be."""

    binning: Binning
    histograms: dict[Key, Array]
    bounds: dict[Key, float]

    def loose(self) -> list[Key]:
        return [key for key, bound in self.bounds.items() if bound > BOUND]

    def tightened(self) -> "_Counted":
        """Leave bins of equal scores out of the bounds, at the price of a look at every row."""
        mixed = self.binning.mixed()
        return replace(self, bounds={key: _bound(one[:, mixed], one) for key, one in self.histograms.items()})


def binned(frame: Frame, *, exact_rows: int, threads: int | None) -> tuple[dict[Key, Scores], dict[Key, float]]:
    """Rank both models' scores in every scope, in bins.

    Args:
        frame: The rows.
        exact_rows: Rows of the largest scope that the caller would rather rank exactly where its bound is too loose.
        threads: For NumPy; no result depends on it.

    Returns:
        The scores, and for each scope the most that an AUC is off.
    """
    found = [_counted(frame, by_width(model.scores, threads), threads) for model in frame.models]
    if any(one.loose() for one in found):
        found = [one.tightened() for one in found]
    if _largest(found) > exact_rows:
        found = [_again(frame, one, threads) for one in found]
    bounds = {key: max(one.bounds[key] for one in found) for key in found[0].bounds}
    return _scores(frame, found, threads), bounds


def _largest(found: list[_Counted]) -> int:
    """Return the rows of the largest scope whose bound is too loose."""
    return max((int(one.histograms[key].sum()) for one in found for key in one.loose()), default=0)


def _again(frame: Frame, one: _Counted, threads: int | None) -> _Counted:
    """Bin a model's scores by their quantiles where strips of equal width don't resolve them."""
    if not one.loose():
        return one
    return _counted(frame, by_quantile(one.binning.score, threads), threads).tightened()


def _counted(frame: Frame, binning: Binning, threads: int | None) -> _Counted:
    histograms = _histograms(frame, binning, threads)
    return _Counted(binning, histograms, {key: _bound(one, one) for key, one in histograms.items()})


def _bound(mixed: Array, histogram: Array) -> float:
    negatives, positives = histogram.sum(axis=1)
    products = mixed[0].astype(np.float64) * mixed[1]
    return 0.5 * float(products.sum()) / (negatives * positives) if negatives and positives else 0.0


def _scores(frame: Frame, found: list[_Counted], threads: int | None) -> dict[Key, Scores]:
    keys = list(found[0].histograms)
    bins = [{key: _model_bins(one.histograms[key], one.binning) for key in keys} for one in found]
    if len(found) == 1:
        return {key: Scores(bins[0][key], None, None, 0, exact=False) for key in keys}
    pairs = joint(frame, found[1].binning, found[0].binning, threads)
    differing = _differing(frame, threads)
    return {k: Scores(bins[0][k], bins[1][k], pairs[k], differing[k], exact=False) for k in keys}


def _model_bins(histogram: Array, binning: Binning) -> ModelBins:
    kept = np.flatnonzero(histogram.any(axis=0))
    return ModelBins(histogram[1, kept], histogram[0, kept], binning.coarse[kept].astype(np.int64))


def _histograms(frame: Frame, binning: Binning, threads: int | None) -> dict[Key, Array]:
    width = 2 * binning.size
    cells = binning.fine + frame.labels * np.uint16(binning.size)  # at most 2 × 4,096
    found: dict[Key, Array] = {}
    for level in frame.partition.levels(width):
        table = tally(level.codes, cells, (level.size, width), None, threads).reshape(level.size, 2, binning.size)
        for view in level.views:
            found.update({(view.slice, group): one for group, one in enumerate(view.fold(table))})
    return found


def _differing(frame: Frame, threads: int | None) -> dict[Key, int]:
    baseline = frame.baseline
    if baseline is None:
        return {}
    unequal = (frame.candidate.scores != baseline.scores).view(np.uint8)
    found: dict[Key, int] = {}
    for level in frame.partition.levels(2):
        table = tally(level.codes, unequal, (level.size, 2), None, threads)
        for view in level.views:
            found.update({(view.slice, group): int(one[1]) for group, one in enumerate(view.fold(table))})
    return found
