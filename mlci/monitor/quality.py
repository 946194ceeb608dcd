"""Quality in production by the gates of ``mlci.yml``: the window's rows with labels against the evaluation set.

Rates and means have confidence sequences (:mod:`mlci.inference.intervals.confidence_sequence`): labels arrive late, and
a window is read again whenever they do. At confidence c, shared by all gates, the chance that a window without any fall
ever alarms is at most 1 - c. Other metrics (AUC, F1, disparities) have the intervals of a report, and only inform.

A limit on a change compares two samples, because production and the evaluation set share no rows.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlci.gates.limits import Limit, Rule
from mlci.inference.estimators.decision_metrics import base_rate, share_of_rows
from mlci.inference.evidence import Evidence
from mlci.inference.intervals.confidence_sequence import Sample, SampleMean, SampleRate
from mlci.inference.intervals.two_samples import growing_difference, mover_difference, scaled_interval
from mlci.inference.result import EvaluationResult
from mlci.metrics import catalogue
from mlci.metrics.statistics import WHOLE, Moments, Scope, Statistics
from mlci.monitor.findings import QualityRow, ValueRow, Word

TUNED_FOR = 1_000
"""Rows with labels at which the intervals are narrowest."""
_ROOT = "root_mean_squared_error"
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ScopedResult:
    """Statistics of the rows of one source, by scope, with the evaluation of all metrics."""

    statistics: Mapping[Scope, Statistics]
    result: EvaluationResult

    @classmethod
    def of(cls, statistics: Sequence[Statistics], result: EvaluationResult) -> "ScopedResult":
        """Index the statistics by scope."""
        return cls(statistics={one.scope: one for one in statistics}, result=result)

    @classmethod
    def empty(cls) -> "ScopedResult":
        """Return the result of no rows."""
        nothing = EvaluationResult(
            task="", rows=0, fingerprint=None, has_baseline=False, confidence=0.95, seed=0, comparisons=()
        )
        return cls(statistics={}, result=nothing)


@dataclass(frozen=True, kw_only=True)
class QualityLimits:
    """Settings of all gates: shared confidence, fewest rows."""

    confidence: float
    min_rows: int


@dataclass(frozen=True)
class _Case:
    """One limit on one number."""

    rule: Rule
    limit: Limit
    scope: Scope

    @property
    def name(self) -> str:
        scope = str(self.scope) if self.rule.across is None else self.rule.across
        return self.limit.gate_id(self.rule.metric, scope)


def judge_quality(
    rules: Sequence[Rule], window: ScopedResult, reference: ScopedResult, limits: QualityLimits
) -> tuple[QualityRow, ...]:
    """Judge every gate that can be judged on rows; one row for each limit and group."""
    cases = [case for rule in rules for case in _cases(rule, reference)]
    sequential = [case for case in cases if _sample(case, reference) is not None]
    level = 1 - (1 - limits.confidence) / max(len(sequential), 1)
    return tuple(
        _sequential(case, window, reference, limits, level)
        if case in sequential
        else _informing(case, window, reference)
        for case in cases
    )


def _cases(rule: Rule, reference: ScopedResult) -> Iterator[_Case]:
    scopes = [scope for scope in reference.statistics if scope.slice == rule.each] if rule.each else [WHOLE]
    for limit in rule.limits:
        yield from (_Case(rule, limit, scope) for scope in scopes)


def _sample(case: _Case, measured: ScopedResult) -> Sample | None:
    statistics = measured.statistics.get(case.scope)
    if case.rule.across is not None or statistics is None:
        return None
    return sample_of(case.rule.metric, statistics)


def sample_of(metric: str, statistics: Statistics) -> Sample | None:
    """Return the counts or moments of a rate or a mean; ``None`` for any other metric.

    That of RMSE is the mean of the squares.
    """
    info = catalogue.find(metric)
    if info is None or catalogue.find_disparity(metric) is not None:
        return None
    decisions = statistics.decisions
    if info.kind == "rate" and decisions is not None and catalogue.PER_CLASS.match(metric) is None:
        share = share_of_rows(decisions, base_rate(metric, decisions), decisions.candidate)
        return SampleRate(share.base, share.part)
    moments = statistics.moments.get(info.loss or "")
    if moments is None or "candidate" not in moments.names:
        return None
    mean = _mean(moments)
    if info.kind == "top_k":
        return SampleRate(mean.rows, round(mean.mean * mean.rows))
    return mean if info.kind == "loss" or info.name == _ROOT else None


def _mean(moments: Moments) -> SampleMean:
    at, rows = moments.names.index("candidate"), moments.rows
    total, square = float(moments.sums[at]), float(moments.products[at, at])
    if rows < 2:
        return SampleMean(rows, total / rows if rows else 0.0, 0.0)
    return SampleMean(rows, total / rows, max(square - total * total / rows, 0.0) / (rows - 1))


def _sequential(
    case: _Case, window: ScopedResult, reference: ScopedResult, limits: QualityLimits, level: float
) -> QualityRow:
    """Judge a rate or a mean by its confidence sequence."""
    before, now = _sample(case, reference), _sample(case, window)
    if before is None:
        raise ValueError(case.name)
    scaled: Callable[[float], float] = _root if catalogue.canonical(case.rule.metric) == _ROOT else float
    known = _value(before, scaled)
    bound = case.limit.bound(known)
    row = _row(case, rows=now.rows if now else 0, reference=known, bound=bound, alarms=True)
    if now is None or now.rows < limits.min_rows:
        return row.model_copy(update={"reason": f"{row.rows:,} rows with labels; {limits.min_rows:,} are needed"})
    value = _value(now, scaled)
    if value is None or known is None or bound is None:
        return row.model_copy(update={"value": value, "reason": "the evaluation set does not define it"})
    change = case.limit.on_change
    ends = (
        growing_difference(before, now, confidence=level, tuned_for=TUNED_FOR, scale=scaled)
        if change
        else scaled_interval(now, confidence=level, tuned_for=TUNED_FOR, scale=scaled)
    )
    number = value - known if change else value
    judged = _judged(row, case.limit, value=value, number=number, ends=ends, bound=bound)
    if judged.finding == "unclear" and _informing(case, window, reference).finding == "bad":
        return judged.model_copy(update={"finding": "suspect"})
    return judged


def _root(value: float) -> float:
    return math.sqrt(max(value, 0.0))


def _value(sample: Sample, scaled: Callable[[float], float]) -> float | None:
    return scaled(sample.mean) if sample.rows else None


def _informing(case: _Case, window: ScopedResult, reference: ScopedResult) -> QualityRow:
    """Judge any other metric by the interval of a report."""
    now, before = (_evidence(case, one.result) for one in (window, reference))
    confidence = window.result.confidence
    known = before.value if before is not None else None
    rows = window.statistics[case.scope].rows if case.scope in window.statistics else 0
    bound = case.limit.bound(known)
    row = _row(case, rows=rows, reference=known, bound=bound, alarms=False)
    if now is None or now.value is None:
        why = now.reason if now is not None else None
        return row.model_copy(update={"reason": why or "the window has no such group, or too few rows of it"})
    ends = now.interval(confidence)
    number = now.value
    if case.limit.on_change:
        if before is None or known is None or bound is None:
            return row.model_copy(update={"value": now.value, "reason": "the evaluation set does not define it"})
        others, number = before.interval(confidence), now.value - known
        ends = None if ends is None or others is None else mover_difference(now.value, ends, known, others)
    if bound is None:
        return row
    return _judged(row, case.limit, value=now.value, number=number, ends=ends, bound=bound)


def _evidence(case: _Case, result: EvaluationResult) -> Evidence | None:
    rule = case.rule
    if rule.across is not None:
        spread = (one for one in result.disparities if (one.metric, one.across) == (rule.metric, rule.across))
        return next((one.candidate for one in spread), None)
    found = (one for one in result.comparisons if (one.metric, one.scope) == (rule.metric, case.scope))
    return next((one.candidate for one in found), None)


def _row(case: _Case, *, rows: int, reference: float | None, bound: float | None, alarms: bool) -> QualityRow:
    return QualityRow(
        series=case.name,
        metric=case.rule.metric,
        slice=case.scope.slice,
        group=case.scope.group,
        rows=rows,
        reference=reference,
        bound=bound,
        limit=f"{case.limit.kind} {case.limit}",
        alarms=alarms,
        finding="unknown",
    )


def _judged(
    row: QualityRow, limit: Limit, *, value: float, number: float, ends: Interval | None, bound: float
) -> QualityRow:
    """Compare a number and its interval with the bound."""
    word: Word = "ok" if limit.allows(number, bound) else "unclear"
    low, high = ends if ends is not None else (None, None)
    end = high if limit.is_floor else low
    if word == "unclear" and end is not None and not limit.allows(end, bound):
        word = "bad"
    low, high = (one if one is not None and math.isfinite(one) else None for one in (low, high))
    return row.model_copy(update={"value": value, "number": number, "low": low, "high": high, "finding": word})


def value_rows(window: EvaluationResult | None, reference: EvaluationResult) -> tuple[ValueRow, ...]:
    """Return every metric on all rows, beside the version's value on the evaluation set."""
    now = {one.metric: one.candidate for one in window.comparisons if one.scope == WHOLE} if window is not None else {}
    return tuple(
        _value_row(one.metric, one.candidate, now.get(one.metric), reference.confidence)
        for one in reference.comparisons
        if one.scope == WHOLE
    )


def _value_row(metric: str, before: Evidence, now: Evidence | None, confidence: float) -> ValueRow:
    interval = now.interval(confidence) if now is not None else None
    low, high = interval if interval is not None else (None, None)
    value = now.value if now is not None else None
    return ValueRow(metric=metric, reference=before.value, value=value, low=low, high=high)
