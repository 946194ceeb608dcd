"""Recorded values of the champion, for a change that is not trained. Pure."""

from mlci.config.models import Config
from mlci.inference.evidence import Cause, Evidence, Point, Tie, Undefined
from mlci.inference.recorded_values import Recorded
from mlci.inference.result import Comparison, Disparity, EvaluationResult, GroupRate
from mlci.lineage.fingerprints import SCHEME
from mlci.metrics import catalogue
from mlci.metrics.statistics import Scope
from mlci.report.document import DisparityRow, Evidenced, MetricRow, Report

_OF_BOTH = frozenset({Cause.NAME, Cause.MISSING, Cause.LABELS, Cause.TOO_FEW})
"""Causes that do not depend on the model that a version was compared with."""


def recorded_result(config: Config, report: Report, *, version: int, base: str) -> EvaluationResult:
    """Return an evaluation in which both models are the champion, with the numbers of its report.

    Args:
        config: The configuration.
        report: The champion's report.
        version: The champion's number.
        base: Commit since which nothing relevant changed.
    """
    level, evaluation = report.policy.confidence, report.evaluation
    return EvaluationResult(
        task=report.task,
        rows=evaluation.rows,
        fingerprint=evaluation.fingerprint if evaluation.fingerprint_scheme == SCHEME else None,
        has_baseline=True,
        confidence=level,
        seed=config.policy.seed,
        comparisons=tuple(_comparison(row, level) for row in report.metrics),
        disparities=tuple(_disparity(row, level) for row in report.disparities),
        notes=(f"the numbers are those of version {version}, as recorded when it was judged",),
        unchanged_since=base,
    )


def _comparison(row: MetricRow, level: float) -> Comparison:
    value = _value(row, level)
    return Comparison(
        metric=row.metric,
        scope=Scope(row.slice, row.group),
        rows=row.rows or 0,
        support=row.support or 0,
        unit=row.support_unit or "rows",
        candidate=value,
        baseline=value,
        change=_change(row),
    )


def _disparity(row: DisparityRow, level: float) -> Disparity:
    value = _value(row, level)
    groups = tuple(
        GroupRate(
            group=group.group,
            rows=group.rows,
            baseline=group.candidate,
            candidate=group.candidate,
            ratio=group.ratio,
            difference=group.difference,
            shortage=group.shortage,
        )
        for group in row.groups
    )
    return Disparity(
        metric=row.metric,
        across=row.across,
        reference=row.reference,
        groups=groups,
        small=tuple(group.group for group in row.groups if group.small),
        smallest=min((group.rows for group in row.groups if not group.small), default=0),
        candidate=value,
        baseline=value,
        change=_change(row),
    )


def _value(row: Evidenced, level: float) -> Evidence:
    if row.candidate is None:
        of_both = catalogue.is_shift_metric(row.metric) and row.cause is None  # one model has no value of it
        cause = None if of_both else _cause(row, Cause.CANDIDATE)
        return Undefined(row.reason or "it has no value", cause=cause)
    reason = None if row.candidate_interval else row.reason
    if row.candidate_method == Point.method:
        return Point(row.candidate, reason=reason)
    method = row.candidate_method or row.method or "recorded"
    return Recorded(row.candidate, row.candidate_interval, level, method, reason)


def _change(row: Evidenced) -> Evidence:
    """Return the change from the champion to itself: none, or none that exists."""
    shift = catalogue.is_shift_metric(row.metric) and _cause(row, Cause.BOTH) not in _OF_BOTH
    if row.candidate is None and not shift:
        return Undefined(row.reason or "it has no value", cause=_cause(row, Cause.BOTH))
    return Point(0.0) if row.candidate_method == Point.method else Tie()


def _cause(row: Evidenced, instead: Cause) -> Cause:
    cause = Cause(row.cause) if row.cause is not None else instead
    return cause if cause in _OF_BOTH else instead
