"""Simulated groups with known rates: how often an interval has the true disparity."""

from dataclasses import dataclass

import numpy as np

from mlci.inference.evaluate import Question, evaluate
from mlci.metrics.statistics import WHOLE, Decisions, Floats, Scope, Statistics

SHARES = (0.5, 0.3, 0.15, 0.05)
"""Shares of the groups' rows."""
WORLDS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "equal": ((0.7, 0.7, 0.7, 0.7), (0.2, 0.2, 0.2, 0.2)),
    "one apart": ((0.7, 0.7, 0.7, 0.55), (0.2, 0.2, 0.2, 0.2)),
    "all apart": ((0.9, 0.8, 0.7, 0.6), (0.05, 0.1, 0.2, 0.3)),
}
"""Recall and false-positive rate of each group."""
METRICS = (
    "average_odds_difference",
    "recall_difference(method=to_overall)",
    "recall_ratio(method=to_overall)",
    "equalized_odds_difference(method=to_overall)",
)
PREVALENCE = 0.4


@dataclass(frozen=True)
class Cell:
    """One metric in one world, on a number of rows."""

    metric: str
    world: str
    rows: int

    def __str__(self) -> str:
        """Return the metric, the world and the rows."""
        return f"{self.metric}, {self.world}, {self.rows} rows"


CELLS = tuple(Cell(metric, world, rows) for metric in METRICS for world in WORLDS for rows in (400, 2_000, 10_000))


def simulate(cell: Cell, runs: int, *, seed: int = 7) -> float:
    """Return the share of runs whose 95 % interval has the true disparity."""
    rng = np.random.default_rng([seed, CELLS.index(cell)])
    truth, question = (
        _truth(cell),
        Question(task="binary", metrics=(), baseline=False, disparities=((cell.metric, "group"),), min_group_size=1),
    )
    covered = 0
    for _ in range(runs):
        found = evaluate(_draw(rng, cell), question, fingerprint="", notes=()).disparities[0].candidate
        ends = found.interval(0.95)
        covered += ends is None or ends[0] - 1e-12 <= truth <= ends[1] + 1e-12  # without one, nothing is claimed
    return covered / runs


def _truth(cell: Cell) -> float:
    recall, wrong = (np.array(rates) for rates in WORLDS[cell.world])
    if cell.metric == "average_odds_difference":
        return float(np.ptp((recall + wrong) / 2))
    weights = np.array(SHARES)
    if cell.metric.startswith("recall_ratio"):
        ratios = recall / (weights @ recall)
        return float(np.minimum(ratios, 1 / ratios).min())
    rates = (recall, wrong) if cell.metric.startswith("equalized_odds") else (recall,)
    return float(max(np.abs(rate - weights @ rate).max() for rate in rates))


def _draw(rng: np.random.Generator, cell: Cell) -> list[Statistics]:
    """Draw the counts of each group: labels are as frequent in every group."""
    recall, wrong = WORLDS[cell.world]
    sizes = rng.multinomial(cell.rows, SHARES)
    counts = []
    for size, hit, error in zip(sizes, recall, wrong, strict=True):
        positives = rng.binomial(size, PREVALENCE)
        hits, errors = rng.binomial(positives, hit), rng.binomial(size - positives, error)
        counts.append(np.array([size - positives - errors, errors, positives - hits, hits], float))
    whole = _statistics(WHOLE, np.sum(counts, axis=0))
    return [whole, *(_statistics(Scope("group", str(g)), count) for g, count in enumerate(counts))]


def _statistics(scope: Scope, count: Floats) -> Statistics:
    rows = count.astype(np.int64)
    decisions = Decisions(("0", "1"), np.array([0, 0, 1, 1]), None, np.array([0, 1, 0, 1]), rows)
    return Statistics(scope, int(rows.sum()), decisions)
