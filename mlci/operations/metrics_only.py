"""Runs on a metrics file: values are compared without intervals."""

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlci.config.loader import LoadedConfig
from mlci.config.messages import nearest_word
from mlci.config.models import Baseline, Config
from mlci.engine.encode.binder import missing_file
from mlci.engine.interface import Source
from mlci.engine.tables.files import is_missing
from mlci.errors import InputError
from mlci.execution import metrics_file
from mlci.execution.metrics_file import MetricsFile
from mlci.gates.judge import judge_rules
from mlci.gates.limits import Limit, Rule
from mlci.gates.outcomes import JudgedGate, Outcome, Reason
from mlci.git.git import is_tracked
from mlci.git.ref_baseline import WITHOUT_BASELINE, NoBaselineYetError
from mlci.git.worktree import Worktree
from mlci.inference.evidence import Cause, Evidence, Point, Undefined
from mlci.inference.result import Comparison, EvaluationResult
from mlci.metrics import catalogue
from mlci.metrics.statistics import WHOLE
from mlci.operations import evaluation_plan
from mlci.operations.context import MetricsContext, RunContext
from mlci.operations.models import predictions
from mlci.operations.models.baseline_ref_or_file import (
    allow_first_change,
    baseline_steps,
    has_baseline_model,
    keep_inside,
    made_from_ref,
    own_steps,
    refuse_itself,
)
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.registry import stored_files
from mlci.registry.registry import RegistryView

Values = dict[str, float]
_LISTED = 8
ROWS = "metrics"
"""Placeholder for the rows that a version's numbers were measured on, which are unknown."""


@dataclass(frozen=True, kw_only=True)
class MetricValues:
    """A baseline's numbers and their origin."""

    values: Values
    commit: str | None = None
    version: int | None = None
    notes: tuple[str, ...] = ()


def candidate_values(context: MetricsContext) -> tuple[ModelPredictions, Values]:
    """Run the training command, if any, and read the metrics file."""
    trained = predictions.run_train_step(context, predictions.candidate_steps(context))
    name = context.config.metrics_file
    file = _read(context.loaded, context.folder / name, name, ("predict", "metrics"))
    source = Source(path=str(context.folder / name))
    return ModelPredictions(
        source=source, model=trained.output if trained else None, notes=file.notes(name)
    ), file.values


def _read(loaded: LoadedConfig, path: Path, shown: str, where: tuple[str, ...] = ()) -> MetricsFile:
    """Read a metrics file; every value of a gated metric that it has must be a number."""
    if where and is_missing(str(path)):
        missing = missing_file(str(path), ("candidate" if where[0] == "predict" else "baseline", where[1]))
        raise InputError(loaded.problem(f"`{shown}` {missing.message}", *where))
    file = metrics_file.read_metrics_file(path, shown=shown)
    file.require(gate.metric for gate in loaded.config.gates)
    return file


def baseline_values(context: MetricsContext, view: RegistryView | None) -> MetricValues | None:
    """Return the baseline's numbers; ``None`` without one."""
    if view is not None:
        return champion_values(context, view)
    chosen = context.config.baseline
    if not isinstance(chosen, Baseline):
        return None
    return of_file(context) or _of_reference(context, str(chosen.ref))


def of_file(context: MetricsContext) -> MetricValues | None:
    """Return the numbers of the baseline's file; ``None`` for every other baseline."""
    chosen, folder = context.config.baseline, context.folder
    if not isinstance(chosen, Baseline) or chosen.file is None:
        return None
    path = folder / chosen.file
    refuse_itself(context.loaded, str(path), str(folder / context.config.metrics_file), "file")
    return MetricValues(values=_read(context.loaded, path, chosen.file, ("baseline", "file")).values)


def as_committed(context: MetricsContext, commit: str) -> MetricValues:
    """Return the numbers of a commit's metrics file; none if git does not track it or it can't be read."""
    name = context.config.metrics_file
    numbers = MetricValues(values={}, commit=commit)
    if is_tracked(context.git, name):
        with contextlib.suppress(InputError):
            return replace(numbers, values=_read(context.loaded, context.folder / name, name).values)
    return numbers


def champion_values(context: RunContext, view: RegistryView) -> MetricValues | None:
    """Return the champion's numbers; ``None`` only if nothing was ever promoted."""
    champion = view.champion
    if champion is None:
        return None
    kept = champion.manifest.predictions
    if kept.fingerprint != ROWS:
        raise InputError(
            f"version {champion.number} has predictions and this change has a metrics file only, so they can't be "
            "compared; keep predicting, or judge this change by `baseline: {file: …}`"
        )
    path = context.scratch / "baseline" / kept.file.name
    stored_files.fetch_file(view.store, kept.file, path, of=f"version {champion.number}")
    values = metrics_file.read_metrics_file(path, shown=f"the metrics of version {champion.number}").values
    return MetricValues(values=values, commit=champion.manifest.recipe.commit, version=champion.number)


def _of_reference(context: MetricsContext, ref: str) -> MetricValues:
    """Make the numbers in a worktree of the reference, or take them from the cache."""

    def make(worktree: Worktree, _: Path) -> dict[str, Any]:
        configured = has_baseline_model(context, worktree, ref)
        own, notes = own_steps(context, worktree, ref)
        keep_inside(own.config, worktree)
        with allow_first_change(configured=configured):
            predictions.run_train_step(own, baseline_steps(context, worktree))
        name = own.config.metrics_file
        path = worktree.holds(name)
        if path is None:
            refuse = InputError if configured else NoBaselineYetError
            raise refuse(f"`{name}` does not exist at {ref}; let `train.run` write it, or {WITHOUT_BASELINE}")
        values = _read(context.loaded, path, f"{ref}:{name}").values
        return {"values": values, "notes": notes}

    ref_baseline = made_from_ref(context, ref, evaluation=ROWS, make=make)
    notes = (*ref_baseline.notes, *ref_baseline.facts["notes"])
    return MetricValues(values=ref_baseline.facts["values"], commit=ref_baseline.commit, notes=notes)


def compare_values(
    config: Config, candidate: Values, baseline: Values | None, notes: tuple[str, ...]
) -> EvaluationResult:
    """Return all numbers of both files and of gated metrics, as point estimates."""
    names = dict.fromkeys([*(baseline or {}), *candidate, *(gate.metric for gate in config.gates)])
    return EvaluationResult(
        task=config.task,
        rows=None,
        fingerprint=None,
        has_baseline=baseline is not None,
        confidence=config.judged_confidence,
        seed=config.policy.seed,
        comparisons=tuple(_comparison(name, candidate, baseline) for name in names),
        notes=notes,
    )


def judge_values(
    config: Config, result: EvaluationResult, candidate: Values, baseline: Values | None
) -> tuple[JudgedGate, ...]:
    """Judge the gates; a metric that disappeared is an error, so that a worse metric can't be deleted to pass."""
    rules = evaluation_plan.gate_rules(config)
    judged = judge_rules(rules, result, min_group_size=1)
    watched = {rule.metric for rule in rules}
    gone = metrics_file.missing_metrics(baseline or {}, candidate)
    return (*judged, *(_gone(name, (baseline or {})[name]) for name in gone if name not in watched))


def _comparison(name: str, candidate: Values, baseline: Values | None) -> Comparison:
    now, before = candidate.get(name), (baseline or {}).get(name)
    absent = _absent(name, candidate, disappeared=before is not None)
    if now is not None and before is not None and _in_other_units(name, now, before):
        reason = f"{name} is {now:g} here and {before:g} in the baseline's file: one of them is in per cent"
        absent, now = Undefined(f"{reason}; write both as the same kind of number", cause=Cause.MISSING), None
    has_baseline = baseline is not None and (before is not None or now is None)  # a new metric has no baseline yet
    change: Evidence = absent if now is None or before is None else Point(now - before)
    value: Evidence = absent if now is None else Point(now)
    return Comparison(
        metric=name,
        scope=WHOLE,
        rows=0,
        support=0,
        unit="rows",
        candidate=value,
        baseline=None if before is None else Point(before),
        change=change if has_baseline else None,
    )


def _in_other_units(name: str, now: float, before: float) -> bool:
    """Return whether a fraction is between 0 and 1 in one file and a percentage in the other."""
    info = catalogue.find(name) or catalogue.find(name.rpartition(".")[2].rpartition("_")[2])
    fraction = info is not None and info.unit == "fraction" and info.low == 0
    low, high = sorted((abs(now), abs(before)))
    return fraction and 0 < low <= 1 < high <= 100


def _absent(name: str, candidate: Values, *, disappeared: bool) -> Undefined:
    """Describe a missing number: it disappeared, or no metric has that name."""
    reason = f"{name} is not in the candidate's metrics file"
    if disappeared:
        return Undefined(f"{reason}, but was in the baseline's", cause=Cause.MISSING)
    guess = nearest_word(name, candidate)
    listed = ", ".join(list(candidate)[:_LISTED])
    hint = f"; did you mean {guess}?" if guess else f"; there are {listed}" if listed else ""
    return Undefined(reason + hint, cause=Cause.NAME)


def _gone(name: str, before: float) -> JudgedGate:
    return JudgedGate(
        rule=Rule(metric=name, limits=()),
        limit=Limit("present"),
        scope=WHOLE,
        judge="estimate",
        outcome=Outcome.ERROR,
        why=Reason.DISAPPEARED,
        reason="the metric disappeared: it is in the baseline's metrics file and not in the candidate's",
        baseline=before,
        blocks=True,
    )
