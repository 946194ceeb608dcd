"""Populations behind the coverage of each family of intervals: their truths, and how a sample of them looks to mlci."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.characteristics.draws import Population, binary, context, multiclass, rank_scores, sum_columns
from benchmarks.characteristics.misses import binormal, rank_truth
from benchmarks.characteristics.row_functions import (
    decision_truth,
    draw_decisions,
    draw_scores,
    f2,
    macro_jaccard,
    score_truth,
)
from mlci.inference.measure import measure_metric
from mlci.metrics.statistics import WHOLE, Replicates, Statistics

Truth = tuple[float, float]
"""The candidate's true value, and the true change."""

BINARY = binary(prevalence=0.4, positives=(0.70, 0.05, 0.05), negatives=(0.88, 0.03, 0.025))
TWELVE = {500: 0.024, 2_000: 0.006}
"""Share of positives at which twelve are expected."""
RARE = binary(prevalence=0.025, positives=(0.80, 0.10, 0.04), negatives=(0.985, 0.004, 0.003))
"""One positive in forty, accuracy 0.99, and a candidate that loses more than it gains."""
CLASSES = multiclass(
    np.array([0.4, 0.3, 0.2, 0.1]),
    np.array([[0.80, 0.10, 0.05, 0.05], [0.12, 0.75, 0.08, 0.05], [0.10, 0.10, 0.70, 0.10], [0.10, 0.10, 0.15, 0.65]]),
    np.array([[0.85, 0.07, 0.05, 0.03], [0.10, 0.80, 0.05, 0.05], [0.10, 0.08, 0.72, 0.10], [0.08, 0.10, 0.12, 0.70]]),
    agree=0.85,
)
RARE_CLASS = multiclass(
    np.array([0.6, 0.375, 0.025]),
    np.array([[0.97, 0.02, 0.01], [0.03, 0.96, 0.01], [0.15, 0.10, 0.75]]),
    np.array([[0.975, 0.017, 0.008], [0.03, 0.96, 0.01], [0.10, 0.12, 0.78]]),
    agree=0.7,
)
SMALL_CLASS = multiclass(
    np.array([0.6, 0.38, 0.02]),
    np.array([[0.95, 0.04, 0.01], [0.04, 0.95, 0.01], [0.20, 0.15, 0.65]]),
    np.array([[0.955, 0.037, 0.008], [0.04, 0.95, 0.01], [0.15, 0.15, 0.70]]),
    agree=0.7,
)
PREVALENCE = 0.3
SCALE, OWN = 3.0, (2.0, 1.6)
"""Scales of the Laplace errors: shared by both models, and each model's own (baseline, candidate)."""
LOG_MEAN, LOG_SPREAD = math.log(50), 0.3


@dataclass(frozen=True)
class Family:
    """Metrics that are measured on the same draws.

    Attributes:
        metrics: By the name for the table, the name that mlci knows.
        sample: Draws one evaluation set.
        truth: Gives a metric's true value and change.
        few: Rows at which so few positives, or rows of a class, are decided differently that the interval of the change
            may cover more than its level.
        wide: Names of metrics of which one model's interval may cover more than its level.
    """

    metrics: Mapping[str, str]
    sample: Callable[[np.random.Generator, int], Statistics]
    truth: Callable[[str, int], Truth]
    few: tuple[int, ...] = ()
    wide: frozenset[str] = frozenset()


def _cells(population: Population, name: str) -> Truth:
    whole = population.truth()
    found = measure_metric(name, whole, context(whole))
    if found.candidate.value is None or found.change is None or found.change.value is None:
        raise ValueError(f"{name} is undefined in its population")
    return found.candidate.value, found.change.value


@cache
def _twelve(rows: int) -> Population:
    return binary(prevalence=TWELVE[rows], positives=(0.65, 0.10, 0.10), negatives=(0.988, 0.003, 0.003))


def _ranks(rng: np.random.Generator, rows: int) -> Statistics:
    label = (rng.random(rows) < PREVALENCE).astype(np.int64)
    return rank_scores(label, *binormal(rng, label))


def _rank_truth(name: str, _: int) -> Truth:
    before, now = rank_truth(name, PREVALENCE)
    return now, now - before


@cache
def _probabilities() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true probabilities and both models' scores on a grid of equally likely rows."""
    true, noise = (axis.ravel() for axis in np.meshgrid((np.arange(400) + 0.5) / 400, [-1.0, 1.0]))
    logit = np.log(true / (1 - true))
    return true, 1 / (1 + np.exp(-0.8 * logit)), 1 / (1 + np.exp(-(1.1 * logit + 0.25 * noise)))


def _losses(label: np.ndarray | float, score: np.ndarray) -> dict[str, np.ndarray]:
    return {"squared": (score - label) ** 2, "log": -np.log(np.where(label == 1, score, 1 - score))}


def _probable(rng: np.random.Generator, rows: int) -> Statistics:
    chosen = rng.integers(0, 800, rows)
    true, baseline, candidate = (column[chosen] for column in _probabilities())
    label = (rng.random(rows) < true).astype(np.float64)
    before, now = _losses(label, baseline), _losses(label, candidate)
    found = {name: sum_columns({"baseline": before[name], "candidate": now[name]}, label=label) for name in now}
    return Statistics(WHOLE, rows, moments=found)


def _probable_truth(name: str, _: int) -> Truth:
    true, baseline, candidate = _probabilities()
    loss = {"brier_score_loss": "squared", "log_loss": "log"}[name]
    means = []
    for score in (baseline, candidate):
        yes, no = _losses(1.0, score)[loss], _losses(0.0, score)[loss]
        means.append(float((true * yes + (1 - true) * no).mean()))
    return means[1], means[1] - means[0]


def _regression_rows(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = np.exp(LOG_MEAN + LOG_SPREAD * rng.standard_normal(rows))
    shared, first, second = rng.laplace(size=(3, rows))
    return y, SCALE * shared + OWN[0] * first, SCALE * shared + OWN[1] * second


def _regression(rng: np.random.Generator, rows: int) -> Statistics:
    y, before, now = _regression_rows(rng, rows)
    shift = y - y.mean()
    losses = {
        "absolute": (abs(before), abs(now)),
        "squared": (before**2, now**2),
        "signed": (before, now),
        "percentage": (abs(before) / y, abs(now) / y),
    }
    found = {
        name: sum_columns({"baseline": b, "candidate": c}, squares=name == "squared") for name, (b, c) in losses.items()
    }
    found["variance"] = sum_columns(
        {"y": shift, "y2": shift**2, "baseline": before**2, "candidate": now**2}, squares=True
    )
    return Statistics(WHOLE, rows, moments=found)


def _regression_truth(name: str, _: int) -> Truth:
    square = [2 * (SCALE**2 + own**2) for own in OWN]
    # The mean of |aX + bY| for independent standard Laplace X and Y is (a² + ab + b²) / (a + b).
    absolute = [(SCALE**2 + SCALE * own + own**2) / (SCALE + own) for own in OWN]
    inverse = math.exp(-LOG_MEAN + LOG_SPREAD**2 / 2)
    variance = math.expm1(LOG_SPREAD**2) * math.exp(2 * LOG_MEAN + LOG_SPREAD**2)
    before, now = {
        "mean_absolute_error": absolute,
        "mean_absolute_percentage_error": [inverse * value for value in absolute],
        "mean_error": [0.0, 0.0],
        "mean_squared_error": square,
        "root_mean_squared_error": [math.sqrt(value) for value in square],
        "r2": [1 - value / variance for value in square],
    }[name]
    return now, now - before


REPLICATES = 1_000


@cache
def _resampled(rows: int) -> np.ndarray:
    """Return how often each row occurs in each replicate, drawn as the engine draws them: the same for every sample."""
    counts = np.empty((REPLICATES, rows))
    for replicate in range(REPLICATES):
        chosen = np.random.default_rng(np.random.SeedSequence((7, 0, replicate))).integers(0, rows, rows)
        counts[replicate] = np.bincount(chosen, minlength=rows)
    return counts


def _row_metric(rng: np.random.Generator, rows: int) -> Statistics:
    """Draw rows, with the correlation of label and prediction as a metric that is only known on rows."""
    y, before, now = _regression_rows(rng, rows)
    centred = y - y.mean()
    found = [_correlations(centred, centred + error, rows) for error in (now, before)]
    sample, drawn = zip(*found, strict=True)
    replicates = Replicates(sample[0], sample[1], drawn[0], drawn[1], rows)
    return Statistics(WHOLE, rows, replicates={"correlation": replicates})


def _correlations(y: np.ndarray, p: np.ndarray, rows: int) -> tuple[float, np.ndarray]:
    sums = _resampled(rows) @ np.stack([y, p, y * y, p * p, y * p], axis=1) / rows
    y1, p1, yy, pp, yp = sums.T
    drawn = (yp - y1 * p1) / np.sqrt((yy - y1**2) * (pp - p1**2))
    return float(np.corrcoef(y, p)[0, 1]), drawn


def _row_truth(_name: str, _rows: int) -> Truth:
    variance = math.expm1(LOG_SPREAD**2) * math.exp(2 * LOG_MEAN + LOG_SPREAD**2)
    before, now = (1 / math.sqrt(1 + 2 * (SCALE**2 + own**2) / variance) for own in OWN)
    return now, now - before


RATES = {
    "accuracy: Wilson, Tango": "accuracy",
    "recall: Wilson, Tango": "recall",
    "false positive rate: Wilson, Tango": "false_positive_rate",
    "selection rate: Wilson, Tango": "selection_rate",
    "precision: Wilson, Tango by label": "precision",
    "negative predictive value: Wilson, Tango by label": "negative_predictive_value",
    "F1: Wilson of Jaccard, Tango by label": "f1",
    "Jaccard: delta on the logit scale, Tango by label": "jaccard",
    "balanced accuracy: Wilson by class, Tango by label": "balanced_accuracy",
    "Matthews correlation: delta on the logit scale, Tango by label": "matthews_corrcoef",
    "Cohen's kappa: delta on the logit scale, Tango by label": "cohen_kappa_score",
}
MANY_CLASSES = {
    "multiclass accuracy: Wilson, Tango": "accuracy",
    "macro F1: Wilson of Jaccard by class, Tango by label": "f1_macro",
    "weighted F1: delta on the logit scale, Tango by label": "f1_weighted",
    "macro precision: Wilson by class, Tango by label": "precision_macro",
    "macro recall: Wilson by class, Tango by label": "recall_macro",
    "F1 of one class: Wilson of Jaccard, Tango by label": "f1[d]",
    "precision of one class: Wilson, Tango by label": "precision[d]",
    "multiclass Matthews correlation: delta on the logit scale, Tango by label": "matthews_corrcoef",
}
_SCARCE = {
    "recall, {}: Wilson, Tango": "recall",
    "precision, {}: Wilson, Tango by label": "precision",
    "negative predictive value, {}: Wilson, Tango by label": "negative_predictive_value",
    "F1, {}: Wilson of Jaccard, Tango by label": "f1",
    "balanced accuracy, {}: Wilson by class, Tango by label": "balanced_accuracy",
    "Matthews correlation, {}: delta on the logit scale, Tango by label": "matthews_corrcoef",
    "Cohen's kappa, {}: delta on the logit scale, Tango by label": "cohen_kappa_score",
}
FEW = {title.format("12 positives"): name for title, name in _SCARCE.items()}
RATES_OF_RARE = {title.format("2.5 % positives"): name for title, name in _SCARCE.items()}
CLASSES_WITH_RARE = {
    "macro recall, a class of 2.5 %: Wilson by class, Tango by label": "recall_macro",
    "macro precision, a class of 2.5 %: Wilson by class, Tango by label": "precision_macro",
    "macro F1, a class of 2.5 %: Wilson of Jaccard by class, Tango by label": "f1_macro",
}
MEANS = {
    "MAE: t": "mean_absolute_error",
    "MAPE: t": "mean_absolute_percentage_error",
    "mean error: t": "mean_error",
    "MSE: Hall on the log scale, t": "mean_squared_error",
    "RMSE: Hall on the log scale, t": "root_mean_squared_error",
    "R²: t on the log scale, t": "r2",
}
FAMILIES: dict[str, Family] = {
    "binary": Family(RATES, BINARY.draw, lambda name, _: _cells(BINARY, name)),
    "classes": Family(MANY_CLASSES, CLASSES.draw, lambda name, _: _cells(CLASSES, name)),
    "few": Family(
        FEW, lambda rng, n: _twelve(n).draw(rng, n), lambda name, n: _cells(_twelve(n), name), few=(500, 2_000)
    ),
    "rare": Family(RATES_OF_RARE, RARE.draw, lambda name, _: _cells(RARE, name), few=(500,)),
    "rare class": Family(CLASSES_WITH_RARE, RARE_CLASS.draw, lambda name, _: _cells(RARE_CLASS, name), few=(500,)),
    "ranks": Family(
        {"ROC AUC: score, DeLong": "roc_auc", "average precision: mixing score, influence": "average_precision"},
        _ranks,
        _rank_truth,
        wide=frozenset({"roc_auc"}),
    ),
    "probabilities": Family(
        {"Brier score: Hall, t by class": "brier_score_loss", "log loss: Hall, t by class": "log_loss"},
        _probable,
        _probable_truth,
    ),
    "regression": Family(MEANS, _regression, _regression_truth),
    "rows": Family({"any other metric: row bootstrap": "correlation"}, _row_metric, _row_truth),
    "left out": Family(
        {"a function of decisions (F2): cell jackknife": "f2"},
        draw_decisions(BINARY, {"f2": f2}),
        decision_truth(BINARY, {"f2": f2}),
    ),
    "left out, classes": Family(
        {"a function of four classes (macro Jaccard): cell jackknife": "macro"},
        draw_decisions(CLASSES, {"macro": macro_jaccard}),
        decision_truth(CLASSES, {"macro": macro_jaccard}),
    ),
    "left out, groups": Family({"a function of scores (AUC): group jackknife": "area"}, draw_scores, score_truth),
}
FUNCTIONS = ("left out", "left out, classes", "left out, groups")
"""Families of functions of rows, which have a section of their own."""
