"""``mlci experiment``: logs or counts of two arms to a verdict."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from mlci.config.lifecycle.experiment import Experiment, ExperimentMetric
from mlci.engine.arms.counts import read_arm_counts
from mlci.engine.arms.log import ArmLog, LoggedMetric, reduce_arm_log
from mlci.errors import InputError, Problem
from mlci.experiment.judge import judge_experiment
from mlci.experiment.plan import ExperimentPlan, MetricPlan
from mlci.experiment.result import ExperimentResult, Look
from mlci.metrics.arm_moments import ArmSums
from mlci.operations.context import resolve_path

_DAY = 86_400


def measure_experiment(section: Experiment, folder: Path, *, confidence: float) -> ExperimentResult:
    """Read both arms and judge the experiment.

    Args:
        section: The section `experiment:`.
        folder: Folder that paths begin at.
        confidence: Level of metrics without a level of their own.

    Raises:
        InputError: if the log or the counts are invalid, or an arm has no units; the message has the row.
    """
    sums = read_arms(section, folder)
    _require_both_arms(sums, section)
    result = judge_experiment(sums, plan_experiment(section, confidence))
    return replace(result, days_needed=_days_needed(result.units_needed, result.looks))


def plan_experiment(section: Experiment, confidence: float) -> ExperimentPlan:
    """Return the plan of a configured experiment."""
    return ExperimentPlan(
        control=section.control,
        treatment=section.treatment,
        split=section.split,
        metrics=tuple(_plan(metric, section, confidence) for metric in section.metrics),
        tuned_for=section.tuned_for,
        most_units=section.most_units,
    )


def _plan(metric: ExperimentMetric, section: Experiment, confidence: float) -> MetricPlan:
    return MetricPlan(
        name=metric.name,
        is_rate=metric.rate is not None,
        limit=metric.limit,
        confidence=metric.confidence or confidence,
        covariate=metric.covariate,
        primary=metric is section.metric,
    )


def read_arms(section: Experiment, folder: Path) -> tuple[ArmSums, ...]:
    """Return the moments of both arms from the log or the table of counts.

    Raises:
        InputError: if it is invalid; the message has the row.
    """
    arms = (section.control, section.treatment)
    if section.counts is not None:
        needs = {metric.name: metric.covariate is not None for metric in section.metrics}
        rates = {metric.name for metric in section.metrics if metric.rate is not None}
        return read_arm_counts(resolve_path(section.counts, folder), arms, needs, rates)
    log = ArmLog(
        path=resolve_path(section.data or "", folder),
        unit=section.unit or "",
        arm=section.arm,
        arms=arms,
        metrics=tuple(LoggedMetric(one.name, one.rate is not None, one.covariate) for one in section.metrics),
        time=section.time,
        slices=section.slices,
    )
    return reduce_arm_log(log)


def _require_both_arms(sums: Sequence[ArmSums], section: Experiment) -> None:
    empty = {section.control, section.treatment} - {one.arm for one in sums if one.moments.units}
    if empty:
        names = " and ".join(f"`{name}`" for name in sorted(empty))
        message = f"has no units in the arm {names}; the names of arms are `experiment.control` and `treatment`"
        raise InputError(Problem(message, section.data or section.counts))


def _days_needed(needed: int | None, looks: Sequence[Look]) -> float | None:
    """Return days at the rate of units from the first to the last period."""
    if needed is None or len(looks) < 2:
        return None
    first, last = (datetime.fromisoformat(look.period) for look in (looks[0], looks[-1]))
    units = looks[-1].units - looks[0].units
    return needed * (last - first).total_seconds() / _DAY / units if units > 0 else None
