"""Judge an experiment: sample ratio first, then every metric, and one verdict.

A sample-ratio mismatch means that units are missing from one arm, or were assigned by something else than chance; no
metric can be compared then (Fabijan et al. 2019, KDD '19:2156).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from mlci.experiment.compare import judge_metric, measure_change
from mlci.experiment.plan import ExperimentPlan, MetricPlan
from mlci.experiment.result import (
    ExperimentResult,
    ExperimentVerdict,
    GroupResult,
    Look,
    MetricResult,
    SampleRatio,
)
from mlci.inference.intervals.confidence_sequence import SampleRate, sequential_interval
from mlci.metrics.arm_moments import WHOLE_SET, ArmMoments, ArmSums

RATIO_CONFIDENCE = 0.999
"""Level of the check of the split: of 1,000 correct experiments, one is stopped by it."""
Key = tuple[str, str, str, str]


def judge_experiment(sums: Sequence[ArmSums], plan: ExperimentPlan) -> ExperimentResult:
    """Return the verdict on all moments so far, each period's once."""
    totals = _merge(((one.slice, one.group, one.metric, one.arm), one.moments) for one in sums)
    metrics = tuple(_judge(totals, metric, plan) for metric in plan.metrics)
    ratio, of = check_sample_ratios(metrics, plan)
    verdict, reason = _decide(metrics, ratio, of, plan)
    looks = measure_looks(sums, plan)
    needed = _units_needed(metrics) if verdict is ExperimentVerdict.KEEP_GOING else None
    return ExperimentResult(
        verdict=verdict,
        reason=reason,
        control=plan.control,
        treatment=plan.treatment,
        sample_ratio=ratio,
        metrics=metrics,
        groups=tuple(_groups(totals, plan)),
        looks=looks,
        units_needed=needed,
    )


def check_sample_ratios(metrics: Sequence[MetricResult], plan: ExperimentPlan) -> tuple[SampleRatio, str]:
    """Return the first mismatch of all metrics, else the check of the primary one, and what is counted.

    Logs have the same units in every metric; counts may lack those of one metric in one arm.
    """
    pairs: dict[tuple[int, int], str] = {metrics[0].change.units: "the units"}
    for metric in metrics[1:]:
        pairs.setdefault(metric.change.units, f"the units with {metric.metric}")
    confidence = 1 - (1 - RATIO_CONFIDENCE) / len(pairs)
    checks = [(check_sample_ratio(units, plan, confidence), of) for units, of in pairs.items()]
    return next((one for one in checks if one[0].mismatch), checks[0])


def check_sample_ratio(
    units: tuple[int, int], plan: ExperimentPlan, confidence: float = RATIO_CONFIDENCE
) -> SampleRatio:
    """Compare the treatment's share of units with the planned one, at a level that holds at every look."""
    total = sum(units)
    low, high = sequential_interval(SampleRate(total, units[1]), confidence=confidence, tuned_for=plan.tuned_for)
    return SampleRatio(
        expected=plan.split,
        observed=units[1] / total if total else plan.split,
        interval=(low, high),
        mismatch=not low <= plan.split <= high,
    )


def measure_looks(sums: Sequence[ArmSums], plan: ExperimentPlan) -> tuple[Look, ...]:
    """Return the primary metric's change after each period, as it was at the end of that period."""
    primary = plan.metrics[0]
    own = [one for one in sums if one.slice == WHOLE_SET and one.metric == primary.name]
    arms = dict.fromkeys(plan.arms, _NOTHING)
    looks = []
    for period in sorted({one.period for one in own} - {""}):
        for one in own:
            if one.period == period:
                arms[one.arm] = arms[one.arm].merge(one.moments)
        change = measure_change(arms[plan.control], arms[plan.treatment], primary, plan.tuned_for)
        look = Look(period=period, units=sum(change.units), change=change.change, interval=change.interval)
        looks.append(look)
    return tuple(looks)


_NOTHING = ArmMoments(units=0, mean=0.0, squares=0.0)


def _merge(parts: Iterable[tuple[Key, ArmMoments]]) -> dict[Key, ArmMoments]:
    totals: dict[Key, ArmMoments] = {}
    for key, moments in parts:
        totals[key] = totals[key].merge(moments) if key in totals else moments
    return totals


def _arms(
    totals: Mapping[Key, ArmMoments], metric: str, plan: ExperimentPlan, *, where: tuple[str, str] = (WHOLE_SET, "")
) -> tuple[ArmMoments, ArmMoments]:
    found = [totals.get((*where, metric, arm), _NOTHING) for arm in plan.arms]
    return (found[0], found[1])


def _judge(totals: Mapping[Key, ArmMoments], metric: MetricPlan, plan: ExperimentPlan) -> MetricResult:
    return judge_metric(*_arms(totals, metric.name, plan), metric, plan.tuned_for)


def _groups(totals: Mapping[Key, ArmMoments], plan: ExperimentPlan) -> Iterable[GroupResult]:
    primary = plan.metrics[0]
    wheres = dict.fromkeys((key[0], key[1]) for key in totals if key[0] != WHOLE_SET and key[2] == primary.name)
    for name, group in sorted(wheres):
        arms = _arms(totals, primary.name, plan, where=(name, group))
        change = measure_change(*arms, primary, plan.tuned_for)
        yield GroupResult(slice=name, group=group, change=change)


def _decide(
    metrics: tuple[MetricResult, ...], ratio: SampleRatio, of: str, plan: ExperimentPlan
) -> tuple[ExperimentVerdict, str]:
    if ratio.mismatch:
        return ExperimentVerdict.COULD_NOT_TELL, (
            f"sample-ratio mismatch: {ratio.observed:.2%} of {of} are in the treatment, and {ratio.expected:.2%} "
            "were planned; find out where units get lost or are assigned twice, and start the experiment again"
        )
    failed, passed, still = (_named(metrics, outcome) for outcome in ("failed", "passed", "open"))
    if failed:
        return ExperimentVerdict.ROLL_BACK, f"{failed} beyond the limit"
    if not still:
        return ExperimentVerdict.PROMOTE, f"{passed} within the limit"
    if plan.most_units is not None and sum(metrics[0].change.units) >= plan.most_units:
        reason = f"{still} undecided after {plan.most_units:,} units, the most that the experiment may have"
        return ExperimentVerdict.COULD_NOT_TELL, reason
    return ExperimentVerdict.KEEP_GOING, f"{still} undecided"


def _named(metrics: Iterable[MetricResult], outcome: Literal["failed", "passed", "open"]) -> str:
    """Return `a and b are`, with the metrics of an outcome; empty without any."""
    names = [metric.metric for metric in metrics if metric.outcome == outcome]
    if not names:
        return ""
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{listed} {'is' if len(names) == 1 else 'are'}"


def _units_needed(metrics: Iterable[MetricResult]) -> int | None:
    """Return units until a verdict: until the first failure if an estimate is beyond its limit, else until all pass."""
    failing: list[int | None] = []
    passing: list[int | None] = []
    for metric in metrics:
        if metric.outcome != "open":
            continue
        is_floor = "max_drop" in metric.limit
        distance = (metric.change.change - metric.bound) * (1 if is_floor else -1)
        (failing if distance < 0 else passing).append(metric.units_needed)
    known = [needed for needed in failing or passing if needed is not None]
    if failing:
        return min(known, default=None)
    return max(known) if len(known) == len(passing) and known else None
