"""Compare one metric of two arms: adjustment by a covariate, interval, outcome, and units until it is known.

The adjustment subtracts the part of a metric that a covariate from before the experiment explains (CUPED: Deng et al.
2013, WSDM '13:123). Its slope is estimated from both arms, so it cannot favour one.
"""

import math
from dataclasses import dataclass

from mlci.experiment.plan import MetricPlan
from mlci.experiment.result import ArmChange, Interval, MetricResult, Outcome
from mlci.inference.intervals.confidence_sequence import (
    Sample,
    SampleMean,
    SampleRate,
    difference_variance,
    rows_to_exclude,
    sequential_difference,
)
from mlci.metrics.arm_moments import ArmMoments

_MOST = 1e12
"""More units than that are no estimate."""


@dataclass(frozen=True)
class ArmPair:
    """Samples of control and treatment, after the adjustment, and the scale of a relative limit."""

    control: Sample
    treatment: Sample
    scale: float
    variance_reduction: float | None

    @property
    def change(self) -> float:
        """Difference of the means."""
        return self.treatment.mean - self.control.mean

    @property
    def has_variance(self) -> bool:
        """Whether both arms have units."""
        return min(self.control.rows, self.treatment.rows) > 0

    def interval(self, plan: MetricPlan, tuned_for: float) -> Interval | None:
        """Return the interval of the change.

        Under a limit in per cent, it is that of the treatment minus the scaled control, moved to the change, so that
        interval and bound are compared as if the control's mean were known.
        """
        if not self.has_variance:
            return None
        low, high = sequential_difference(
            self.control, self.treatment, confidence=plan.confidence, tuned_for=tuned_for, scale=self.scale
        )
        moved = (self.scale - 1) * self.control.mean
        return (low + moved, high + moved) if math.isfinite(low) else None


def pair_arms(control: ArmMoments, treatment: ArmMoments, plan: MetricPlan) -> ArmPair:
    """Return the samples that a metric's interval is computed from."""
    scale = 1.0
    if plan.limit.relative and control.mean:
        scale += plan.limit.signed * math.copysign(1.0, control.mean)
    if plan.covariate is not None:
        return _adjusted_pair(control, treatment, scale)
    return ArmPair(_sample(control, plan), _sample(treatment, plan), scale, None)


def _adjusted_pair(control: ArmMoments, treatment: ArmMoments, scale: float) -> ArmPair:
    spread = control.covariate_squares + treatment.covariate_squares
    slope = (control.products + treatment.products) / spread if spread > 0 else 0.0
    centre = control.merge(treatment).covariate_mean
    adjusted = [arm.adjusted(slope, centre) for arm in (control, treatment)]
    samples = [SampleMean(arm.units, arm.mean, arm.variance) for arm in adjusted]
    before = control.squares + treatment.squares
    reduction = 1 - sum(arm.squares for arm in adjusted) / before if before > 0 else 0.0
    return ArmPair(samples[0], samples[1], scale, reduction)


def _sample(arm: ArmMoments, plan: MetricPlan) -> Sample:
    if plan.is_rate and arm.units:
        return SampleRate(arm.units, round(arm.mean * arm.units))
    return SampleMean(arm.units, arm.mean, arm.variance)


def measure_change(control: ArmMoments, treatment: ArmMoments, plan: MetricPlan, tuned_for: float) -> ArmChange:
    """Return the change of a metric with its interval."""
    pair = pair_arms(control, treatment, plan)
    return ArmChange(
        units=(control.units, treatment.units),
        control=pair.control.mean,
        treatment=pair.treatment.mean,
        change=pair.change,
        interval=pair.interval(plan, tuned_for),
        variance_reduction=pair.variance_reduction,
    )


def judge_metric(control: ArmMoments, treatment: ArmMoments, plan: MetricPlan, tuned_for: float) -> MetricResult:
    """Compare a metric with its limit."""
    pair, change = pair_arms(control, treatment, plan), measure_change(control, treatment, plan, tuned_for)
    bound = plan.limit.bound(change.control) or 0.0
    outcome = _outcome(plan, bound, change.interval)
    return MetricResult(
        metric=plan.name,
        role="primary" if plan.primary else "guardrail",
        kind="rate" if plan.is_rate else "mean",
        limit={plan.limit.kind: str(plan.limit)},
        bound=bound,
        confidence=plan.confidence,
        change=change,
        outcome=outcome,
        units_needed=_units_needed(pair, plan, bound, tuned_for) if outcome == "open" else None,
    )


def _outcome(plan: MetricPlan, bound: float, interval: Interval | None) -> Outcome:
    if interval is None:
        return "open"
    low, high = interval
    worst, best = (low, high) if plan.limit.is_floor else (high, low)
    if plan.limit.distance(worst, bound) > 0:
        return "passed"
    return "failed" if plan.limit.distance(best, bound) < 0 else "open"


def _units_needed(pair: ArmPair, plan: MetricPlan, bound: float, tuned_for: float) -> int | None:
    if not pair.has_variance:
        return None
    distance = plan.limit.distance(pair.change, bound)
    variance = difference_variance(pair.control, pair.treatment, scale=pair.scale)
    if distance == 0 or variance <= 0:
        return None
    total = rows_to_exclude(distance, variance, confidence=plan.confidence, tuned_for=tuned_for)
    return max(1, math.ceil(total - pair.control.rows - pair.treatment.rows)) if total < _MOST else None
