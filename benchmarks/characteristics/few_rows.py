"""Populations in which few rows carry a metric: 2 % positives, a class of 2 %, log-normal targets, gross errors."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.characteristics.coverage import holds
from benchmarks.characteristics.draws import context, rank_scores, sum_columns
from benchmarks.characteristics.families import SMALL_CLASS
from benchmarks.characteristics.figures import Figure, Section, percent, within
from benchmarks.characteristics.misses import binormal, rank_truth
from benchmarks.characteristics.pool import Outcome, Work
from mlci.inference.evidence import Evidence
from mlci.inference.measure import measure_metric
from mlci.metrics.statistics import WHOLE, Statistics

CONFIDENCE = 0.95
ROWS = (100, 500, 2_000)
DRAWS = 600
RATE = 0.02
SIGMA, NOISE = 0.75, (0.30, 0.28)
GROSS, SIZE = 0.01, 15.0
Truth = tuple[float, float]


@dataclass(frozen=True)
class Metric:
    """One metric of a population and the most of its intervals that may miss, one model and change.

    Attributes:
        name: As mlci knows it.
        most: By kind, or by kind and rows if a number of rows has its own bound.
        of_all: Whether misses are counted among all draws, those without an interval too; else among the intervals.
    """

    name: str
    most: Mapping[str, float]
    of_all: bool = False

    def bound(self, kind: str, rows: int) -> float:
        """Return the largest share of misses."""
        return self.most.get(f"{kind} {rows}", self.most[kind])


@dataclass(frozen=True)
class Scarce:
    """A population: how a sample of it is drawn, and the truth of each of its metrics."""

    title: str
    metrics: Mapping[str, Metric]
    sample: Callable[[np.random.Generator, int], Statistics]
    truth: Callable[[str], Truth]


def _ranks(rng: np.random.Generator, rows: int) -> Statistics:
    label = (rng.random(rows) < RATE).astype(np.int64)
    return rank_scores(label, *binormal(rng, label))


def _rank_truth(name: str) -> Truth:
    before, now = rank_truth(name, RATE)
    return now, now - before


@cache
def _risks() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true probabilities of 2 % on average, and both models' scores, on a grid of equally likely rows."""
    z = np.sqrt(2) * np.array([math.erf(x) for x in np.linspace(-3, 3, 401)])  # any spread of risks will do
    logit = np.log(RATE / (1 - RATE)) - 0.45 + z
    true = 1 / (1 + np.exp(-logit))
    true = true * RATE / true.mean()
    logit = np.log(true / (1 - true))
    return true, 1 / (1 + np.exp(-0.85 * logit)), 1 / (1 + np.exp(-1.1 * logit))


def _losses(label: np.ndarray | float, score: np.ndarray) -> dict[str, np.ndarray]:
    return {"brier_score_loss": (score - label) ** 2, "log_loss": -np.log(np.where(label == 1, score, 1 - score))}


def _probable(rng: np.random.Generator, rows: int) -> Statistics:
    chosen = rng.integers(0, len(_risks()[0]), rows)
    true, *scores = (column[chosen] for column in _risks())
    label = (rng.random(rows) < true).astype(np.float64)
    before, now = (_losses(label, score) for score in scores)
    kept = {"squared": "brier_score_loss", "log": "log_loss"}
    found = {k: sum_columns({"baseline": before[v], "candidate": now[v]}, label=label) for k, v in kept.items()}
    return Statistics(WHOLE, rows, moments=found)


def _probable_truth(name: str) -> Truth:
    true, *scores = _risks()
    means = [float((true * _losses(1.0, s)[name] + (1 - true) * _losses(0.0, s)[name]).mean()) for s in scores]
    return means[1], means[1] - means[0]


def _class_truth(name: str) -> Truth:
    whole = SMALL_CLASS.truth()
    found = measure_metric(name, whole, context(whole))
    if found.candidate.value is None or found.change is None or found.change.value is None:
        raise ValueError(f"{name} is undefined in its population")
    return found.candidate.value, found.change.value


def _classes(rng: np.random.Generator, rows: int) -> Statistics:
    """Draw until every class is labelled: a mean over the classes that occur is another metric without one of them."""
    while True:
        sample = SMALL_CLASS.draw(rng, rows)
        if sample.decisions is not None and len(np.unique(sample.decisions.label)) == len(SMALL_CLASS.classes):
            return sample


def _log_normal(rng: np.random.Generator, rows: int) -> Statistics:
    """Draw a log-normal target with errors in proportion to it, which both models share in part."""
    y = np.exp(SIGMA * rng.standard_normal(rows))
    shared, first, second = rng.standard_normal((3, rows))
    errors = [y * scale * (0.8 * shared + 0.6 * own) for scale, own in zip(NOISE, (first, second), strict=True)]
    return _squares(y, *errors)


def _log_normal_truth(name: str) -> Truth:
    square, mean = math.exp(2 * SIGMA**2), math.exp(SIGMA**2 / 2)
    return _truth_of([scale**2 * square for scale in NOISE], square - mean**2, name)


def _gross(rng: np.random.Generator, rows: int) -> Statistics:
    """Draw normal errors; the candidate is grossly wrong on one row in a hundred."""
    y, first, second = rng.standard_normal((3, rows))
    wrong = rng.random(rows) < GROSS
    return _squares(3 * y, first, np.where(wrong, SIZE, 1.0) * (0.6 * first + 0.8 * second))


def _gross_truth(name: str) -> Truth:
    return _truth_of([1.0, 1 + GROSS * (SIZE**2 - 1)], 9.0, name)


def _truth_of(squares: list[float], variance: float, name: str) -> Truth:
    if name == "r2":
        before, now = (1 - square / variance for square in squares)
    else:
        before, now = (math.sqrt(square) for square in squares)
    return now, now - before


def _squares(y: np.ndarray, before: np.ndarray, now: np.ndarray) -> Statistics:
    shift, squares = y - y.mean(), {"baseline": before**2, "candidate": now**2}
    found = {
        "squared": sum_columns(squares, squares=True),
        "variance": sum_columns({"y": shift, "y2": shift**2, **squares}, squares=True),
    }
    return Statistics(WHOLE, len(y), moments=found)


LEAD = (
    "Coverage of nominal 95 % intervals where few rows carry a metric, and the share of draws that have an "
    "interval at all: “96.0 % of 62 %” means that 62 % of the draws had an interval, and 96.0 % of those hold the "
    "truth. The others are inconclusive. At most 6 % of intervals may miss (ROC AUC; Brier score and log loss of "
    "one model), 7 % (their changes, macro F1), 8 % (average precision; 25 % of the few intervals that there are "
    "at 100 rows). Of squared errors at most 7 % of all draws may have an interval that misses: under heavy tails "
    "a sample without a large row does not know of it, so the intervals that there are miss more often than 5 %. "
    "Where 1 % of rows are gross errors, 37 % of samples of 100 rows hold none, and as many as half of all draws "
    "miss."
)
SQUARES = {"one": 0.07, "paired": 0.07}
NONE_TO_SEE = {**SQUARES, "one 100": 0.55, "paired 100": 0.55}
"""Four in ten samples of 100 rows hold no gross error at all, and nothing in them can warn of it."""
LOSSES = {"one": 0.06, "paired": 0.07}
POPULATIONS = {
    "ranks": Scarce(
        "2 % positive",
        {
            "ROC AUC": Metric("roc_auc", {"one": 0.06, "paired": 0.06}),
            "average precision": Metric("average_precision", {"one": 0.08, "paired": 0.08, "one 100": 0.25}),
        },
        _ranks,
        _rank_truth,
    ),
    "losses": Scarce(
        "2 % positive",
        {
            "Brier score": Metric("brier_score_loss", LOSSES),
            "log loss": Metric("log_loss", LOSSES),
        },
        _probable,
        _probable_truth,
    ),
    "classes": Scarce(
        "a class of 2 %",
        {"macro F1": Metric("f1_macro", {"one": 0.07, "paired": 0.07})},
        _classes,
        _class_truth,
    ),
    "log-normal": Scarce(
        "log-normal target",
        {
            "RMSE": Metric("root_mean_squared_error", SQUARES, of_all=True),
            "R²": Metric("r2", SQUARES, of_all=True),
        },
        _log_normal,
        _log_normal_truth,
    ),
    "gross": Scarce(
        "candidate grossly wrong on 1 %",
        {
            "RMSE": Metric("root_mean_squared_error", NONE_TO_SEE, of_all=True),
            "R²": Metric("r2", NONE_TO_SEE, of_all=True),
        },
        _gross,
        _gross_truth,
    ),
}


def count_misses(rng: np.random.Generator, draws: int, *, population: str, rows: int) -> dict[str, float]:
    """Count intervals, and those among them that miss the truth."""
    chosen = POPULATIONS[population]
    found: dict[str, float] = {}
    for _ in range(draws):
        sample = chosen.sample(rng, rows)
        for metric in chosen.metrics.values():
            seen, truths = measure_metric(metric.name, sample, context(sample)), chosen.truth(metric.name)
            for kind, evidence, truth in zip(("one", "paired"), (seen.candidate, seen.change), truths, strict=True):
                for what, counts in (("there", _is_there(evidence)), ("miss", _misses(evidence, truth))):
                    key = f"{metric.name} {kind} {what}"
                    found[key] = found.get(key, 0.0) + counts
    return found


def _is_there(evidence: Evidence | None) -> bool:
    return evidence is not None and evidence.value is not None and evidence.interval(CONFIDENCE) is not None


def _misses(evidence: Evidence | None, truth: float) -> bool:
    return _is_there(evidence) and not holds(evidence, truth)


def works(scale: float) -> list[Work]:
    """Return the simulations."""
    return [
        Work(f"few {name} {n}", count_misses, round(DRAWS * scale), {"population": name, "rows": n})
        for name in POPULATIONS
        for n in ROWS
    ]


def section(outcomes: Mapping[str, Outcome], *, allowed: float) -> tuple[Section, list[Figure]]:
    """Hold misses to the shares that the methods are known for."""
    figures: list[Figure] = []
    overview = []
    for key, chosen in POPULATIONS.items():
        for title, metric in chosen.metrics.items():
            for kind, shown in (("one", "one model"), ("paired", "change")):
                cells = []
                for n in ROWS:
                    outcome = outcomes[f"few {key} {n}"]
                    there = int(outcome.totals.get(f"{metric.name} {kind} there", 0.0))
                    missing = outcome.totals.get(f"{metric.name} {kind} miss", 0.0)
                    among = outcome.replicates if metric.of_all else max(there, 1)
                    what = f"{title}, {chosen.title}, {n:,} rows, {shown}"
                    figures.append(within(what, missing, among, 0.0, metric.bound(kind, n), allowed=allowed))
                    cells.append(f"{percent(1 - missing / max(there, 1))} of {percent(there / outcome.replicates, 0)}")
                overview.append([f"{title}, {chosen.title}, {shown}", *cells])
    outside = [figure for figure in figures if not figure.kept]
    return (
        Section(
            title="Few rows that matter",
            lead=LEAD,
            figures=outside,
            overview=(("", *(f"{n:,} rows" for n in ROWS)), overview),
            notes=[f"{len(figures) - len(outside)} of {len(figures)} shares are within their bounds."],
        ),
        figures,
    )
