"""Simulate paired evaluation runs whose true change is known, and bound the change by several methods.

The end of an interval that is above the truth would pass a change that is worse than some limit, whatever the limit:
its rate is the largest wrong-pass rate over all limits. The intervals beside mlci's are those that evaluation tools
use: the normal interval of the mean (`nel gate`), Student's paired t, and McNemar's exact test, which only says whether
a difference was found.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mlci.inference.intervals.clusters import ClusterSums, clustered_mean
from mlci.inference.intervals.gaffke import BoundedMean
from mlci.inference.intervals.score_intervals import Proportion

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]
LEVEL = 0.025
ITEMS = (10, 30, 50, 100, 164, 500, 1000)
_FIRST_SEED = 20_261_130


@dataclass(frozen=True, kw_only=True)
class World:
    """A distribution of the change of one item between -1 and 1.

    Attributes:
        title: Name in the table.
        change: True mean change.
        draw: Draws changes of shape (runs, items).
        binary: Whether each item has one answer, right or wrong.
    """

    title: str
    change: float
    draw: Draw
    binary: bool = True


@dataclass
class Misses:
    """Runs whose lower or upper end is on the wrong side of the truth, by method, and McNemar's findings."""

    runs: int
    low: Counter[str] = field(default_factory=Counter)
    high: Counter[str] = field(default_factory=Counter)
    silent: int = 0
    length: float = 0.0
    """Mean ratio of mlci's length to Student's, over the runs in which items differ."""


def differing(worse: float, better: float) -> Draw:
    """Return draws of single answers: a share of items gets worse, another one better."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        u = rng.random(shape)
        return np.where(u < worse, -1.0, np.where(u < worse + better, 1.0, 0.0))

    return draw


def repeated(repeats: int, hard: float, change: float) -> Draw:
    """Return draws of means over repeats: a share of hard items is answered at random, and worse by ``change``."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        uncertain = rng.random(shape) < hard
        before, after = np.where(uncertain, 0.5, 0.95), np.where(uncertain, 0.5, 0.95 - change / (1 - hard))
        means: Array = (rng.binomial(repeats, after) - rng.binomial(repeats, before)) / repeats
        return means

    return draw


def rare_loss(share: float, gain: float) -> Draw:
    """Return draws in which nearly all items win a little and a few lose everything."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return np.where(rng.random(shape) < share, -1.0, gain)

    return draw


WORLDS = (
    World(title="2 % of items differ, no change", change=0.0, draw=differing(0.01, 0.01)),
    World(title="10 % differ, no change", change=0.0, draw=differing(0.05, 0.05)),
    World(title="20 % differ, no change", change=0.0, draw=differing(0.10, 0.10)),
    World(title="0.5 % are lost, none is won", change=-0.005, draw=differing(0.005, 0.0)),
    World(title="2 % are lost, none is won", change=-0.02, draw=differing(0.02, 0.0)),
    World(title="8 % are lost, 3 % are won", change=-0.05, draw=differing(0.08, 0.03)),
    World(title="3 repeats, a fifth of the items at random", change=0.0, draw=repeated(3, 0.2, 0.0), binary=False),
    World(title="10 repeats, all of the others fall by 0.02", change=-0.02, draw=repeated(10, 0.2, 0.02), binary=False),
    World(title="1 % lose all, the others win 0.01", change=-0.0001, draw=rare_loss(0.01, 0.01), binary=False),
)


def simulate(world: World, items: int, runs: int) -> Misses:
    """Draw runs and count the ends on the wrong side of the truth."""
    rng = np.random.default_rng([_FIRST_SEED, items, WORLDS.index(world)])
    drawn = np.sort(np.round(world.draw(rng, (runs, items)), 12), axis=1)
    different, counts = np.unique(drawn, axis=0, return_counts=True)
    found, ratios = Misses(runs=runs), []
    for row, count in zip(different, counts.tolist(), strict=True):
        _count(found, world, row, count)
        if items >= 500 and row.std() > 0:
            ratios += [_length_ratio(row)] * count
    found.length = float(np.mean(ratios)) if ratios else math.nan
    return found


def _count(found: Misses, world: World, row: Array, count: int) -> None:
    n, mean = len(row), float(row.mean())
    values, counts = np.unique(row, return_counts=True)
    ours = BoundedMean(values, counts, -1.0, 1.0)
    found.low["mlci"] += count * (ours.above(world.change) < LEVEL)
    found.high["mlci"] += count * (ours.below(world.change) < LEVEL)
    error = float(row.std(ddof=1)) / math.sqrt(n)
    for name, quantile in (("normal", 1.959964), ("t", float(stats.t.ppf(1 - LEVEL, n - 1)))):
        found.low[name] += count * (mean - quantile * error > world.change + 1e-12)
        found.high[name] += count * (mean + quantile * error < world.change - 1e-12)
    lost, won = int((row < 0).sum()), int((row > 0).sum())
    if world.binary:
        found.silent += count * (stats.binomtest(lost, lost + won).pvalue >= 2 * LEVEL if lost + won else True)


def _length_ratio(row: Array) -> float:
    values, counts = np.unique(row, return_counts=True)
    low, high = BoundedMean(values, counts, -1.0, 1.0).interval(1 - 2 * LEVEL)
    student = 2 * float(stats.t.ppf(1 - LEVEL, len(row) - 1)) * float(row.std(ddof=1)) / math.sqrt(len(row))
    return (high - low) / student


@dataclass(frozen=True, kw_only=True)
class ClusteredCell:
    """Accuracy of items in clusters of ten, with the correlation of two items of one cluster."""

    clusters: int
    correlation: float
    accuracy: float = 0.85


@dataclass
class Covered:
    """Runs whose interval contains the truth: by cluster, and as if items were independent."""

    runs: int
    ours: int = 0
    independent: int = 0


def cover_clusters(cell: ClusteredCell, runs: int) -> Covered:
    """Draw runs of right and wrong answers whose clusters differ by a beta distribution, and count coverage."""
    rng = np.random.default_rng([_FIRST_SEED, cell.clusters, round(100 * cell.correlation)])
    codes, found = np.repeat(np.arange(cell.clusters), 10), Covered(runs=runs)
    for _ in range(runs):
        truth = np.full(cell.clusters, cell.accuracy)
        if cell.correlation:
            size = 1 / cell.correlation - 1
            truth = rng.beta(cell.accuracy * size, (1 - cell.accuracy) * size, cell.clusters)
        right = (rng.random((cell.clusters, 10)) < truth[:, None]).astype(float).ravel()
        low, high = clustered_mean(ClusterSums.of(right, codes), low=0.0, high=1.0).interval(0.95) or (0.0, 1.0)
        found.ours += low <= cell.accuracy <= high
        low, high = Proportion(int(right.sum()), len(right)).interval(0.95)
        found.independent += low <= cell.accuracy <= high
    return found
