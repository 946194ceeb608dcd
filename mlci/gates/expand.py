"""Expand rules into gates: one for each group and limit, with the evidence to judge it by."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mlci.gates.limits import Judge, Limit, Rule
from mlci.inference.evidence import Cause, Evidence, Undefined
from mlci.inference.result import Comparison, Disparity, EvaluationResult
from mlci.inference.training_noise import UNKNOWN, TrainingNoise, widen_by_noise
from mlci.metrics import catalogue
from mlci.metrics.statistics import WHOLE, Scope

_COUNTED = {"rate", "ratio"}  # kinds of metrics that are computed from counts, so that their values are discrete


@dataclass(frozen=True, kw_only=True)
class GateCase:
    """One limit on one number.

    Attributes:
        rule: The rule that it belongs to.
        limit: The limit.
        measured: The comparison or disparity that it limits.
        evidence: The candidate's value or the change; ``None`` without a baseline.
        bound: The limit in the evidence's units and sign; ``None`` if it needs a baseline value that is missing.
        judge: Whether the estimate or the interval is judged.
    """

    rule: Rule
    limit: Limit
    measured: Comparison | Disparity
    evidence: Evidence | None
    bound: float | None
    judge: Judge

    @property
    def on_change(self) -> bool:
        """Whether two models are compared."""
        return compares_models(self.rule, self.limit)

    @property
    def scope(self) -> Scope:
        """Scope of the gate; the whole set for a disparity."""
        return self.measured.scope if isinstance(self.measured, Comparison) else WHOLE

    @property
    def hypothesis(self) -> tuple[object, ...]:
        """Key of the tested hypothesis: the same for a disparity and for its alias."""
        rule, kind = self.rule, self.limit.kind
        return (catalogue.hypothesis(rule.metric), self.scope, rule.across, kind, self.bound, rule.retraining)


def expand_rules(rule: Rule, result: EvaluationResult, noise: TrainingNoise = UNKNOWN) -> Iterator[GateCase]:
    """Return the cases of one rule: for each number that it covers, each of its limits.

    Args:
        rule: The rule.
        result: The evaluation.
        noise: Training noise of the champion, if it is known.
    """
    for measured in _find_numbers(rule, result):
        for limit in rule.limits:
            change = compares_models(rule, limit)
            evidence = measured.change if change else measured.candidate
            if change and rule.retraining:
                evidence = widen_by_noise(evidence, catalogue.canonical(rule.metric), noise, step=_step(measured))
            yield GateCase(
                rule=rule,
                limit=limit,
                measured=measured,
                evidence=_drop_nan(evidence, result.confidence),
                bound=limit.bound(measured.baseline.value if measured.baseline else None),
                judge=_choose_judge(rule, measured, change=change),
            )


def _step(measured: Comparison | Disparity) -> float:
    """Return the smallest difference between two values of a metric: that of one row if it is computed from counts."""
    if isinstance(measured, Disparity) or not measured.support:
        return 0.0
    info = catalogue.find(measured.metric)
    return 1 / measured.support if info is not None and info.kind in _COUNTED else 0.0


def compares_models(rule: Rule, limit: Limit) -> bool:
    """Return whether a limit is on a change; a shift is a change itself, so that its plain limit is one, too."""
    return limit.on_change or catalogue.is_shift_metric(rule.metric)


def _drop_nan(evidence: Evidence | None, confidence: float) -> Evidence | None:
    """Make NaN undefined, so that it can neither pass a gate nor disturb another gate's Holm step."""
    if evidence is None or evidence.value is None:
        return evidence
    if not math.isfinite(evidence.value):
        return Undefined(f"the value is {evidence.value}, which is not a number to judge")
    # An end that is cut at a bound hides an error that is NaN, so the error is checked, too.
    if any(math.isnan(part) for part in (*(evidence.interval(confidence) or ()), evidence.scaled_variance() or 0.0)):
        return Undefined("its error is not a number to judge by")
    return evidence


def _find_numbers(rule: Rule, result: EvaluationResult) -> list[Comparison] | list[Disparity]:
    """Return the values that a rule limits; without any, one undefined value, which is an error later."""
    if rule.across:
        spreads = [d for d in result.disparities if (d.metric, d.across) == (rule.metric, rule.across)]
        return spreads or [_missing_disparity(rule)]
    comparisons = [c for c in result.comparisons if c.metric == rule.metric and c.scope.slice == rule.each]
    return comparisons or [_missing_comparison(rule)]


def _missing_comparison(rule: Rule) -> Comparison:
    where = f" for the groups of {rule.each}" if rule.each else ""
    reason = Undefined(f"{rule.metric} was not computed{where}", cause=Cause.MISSING)
    scope = Scope(rule.each, "(none)") if rule.each else WHOLE
    return Comparison(metric=rule.metric, scope=scope, rows=0, support=0, unit="rows", candidate=reason, change=reason)


def _missing_disparity(rule: Rule) -> Disparity:
    reason = Undefined(f"{rule.metric} was not computed across {rule.across}", cause=Cause.MISSING)
    return Disparity(
        metric=rule.metric,
        across=str(rule.across),
        reference=None,
        groups=(),
        small=(),
        smallest=0,
        candidate=reason,
        change=reason,
    )


def _choose_judge(rule: Rule, measured: Comparison | Disparity, *, change: bool) -> Judge:
    """Choose the estimate for a plain limit on the whole set, and the interval for every comparison."""
    if rule.judge:
        return rule.judge
    info = catalogue.find(rule.metric)
    if (info is not None and not info.interval) or measured.candidate.method == "measured":
        return "estimate"
    whole = isinstance(measured, Comparison) and measured.scope == WHOLE
    return "estimate" if whole and not change else "interval"
