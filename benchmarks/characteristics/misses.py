"""One-sided misses: how often the truth is beyond one end of a 90 % interval; 5 % is the target at each end."""

from collections.abc import Mapping
from functools import cache
from statistics import NormalDist

import numpy as np

from benchmarks.characteristics.draws import Population, binary, context, rank_scores
from benchmarks.characteristics.figures import Figure, Section, within
from benchmarks.characteristics.pool import Outcome, Work
from mlci.inference.evidence import Evidence
from mlci.inference.intervals.score_intervals import Tango
from mlci.inference.measure import measure_metric
from mlci.metrics.statistics import Statistics

CONFIDENCE = 0.90
TARGET = (1 - CONFIDENCE) / 2
TANGO = {200: (0.03, 0.03), 1_000: (0.03, 0.03), 10_000: (0.025, 0.055)}
POSITIVES = (15, 30, 100, 400)
PLENTY = 30
"""Positives from which F1's change is not on the safe side any more, but exact."""
CLASS_SIZES = (50, 100, 200)
AP_POSITIVES = (100, 200, 400)
FAR, CORRELATION = (1.2, 1.35), 0.8
"""Distance of the positives' scores from the negatives', baseline and candidate, and correlation of the two scores."""


@cache
def _tango(gained: int, lost: int, rows: int) -> tuple[float, float]:
    return Tango(gained, lost, rows).interval(CONFIDENCE)


def tango(rng: np.random.Generator, draws: int, *, rows: int, shares: tuple[float, float]) -> dict[str, float]:
    """Count misses of Tango's interval at either end."""
    truth = shares[0] - shares[1]
    distinct, counts = np.unique(
        rng.multinomial(rows, [*shares, 1 - sum(shares)], size=draws)[:, :2], axis=0, return_counts=True
    )
    ends = [_tango(int(gained), int(lost), rows) for gained, lost in distinct]
    return {
        "below": float(sum(k for (_, high), k in zip(ends, counts, strict=True) if high < truth)),
        "above": float(sum(k for (low, _), k in zip(ends, counts, strict=True) if low > truth)),
    }


def f1(rng: np.random.Generator, draws: int, *, positives: int) -> dict[str, float]:
    """Count misses of the change in F1 where this many positives are labelled among four times as many rows."""
    population = F1_POPULATION
    truth = measure_metric("f1", population.truth(), context(population.truth())).change
    found = {"below": 0.0, "above": 0.0}
    for _ in range(draws):
        sample = _stratified(rng, population, positives)
        _count(found, measure_metric("f1", sample, context(sample, confidence=CONFIDENCE)).change, _value(truth))
    return found


F1_POPULATION = binary(prevalence=0.25, positives=(0.70, 0.06, 0.06), negatives=(0.88, 0.03, 0.03))


def _stratified(rng: np.random.Generator, population: Population, positives: int) -> Statistics:
    labelled = population.cells[:, 0] == 1
    counts = np.zeros(len(labelled), dtype=np.int64)
    for mask, rows in ((labelled, positives), (~labelled, 3 * positives)):
        counts[mask] = rng.multinomial(rows, population.shares[mask] / population.shares[mask].sum())
    return population.counted(counts)


def ranks(rng: np.random.Generator, draws: int, *, positives: int, negatives: int, metric: str) -> dict[str, float]:
    """Count misses of the change in a metric of ranks."""
    label = np.repeat([1, 0], [positives, negatives])
    truth = rank_truth(metric, positives / (positives + negatives))
    found = {"below": 0.0, "above": 0.0}
    for _ in range(draws):
        sample = rank_scores(label, *binormal(rng, label))
        _count(
            found, measure_metric(metric, sample, context(sample, confidence=CONFIDENCE)).change, truth[1] - truth[0]
        )
    return found


def binormal(rng: np.random.Generator, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw both models' scores."""
    first, own = rng.standard_normal((2, len(label)))
    second = CORRELATION * first + np.sqrt(1 - CORRELATION**2) * own
    return FAR[0] * label + first, FAR[1] * label + second


@cache
def rank_truth(metric: str, prevalence: float) -> tuple[float, float]:
    """Return the true value for both models: the binormal AUC in closed form, average precision by integration."""
    normal = NormalDist()
    if metric == "roc_auc":
        return normal.cdf(FAR[0] / 2**0.5), normal.cdf(FAR[1] / 2**0.5)
    return _average_precision(FAR[0], prevalence), _average_precision(FAR[1], prevalence)


def _average_precision(far: float, prevalence: float) -> float:
    """Integrate precision over recall, by the midpoints of 20,000 strips of recall."""
    normal = NormalDist()
    strips = 20_000
    total = 0.0
    for k in range(strips):
        recall = (k + 0.5) / strips
        threshold = far + normal.inv_cdf(1 - recall)
        alarms = (1 - prevalence) * (1 - normal.cdf(threshold))
        total += prevalence * recall / (prevalence * recall + alarms)
    return total / strips


def _count(found: dict[str, float], evidence: Evidence | None, truth: float) -> None:
    ends = None if evidence is None or evidence.value is None else evidence.interval(CONFIDENCE)
    if ends is None:
        found["undefined"] = found.get("undefined", 0.0) + 1
        return
    found["below"] += ends[1] < truth
    found["above"] += ends[0] > truth


def _value(evidence: Evidence | None) -> float:
    if evidence is None or evidence.value is None:
        raise ValueError("the population has no such value")
    return evidence.value


def works(scale: float) -> list[Work]:
    """Return the simulations."""
    found = [Work(f"tango {n}", tango, round(20_000 * scale), {"rows": n, "shares": s}) for n, s in TANGO.items()]
    found += [Work(f"f1 {k}", f1, round(4_000 * scale), {"positives": k}) for k in POSITIVES]
    for k in CLASS_SIZES:
        settings = {"positives": k, "negatives": k, "metric": "roc_auc"}
        found.append(Work(f"delong {k}", ranks, round(6_000 * scale), settings))
    for k in AP_POSITIVES:
        settings = {"positives": k, "negatives": 3 * k, "metric": "average_precision"}
        found.append(Work(f"ap {k}", ranks, round(4_000 * scale), settings))
    return found


def section(outcomes: Mapping[str, Outcome]) -> Section:
    """Hold both ends of every interval to the published range."""
    figures: list[Figure] = []
    for n in TANGO:
        figures += _ends(f"Tango, {n:,} rows", outcomes[f"tango {n}"], 0.048, 0.053)
    for k in POSITIVES:
        least = 0.030 if k < PLENTY else 0.048
        figures += _ends(f"F1, change, {k} positives", outcomes[f"f1 {k}"], least, 0.060)
    for k in CLASS_SIZES:
        figures += _ends(f"paired DeLong, {k} of each class", outcomes[f"delong {k}"], 0.041, 0.051)
    for k in AP_POSITIVES:
        figures += _ends(f"average precision, change, {k} positives", outcomes[f"ap {k}"], 0.0, 0.063)
    return Section(
        title="One-sided misses",
        lead="How often the truth is beyond one end of a two-sided 90 % interval of the change; the target is 5 %.",
        figures=figures,
    )


def _ends(what: str, found: Outcome, low: float, high: float) -> list[Figure]:
    return [
        within(f"{what}: truth above the upper end", found.totals["below"], found.replicates, low, high),
        within(f"{what}: truth below the lower end", found.totals["above"], found.replicates, low, high),
    ]
