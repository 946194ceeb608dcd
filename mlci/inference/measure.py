"""Measurement of one metric in one scope by its kind, disagreements, and McNemar's test."""

import math
from collections.abc import Callable

import numpy as np

from mlci.inference import minimums
from mlci.inference.estimators.by_cluster import cluster_evidence
from mlci.inference.estimators.class_metrics import class_ranks_evidence, count_moved, top_k_evidence
from mlci.inference.estimators.decision_metrics import (
    base_rate,
    cost_evidence,
    rate_evidence,
    ratio_evidence,
    share_evidence,
)
from mlci.inference.estimators.score_metrics import (
    calibration_evidence,
    custom_evidence,
    loss_evidence,
    moments_evidence,
    ranking_evidence,
    ranks_evidence,
)
from mlci.inference.evidence import MeasureContext, Triple, absent_evidence
from mlci.inference.minimums import attribute_causes, undefined_evidence
from mlci.inference.result import Agreement, Comparison
from mlci.metrics import catalogue
from mlci.metrics.catalogue import PER_CLASS
from mlci.metrics.confusion import rate
from mlci.metrics.entries import MetricInfo
from mlci.metrics.statistics import Decisions, QueryValues, Statistics

_KINDS: dict[str, Callable[[MetricInfo, Statistics, MeasureContext], Triple]] = {
    "rate": rate_evidence,
    "share": share_evidence,
    "ratio": ratio_evidence,
    "ranks": ranks_evidence,
    "class_ranks": class_ranks_evidence,
    "top_k": top_k_evidence,
    "loss": loss_evidence,
    "moments": moments_evidence,
    "calibration": calibration_evidence,
    "cost": cost_evidence,
    "ranking": ranking_evidence,
}


def measure_metric(name: str, statistics: Statistics, context: MeasureContext) -> Comparison:
    """Return one metric in one scope; without its statistic the values are undefined, with the reason."""
    info = catalogue.find(name)
    carried = minimums.carriers(name, statistics)
    before = minimums.carriers(name, statistics, baseline=True) if context.baseline else {}
    candidate, baseline, change = _triple(name, info, statistics, context, carried)
    return Comparison(
        metric=name,
        scope=statistics.scope,
        rows=statistics.rows,
        support=_support(info, statistics, candidate),
        unit=info.support if info else "rows",
        candidate=candidate,
        baseline=baseline if context.baseline else None,
        change=change if context.baseline else None,
        disagreements=disagreements(name, info, statistics),
        carriers=carried,
        baseline_carriers=before,
    )


def _triple(
    name: str, info: MetricInfo | None, statistics: Statistics, context: MeasureContext, carried: dict[str, int]
) -> Triple:
    """Return the evidence, without a computation if the labels leave the metric undefined."""
    if message := minimums.undefined_by_labels(name, carried):
        return undefined_evidence(message, baseline=context.baseline)
    if statistics.clustered is not None and (info is None or info.kind != "operation"):
        triple = cluster_evidence(name, info, statistics, context)
    elif info is None:
        triple = custom_evidence(name, statistics, context)
    elif info.kind in _KINDS:
        triple = _KINDS[info.kind](info, statistics, context)
    else:
        triple = absent_evidence(f"measurement of {name}")
    return attribute_causes(triple, labels=minimums.silent_labels(name, carried))


def _support(info: MetricInfo | None, statistics: Statistics, candidate: object) -> int:
    """Return the rows in a rate's denominator, a ranking's queries, and all rows of the scope for other metrics."""
    if info is not None and info.kind in {"rate", "share"}:
        return int(getattr(candidate, "rows", 0))
    if info is not None and info.kind == "ranking":
        return next((len(one.candidate) for one in statistics.rankings.values()), 0)
    return statistics.rows


def agreement(decisions: Decisions) -> Agreement | None:
    """Count right and wrong decisions of both models; ``None`` without a baseline."""
    if decisions.baseline is None:
        return None
    now, before = decisions.candidate == decisions.label, decisions.baseline == decisions.label
    count = decisions.count
    lost, gained = int(count[before & ~now].sum()), int(count[now & ~before].sum())
    differ = lost + gained
    return Agreement(
        both=int(count[now & before].sum()),
        baseline_only=lost,
        candidate_only=gained,
        neither=int(count[~now & ~before].sum()),
        chi2=(lost - gained) ** 2 / differ if differ else None,
        chi2_corrected=(abs(lost - gained) - 1) ** 2 / differ if differ else None,
        exact_p=exact_p(lost, gained),
    )


def exact_p(first: int, second: int) -> float:
    """Return the two-sided binomial p-value of ``first`` against ``second`` at one half; 1 without disagreement."""
    n, k = first + second, min(first, second)
    if n == 0 or first == second:
        return 1.0
    top = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
    j = np.arange(k, 0, -1, dtype=np.float64)
    ratios = np.cumprod(j / (n - j + 1))
    return min(1.0, 2 * math.exp(top) * (1 + float(ratios.sum())))


def disagreements(name: str, info: MetricInfo | None, statistics: Statistics) -> int | None:
    """Return how many rows can change a metric between the models; ``None`` without a baseline.

    Recall changes with labelled positives that are decided differently, and not with negatives; a metric of scores with
    all rows whose scores differ.
    """
    if info is None:
        replicates = statistics.replicates.get(name)
        return None if replicates is None or replicates.baseline is None else replicates.differing
    if info.kind in {"rate", "ratio", "cost"}:
        return _disagreements_of_decisions(name, info, statistics.decisions)
    if info.kind == "ranking":
        return _differing_queries(statistics.rankings.get(catalogue.canonical(name)))
    return _disagreements_of_scores(info, statistics)


def _differing_queries(values: QueryValues | None) -> int | None:
    if values is None or values.baseline is None:
        return None
    return int((values.candidate != values.baseline).sum())


def _disagreements_of_scores(info: MetricInfo, statistics: Statistics) -> int | None:
    if info.kind == "ranks" and statistics.scores is not None:
        return None if statistics.scores.baseline is None else statistics.scores.differing
    if info.kind == "class_ranks" and (ranks := statistics.class_ranks.get(info.loss or "")) is not None:
        return None if ranks.baseline is None else ranks.differing
    moments = statistics.moments.get(info.loss or "")
    if info.kind == "top_k" and moments is not None:
        return count_moved(moments)
    return None if moments is None or "baseline" not in moments.names else moments.differing


def _disagreements_of_decisions(name: str, info: MetricInfo, decisions: Decisions | None) -> int | None:
    if decisions is None or decisions.baseline is None:
        return None
    label, now, before = decisions.label, decisions.candidate, decisions.baseline
    moved = now != before
    if parts := PER_CLASS.match(name):
        if parts[2] not in decisions.classes:
            return None
        index = decisions.classes.index(parts[2])
        moved = (now == index) != (before == index)
        masks = None if parts[1] == "f1" else rate(parts[1], len(decisions.classes), index)
    else:
        masks = base_rate(name, decisions) if info.kind == "rate" else None
    if masks is not None and masks.shared:
        moved = masks.base[label, now] & (masks.part[label, now] != masks.part[label, before])
    return int(decisions.count[np.asarray(moved)].sum())
