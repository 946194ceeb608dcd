"""Models of a change: the distribution of its evidence in pull requests of a given true change, rows and repeats.

Each gives the shares of pull requests in which a gate passes and fails: exactly for rates whose rows disagree
or not, by simulation for items with repeats, partial credit or clusters, and by the normal distribution for metrics
whose interval is that of a normal estimate.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from mlci.gates.outcomes import Outcome
from mlci.inference.evidence import Evidence
from mlci.inference.intervals.distributions import cdf, quantile
from mlci.inference.intervals.error_intervals import Normal
from mlci.inference.intervals.gaffke import BoundedMean
from mlci.inference.intervals.score_intervals import Tango
from mlci.inference.scored_items import items_mean
from mlci.metrics.statistics import Counts, Floats
from mlci.planning.gate import PlannedGate, Power

_NODES = 64
_REACH = 6.0
_MOST_COUNTED = 1_000_000
DRAWS = 400
"""Simulated pull requests for each power."""
Factory = Callable[[int, int, int], Evidence]
"""Evidence of a change from the rows that count for the candidate only, for the baseline only, and all rows."""


class ChangeModel(Protocol):
    """Interface of all models; a drop is a change for the worse, without a sign."""

    @property
    def basis(self) -> str:
        """How the powers are computed: ``exact``, ``simulated`` or ``normal``."""
        ...

    def variance(self, repeats: int) -> float:
        """Variance of one row's or item's change, if both models answer it ``repeats`` times."""
        ...

    def powers(self, gate: PlannedGate, drops: Sequence[float], *, rows: int, repeats: int = 1) -> list[Power]:
        """Return the powers for each true drop."""
        ...


@lru_cache
def score_change(low: float = 0.0, high: float = 1.0) -> Factory:
    """Return the evidence of items that are right or wrong, which ``task: scores`` judges by Gaffke's interval."""
    reach = high - low

    def evidence(gained: int, lost: int, rows: int) -> Evidence:
        counts = np.array([lost, rows - gained - lost, gained])
        used = counts > 0
        return BoundedMean(np.array([-reach, 0.0, reach])[used], counts[used], -reach, reach)

    return evidence


@dataclass(frozen=True, kw_only=True)
class RateChange:
    """Change of a rate whose rows count for both models, one of them or neither.

    The rows that disagree are binomial, and given them those for the worse are binomial again, so that powers are
    exact: for each number of disagreements the judge is asked where it begins to pass and to fail.

    Attributes:
        disagreement: Share of rows on which the two models differ. A drop beyond it lets as many rows differ.
        evidence: Evidence from counts.
        reach: Change of the value by one row × rows: 1 for a rate, the range for a score.
    """

    disagreement: float
    evidence: Factory = Tango
    reach: float = 1.0
    basis: str = "exact"

    def variance(self, repeats: int) -> float:  # noqa: ARG002 (one answer each)
        """Return the share of disagreements, in units of the value."""
        return self.disagreement * self.reach**2

    def powers(self, gate: PlannedGate, drops: Sequence[float], *, rows: int, repeats: int = 1) -> list[Power]:  # noqa: ARG002
        """Sum over the possible counts; above a million disagreements the distribution is normal."""
        if rows * self.disagreement > _MOST_COUNTED:
            return NormalChange(row_variance=self.variance(1)).powers(gate, drops, rows=rows)
        return [self._power(gate, drop / self.reach, rows) for drop in drops]

    def _power(self, gate: PlannedGate, drop: float, rows: int) -> Power:
        share = min(1.0, max(self.disagreement, drop))
        if share == 0:
            passes, fails = _bounds(self.evidence, gate, rows, 0)
            return Power(float(passes <= 0), float(fails >= 0))
        better = max(0.0, (1 - drop / share) / 2)
        spread = math.sqrt(rows * share * (1 - share)) + 1
        first = max(0, math.floor(rows * share - _REACH * spread))
        last = min(rows, math.ceil(rows * share + _REACH * spread))
        counts = np.arange(first, last + 1)
        weights = np.exp(_log_binomial(counts, rows, share))
        nodes = np.unique(np.linspace(first, last, min(_NODES, len(counts))).round().astype(int))
        each = [_tails(node, better, *_bounds(self.evidence, gate, rows, node)) for node in nodes.tolist()]
        passed, failed = (np.interp(counts, nodes, [pair[k] for pair in each]) for k in (0, 1))
        total = float(weights.sum())
        return Power(float(weights @ passed) / total, float(weights @ failed) / total)


@lru_cache(maxsize=10_000)
def _bounds(evidence: Factory, gate: PlannedGate, rows: int, differing: int) -> tuple[int, int]:
    """Return the fewest rows for the better that pass, and the most that fail, of those that differ."""

    def outcome(better: int) -> Outcome:
        worse = differing - better
        pair = (better, worse) if gate.limit.is_floor else (worse, better)
        return gate.outcome(evidence(*pair, rows), rows=rows, differing=differing)

    passes = _first(differing, lambda better: outcome(better) is Outcome.PASSED)
    fails = _first(differing, lambda better: outcome(better) is not Outcome.FAILED) - 1
    return passes, fails


def _first(most: int, holds: Callable[[int], bool]) -> int:
    """Return the first of 0 to ``most`` from which on a condition holds; one more if it never does."""
    low, high = 0, most + 1
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _tails(differing: int, better: float, passes: int, fails: int) -> tuple[float, float]:
    """Return the probabilities of at least ``passes`` and of at most ``fails`` rows for the better."""
    shares = np.exp(_log_binomial(np.arange(differing + 1), differing, better))
    return float(shares[passes:].sum()), float(shares[: fails + 1].sum())


def _log_binomial(counts: Counts, rows: int, share: float) -> Floats:
    """Return the logarithm of binomial probabilities."""
    if share in {0.0, 1.0}:
        return np.where(counts == rows * share, 0.0, -np.inf)
    gamma = np.array([math.lgamma(k + 1) + math.lgamma(rows - k + 1) for k in counts.tolist()])
    found: Floats = math.lgamma(rows + 1) - gamma + counts * math.log(share) + (rows - counts) * math.log1p(-share)
    return found


@dataclass(frozen=True, kw_only=True)
class NormalChange:
    """Change whose estimate is normal around the truth, such as that of ROC AUC, of F1 or of a mean absolute error.

    Attributes:
        row_variance: Variance of the change × rows.
    """

    row_variance: float
    basis: str = "normal"

    def variance(self, repeats: int) -> float:  # noqa: ARG002 (one answer each)
        """Return the variance of one row's contribution."""
        return self.row_variance

    def powers(self, gate: PlannedGate, drops: Sequence[float], *, rows: int, repeats: int = 1) -> list[Power]:  # noqa: ARG002
        """Return the normal probabilities; 0 where the judge never passes or fails for lack of rows."""
        error = math.sqrt(self.row_variance / rows) if rows else math.inf
        far = 1e6 * (gate.margin + 1)
        can_pass, can_fail = (self._outcome(gate, value, rows) for value in (-gate.sign * far, gate.sign * far))
        free, strict = -quantile(gate.level), -quantile(gate.level / max(1, gate.family))
        return [
            Power(
                _share((gate.margin - drop), error, free) if can_pass is Outcome.PASSED else 0.0,
                _share((drop - gate.margin), error, strict) if can_fail is Outcome.FAILED else 0.0,
            )
            for drop in drops
        ]

    def _outcome(self, gate: PlannedGate, value: float, rows: int) -> Outcome:
        return gate.outcome(Normal(value, 1.0, rows, "normal"), rows=rows, differing=None)


def _share(distance: float, error: float, z: float) -> float:
    return cdf(distance / error - z) if error > 0 else float(distance > 0)


class ChangeSource(Protocol):
    """Interface of the distributions of one item's change."""

    def variance(self, repeats: int) -> float:
        """Variance of the change of an item's mean over its repeats."""
        ...

    def draw(self, random: np.random.Generator, items: int, repeats: int, drop: float) -> Floats:
        """Return the changes of items whose mean falls by ``drop``; negative is worse."""
        ...


@dataclass(frozen=True, kw_only=True)
class BinaryAnswers:
    """Answers that are right or wrong: an item's chance to be right has a beta distribution over items.

    A share of the items gets another chance in the candidate, drawn from the same distribution; a drop makes items
    wrong for good, those with another chance first.

    Attributes:
        mean: Share of right answers.
        within: Variance of one answer around its item's chance.
        between: Variance, over items, of the change of the chance from one model to the other.
    """

    mean: float
    within: float
    between: float = 0.0

    def variance(self, repeats: int) -> float:
        """Return between + 2 within / repeats (Miller 2024, arXiv 2411.00640)."""
        return self.between + 2 * self.within / repeats

    @property
    def _spread(self) -> float:
        """Variance of the chance over items."""
        return max(0.0, self.mean * (1 - self.mean) - self.within)

    def _chances(self, random: np.random.Generator, items: int) -> Floats:
        spread, mean = self._spread, self.mean
        if self.within <= 0:
            return (random.random(items) < mean).astype(np.float64)
        if spread <= 0:
            return np.full(items, mean)
        size = self.within / spread
        return random.beta(mean * size, (1 - mean) * size, items)

    def draw(self, random: np.random.Generator, items: int, repeats: int, drop: float) -> Floats:
        """Return the changes of the items' means."""
        before, choice = self._chances(random, items), random.random(items)
        wrong = min(1.0, drop / self.mean) if self.mean else 0.0
        moved = min(1.0, self.between / (2 * self._spread)) if self._spread else 0.0
        now = before if moved <= wrong else np.where(choice < moved, self._chances(random, items), before)
        now = now if wrong == 0 else np.where(choice < wrong, 0.0, now)
        changes: Floats = (random.binomial(repeats, now) - random.binomial(repeats, before)) / repeats
        return changes


@dataclass(frozen=True, kw_only=True)
class ObservedChanges:
    """Changes that were observed, of scores with partial credit, ratings, cost or tokens.

    They are drawn with a random sign, so that their mean is 0 and items without a change stay so. Their size falls with
    the repeats; a drop comes from items that fall by as much as a differing item changes on average.

    Attributes:
        changes: One change of each item.
        repeats: Repeats behind each.
        within: Variance of one answer around its item's mean.
        reach: Largest possible change; infinite without bounds.
    """

    changes: tuple[float, ...]
    repeats: int = 1
    within: float = 0.0
    reach: float = math.inf

    @property
    def between(self) -> float:
        """Variance of the change that no number of repeats removes."""
        return max(0.0, self._observed - 2 * self.within / self.repeats)

    @property
    def _observed(self) -> float:
        return math.fsum(change * change for change in self.changes) / len(self.changes)

    def variance(self, repeats: int) -> float:
        """Return between + 2 within / repeats."""
        return self.between + min(2 * self.within / self.repeats, self._observed) * self.repeats / repeats

    def draw(self, random: np.random.Generator, items: int, repeats: int, drop: float) -> Floats:
        """Return resampled changes, scaled to the repeats."""
        pool = np.array(self.changes)
        observed = self._observed
        scale = math.sqrt(self.variance(repeats) / observed) if observed else 1.0
        found = random.choice(pool, items) * random.choice([-1.0, 1.0], items) * scale
        sizes = np.abs(pool[pool != 0]) * scale
        size = max(float(sizes.mean()) if len(sizes) else drop, drop)
        if drop > 0:
            found = np.where(random.random(items) < drop / size, found - size, found)
        changes: Floats = np.clip(found, -self.reach, self.reach)
        return changes


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """Items that belong together.

    Attributes:
        sizes: Numbers of items of clusters, drawn from at random.
        correlation: Correlation of the changes of two items of a cluster.
    """

    sizes: tuple[int, ...]
    correlation: float

    @property
    def design_effect(self) -> float:
        """Variance of a mean over that of independent items, for these sizes."""
        total = sum(self.sizes)
        return 1 + (sum(size * size for size in self.sizes) / total - 1) * self.correlation

    def draw(self, random: np.random.Generator, items: int) -> Counts:
        """Return the number of each item's cluster."""
        sizes = random.choice(np.array(self.sizes), math.ceil(2 * items / np.mean(self.sizes)) + 2)
        return np.repeat(np.arange(len(sizes)), sizes)[:items]


@dataclass(frozen=True, kw_only=True)
class SimulatedChange:
    """Change of a mean over scored items, by simulated pull requests.

    Attributes:
        changes: Distribution of one item's change.
        reach: Largest possible change of an item; infinite without bounds.
        clusters: Items that belong together; ``None`` if items are independent.
        seed: Of the draws; all drops of one size of the set share their random numbers.
        draws: Simulated pull requests.
    """

    changes: ChangeSource
    reach: float = 1.0
    clusters: Clusters | None = None
    seed: int = 7
    draws: int = DRAWS
    basis: str = "simulated"

    def variance(self, repeats: int) -> float:
        """Return the variance of an item's change, times the design effect of clusters."""
        return self.changes.variance(repeats) * (self.clusters.design_effect if self.clusters else 1.0)

    def powers(self, gate: PlannedGate, drops: Sequence[float], *, rows: int, repeats: int = 1) -> list[Power]:
        """Judge simulated pull requests."""
        return [self._power(gate, drop, rows, repeats) for drop in drops]

    def _power(self, gate: PlannedGate, drop: float, rows: int, repeats: int) -> Power:
        random = np.random.default_rng([self.seed, rows, repeats])
        found = [self._outcome(gate, random, drop, rows, repeats) for _ in range(self.draws)]
        return Power(found.count(Outcome.PASSED) / self.draws, found.count(Outcome.FAILED) / self.draws)

    def _outcome(self, gate: PlannedGate, random: np.random.Generator, drop: float, rows: int, repeats: int) -> Outcome:
        values = self.changes.draw(random, rows, repeats, drop)
        clusters = None
        if self.clusters is not None:
            clusters = self.clusters.draw(random, rows)
            common = self.changes.draw(random, int(clusters.max()) + 1, repeats, drop)
            copies = random.random(rows) < math.sqrt(self.clusters.correlation)
            values = np.where(copies, common[clusters], values)
        values = values if gate.limit.is_floor else -values
        evidence = items_mean(values, -self.reach, self.reach, clusters=clusters)
        return gate.outcome(evidence, rows=rows, differing=int(np.count_nonzero(values)))
