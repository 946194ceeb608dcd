"""Functions of rows with known truths, resampled by the jackknife as the engine resamples them."""

from collections.abc import Callable

import numpy as np

from benchmarks.characteristics.draws import Population
from benchmarks.characteristics.misses import binormal, rank_truth
from mlci.engine.in_memory.row_values import paired_replicates
from mlci.metrics.resampling import MetricCall, Plan, resample
from mlci.metrics.row_metrics import Method, RowSample, RowValues
from mlci.metrics.statistics import WHOLE, Decisions, Statistics

Truth = tuple[float, float]
PREVALENCE = 0.3


def f2(labels: np.ndarray, decided: np.ndarray, sample_weight: np.ndarray) -> float:
    """Return F-beta with beta = 2, which weighs recall four times as much as precision."""
    hits = sample_weight[(labels == 1) & (decided == 1)].sum()
    return float(5 * hits / (4 * sample_weight[labels == 1].sum() + sample_weight[decided == 1].sum()))


def macro_jaccard(labels: np.ndarray, decided: np.ndarray, sample_weight: np.ndarray) -> float:
    """Return the mean over classes of the Jaccard index."""
    found = []
    for one in np.unique(labels):
        both = sample_weight[(labels == one) & (decided == one)].sum()
        found.append(both / sample_weight[(labels == one) | (decided == one)].sum())
    return float(np.mean(found))


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the AUC of scores without ties."""
    positions = np.flatnonzero(labels[np.argsort(scores, kind="stable")])
    m = len(positions)
    return float((positions.sum() - m * (m - 1) / 2) / (m * (len(labels) - m)))


def draw_decisions(population: Population, metrics: dict[str, Callable[..., float]]) -> Callable[..., Statistics]:
    """Return what draws rows of a population, and leaves each of them out of functions of decisions."""

    def draw(rng: np.random.Generator, rows: int) -> Statistics:
        counted = population.draw(rng, rows).decisions
        if counted is None or counted.baseline is None:
            raise ValueError(population)
        label, baseline, candidate = (
            np.repeat(column, counted.count) for column in (counted.label, counted.baseline, counted.candidate)
        )
        size = len(population.classes)
        sample = RowSample(
            task="binary" if size == 2 else "multiclass",
            labels=label,
            classes=population.classes,
            scores=(None, None),
            decisions=(candidate, baseline),
            scopes=(np.arange(rows),),
        )
        return _resampled(sample, metrics, "cell jackknife")

    return draw


def draw_scores(rng: np.random.Generator, rows: int) -> Statistics:
    """Draw two models' scores, and leave each group of rows out of their AUC."""
    label = (rng.random(rows) < PREVALENCE).astype(np.int64)
    baseline, candidate = binormal(rng, label)
    sample = RowSample(
        task="binary",
        labels=label,
        classes=(0, 1),
        scores=(candidate, baseline),
        decisions=(None, None),
        scopes=(np.lexsort((baseline, candidate, label)),),
    )
    return _resampled(sample, {"area": auc}, "group jackknife")


def _resampled(sample: RowSample, metrics: dict[str, Callable[..., float]], method: Method) -> Statistics:
    given = sample.decisions if method == "cell jackknife" else sample.scores
    predictions = tuple(one for one in given if one is not None)
    calls = [MetricCall(function, sample.labels, predictions, method) for function in metrics.values()]
    values, reasons = resample(Plan(calls, sample.scopes, len(sample.classes), 0, 7))
    on = "decision" if method == "cell jackknife" else "score"
    found = RowValues(values=values, methods=(method,) * len(calls), reasons=reasons, on=(on,) * len(calls))
    replicates = {name: paired_replicates(sample, found, index, 0) for index, name in enumerate(metrics)}
    return Statistics(WHOLE, len(sample.labels), replicates=replicates)


def decision_truth(population: Population, metrics: dict[str, Callable[..., float]]) -> Callable[[str, int], Truth]:
    """Return what gives the true value and change of a function of decisions."""
    counted: Decisions | None = population.truth().decisions
    if counted is None or counted.baseline is None:
        raise ValueError(population)
    weights = counted.count.astype(np.float64)
    values = {
        name: [function(counted.label, decided, weights) for decided in (counted.candidate, counted.baseline)]
        for name, function in metrics.items()
    }
    return lambda name, _rows: (values[name][0], values[name][0] - values[name][1])


def score_truth(_name: str, _rows: int) -> Truth:
    """Return the true AUC and its change."""
    before, now = rank_truth("roc_auc", PREVALENCE)
    return now, now - before
