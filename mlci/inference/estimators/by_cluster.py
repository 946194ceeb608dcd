"""Evidence for metrics of rows with clusters or weights: influences summed by cluster.

A share of rows, and every other bounded metric, has the mixing score with the clusters' variance; a mean without bounds
has Student's interval, with Hall's transformation for one model. Degrees of freedom are those of Imbens & Kolesár,
and for functions of means at most those that the kurtosis of the clusters' sums allows: a class that occurs in few
clusters, or a few clusters with large losses, carry the variance by themselves.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mlci.inference.estimators import influence, ranks
from mlci.inference.estimators.cluster_estimate import (
    ClusterEstimate,
    bounded_evidence,
    hall_evidence,
    student_evidence,
)
from mlci.inference.estimators.decision_metrics import NO_SHARE_INTERVAL, base_rate, cost_matrix, ratio_function
from mlci.inference.estimators.influence import Estimate, Linear
from mlci.inference.estimators.means import ALIKE
from mlci.inference.estimators.score_metrics import NO_CALIBRATION_INTERVAL, custom_evidence, folded_mean
from mlci.inference.evidence import (
    Cause,
    Evidence,
    MeasureContext,
    Point,
    Tie,
    Triple,
    Undefined,
    absent_evidence,
    too_few,
)
from mlci.inference.intervals.clusters import ClusterSums
from mlci.inference.intervals.error_intervals import LogScale
from mlci.metrics import catalogue, confusion
from mlci.metrics.catalogue import PER_CLASS
from mlci.metrics.clustered_rows import ClusteredRows, ModelRows
from mlci.metrics.confusion import rate
from mlci.metrics.entries import MetricInfo
from mlci.metrics.statistics import Floats, Statistics

_BINS = 15


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Estimate of one metric, and the interval that it and its change have.

    Attributes:
        estimate: Value and influences of one model; ``None`` if its predictions lack a column.
        lacks: The column, in words.
        one, pair: Evidence for a value, and for a change.
        rows: Rows that are summed, if they are not those of the scope.
    """

    estimate: Callable[[ClusteredRows, ModelRows], Estimate | None]
    lacks: str
    one: Callable[[ClusterEstimate], Evidence]
    pair: Callable[[ClusterEstimate], Evidence]
    rows: ClusteredRows | None = None

    def summed(self, statistics: Statistics, model: ModelRows) -> ClusterEstimate | Undefined | None:
        """Sum one model's influences by cluster; ``None`` if its predictions lack a column."""
        rows = self.rows or _rows(statistics)
        estimate = self.estimate(rows, model)
        return ClusterEstimate.of(estimate, rows) if isinstance(estimate, Linear) else estimate


def cluster_evidence(name: str, info: MetricInfo | None, statistics: Statistics, context: MeasureContext) -> Triple:
    """Return a metric's evidence from rows with clusters or weights."""
    if info is None:
        return custom_evidence(name, statistics, context)
    if info.kind == "calibration":
        return _calibration(_rows(statistics))
    rules = find_rules(info, statistics, context)
    if isinstance(rules, Undefined):
        return rules, (rules if context.baseline else None), (rules if context.baseline else None)
    return _triple(rules, statistics)


def _triple(rules: Rules, statistics: Statistics) -> Triple:
    table = _rows(statistics).table
    first = rules.summed(statistics, table.candidate)
    if first is None:
        return absent_evidence(rules.lacks)
    candidate = first if isinstance(first, Undefined) else rules.one(first)
    if table.baseline is None:
        return candidate, None, None
    second = rules.summed(statistics, table.baseline)
    if second is None:
        second = Undefined(f"the baseline's predictions have no {rules.lacks}", cause=Cause.BASELINE)
    baseline = second if isinstance(second, Undefined) else rules.one(second)
    if isinstance(first, Undefined):
        return candidate, baseline, first
    if isinstance(second, Undefined):
        return candidate, baseline, second
    if statistics.differing == 0:
        return candidate, baseline, Tie()
    change = ClusterEstimate.of(influence.difference(first.linear, second.linear), first.rows)
    return candidate, baseline, rules.pair(change)


def cluster_sums(name: str, statistics: Statistics, context: MeasureContext, what: str) -> ClusterSums | None:
    """Return the sums by cluster of the ``candidate``'s value, the ``baseline``'s, or their ``change``.

    Returns ``None`` for a metric that has none, a value that is undefined, and a change between identical predictions.
    """
    info, table = catalogue.find(name), _rows(statistics).table
    rules = Undefined(name) if info is None else find_rules(info, statistics, context)
    if isinstance(rules, Undefined) or (what == "change" and statistics.differing == 0):
        return None
    models = {"candidate": table.candidate, "baseline": table.baseline}
    found = [
        None if model is None else rules.summed(statistics, model)
        for model in ([models[what]] if what in models else models.values())
    ]
    known = [one for one in found if isinstance(one, ClusterEstimate)]
    if len(known) < len(found):
        return None
    if what in models:
        return known[0].sums
    return ClusterEstimate.of(influence.difference(known[0].linear, known[1].linear), known[0].rows).sums


def find_rules(info: MetricInfo, statistics: Statistics, context: MeasureContext) -> Rules | Undefined:
    """Return the rules of a metric's kind; undefined, with a reason, for kinds that have none."""
    kinds: dict[str, Callable[[MetricInfo, Statistics, MeasureContext], Rules | Undefined]] = {
        "rate": _rate,
        "ratio": _ratio,
        "share": _share,
        "cost": _cost,
        "ranks": _ranks,
        "class_ranks": _class_ranks,
        "top_k": _top_k,
        "loss": _loss,
        "moments": _moments,
    }
    if info.kind not in kinds:
        return Undefined(f"{info.name} is not computed by cluster or weight; remove it", cause=Cause.MISSING)
    return kinds[info.kind](info, statistics, context)


Estimator = Callable[[ClusteredRows, ModelRows], Estimate | None]


def _bounded_rules(estimate: Estimator, lacks: str, low: float, high: float, *, tails: bool = False) -> Rules:
    """Return rules with the mixing scores of a value between two bounds, and of its change.

    Args:
        estimate: As in :class:`Rules`.
        lacks: As in :class:`Rules`.
        low: Smallest value.
        high: Largest value.
        tails: Whether the kurtosis of the clusters' sums limits the degrees of freedom.
    """

    def df(one: ClusterEstimate) -> float:
        if one.sums.alone is not None:  # no interval, and no variance that has degrees of freedom
            return 1.0
        return one.df if tails else one.sums.df

    reach = high - low
    return Rules(
        estimate=estimate,
        lacks=lacks,
        one=lambda one: bounded_evidence(one, low, high, df=df(one)),
        pair=lambda one: bounded_evidence(one, -reach, reach, df=df(one)),
    )


def _class_index(info: MetricInfo, rows: ClusteredRows) -> tuple[str, int] | Undefined | None:
    """Return the rate and the class of a name like ``f1[x]``; ``None`` for other names."""
    parts, classes = PER_CLASS.match(info.name), rows.table.classes
    if parts is None:
        return None
    if parts[2] not in classes:
        return Undefined(f"no class is called {parts[2]!r}; there are {', '.join(classes)}", cause=Cause.NAME)
    return parts[1], classes.index(parts[2])


def _decided(estimate: Callable[[ClusteredRows, influence.Array], Estimate]) -> Estimator:
    """Return an estimate of decisions."""
    return lambda rows, model: None if model.decision is None else estimate(rows, rows.take(model.decision))


def _rate(info: MetricInfo, statistics: Statistics, _: MeasureContext) -> Rules | Undefined:
    rows, decisions = _rows(statistics), statistics.decisions
    named = _class_index(info, rows)
    if isinstance(named, Undefined):
        return named
    if named is not None and named[0] == "f1":
        return _ratio_rules(confusion.f1_of(named[1]), 0.0, 1.0, positive=named[1])
    if named is not None:
        masks = rate(named[0], len(rows.table.classes), named[1])
    elif decisions is not None:
        masks = base_rate(info.name, decisions)
    else:
        return Undefined("the predictions have no decisions", cause=Cause.MISSING)
    estimate = _decided(lambda some, decided: influence.rate_of(some, masks, decided))
    rules = _bounded_rules(estimate, "decisions", 0.0, 1.0)
    if masks.part.sum(axis=1).max() == masks.part.shape[1] and masks.shared:  # the prevalence
        return replace(rules, pair=lambda _: Tie(reason="it depends on the labels alone"))
    return rules


def _ratio(info: MetricInfo, statistics: Statistics, _: MeasureContext) -> Rules | Undefined:
    named = _class_index(info, _rows(statistics))
    if isinstance(named, Undefined):
        return named
    if named is not None:
        return _ratio_rules(confusion.f1_of(named[1]), 0.0, 1.0, positive=named[1])
    name = catalogue.canonical(info.name)
    low, high = (-1.0 if info.low is None else info.low), (1.0 if info.high is None else info.high)
    return _ratio_rules(ratio_function(info.name), low, high, positive=1 if name in {"f1", "jaccard"} else None)


def _ratio_rules(function: confusion.Function, low: float, high: float, *, positive: int | None) -> Rules:
    estimate = _decided(lambda some, decided: influence.ratio_of(some, function, decided, positive=positive))
    return _bounded_rules(estimate, "decisions", low, high, tails=True)


def _cost(info: MetricInfo, statistics: Statistics, _: MeasureContext) -> Rules | Undefined:
    costs = cost_matrix(info.name, len(_rows(statistics).table.classes))

    def estimate(some: ClusteredRows, decided: influence.Array) -> Estimate:
        numbers = costs[some.labels, decided]
        return influence.mean_of(some, numbers, right=some.labels == decided, choice=decided)

    return _bounded_rules(_decided(estimate), "decisions", float(costs.min()), float(costs.max()), tails=True)


def _share(info: MetricInfo, statistics: Statistics, context: MeasureContext) -> Rules | Undefined:
    """Return the rules of a scope's share of the whole set's total, whose rows are those of the whole set."""
    own, whole = _rows(statistics), context.whole.clustered
    if whole is None or statistics.decisions is None:
        return Undefined("the predictions have no decisions", cause=Cause.MISSING)
    masks = base_rate(info.name, statistics.decisions)
    member = np.isin(whole.rows, own.rows)

    def estimate(_: ClusteredRows, model: ModelRows) -> Estimate | None:
        if model.decision is None:
            return None
        part = masks.part[whole.labels, whole.take(model.decision)]
        return influence.share_of_base(whole.weights, part, member & part)

    rules = _bounded_rules(estimate, "decisions", 0.0, 1.0)
    return replace(rules, rows=whole, pair=lambda one: Point(one.linear.value, "difference", NO_SHARE_INTERVAL))


def _ranks(info: MetricInfo, statistics: Statistics, _: MeasureContext) -> Rules | Undefined:
    rows, metric = _rows(statistics), catalogue.canonical(info.name)
    positive = rows.labels == 1
    holding = {"positive": rows.count_clusters(positive), "negative": rows.count_clusters(~positive)}
    scarcer = min(holding, key=lambda label: holding[label])
    unit = f"labelled {scarcer}" if rows.table.cluster is None else f"cluster with a labelled {scarcer}"

    def estimate(some: ClusteredRows, model: ModelRows) -> Estimate | None:
        if model.score is None:
            return None
        found = influence.rank_of(some, positive, some.take(model.score), metric)
        return found or Undefined(f"no labelled {scarcer}s", method="too few")

    def guarded(evidence: Callable[[ClusterEstimate], Evidence], least: int) -> Callable[[ClusterEstimate], Evidence]:
        def with_enough(one: ClusterEstimate) -> Evidence:
            if holding[scarcer] >= least:
                return evidence(one)
            return too_few(one.linear.value, holding[scarcer], unit, least=least)

        return with_enough

    needs, rules = ranks.NEEDS[metric], _bounded_rules(estimate, "scores", 0.0, 1.0, tails=True)
    pair = guarded(lambda one: student_evidence(one, low=-1.0, high=1.0), needs.pair)
    return replace(rules, one=guarded(rules.one, needs.one), pair=pair)


def _class_ranks(info: MetricInfo, _: Statistics, __: MeasureContext) -> Rules | Undefined:
    def estimate(some: ClusteredRows, model: ModelRows) -> Estimate | None:
        if model.probabilities is None:
            return None
        return influence.class_ranks_of(some, some.take(model.probabilities), info.loss or "")

    rules = _bounded_rules(estimate, "probability for each class", 0.0, 1.0, tails=True)
    return replace(rules, pair=lambda one: student_evidence(one, low=-1.0, high=1.0))


def _losses(name: str) -> Callable[[ClusteredRows, ModelRows], Floats | None]:
    def take(some: ClusteredRows, model: ModelRows) -> Floats | None:
        return some.take(model.losses[name]) if name in model.losses else None

    return take


def _top_k(info: MetricInfo, _: Statistics, __: MeasureContext) -> Rules | Undefined:
    losses = _losses(info.loss or "")

    def estimate(some: ClusteredRows, model: ModelRows) -> Estimate | None:
        hits = losses(some, model)
        return None if hits is None else influence.mean_of(some, hits, right=hits == 1, choice=hits)

    return _bounded_rules(estimate, "probability for each class", 0.0, 1.0)


def _loss(info: MetricInfo, statistics: Statistics, _: MeasureContext) -> Rules | Undefined:
    losses, rows = _losses(info.loss or ""), _rows(statistics)
    if info.loss == "percentage" and rows.table.candidate.losses and info.loss not in rows.table.candidate.losses:
        return Undefined("a label is 0, and the metric divides by the label", cause=Cause.LABELS)
    low = -math.inf if info.low is None else info.low
    high = math.inf if info.high is None else info.high

    def estimate(some: ClusteredRows, model: ModelRows) -> Estimate | None:
        found = losses(some, model)
        return None if found is None else influence.mean_of(some, found)

    squares = info.loss == "squared" and not rows.table.classes
    return Rules(
        estimate=estimate,
        lacks="scores",
        one=_root_evidence(2.0) if squares else lambda one: hall_evidence(one, low=low, high=high),
        pair=student_evidence,
    )


def _root_evidence(power: float) -> Callable[[ClusterEstimate], Evidence]:
    """Return the evidence for a mean of squares (a power of 2) or its root, by Hall's transformation of log RMSE."""

    def evidence(one: ClusterEstimate) -> Evidence:
        value = one.linear.value
        square = value if power == 2 else value**2
        if square <= 0 or one.error == 0 or one.few() is not None:
            return one.few() or Point(value, "too few", ALIKE)
        slope = 1 / (2 * square) if power == 2 else 1 / value
        log = influence.transformed(one.linear, math.log(square) / 2, slope)
        return LogScale(hall_evidence(ClusterEstimate.of(log, one.rows)), one.sums.rows, power)

    return evidence


def _moments(info: MetricInfo, statistics: Statistics, _: MeasureContext) -> Rules | Undefined:
    losses, rows = _losses(info.loss or ""), _rows(statistics)
    if info.loss != "variance":

        def root(some: ClusteredRows, model: ModelRows) -> Estimate | None:
            found = losses(some, model)
            mean = None if found is None else influence.mean_of(some, found)
            if not isinstance(mean, Linear):
                return mean
            value = math.sqrt(mean.value)
            return influence.transformed(mean, value, 0.5 / value if value else 0.0)

        return Rules(estimate=root, lacks="scores", one=_root_evidence(1.0), pair=student_evidence)
    labels = influence.mean_of(rows, rows.labels.astype(np.float64))
    spread = None if isinstance(labels, Undefined) else influence.mean_of(rows, labels.influence**2)
    if not isinstance(spread, Linear) or spread.value <= 1e-12 * float((rows.labels.astype(float) ** 2).mean()):
        return Undefined("the label is constant, so it has no variance to explain", cause=Cause.LABELS)

    def explained(some: ClusteredRows, model: ModelRows) -> Estimate | None:
        found = losses(some, model)
        mean = None if found is None else influence.mean_of(some, found)
        if not isinstance(mean, Linear):
            return mean
        left = mean.value / spread.value
        return influence.transformed(mean, 1 - left, -1 / spread.value, spread.influence * (left / spread.value))

    return Rules(estimate=explained, lacks="scores", one=_explained_evidence, pair=student_evidence)


def _explained_evidence(one: ClusterEstimate) -> Evidence:
    """Return the evidence for R² by log (1 - R²)."""
    left = 1 - one.linear.value
    if left <= 0 or one.error == 0 or one.few() is not None:
        return one.few() or Point(one.linear.value, "too few", ALIKE)
    log = influence.transformed(one.linear, math.log(left), -1 / left)
    return LogScale(student_evidence(ClusterEstimate.of(log, one.rows)), one.sums.rows, complement=True)


def _calibration(rows: ClusteredRows) -> Triple:
    """Return the weighted calibration error, whose bias is estimated from the clusters' sums in each bin."""
    each = [
        None if model is None else _calibration_error(rows, model)
        for model in (rows.table.candidate, rows.table.baseline)
    ]
    candidate, baseline = each
    if candidate is None:
        return absent_evidence("probabilities")
    if rows.table.baseline is None:
        return candidate, None, None
    if baseline is None:
        lacking = Undefined("the baseline's predictions have no probabilities", cause=Cause.BASELINE)
        return candidate, lacking, lacking
    if candidate.value is None or baseline.value is None:
        return candidate, baseline, Undefined("no rows")
    return candidate, baseline, Point(candidate.value - baseline.value, "difference", NO_CALIBRATION_INTERVAL)


def _calibration_error(rows: ClusteredRows, model: ModelRows) -> Evidence | None:
    if model.probabilities is not None:
        probabilities = rows.take(model.probabilities)
        score = probabilities.max(axis=0)
        hit = (
            rows.take(model.decision) == rows.labels
            if model.decision is not None
            else probabilities.argmax(axis=0) == rows.labels
        )
    elif model.score is not None and len(rows.table.classes) == 2:
        score, hit = rows.take(model.score), rows.labels == 1
    else:
        return None
    if not len(score):
        return Undefined("no rows")
    bins = np.clip(score * _BINS, 0, _BINS - 1).astype(np.intp)
    gaps, weights, total = score - hit, rows.weights, float(rows.weights.sum())
    plain = noisy = 0.0
    for k in np.unique(bins):
        mine = bins == k
        weight = float(weights[mine].sum())
        centre = float(weights[mine] @ gaps[mine]) / weight
        codes = np.unique(rows.clusters[mine], return_inverse=True)[1]
        residuals = np.bincount(codes, weights=weights[mine] * (gaps[mine] - centre))
        plain += weight / total * abs(centre)
        noisy += weight / total * folded_mean(abs(centre), float(np.sqrt((residuals**2).sum())) / weight)
    return Point(max(0.0, 2 * plain - noisy), "debiased", NO_CALIBRATION_INTERVAL)


def _rows(statistics: Statistics) -> ClusteredRows:
    if statistics.clustered is None:
        raise AssertionError(statistics)  # called for statistics with clusters or weights
    return statistics.clustered
