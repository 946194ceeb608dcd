"""Harmless changes over twenty small slices with few positives: how often any of a hundred gates blocks them."""

import math
from collections.abc import Mapping

import numpy as np

from benchmarks.characteristics.draws import rank_scores, sum_columns
from benchmarks.characteristics.figures import Figure, Section, percent, within
from benchmarks.characteristics.pool import Outcome, Work
from mlci.gates.judge import judge_rules
from mlci.gates.limits import Kind, Limit, Rule
from mlci.inference.evaluate import Question, evaluate
from mlci.metrics.statistics import WHOLE, Decisions, Scope, Statistics

SLICES, ROWS = 20, 200
PREVALENCES = (0.01, 0.03, 0.30)
MARGINS = (0.0, 0.02)
CONFIDENCE, ALPHA = 0.95, 0.025
DRAWS = 400
CORRELATION, FAR = 0.9, 1.5
"""Of the models' scores given the label, and how far the scores of the two classes are apart."""
KINDS: dict[str, Kind] = {
    "accuracy": "max_drop",
    "recall": "max_drop",
    "roc_auc": "max_drop",
    "average_precision": "max_drop",
    "brier_score_loss": "max_rise",
}


def harmless(rng: np.random.Generator, draws: int, *, prevalence: float) -> dict[str, float]:
    """Count runs that are blocked, by which metric, and runs with a gate in error, of two equally good models."""
    found = {f"{what} {margin}": 0.0 for margin in MARGINS for what in ("blocked", "errors", *KINDS)}
    for _ in range(draws):
        rows = [_rows(rng, prevalence) for _ in range(SLICES)]
        scopes = [_statistics(Scope("slice", str(k)), part, prevalence) for k, part in enumerate(rows)]
        whole = _statistics(WHOLE, np.concatenate(rows, axis=1), prevalence)
        question = Question(task="binary", metrics=tuple(KINDS), baseline=True, confidence=CONFIDENCE)
        result = evaluate([whole, *scopes], question, fingerprint="simulated", notes=())
        for margin in MARGINS:
            rules = [Rule(metric=name, each="slice", limits=(Limit(kind, margin),)) for name, kind in KINDS.items()]
            gates = judge_rules(rules, result, min_group_size=30)
            blocking = {gate.rule.metric for gate in gates if gate.outcome == "failed"}
            found[f"blocked {margin}"] += bool(blocking)
            found[f"errors {margin}"] += any(gate.outcome == "error" for gate in gates)
            for name in blocking:
                found[f"{name} {margin}"] += 1
    return found


def _rows(rng: np.random.Generator, prevalence: float) -> np.ndarray:
    """Draw labels and both models' scores, shape (3, rows): exchangeable, so that no metric truly changes."""
    label = (rng.random(ROWS) < prevalence).astype(np.float64)
    shared, *own = rng.standard_normal((3, ROWS))
    weights = math.sqrt(CORRELATION), math.sqrt(1 - CORRELATION)
    odds = math.log(prevalence / (1 - prevalence))
    scores = (FAR * label + weights[0] * shared + weights[1] * each for each in own)
    return np.stack([label, *(1 / (1 + np.exp(-(FAR * (score - FAR / 2) + odds))) for score in scores)])


def _statistics(scope: Scope, rows: np.ndarray, prevalence: float) -> Statistics:
    """Return what mlci keeps of them; a row is decided positive where its score is above the prevalence."""
    label, before, now = rows
    decided = np.stack([label, before >= prevalence, now >= prevalence], axis=1).astype(np.int64)
    cells, count = np.unique(decided, axis=0, return_counts=True)
    squares = sum_columns({"baseline": (before - label) ** 2, "candidate": (now - label) ** 2}, label=label)
    return Statistics(
        scope,
        len(label),
        Decisions(("0", "1"), *cells.T, count.astype(np.int64)),
        scores=rank_scores(label.astype(np.int64), before, now).scores,
        moments={"squared": squares},
    )


def works(scale: float) -> list[Work]:
    """Return the simulations."""
    return [
        Work(f"family-wise {prevalence}", harmless, round(DRAWS * scale), {"prevalence": prevalence}, pieces=8)
        for prevalence in PREVALENCES
    ]


def section(outcomes: Mapping[str, Outcome]) -> Section:
    """Hold the share of harmless changes that are blocked to the level of one end, and errors to none at all."""
    figures, overview = [], []
    for prevalence in PREVALENCES:
        found = outcomes[f"family-wise {prevalence}"]
        for margin in MARGINS:
            where = f"{percent(prevalence, 0)} positives, margin {margin}"
            blocked = found.totals[f"blocked {margin}"]
            figures.append(within(f"{where}: blocked", blocked, found.replicates, 0.0, ALPHA))
            errors = found.mean(f"errors {margin}")
            figures.append(Figure(what=f"{where}: a gate in error", measured=errors, error=0.0, low=0.0, high=0.0))
            overview.append([where, *(percent(found.mean(f"{name} {margin}")) for name in KINDS)])
    return Section(
        title="Harmless changes over small slices with few positives",
        lead=f"{SLICES} slices of {ROWS} rows, gates on {', '.join(KINDS)} in each: {SLICES * len(KINDS)} gates in "
        f"Holm's family, confidence {CONFIDENCE}; two models whose scores are equally good and correlate by "
        f"{CORRELATION}. No more than {percent(ALPHA)} of runs may be blocked, and none by a gate in error because of "
        "labels alone. Runs blocked by each metric:",
        figures=figures,
        overview=(("", *KINDS), overview),
    )
