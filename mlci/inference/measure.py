"""Measurement of one metric in one scope: evidence for both models and their change, by the metric's kind."""

from collections.abc import Callable

from mlci.inference import minimums
from mlci.inference.agreement import disagreements
from mlci.inference.context import MeasureContext, Triple, absent_evidence
from mlci.inference.families.decision_metrics import rate_evidence, ratio_evidence, share_evidence
from mlci.inference.families.score_metrics import (
    calibration_evidence,
    custom_evidence,
    loss_evidence,
    moments_evidence,
    ranks_evidence,
)
from mlci.inference.minimums import attribute_causes, undefined_evidence
from mlci.inference.result import Comparison
from mlci.metrics import catalogue
from mlci.metrics.info import MetricInfo
from mlci.metrics.statistics import Statistics

_KINDS: dict[str, Callable[[MetricInfo, Statistics, MeasureContext], Triple]] = {
    "rate": rate_evidence,
    "share": share_evidence,
    "ratio": ratio_evidence,
    "ranks": ranks_evidence,
    "loss": loss_evidence,
    "moments": moments_evidence,
    "calibration": calibration_evidence,
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
    if info is None:
        found = custom_evidence(name, statistics, context)
    elif info.kind in _KINDS:
        found = _KINDS[info.kind](info, statistics, context)
    else:
        found = absent_evidence(f"measurement of {name}")
    return attribute_causes(found, labels=minimums.silent_labels(name, carried))


def _support(info: MetricInfo | None, statistics: Statistics, candidate: object) -> int:
    """Return the rows in a rate's denominator, and all rows of the scope for other metrics."""
    if info is not None and info.kind in {"rate", "share"}:
        return int(getattr(candidate, "rows", 0))
    return statistics.rows
