"""One metric in one scope: the evidence for both models and their change, by the metric's kind."""

from collections.abc import Callable

from mlci.inference import minimums
from mlci.inference.by_decision import rate_evidence, ratio_evidence, share_evidence
from mlci.inference.by_score import calibration_evidence, custom, loss_evidence, moments_evidence, ranks_evidence
from mlci.inference.causes import attribute_causes, undefined_by_labels
from mlci.inference.common import Context, Triple, absent
from mlci.inference.disagreements import disagreements
from mlci.inference.evaluation import Comparison
from mlci.metrics import catalogue
from mlci.metrics.info import MetricInfo
from mlci.metrics.statistics import Statistics

_KINDS: dict[str, Callable[[MetricInfo, Statistics, Context], Triple]] = {
    "rate": rate_evidence,
    "share": share_evidence,
    "ratio": ratio_evidence,
    "ranks": ranks_evidence,
    "loss": loss_evidence,
    "moments": moments_evidence,
    "calibration": calibration_evidence,
}


def measure(name: str, statistics: Statistics, context: Context) -> Comparison:
    """Return one metric in one scope; a statistic that is not there makes the values undefined, with the reason."""
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
    name: str, info: MetricInfo | None, statistics: Statistics, context: Context, carried: dict[str, int]
) -> Triple:
    """Return the evidence; where the labels leave the metric undefined, no formula is asked."""
    if words := minimums.undefined_by_labels(name, carried):
        return undefined_by_labels(words, baseline=context.baseline)
    if info is None:
        found = custom(name, statistics, context)
    elif info.kind in _KINDS:
        found = _KINDS[info.kind](info, statistics, context)
    else:
        found = absent(f"measurement of {name}")
    return attribute_causes(found, labels=minimums.mute_labels(name, carried))


def _support(info: MetricInfo | None, statistics: Statistics, candidate: object) -> int:
    """Return the rows in a rate's denominator, and all rows of the scope for everything else."""
    if info is not None and info.kind in {"rate", "share"}:
        return int(getattr(candidate, "rows", 0))
    return statistics.rows
