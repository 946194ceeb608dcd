"""Metrics of decisions: rates by Wilson and Tango, means of rates by class, ratios of counts by the delta method."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlci.inference.estimators import ratios
from mlci.inference.estimators.ratios import Cells
from mlci.inference.evidence import (
    Cause,
    Evidence,
    MeasureContext,
    Point,
    Tie,
    Triple,
    Undefined,
    absent_evidence,
    tied_evidence,
)
from mlci.inference.intervals.gaffke import BoundedMean
from mlci.inference.intervals.label_sums import Mover
from mlci.inference.intervals.score_intervals import F1, Proportion, Tango
from mlci.metrics import catalogue, confusion
from mlci.metrics.catalogue import PER_CLASS
from mlci.metrics.confusion import Function, Margins, Rate, rate
from mlci.metrics.entries import MetricInfo
from mlci.metrics.statistics import Counts, Decisions, Floats, Statistics

NO_SHARE_INTERVAL = "no interval for a change of shares"


@dataclass(frozen=True)
class Share:
    """A numerator and a denominator, in rows."""

    part: int
    base: int


def share_of_rows(decisions: Decisions, rate: Rate, decided: Counts) -> Share:
    """Count the rows of one model's rate."""
    label, count = decisions.label, decisions.count
    return Share(int(count[rate.part[label, decided]].sum()), int(count[rate.base[label, decided]].sum()))


def proportion(counted: Share) -> Evidence:
    """Return the rate with Wilson's interval; undefined if its base is empty."""
    if counted.base == 0:
        return Undefined("0/0: no row here is in the denominator")
    return Proportion(counted.part, counted.base)


def rate_change(cells: Cells, rate: Rate) -> Evidence | None:
    """Return candidate minus baseline over the same rows; ``None`` without a baseline."""
    base = cells.decisions.baseline
    if base is None:
        return None
    if not rate.shared and rate.function is not None:
        return ratios.change_by_label(cells, rate.function)
    return _tango(cells.decisions, rate, base)


def _tango(decisions: Decisions, rate: Rate, baseline: Counts) -> Evidence:
    label, candidate, count = decisions.label, decisions.candidate, decisions.count
    inside = rate.base[label, candidate]
    rows = int(count[inside].sum())
    if rows == 0:
        return Undefined("0/0: no row here is in the denominator")
    now, before = rate.part[label, candidate], rate.part[label, baseline]
    if bool((now == before).all()) and rate.part.sum(axis=1).max() == rate.part.shape[1]:
        return Tie(reason="it depends on the labels alone")
    return Tango(int(count[inside & now & ~before].sum()), int(count[inside & before & ~now].sum()), rows)


_FUNCTIONS: dict[str, Function] = {
    "average_odds": confusion.average_odds,
    "balanced_accuracy": confusion.balanced_accuracy,
    "f1": confusion.f1_of(1),
    "jaccard": confusion.jaccard_of(1),
    "matthews_corrcoef": confusion.matthews_corrcoef,
    "cohen_kappa_score": confusion.cohen_kappa_score,
    "f1_macro": confusion.macro(confusion.f1s),
    "f1_weighted": confusion.weighted(confusion.f1s),
    "precision_macro": confusion.macro(confusion.precisions),
    "precision_weighted": confusion.weighted(confusion.precisions),
    "recall_macro": confusion.macro(confusion.recalls),
}
_BASES: dict[str, Callable[[Margins], Floats]] = {
    "balanced_accuracy": lambda m: m.labels,
    "recall_macro": lambda m: m.labels,
    "precision_macro": lambda m: m.decisions,
    "f1_macro": lambda m: m.labels + m.decisions - m.hits,
}
"""Means of rates over classes, by the rows that the rates are shares of."""


def ratio_function(name: str) -> Function:
    """Return a ratio of counts by any of its names."""
    return _FUNCTIONS[catalogue.canonical(name)]


class _Model(NamedTuple):
    """One of the models: its decisions on the cells of a scope, and their margins."""

    view: ratios.Cells
    decided: Counts
    margins: Margins


_One = Callable[[_Model], Evidence]


def base_rate(name: str, decisions: Decisions) -> Rate:
    """Return the masks of a rate by any of its names; its positive class is the second, or the only one."""
    return rate(catalogue.canonical(name), len(decisions.classes), min(1, len(decisions.classes) - 1))


def rate_evidence(info: MetricInfo, statistics: Statistics, context: MeasureContext) -> Triple:  # noqa: ARG001 (one kind of many)
    """Return a rate or ratio with its evidence; of one class for names like ``f1[x]``."""
    if (parts := PER_CLASS.match(info.name)) is not None:
        return _of_class(parts[1], parts[2], statistics)
    decisions = statistics.decisions
    if decisions is None:
        return absent_evidence("decisions")
    return _proportions(base_rate(info.name, decisions), decisions, statistics.differing)


def _proportions(masks: Rate, decisions: Decisions, differing: int | None) -> Triple:
    candidate = proportion(share_of_rows(decisions, masks, decisions.candidate))
    if decisions.baseline is None:
        return candidate, None, None
    baseline = proportion(share_of_rows(decisions, masks, decisions.baseline))
    view = ratios.Cells.of(decisions)
    if view.identical and not differing:
        return candidate, baseline, tied_evidence(candidate)
    return candidate, baseline, rate_change(view, masks)


def share_evidence(info: MetricInfo, statistics: Statistics, context: MeasureContext) -> Triple:
    """Return the scope's share of the whole set's total; its change has no interval."""
    decisions, whole = statistics.decisions, context.whole.decisions
    if decisions is None or whole is None:
        return absent_evidence("decisions")
    masks = base_rate(info.name, decisions)

    def of(decided: str) -> Evidence:
        part = share_of_rows(decisions, masks, getattr(decisions, decided)).part
        return proportion(Share(part, share_of_rows(whole, masks, getattr(whole, decided)).part))

    candidate = of("candidate")
    if decisions.baseline is None:
        return candidate, None, None
    baseline = of("baseline")
    if candidate.value is None or baseline.value is None:
        return candidate, baseline, Undefined("0/0: one model decides for no row")
    return (
        candidate,
        baseline,
        Point(candidate.value - baseline.value, "difference", NO_SHARE_INTERVAL),
    )


def ratio_evidence(info: MetricInfo, statistics: Statistics, context: MeasureContext) -> Triple:  # noqa: ARG001 (one kind of many)
    """Return a rate or ratio with its evidence; of one class for names like ``f1[x]``."""
    if (parts := PER_CLASS.match(info.name)) is not None:
        return _of_class(parts[1], parts[2], statistics)
    name, low = catalogue.canonical(info.name), -1.0 if info.low is None else info.low
    return _counts(_FUNCTIONS[name], statistics, _interval_method(name, low), low=low)


def _interval_method(name: str, low: float) -> _One:
    """Return the interval method for one model's value of a metric."""
    function, base = _FUNCTIONS[name], _BASES.get(name)
    if name == "f1":
        return lambda model: _f1(model.margins, 1)
    if name == "average_odds":
        return lambda model: _average_odds(model.margins)
    if base is not None:
        part = F1 if name == "f1_macro" else Proportion
        return lambda model: ratios.mean_rate(function, *model, base=base(model.margins), part=part)
    return lambda model: ratios.ratio_of_counts(function, *model, low=low, high=1.0)


def cost_matrix(name: str, classes: int) -> Floats:
    """Return the cost by label and decision of a binary task; its positive class is the second, or the only one."""
    costs = catalogue.costs_of(name)
    matrix = np.array([[costs["tn"], costs["fp"]], [costs["fn"], costs["tp"]]])
    return matrix[-classes:, -classes:]


def cost_evidence(info: MetricInfo, statistics: Statistics, context: MeasureContext) -> Triple:  # noqa: ARG001 (one kind of many)
    """Return the mean cost of a decision; a cost has few values, so that it has an exact bound."""
    decisions = statistics.decisions
    if decisions is None:
        return absent_evidence("decisions")
    costs = cost_matrix(info.name, len(decisions.classes))
    low, high = float(costs.min()), float(costs.max())
    now = costs[decisions.label, decisions.candidate]
    candidate = _mean_cost(now, decisions.count, low, high)
    if decisions.baseline is None:
        return candidate, None, None
    before = costs[decisions.label, decisions.baseline]
    baseline = _mean_cost(before, decisions.count, low, high)
    if ratios.Cells.of(decisions).identical and not statistics.differing:
        return candidate, baseline, tied_evidence(candidate)
    return candidate, baseline, _mean_cost(now - before, decisions.count, low - high, high - low)


def _mean_cost(costs: Floats, count: Counts, low: float, high: float) -> Evidence:
    used = count > 0
    if not used.any():
        return Undefined("no rows")
    values, places = np.unique(costs[used], return_inverse=True)
    rows = np.bincount(places, weights=count[used]).astype(np.int64)
    return BoundedMean(values, rows, low, high)


def _of_class(metric: str, wanted: str, statistics: Statistics) -> Triple:
    decisions = statistics.decisions
    if decisions is None:
        return absent_evidence("decisions")
    if wanted not in decisions.classes:
        message = f"no class is called {wanted!r}; there are {', '.join(decisions.classes)}"
        unknown = Undefined(message, cause=Cause.NAME)
        return unknown, unknown, unknown
    k = decisions.classes.index(wanted)
    if metric == "f1":
        return _counts(confusion.f1_of(k), statistics, lambda model: _f1(model.margins, k), low=0.0)
    return _proportions(rate(metric, len(decisions.classes), k), decisions, statistics.differing)


def _counts(function: Function, statistics: Statistics, one: _One, *, low: float) -> Triple:
    decisions = statistics.decisions
    if decisions is None:
        return absent_evidence("decisions")
    view = ratios.Cells.of(decisions)
    candidate = one(_Model(view, decisions.candidate, view.candidate))
    if decisions.baseline is None or view.baseline is None:
        return candidate, None, None
    baseline = one(_Model(view, decisions.baseline, view.baseline))
    if view.identical and not statistics.differing:
        return candidate, baseline, tied_evidence(candidate)
    return candidate, baseline, ratios.change_by_label(view, function, most=1.0 - low)


def _average_odds(margins: confusion.Margins) -> Evidence:
    """Return the mean of recall and false-positive rate, which have no row in common."""
    negatives, positives = (round(float(rows)) for rows in margins.labels) if len(margins.labels) == 2 else (0, 0)
    if not negatives or not positives:
        return Undefined("0/0: only one class is labelled here", cause=Cause.LABELS)
    hits = round(float(margins.hits[1]))
    parts = (Proportion(hits, positives), Proportion(round(float(margins.decisions[1])) - hits, negatives))
    value = float(confusion.average_odds(margins))
    return Mover(value, parts, (0.5, 0.5), 0.0, negatives + positives, method="wilson by label")


def _f1(margins: confusion.Margins, k: int) -> Evidence:
    hits = round(float(margins.hits[k]))
    either = round(float(margins.labels[k] + margins.decisions[k])) - hits
    return F1(hits, either) if either else Undefined("0/0: no row is positive by label or by decision")
