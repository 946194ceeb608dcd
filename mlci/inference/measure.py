"""One metric in one scope: the evidence for both models and their change, by the metric's kind."""

from collections.abc import Callable

from mlci.inference.by_decision import rate_evidence, ratio_evidence, share_evidence
from mlci.inference.by_score import calibration_evidence, custom, loss_evidence, moments_evidence, ranks_evidence
from mlci.inference.common import Context, Triple, absent
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
    if info is None:
        triple = custom(name, statistics, context)
    elif info.kind in _KINDS:
        triple = _KINDS[info.kind](info, statistics, context)
    else:
        triple = absent(f"measurement of {name}")
    candidate, baseline, change = triple
    return Comparison(
        metric=name,
        scope=statistics.scope,
        rows=statistics.rows,
        support=_support(info, statistics, candidate),
        unit=info.support if info else "rows",
        candidate=candidate,
        baseline=baseline if context.baseline else None,
        change=change if context.baseline else None,
        disagreements=_disagreements(info, statistics),
    )


def _support(info: MetricInfo | None, statistics: Statistics, candidate: object) -> int:
    """Return the rows in a rate's denominator, and all rows of the scope for everything else."""
    if info is not None and info.kind in {"rate", "share"}:
        return int(getattr(candidate, "rows", 0))
    return statistics.rows


def _disagreements(info: MetricInfo | None, statistics: Statistics) -> int | None:
    """Return on how many rows the models decide differently, for metrics of decisions."""
    decisions = statistics.decisions
    if info is None or info.kind not in {"rate", "ratio"} or decisions is None or decisions.baseline is None:
        return None
    return int(decisions.count[decisions.candidate != decisions.baseline].sum())
