"""Simulate sets of queries from a population whose true values are known, and count intervals that miss them.

A population is 20,000 queries with the documents' relevance and the scores of both models; its means are the truth. A
run draws queries from it with replacement. An interval whose lower end is above the truth would pass a change that is
worse than some limit, whatever the limit: its rate is the largest wrong-pass rate over all limits, those of
``max_drop`` and ``superior_by`` alike.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mlci.inference.intervals.gaffke import bounded_mean
from mlci.metrics.rankings.names import parse_ranking_metric
from mlci.metrics.rankings.queries import RankedDocuments

Array = NDArray[np.float64]
LEVEL = 0.025
SIZES = (10, 30, 100, 500)
METRICS = ("ndcg@10", "mean_average_precision", "mean_reciprocal_rank", "recall@10", "hit_rate@1")
POPULATION = 20_000
_FIRST_SEED = 20_261_201
_LENGTHS = 40


@dataclass(frozen=True)
class World:
    """A population of queries.

    Attributes:
        title: Name in the table.
        documents: Documents of a query.
        relevant: Chance of each to be relevant; one always is.
        signal: How far relevance raises the baseline's scores, in standard deviations of their noise.
        gain: By how much more it raises the candidate's.
        changed: Share of queries on which the models differ.
    """

    title: str
    documents: int
    relevant: float
    signal: float
    gain: float = 0.0
    changed: float = 1.0


WORLDS = (
    World("equal models", 20, 0.2, 1.0),
    World("equal models that differ on 5 % of queries", 20, 0.2, 1.0, changed=0.05),
    World("a better candidate", 20, 0.2, 1.0, gain=0.5),
    World("a worse candidate", 20, 0.2, 1.0, gain=-0.3),
    World("one relevant document of 50, nearly always first", 50, 0.0, 5.0),
    World("a candidate that breaks 2 % of such queries", 50, 0.0, 5.0, gain=-5.0, changed=0.02),
)


@dataclass
class Misses:
    """Runs whose interval of the change, or of the candidate's value, is beside the truth, by method and end.

    ``length`` is the mean ratio of mlci's length to Student's, over some runs in which values differ.
    """

    runs: int
    beside: Counter[tuple[str, str]] = field(default_factory=Counter)
    length: float = float("nan")


def population(world: World) -> dict[str, tuple[Array, Array]]:
    """Return each metric of every query of a population, the candidate's and the baseline's."""
    rng = np.random.default_rng([_FIRST_SEED, WORLDS.index(world)])
    shape = (POPULATION, world.documents)
    labels = rng.integers(1, 4, shape) * (rng.random(shape) < world.relevant)
    labels[:, 0] = np.maximum(labels[:, 0], 1)
    raised = np.minimum(labels, 2).astype(np.float64)
    before = world.signal * raised + rng.normal(size=shape)
    now = (world.signal + world.gain) * raised + rng.normal(size=shape)
    now = np.where(rng.random((POPULATION, 1)) < world.changed, now, before)
    queries = np.repeat(np.arange(POPULATION), world.documents)
    ranked = [RankedDocuments.of(queries, labels.ravel().astype(np.float64), each.ravel()) for each in (now, before)]
    metrics = {name: parse_ranking_metric(name) for name in METRICS}
    known = {name: metric for name, metric in metrics.items() if metric is not None}
    return {name: (ranked[0].values(metric), ranked[1].values(metric)) for name, metric in known.items()}


def simulate(values: tuple[Array, Array], size: int, runs: int, seed: int) -> Misses:
    """Draw runs of ``size`` queries, and count what misses the population's means."""
    now, before = values
    change, truth = now - before, float((now - before).mean())
    rng = np.random.default_rng([_FIRST_SEED, size, seed])
    found, ratios = Misses(runs), []
    for run in range(runs):
        drawn = rng.integers(0, len(now), size)
        _count(found, "change", change[drawn], -1.0, truth)
        _count(found, "value", now[drawn], 0.0, float(now.mean()))
        if run < _LENGTHS and change[drawn].std() > 0:
            ratios.append(_length_ratio(change[drawn]))
    found.length = float(np.mean(ratios)) if ratios else float("nan")
    return found


def _count(found: Misses, what: str, values: Array, low: float, truth: float) -> None:
    ours = bounded_mean(np.clip(values, low, 1.0), low, 1.0)
    found.beside[f"mlci {what}", "above"] += ours.above(truth) < LEVEL
    found.beside[f"mlci {what}", "below"] += ours.below(truth) < LEVEL
    error = values.std(ddof=1) / np.sqrt(len(values))
    reach = stats.t.ppf(1 - LEVEL, len(values) - 1) * error
    found.beside[f"t {what}", "above"] += bool(values.mean() - reach > truth)
    found.beside[f"t {what}", "below"] += bool(values.mean() + reach < truth)


def _length_ratio(values: Array) -> float:
    low, high = bounded_mean(np.clip(values, -1.0, 1.0), -1.0, 1.0).interval(1 - 2 * LEVEL)
    t = 2 * stats.t.ppf(1 - LEVEL, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float((high - low) / t)
