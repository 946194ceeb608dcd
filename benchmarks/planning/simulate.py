"""Simulated pull requests at the sizes and drops that `mlci plan` states, judged by the whole of mlci's judge."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mlci.gates.judge import judge_rules
from mlci.gates.limits import Rule
from mlci.gates.outcomes import Outcome
from mlci.inference.evidence import Evidence
from mlci.inference.intervals.score_intervals import Proportion, Tango
from mlci.inference.result import Comparison, EvaluationResult
from mlci.inference.scored_items import Errored, ItemColumn, ItemContext, ItemMetric, ItemScope, compare_items
from mlci.metrics.statistics import WHOLE, Counts, Floats
from mlci.operations.planning.assumed import Assumptions, plan_assumed
from mlci.planning.plan import GatePlan


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What a plan states, and how often it was so.

    Attributes:
        title: The assumed figures.
        plan: The plan.
        found: Share of pull requests with the detectable drop that were blocked; 80 % are stated.
        passed: Share of equal models that passed with the stated rows.
        blocked: Share of models with the drop to find that were blocked with the stated rows.
        runs: Simulated pull requests.
    """

    title: str
    plan: GatePlan
    found: float
    passed: float
    blocked: float
    runs: int

    @property
    def least(self) -> float:
        """The smaller of both shares at the stated rows, of which 80 % are stated."""
        return min(self.passed, self.blocked)


CASES: tuple[tuple[str, Assumptions], ...] = (
    ("500 rows, disagreement 5 %", Assumptions(rows=500, margin=0.02, disagreement=0.05)),
    ("120 rows, disagreement 2 %", Assumptions(rows=120, margin=0.03, disagreement=0.02)),
    ("3,000 rows, disagreement 20 %", Assumptions(rows=3_000, margin=0.01, disagreement=0.2)),
    (
        "300 items, 3 repeats, variance within items 0.1",
        Assumptions(rows=300, margin=0.05, accuracy=0.7, within=0.1, between=0.0, repeats=3),
    ),
    (
        "300 items, 1 answer, variance between items 0.1",
        Assumptions(rows=300, margin=0.05, accuracy=0.8, within=0.0, between=0.1, repeats=1),
    ),
    (
        "400 items in clusters of 5, correlation 0.3",
        Assumptions(
            rows=400, margin=0.05, accuracy=0.8, within=0.0, between=0.1, cluster_size=5, cluster_correlation=0.3
        ),
    ),
)


def measure(title: str, assumed: Assumptions, runs: int) -> Stated:
    """Return what a plan states for these figures, and what simulated pull requests do."""
    plan = plan_assumed(assumed).plans[0]
    drop = plan.detectable or 0.0
    needed = replace(assumed, rows=plan.more_rows.rows) if plan.more_rows else assumed
    return Stated(
        title=title,
        plan=plan,
        found=_share(assumed, drop, runs, Outcome.FAILED),
        passed=_share(needed, 0.0, runs, Outcome.PASSED),
        blocked=_share(needed, plan.wanted, runs, Outcome.FAILED),
        runs=runs,
    )


def _share(assumed: Assumptions, drop: float, runs: int, outcome: Outcome) -> float:
    random = np.random.default_rng([2026, assumed.rows, round(1e6 * drop)])
    return sum(found is outcome for found in _outcomes(assumed, drop, runs, random)) / runs


def _outcomes(assumed: Assumptions, drop: float, runs: int, random: np.random.Generator) -> Iterator[Outcome]:
    limit = plan_assumed(replace(assumed, rows=10)).plans[0].gate.limit
    rule = Rule(metric="accuracy", limits=(limit,), judge="interval")
    for _ in range(runs):
        compared = _rates(assumed, drop, random) if assumed.accuracy is None else _items(assumed, drop, random)
        result = EvaluationResult(
            task="scores",
            rows=assumed.rows,
            fingerprint="",
            has_baseline=True,
            confidence=assumed.confidence,
            seed=7,
            comparisons=(compared,),
        )
        yield judge_rules([rule], result, min_group_size=1)[0].outcome


def _rates(assumed: Assumptions, drop: float, random: np.random.Generator) -> Comparison:
    """Draw the rows on which two models differ."""
    share = max(assumed.disagreement or 0.0, drop)
    worse, better = (share + drop) / 2, (share - drop) / 2
    lost, gained, _ = random.multinomial(assumed.rows, [worse, max(0.0, better), 1 - share]).tolist()
    change: Evidence = Tango(gained, lost, assumed.rows)
    value = Proportion(assumed.rows - lost, assumed.rows)
    return Comparison(
        metric="accuracy",
        scope=WHOLE,
        rows=assumed.rows,
        support=assumed.rows,
        unit="rows",
        candidate=value,
        baseline=value,
        change=change,
        disagreements=gained + lost,
    )


def _items(assumed: Assumptions, drop: float, random: np.random.Generator) -> Comparison:
    """Draw each answer of both models, and compare the items as `mlci run` does."""
    clusters = None
    if assumed.cluster_size is not None:
        clusters = np.arange(assumed.rows) // assumed.cluster_size
    before, now = _answers(assumed, drop, random, clusters)
    metric = ItemMetric(
        name="accuracy",
        candidate=ItemColumn(now, now, now),
        baseline=ItemColumn(before, before, before),
        low=0.0,
        high=1.0,
    )
    context = ItemContext(
        scopes=[ItemScope(scope=WHOLE, items=np.arange(assumed.rows))],
        clusters=clusters,
        errored=Errored.LEFT_OUT,
        confidence=assumed.confidence,
        seed=7,
    )
    return compare_items(metric, context)[0]


def _answers(
    assumed: Assumptions, drop: float, random: np.random.Generator, clusters: Counts | None
) -> tuple[Floats, Floats]:
    """Draw item means of both models, answer by answer; items of a cluster copy one of them with probability √ρ."""
    own = _one(assumed, drop, random, assumed.rows)
    if clusters is None:
        return own
    shared = _one(assumed, drop, random, int(clusters.max()) + 1)
    copies = random.random(assumed.rows) < np.sqrt(assumed.cluster_correlation or 0.0)
    before, now = (np.where(copies, whole[clusters], one) for whole, one in zip(shared, own, strict=True))
    return before, now


def _one(assumed: Assumptions, drop: float, random: np.random.Generator, items: int) -> tuple[Floats, Floats]:
    mean, within, between = assumed.accuracy or 0.0, assumed.within or 0.0, assumed.between or 0.0
    spread = mean * (1 - mean) - within

    def chances() -> Floats:
        if within == 0:
            return (random.random(items) < mean).astype(np.float64)
        size = within / spread
        return random.beta(mean * size, (1 - mean) * size, items)

    first, second, choice = chances(), chances(), random.random(items)
    wrong, moved = drop / mean, between / (2 * spread)
    changed = np.where(choice < max(moved, wrong), second, first)
    changed[choice < wrong] = 0.0
    repeats = assumed.repeats
    before = (random.random((repeats, items)) < first).mean(axis=0)
    now = (random.random((repeats, items)) < changed).mean(axis=0)
    return before, now
