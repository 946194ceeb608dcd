"""Operational metrics of a run: latency, model size, training time. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from mlci.inference.evidence import Evidence, Point, Undefined
from mlci.inference.result import Comparison, EvaluationResult
from mlci.metrics.statistics import WHOLE

PER_THOUSAND = "predict_seconds_per_1k_rows"
_ONCE = "measured once, so without an interval"


def add_operational_metrics(
    result: EvaluationResult, asked: tuple[str, ...], candidate: Mapping[str, float], baseline: Mapping[str, float]
) -> EvaluationResult:
    """Add measured costs: all of the candidate's, and those of gates even if nothing was measured."""
    names = dict.fromkeys((*candidate, *asked))
    added = tuple(_comparison(name, candidate.get(name), baseline.get(name), result) for name in names)
    return replace(result, comparisons=result.comparisons + added)


def scale_costs(costs: Mapping[str, float], *, measured_for: int, rows: int) -> dict[str, float]:
    """Convert prediction times, measured as if for ``measured_for`` rows, into times for a thousand of ``rows``."""
    factor = measured_for / rows if rows else 0.0
    return {name: value * factor if name == PER_THOUSAND else value for name, value in costs.items()}


def _comparison(name: str, now: float | None, before: float | None, result: EvaluationResult) -> Comparison:
    change: Evidence = Undefined(f"{name} was measured for one model only: the baseline came from a file or the cache")
    if now is not None and before is not None:
        change = Point(now - before, reason=_ONCE)
    return Comparison(
        metric=name,
        scope=WHOLE,
        rows=result.rows or 0,
        support=1,
        unit="runs",
        candidate=_point(name, now),
        baseline=_point(name, before) if result.has_baseline else None,
        change=change if result.has_baseline else None,
    )


def _point(name: str, value: float | None) -> Evidence:
    return (
        Undefined(f"{name} was not measured: no step of this run has it")
        if value is None
        else Point(value, reason=_ONCE)
    )
