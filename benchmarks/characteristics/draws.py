"""Populations with known truths, and draws from them as the statistics that mlci works on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlci.inference.evidence import MeasureContext
from mlci.metrics import statistics
from mlci.metrics.statistics import WHOLE, Decisions, ModelBins, Moments, PowerSums, Scope, Scores, Statistics

MANY = 10**9


@dataclass(frozen=True, eq=False)
class Population:
    """Cells (label, baseline, candidate) with the share of rows in each."""

    classes: tuple[str, ...]
    cells: np.ndarray
    shares: np.ndarray

    def draw(self, rng: np.random.Generator, rows: int, *, scope: Scope = WHOLE) -> Statistics:
        """Draw independent rows."""
        return self.counted(rng.multinomial(rows, self.shares), scope=scope)

    def counted(self, counts: np.ndarray, *, scope: Scope = WHOLE) -> Statistics:
        """Return statistics with these counts."""
        kept = counts > 0
        label, baseline, candidate = self.cells[kept].T
        return Statistics(
            scope, int(counts.sum()), Decisions(self.classes, label, baseline, candidate, counts[kept].astype(np.int64))
        )

    def truth(self) -> Statistics:
        """Return the population itself, as a very large set."""
        return self.counted(np.round(self.shares * MANY).astype(np.int64))


def binary(
    *,
    prevalence: float,
    positives: tuple[float, float, float],
    negatives: tuple[float, float, float],
) -> Population:
    """Return a population by prevalence, and for each class the shares (right by both, lost, gained)."""
    cells, shares = [], []
    for label, weight, (both, lost, gained) in ((0, 1 - prevalence, negatives), (1, prevalence, positives)):
        wrong = 1 - label
        cells += [(label, label, label), (label, label, wrong), (label, wrong, label), (label, wrong, wrong)]
        shares += [weight * both, weight * lost, weight * gained, weight * (1 - both - lost - gained)]
    order = sorted(range(len(cells)), key=cells.__getitem__)
    return Population(("0", "1"), np.array(cells)[order], np.array(shares)[order])


def accurate(
    *, accuracy: float = 0.85, disagree: float = 0.06, drop: float = 0.0, prevalence: float = 0.4
) -> Population:
    """Return a population where being right does not depend on the label."""
    lost, gained = (disagree + drop) / 2, (disagree - drop) / 2
    each = (accuracy - lost, lost, gained)
    return binary(prevalence=prevalence, positives=each, negatives=each)


def multiclass(priors: np.ndarray, confusion: np.ndarray, better: np.ndarray, *, agree: float) -> Population:
    """Return a population whose candidate repeats the baseline with probability ``agree`` and else decides afresh."""
    k = len(priors)
    cells = np.array([(a, b, c) for a in range(k) for b in range(k) for c in range(k)])
    label, base, mine = cells.T
    again = agree * (base == mine) + (1 - agree) * better[label, mine]
    return Population(tuple("abcdefgh"[:k]), cells, priors[label] * confusion[label, base] * again)


def context(whole: Statistics, *, confidence: float = 0.95, baseline: bool = True, seed: int = 7) -> MeasureContext:
    """Return what a measurement needs to know of its run."""
    return MeasureContext(whole=whole, confidence=confidence, seed=seed, baseline=baseline)


def rank_scores(label: np.ndarray, baseline: np.ndarray, candidate: np.ndarray) -> Statistics:
    """Rank two models' scores exactly, one bin for each distinct score."""
    mine, right = _bins(label, candidate)
    base, left = _bins(label, baseline)
    joint = np.stack([left, right, label, 1 - label], axis=1)
    differing = int((baseline != candidate).sum())
    return Statistics(WHOLE, len(label), scores=Scores(mine, base, joint, differing, exact=True))


def _bins(label: np.ndarray, score: np.ndarray) -> tuple[ModelBins, np.ndarray]:
    values, code = np.unique(score, return_inverse=True)
    positives = np.bincount(code, weights=label, minlength=len(values)).astype(np.int64)
    return ModelBins(positives, np.bincount(code, minlength=len(values)) - positives, np.arange(len(values))), code


def sum_columns(
    columns: Mapping[str, np.ndarray], *, label: np.ndarray | None = None, squares: bool = False
) -> Moments:
    """Sum named columns and their products; by class with a ``label``, their powers where they are ``squares``."""
    data = np.stack(list(columns.values()), axis=1)
    differing = int((columns["baseline"] != columns["candidate"]).sum())
    numbers = statistics.with_change(columns)
    powers = _powers(numbers) if squares else {}
    by_class = {} if label is None else {name: _by_class(numbers[name], label) for name in numbers}
    return Moments(tuple(columns), len(data), data.sum(axis=0), data.T @ data, differing, powers, by_class)


def _powers(numbers: Mapping[str, np.ndarray]) -> dict[str, PowerSums]:
    units = {"loss": statistics.unit_of(max(numbers["baseline"].max(), numbers["candidate"].max()))}
    units["y"] = statistics.unit_of(float(abs(numbers["y"]).max())) if "y" in numbers else 1.0
    found = {}
    for line in statistics.lines_of(numbers):
        sums = np.array([product.sum() for product in statistics.products(line, numbers, units)])
        found[line.name] = statistics.collected(line, len(numbers["candidate"]), sums, units)
    return found


def _by_class(values: np.ndarray, label: np.ndarray) -> np.ndarray:
    return np.array([[(values[label == k] ** power).sum() for power in range(4)] for k in (0, 1)])


def multinomial_draws(decisions: Decisions, *, replicates: int, seed: int) -> np.ndarray:
    """Resample the cell counts: ``replicates`` multinomials of the scope's rows, shape (replicates, cells)."""
    total = int(decisions.count.sum())
    shares = decisions.count / total
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.multinomial(total, shares, size=replicates).astype(np.float64)
