"""``mlci run``: both models' predictions, their statistics, the gates, the report."""

from dataclasses import replace
from pathlib import Path

from mlci.baseline.head import head
from mlci.config.load import Loaded
from mlci.config.models import Baseline, Config
from mlci.engine.interface import Job, RowMetric, Source
from mlci.errors import InputError, Problem
from mlci.gates.judge import judge
from mlci.gates.rules import Judged
from mlci.inference.evaluate import evaluate
from mlci.inference.evaluation import EvaluationResult
from mlci.report.document import BaselineRef, Candidate, PolicyRef, Report
from mlci.usecases import baselines, metrics_only, plan, sides
from mlci.usecases.costs import scaled, with_costs
from mlci.usecases.document import Facts, document
from mlci.usecases.paths import located
from mlci.usecases.sides import PER_ROWS, Place, Side
from mlci.usecases.tools import Tools


def run(loaded: Loaded, tools: Tools, *, folder: Path, facts: Facts) -> Report:
    """Train, predict, compare and judge; return the report.

    Args:
        loaded: The configuration, checked.
        tools: Effects.
        folder: Folder of the configuration.
        facts: What the command line knows about this run; origins of the models are filled in here.
    """
    if loaded.config.predict.metrics is not None:
        return _run_on_metrics(loaded, tools, folder=folder, facts=facts)
    result, origins = compare(loaded, tools, folder=folder, facts=facts)
    return document(result, verdicts(loaded.config, result), origins)


def compare(loaded: Loaded, tools: Tools, *, folder: Path, facts: Facts) -> tuple[EvaluationResult, Facts]:
    """Make both models' predictions and evaluate them; judge nothing."""
    data = located(_data(loaded.config), folder)
    # The baseline first: nothing of the candidate's has run yet that could touch it.
    baseline = baselines.baseline(loaded, tools, folder=folder, data=data)
    with baselines.left_alone(loaded, baseline):
        candidate = sides.make(loaded.config, Place(folder=folder, scratch=tools.scratch / "step"), tools, data=data)
    try:
        result, seconds = measure(loaded.config, candidate, baseline, tools, data=data)
    except InputError as error:
        raise InputError.of(_placed(problem, tools.scratch) for problem in error.problems) from error
    return result, _origins(facts, loaded, candidate, baseline, seconds, tools)


def verdicts(config: Config, result: EvaluationResult) -> tuple[Judged, ...]:
    """Judge the gates of a configuration against an evaluation."""
    return judge(plan.rules(config), result, min_group_size=plan.question(config, baseline=True).min_group_size)


def measure(
    config: Config, candidate: Side, baseline: Side | None, tools: Tools, *, data: str
) -> tuple[EvaluationResult, dict[str, float]]:
    """Reduce the tables and estimate everything asked; also return the wall time of each stage."""
    begun = tools.clock()
    tools.say("evaluate")
    observed = tools.engine.observe(
        job(config, candidate.source, baseline.source if baseline else None, tools, data=data)
    )
    notes = (*candidate.notes, *(baseline.notes if baseline else ()), *observed.notes)
    question = plan.question(config, baseline=baseline is not None)
    result = evaluate(observed.statistics, question, fingerprint=observed.fingerprint, notes=notes)
    before = scaled(baseline.costs if baseline else {}, measured_for=PER_ROWS, rows=observed.rows)
    now = scaled(candidate.costs, measured_for=PER_ROWS, rows=observed.rows)
    result = with_costs(result, plan.operations(config), now, before)
    seconds = {**candidate.seconds, **(baseline.seconds if baseline else {}), "evaluate": tools.clock() - begun}
    return result, seconds


def job(config: Config, candidate: Source, baseline: Source | None, tools: Tools, *, data: str) -> Job:
    """Return what the engine has to do for a configuration."""
    evaluation = config.evaluation
    if evaluation is None:
        raise ValueError("checked by the configuration")
    needs = plan.needs(config)
    return Job(
        task=config.task,
        data=data,
        key=evaluation.key,
        label=evaluation.label,
        positive=evaluation.positive,
        classes=evaluation.classes,
        threshold=config.predict.threshold,
        slices=plan.slices(config),
        candidate=candidate,
        baseline=baseline,
        decisions=config.task != "regression",
        scores=needs.scores,
        calibration=needs.calibration,
        losses=needs.losses,
        probabilities=needs.probabilities,
        row_metrics=_row_metrics(needs.custom, config, tools),
        seed=config.policy.seed,
        max_groups=evaluation.max_groups,
    )


def _placed(problem: Problem, scratch: Path) -> Problem:
    """Name a file of ours, which is gone after the run, by what wrote it."""
    if problem.path is None or not Path(problem.path).is_relative_to(scratch):
        return problem
    inside = Path(problem.path).relative_to(scratch).parts[0]
    return replace(problem, path=f"{'baseline ' if inside.startswith('baseline') else ''}predictions")


def _row_metrics(names: tuple[str, ...], config: Config, tools: Tools) -> tuple[RowMetric, ...]:
    return tuple(tools.row_metric(name, config.task) for name in names)


def _run_on_metrics(loaded: Loaded, tools: Tools, *, folder: Path, facts: Facts) -> Report:
    baseline, commit, notes = metrics_only.baseline_values(loaded, tools, folder=folder)
    candidate = metrics_only.candidate_values(loaded, tools, folder=folder)
    result = metrics_only.compare(loaded, candidate, baseline, notes)
    gates = metrics_only.judge_values(loaded, result, candidate, baseline)
    side = Side(source=Source(path=""), commit=commit)
    origin = _origins(facts, loaded, Side(source=Source(path="")), side if baseline is not None else None, {}, tools)
    return document(result, gates, origin)


def _origins(
    facts: Facts, loaded: Loaded, candidate: Side, baseline: Side | None, seconds: dict[str, float], tools: Tools
) -> Facts:
    """Fill in where both models came from."""
    current = head(tools.git)
    commit = candidate.commit or (current.commit if current else None)
    label = "with uncommitted changes" if current and current.dirty else None
    return replace(
        facts,
        candidate=Candidate(commit=facts.candidate.commit or commit, label=label),
        baseline=_baseline_ref(loaded.config, baseline),
        seconds=seconds,
    )


def _baseline_ref(config: Config, baseline: Side | None) -> BaselineRef:
    if baseline is None or not isinstance(config.baseline, Baseline):
        return BaselineRef(source="none")
    if config.baseline.file is not None:
        return BaselineRef(source="file", label=config.baseline.file)
    return BaselineRef(source="ref", commit=baseline.commit, label=config.baseline.ref)


def policy(config: Config) -> PolicyRef:
    """Return the policy as the report shows it."""
    return PolicyRef(
        confidence=config.policy.confidence,
        inconclusive=config.policy.inconclusive,
        no_baseline=config.policy.no_baseline,
        comment=config.policy.comment,
    )


def _data(config: Config) -> str:
    if config.evaluation is None:
        raise ValueError("checked by the configuration")
    return config.evaluation.data
