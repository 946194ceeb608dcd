"""Metrics of decisions: rates by Wilson and Tango, ratios of counts by the delta method."""

from mlci.inference import cells, rates
from mlci.inference.common import Context, Triple, absent, tie
from mlci.inference.evidence import Evidence, Point, Undefined
from mlci.inference.proportions import F1
from mlci.metrics import catalogue, confusion
from mlci.metrics.catalogue import PER_CLASS
from mlci.metrics.confusion import Function
from mlci.metrics.info import MetricInfo
from mlci.metrics.rates import Rate, rate
from mlci.metrics.statistics import Decisions, Statistics

_FUNCTIONS: dict[str, Function] = {
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


def base_rate(name: str, decisions: Decisions) -> Rate:
    """Return the masks of a rate under any of its names; its positive class is the last of two."""
    return rate(catalogue.canonical(name), len(decisions.classes), 1)


def rate_evidence(info: MetricInfo, statistics: Statistics, context: Context) -> Triple:
    """Return a rate or ratio with its evidence; of one class for names like ``f1[x]``."""
    if (found := PER_CLASS.match(info.name)) is not None:
        return _of_class(found[1], found[2], statistics, context)
    decisions = statistics.decisions
    if decisions is None:
        return absent("decisions")
    return _proportions(base_rate(info.name, decisions), decisions, context)


def _proportions(masks: Rate, decisions: Decisions, context: Context) -> Triple:
    candidate = rates.proportion(rates.share(decisions, masks, decisions.candidate))
    if decisions.baseline is None:
        return candidate, None, None
    baseline = rates.proportion(rates.share(decisions, masks, decisions.baseline))
    view = cells.Cells.of(decisions)
    if view.identical:
        return candidate, baseline, tie(candidate)
    return candidate, baseline, rates.change(view, masks, confidence=context.confidence, seed=context.seed)


def share_evidence(info: MetricInfo, statistics: Statistics, context: Context) -> Triple:
    """Return the scope's part of the whole set's total; a change would need another method, so it has none."""
    decisions, whole = statistics.decisions, context.whole.decisions
    if decisions is None or whole is None:
        return absent("decisions")
    masks = base_rate(info.name, decisions)

    def of(decided: str) -> Evidence:
        part = rates.share(decisions, masks, getattr(decisions, decided)).part
        return rates.proportion(rates.Share(part, rates.share(whole, masks, getattr(whole, decided)).part))

    candidate = of("candidate")
    if decisions.baseline is None:
        return candidate, None, None
    baseline = of("baseline")
    if candidate.value is None or baseline.value is None:
        return candidate, baseline, Undefined("0/0: one model decides for no row")
    return (
        candidate,
        baseline,
        Point(candidate.value - baseline.value, "difference", "no interval for a change of shares"),
    )


def ratio_evidence(info: MetricInfo, statistics: Statistics, context: Context) -> Triple:
    """Return a rate or ratio with its evidence; of one class for names like ``f1[x]``."""
    if (found := PER_CLASS.match(info.name)) is not None:
        return _of_class(found[1], found[2], statistics, context)
    if statistics.decisions is None:
        return absent("decisions")
    low = -1.0 if info.low is None else info.low
    return _counts(
        _FUNCTIONS[catalogue.canonical(info.name)], statistics, context, low=low, f1_class=1 if _is_f1(info) else None
    )


def _of_class(metric: str, wanted: str, statistics: Statistics, context: Context) -> Triple:
    decisions = statistics.decisions
    if decisions is None:
        return absent("decisions")
    if wanted not in decisions.classes:
        return (Undefined(f"no class is called {wanted!r}; there are {', '.join(decisions.classes)}"), None, None)
    k = decisions.classes.index(wanted)
    if metric == "f1":
        return _counts(confusion.f1_of(k), statistics, context, low=0.0, f1_class=k)
    return _proportions(rate(metric, len(decisions.classes), k), decisions, context)


def _counts(
    function: Function, statistics: Statistics, context: Context, *, low: float, f1_class: int | None
) -> Triple:
    assert statistics.decisions is not None  # noqa: S101 (callers have checked; for the type checker)
    view = cells.Cells.of(statistics.decisions)
    candidate = cells.one(view, function, low=low, high=1.0)
    baseline = cells.baseline(view, function, low=low, high=1.0)
    if f1_class is not None:
        candidate = _f1(view.candidate, f1_class)
        baseline = None if view.baseline is None else _f1(view.baseline, f1_class)
    if baseline is not None and view.identical:
        return candidate, baseline, tie(candidate)
    return candidate, baseline, cells.paired(view, function, confidence=context.confidence, seed=context.seed)


def _f1(margins: confusion.Margins, k: int) -> Evidence:
    hits = round(float(margins.hits[k]))
    either = round(float(margins.labels[k] + margins.decisions[k])) - hits
    return F1(hits, either) if either else Undefined("0/0: no row is positive by label or by decision")


def _is_f1(info: MetricInfo) -> bool:
    return catalogue.canonical(info.name) == "f1"
