"""Two identical models: whatever is asked of the change, no gate may say that it failed."""

from collections.abc import Mapping

import numpy as np

from benchmarks.characteristics.draws import accurate, rank_scores, sum_columns
from benchmarks.characteristics.figures import Figure, Section
from benchmarks.characteristics.many_slices import total
from benchmarks.characteristics.pool import Outcome, Work
from mlci.gates.judge import judge_rules
from mlci.gates.limits import Limit, Rule
from mlci.inference.evaluate import Question, evaluate
from mlci.inference.result import EvaluationResult
from mlci.metrics.statistics import WHOLE, Decisions, Scope, Statistics

HIGHER = ("accuracy", "recall", "precision", "f1", "balanced_accuracy", "matthews_corrcoef", "cohen_kappa_score")
LOWER = ("false_positive_rate", "false_negative_rate", "false_discovery_rate")
GAPS = ("demographic_parity_difference", "equalized_odds_difference", "recall_difference")
SHARED = ("demographic_parity_ratio", "equalized_odds_ratio")
RANKS = ("roc_auc", "average_precision")
LOSSES = {"mean_absolute_error": "absolute", "mean_squared_error": "squared", "root_mean_squared_error": "squared"}
MARGINS = (0.0, 0.001, 0.02)


def identical(rng: np.random.Generator, draws: int) -> dict[str, float]:
    """Count gates on the change of identical models by outcome, over random sizes, slices, margins and levels."""
    found: dict[str, float] = {}
    for _ in range(draws):
        margin = float(rng.choice(MARGINS))
        confidence = float(rng.choice([0.80, 0.90, 0.95, 0.99]))
        for result, rules in (_decided(rng, margin, confidence), _scored(rng, margin, confidence)):
            for gate in judge_rules(rules, result, min_group_size=int(rng.choice([1, 30]))):
                found[gate.outcome.value] = found.get(gate.outcome.value, 0.0) + 1
    return found


def _decided(rng: np.random.Generator, margin: float, confidence: float) -> tuple[EvaluationResult, list[Rule]]:
    slices, rows = int(rng.integers(2, 8)), int(rng.choice([12, 60, 300, 2_000, 50_000]))
    population = accurate(
        accuracy=float(rng.uniform(0.5, 0.99)), disagree=0.01, prevalence=float(rng.uniform(0.02, 0.8))
    )
    sizes = rng.multinomial(rows, rng.dirichlet(np.ones(slices)))
    drawn = [population.draw(rng, int(n), scope=Scope("slice", str(k))) for k, n in enumerate(sizes) if n]
    groups = [_copied(one) for one in drawn]
    relative = bool(rng.random() < 0.3)
    rules = [_rule(name, "max_drop", margin, relative=relative) for name in HIGHER]
    rules += [_rule(name, "max_rise", margin, relative=relative) for name in LOWER]
    rules += [_rule(name, "max_drop", margin, each="slice") for name in HIGHER]
    rules += [_rule(name, "max_rise", margin, each="slice") for name in LOWER]
    rules += [_rule(name, "max_rise", margin, across="slice") for name in GAPS]
    rules += [_rule(name, "max_drop", margin, across="slice") for name in SHARED]
    question = Question(
        task="binary",
        metrics=(*HIGHER, *LOWER),
        baseline=True,
        disparities=tuple((name, "slice") for name in (*GAPS, *SHARED)),
        confidence=confidence,
    )
    return evaluate([total(groups), *groups], question, fingerprint="simulated", notes=()), rules


def _copied(one: Statistics) -> Statistics:
    """Let the baseline decide as the candidate does."""
    found = one.decisions
    assert found is not None  # noqa: S101 (drawn with decisions; for the type checker)
    pairs = np.stack([found.label, found.candidate], axis=1)
    cells, inverse = np.unique(pairs, axis=0, return_inverse=True)
    count = np.bincount(inverse.ravel(), weights=found.count).astype(np.int64)
    return Statistics(one.scope, one.rows, Decisions(found.classes, cells[:, 0], cells[:, 1], cells[:, 1], count))


def _scored(rng: np.random.Generator, margin: float, confidence: float) -> tuple[EvaluationResult, list[Rule]]:
    rows = int(rng.choice([12, 60, 300, 2_000]))
    label = (rng.random(rows) < rng.uniform(0.05, 0.9)).astype(np.int64)
    score = np.round(rng.standard_normal(rows) + label, int(rng.integers(1, 4)))
    error = rng.standard_normal(rows)
    moments = {
        loss: sum_columns({"baseline": values, "candidate": values}, squares=loss == "squared")
        for loss, values in (("absolute", abs(error)), ("squared", error**2))
    }
    whole = Statistics(WHOLE, rows, scores=rank_scores(label, score, score).scores, moments=moments)
    rules = [_rule(name, "max_drop", margin) for name in RANKS]
    rules += [_rule(name, "max_rise", margin) for name in LOSSES]
    question = Question(task="binary", metrics=(*RANKS, *LOSSES), baseline=True, confidence=confidence)
    return evaluate([whole], question, fingerprint="simulated", notes=()), rules


def _rule(metric: str, kind: str, margin: float, *, relative: bool = False, **where: str) -> Rule:
    limits = (Limit(kind, margin, relative),)
    return Rule(metric=metric, limits=limits, **where)  # type: ignore[arg-type]


def works(scale: float) -> list[Work]:
    """Return the simulation."""
    return [Work("identical", identical, round(400 * scale), pieces=8)]


def section(outcomes: Mapping[str, Outcome]) -> Section:
    """Hold failures to none at all."""
    found = outcomes["identical"].totals
    gates = int(sum(found.values()))
    said = ", ".join(f"{int(found[word]):,} {word}" for word in sorted(found))
    figure = Figure(
        what=f"failed, of {gates:,} gates", measured=found.get("failed", 0.0), error=0, low=0, high=0, unit="rows"
    )
    return Section(
        title="Identical models",
        lead=f"{outcomes['identical'].replicates:,} random set-ups: 12 to 50,000 rows, two to seven slices, margins of "
        f"{', '.join(map(str, MARGINS))}, confidence 0.80 to 0.99; metrics of decisions, scores and errors; "
        "disparities.",
        figures=[figure],
        notes=[f"Outcomes: {said}. Inconclusive is a group under `min_group_size`, or a metric without a value on it."],
    )
