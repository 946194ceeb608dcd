"""``mlci run``: train, predict, evaluate both models, judge the gates."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mlci.config.models import Baseline, MetricsConfig, ScoresConfig
from mlci.engine.interface import Source
from mlci.errors import InputError
from mlci.gates.outcomes import JudgedGate
from mlci.git.git import is_tracked
from mlci.git.ref_baseline import NoBaselineYetError
from mlci.git.refs import CommitHead, read_head
from mlci.inference.result import EvaluationResult
from mlci.operations import behaviour, evaluation_sets, metrics_only, name_checks
from mlci.operations.comparison import ComparisonRun, add_lineage, add_report_refs, has_known_origin
from mlci.operations.context import MetricsContext, RowsContext, RunContext, registry_of
from mlci.operations.cost.run_cost import budget_gates, cost_so_far
from mlci.operations.evaluate import evaluate_models
from mlci.operations.holdout import holdout_looks, holdout_uses
from mlci.operations.holdout.holdout_uses import HoldoutUse
from mlci.operations.judging import judging_of_change
from mlci.operations.measure import emit_gates, judge_gates
from mlci.operations.metrics_only import MetricValues
from mlci.operations.models import baseline_production, baseline_ref_or_file, predictions, skip_training
from mlci.operations.models.file_guards import MOVED, FileSnapshot
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.operations.models.training_request import (
    TrainingNotRequestedError,
    require_training_request,
    result_without_training,
)
from mlci.operations.provenance import ArtifactDigests, BuildProvenance, digest_artifacts, try_digest_artifacts
from mlci.operations.registry import training_noise, waivers
from mlci.operations.report_builder import build_report
from mlci.registry.manifest import Environment
from mlci.registry.registry import RegistryView
from mlci.report.document import Judging, Report

NOWHERE = Source(path="")
"""Placeholder for predictions that were not made."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A report, and the comparison that it describes.

    Attributes:
        report: The report.
        comparison: Both models on the same rows.
        use: The holdout use that this run was, if it is to be recorded.
        provenance: How the candidate was made, if the environment is known.
    """

    report: Report
    comparison: ComparisonRun
    use: HoldoutUse | None = None
    provenance: BuildProvenance | None = None


def run_and_judge(
    context: RunContext,
    *,
    keep: bool = False,
    environment: Environment | None = None,
    since: str | None = None,
) -> RunResult:
    """Train, predict, compare and judge.

    Args:
        context: The run.
        keep: Whether to digest the artifacts that are judged.
        environment: Environment of the run; with it, the report lists what changed since the baseline was made.
        since: Commit that the change is to be merged into; training is skipped if no relevant file changed since.
    """
    judging = judging_of_change(context.loaded, context.git, since) if since else None
    if context.config.reuse is not None:
        holdout_looks.require_ledger(context)  # before hours of training whose look could not be counted
    try:
        return _run_and_judge(context, judging, keep=keep, environment=environment, since=since)
    except TrainingNotRequestedError:
        comparison = _untrained(context, result_without_training(context), None)
        train = context.config.train
        facts = replace(
            comparison.facts, judging=judging, training_label=train.label if train else None, cost=cost_so_far(context)
        )
        return RunResult(report=build_report(comparison.result, (), facts), comparison=comparison)


def _run_and_judge(
    context: RunContext,
    judging: Judging | None,
    *,
    keep: bool,
    environment: Environment | None,
    since: str | None,
) -> RunResult:
    config = context.config
    if isinstance(config, MetricsConfig):
        comparison, gates = _run_on_metrics(context.with_config(config), keep=keep, since=since)
    elif isinstance(config, ScoresConfig):
        from mlci.operations.scores.run import run_on_scores  # noqa: PLC0415 (only for logs of evaluations)

        digest = partial(_digest_candidate, context, keep=keep)
        comparison, gates = run_on_scores(context.with_config(config), digest)
    else:
        comparison = compare_models(context.with_config(config), keep=keep, since=since)
        noise = training_noise.load_noise(config, comparison.view, against=comparison.against, rows=comparison.rows)
        gates = judge_gates(config, comparison.result, noise)
    look = holdout_looks.look_of_comparison(
        context,
        comparison.result,
        comparison.predictions_digest,
        made_by_training=comparison.facts.made_by_training,
    )
    gates = (*gates, *holdout_looks.worn_out_gates(look, line=holdout_looks.budget_line(context.loaded)))
    cost = cost_so_far(context, comparison.view)
    if comparison.result.unchanged_since is None:
        gates = (*gates, *budget_gates(context, cost))
    waived_on = waivers.judged_commit(context, comparison.head)
    gates = waivers.apply_recorded_waivers(gates, comparison.view, head=waived_on, today=context.today)
    emit_gates(context.emit, gates)
    use = holdout_uses.use_of_run(context, comparison.result.fingerprint, comparison.digests, look)
    explained, provenance = add_lineage(context, comparison, environment, keep=keep)
    facts = replace(explained.facts, judging=judging)
    facts = facts if use is None else replace(facts, uses=use.count)
    noted = replace(explained.result, notes=(*explained.result.notes, *holdout_looks.estimate_note(look, gates)))
    report = build_report(noted, gates, replace(facts, cost=cost, look=look))
    return RunResult(report=report, comparison=comparison, use=use, provenance=provenance)


def compare_models(
    context: RowsContext,
    *,
    keep: bool = False,
    since: str | None = None,
) -> ComparisonRun:
    """Predict with both models and evaluate them, without judging a gate.

    With ``since``, training is skipped if no relevant file changed: see
    :mod:`mlci.operations.models.skip_training`.
    """
    base = skip_training.unchanged_since(context, since) if since else None
    if base is not None and skip_training.same_as_reference(context):
        return _compare_nothing(context, base)
    if base is not None and (recorded := _as_recorded(context, base)) is not None:
        return recorded
    chosen = context.config.baseline
    if base is None or (isinstance(chosen, Baseline) and chosen.ref is not None):
        require_training_request(context)  # in other cases the baseline's predictions may be the candidate's as well
    current, view, pair = _predict_both(context, base)
    candidate, baseline, from_training = pair.candidate, pair.baseline, pair.made_by_training
    digests = _digest_candidate(context, candidate, keep=keep)
    with name_checks.at_their_lines(context.loaded):
        measured = evaluate_models(context, candidate, baseline, data=context.data)
    name_checks.refuse_unknown(context.loaded, measured.result)
    facts = replace(context.facts, made_by_training=from_training, shared=measured.shared)
    result = measured.result
    result = replace(result, notes=(*result.notes, evaluation_sets.MADE_NOTE)) if from_training else result
    facts = add_report_refs(
        facts, context.config, candidate, baseline, seconds=measured.seconds, head=current, digests=digests
    )
    result = behaviour.add_tests(context, result, facts, candidate, baseline, view=view)
    return ComparisonRun(
        result=replace(result, unchanged_since=pair.unchanged_since),
        facts=facts,
        candidate=candidate,
        rows=baseline_ref_or_file.same_rows(context.config, result.fingerprint, context.data),
        head=current,
        digests=digests,
        view=view,
        against=baseline.version if baseline else None,
        past=baseline.past if baseline else None,
        scored=baseline.scored if baseline else None,
    )


def _predict_both(
    context: RowsContext, base: str | None
) -> tuple[CommitHead | None, RegistryView | None, "PredictionPair"]:
    """Check names, then predict with both models; return the checkout's commit and the registry's view, too."""
    name_checks.check_custom_metrics(context)
    predictions.check_model_file(context)
    current = read_head(context.git)  # read before the candidate's steps, which may write to tracked files
    survey = partial(name_checks.survey_before_steps, context)
    surveyed = survey()
    view = baseline_production.champion_head(context)
    if evaluation_sets.is_made_by_training(context):
        return current, view, _candidate_first(context, view, survey=survey)
    return current, view, _baseline_first(context, view, base=base, survey=None if surveyed else survey)


def _compare_nothing(context: RunContext, base: str) -> ComparisonRun:
    """Return a comparison without numbers, because getting any would take a training."""
    context.say(f"nothing relevant changed since {base[:7]}: nothing is trained")
    result = skip_training.result_without_rows(context.config, base)
    return _untrained(context, result, ModelPredictions(source=NOWHERE, commit=base))


def _as_recorded(context: RowsContext, base: str) -> ComparisonRun | None:
    """Return the champion's recorded numbers, if training would reproduce its model and evaluation set."""
    if context.config.baseline != "production" or not evaluation_sets.is_made_by_training(context):
        return None
    view = registry_of(context).view()
    found = skip_training.recorded_champion(context, view)
    if found is None:
        return None
    champion, report = found
    context.say(f"nothing relevant changed since {base[:7]}: nothing is trained, version {champion.number} has numbers")
    result = skip_training.recorded_result(context.config, report, version=champion.number, base=base)
    baseline = ModelPredictions(source=NOWHERE, commit=champion.manifest.recipe.commit, version=champion.number)
    return replace(_untrained(context, result, baseline), view=view, against=champion.number)


def _untrained(
    context: RunContext,
    result: EvaluationResult,
    baseline: ModelPredictions | None,
) -> ComparisonRun:
    """Return a comparison for which neither a model nor an evaluation set was read."""
    current, candidate = read_head(context.git), ModelPredictions(source=NOWHERE)
    return ComparisonRun(
        result=result,
        facts=add_report_refs(
            context.facts, context.config, candidate, baseline, seconds={}, head=current, digests=None
        ),
        candidate=candidate,
        rows="",
        head=current,
        has_rows=False,
    )


@dataclass(frozen=True, kw_only=True)
class PredictionPair:
    """Both models' predictions.

    Attributes:
        candidate, baseline: The two models.
        made_by_training: Whether the candidate's training made the evaluation set.
        unchanged_since: Commit since which no file that the model is made from changed, if nothing was trained.
    """

    candidate: ModelPredictions
    baseline: ModelPredictions | None
    made_by_training: bool = False
    unchanged_since: str | None = None


def _baseline_first(
    context: RowsContext,
    view: RegistryView | None,
    *,
    base: str | None,
    survey: Callable[[], object] | None,
) -> PredictionPair:
    """Predict with both models, the baseline first, so that the candidate's commands can't change it."""
    notes: tuple[str, ...] = ()
    try:
        baseline = _chosen_baseline(context, view)
    except NoBaselineYetError as error:
        baseline, notes = None, baseline_ref_or_file.note_first_change(context, error)
    same = None
    if base is not None and baseline is not None and baseline.own is None:
        same = skip_training.same_as_champion(context, baseline)
        same = same or skip_training.same_as_file(context, baseline)
    if same is not None:
        context.say(f"nothing relevant changed since {str(base)[:7]}: the baseline's predictions are the candidate's")
        return PredictionPair(candidate=same, baseline=baseline, unchanged_since=base)
    require_training_request(context)
    with _guard_baseline_files(context, baseline) as rows:
        steps = predictions.candidate_steps(context)
        candidate = predictions.make_predictions(context, steps, data=context.data, after_training=survey)
    if rows.written:
        evaluation_sets.remember_made(context)
    candidate = replace(candidate, notes=(*candidate.notes, *notes))
    return PredictionPair(candidate=candidate, baseline=baseline, made_by_training=rows.written)


def _chosen_baseline(context: RowsContext, view: RegistryView | None) -> ModelPredictions | None:
    if view is not None:
        return baseline_production.champion_predictions(context, view)
    return baseline_ref_or_file.baseline_predictions(context)


def _candidate_first(
    context: RowsContext,
    view: RegistryView | None,
    *,
    survey: Callable[[], object],
) -> PredictionPair:
    """Predict with both models when the candidate's training makes the evaluation set.

    The choice of the baseline is fixed before training: the ledger head, the commit of a reference, the digests of the
    cache.
    """
    require_training_request(context)
    pinned: baseline_ref_or_file.PinnedBaseline | None = None
    first: tuple[str, ...] = ()
    try:
        pinned = baseline_ref_or_file.pin_baseline(context)
    except NoBaselineYetError as error:
        first = baseline_ref_or_file.note_first_change(context, error)
    baseline = baseline_ref_or_file.baseline_from_file(context)
    steps = predictions.candidate_steps(context)
    with _guard_baseline_files(context, baseline, rows_may_change=True):
        makes = evaluation_sets.required_output(context.config)
        candidate = predictions.make_predictions(context, steps, data=context.data, makes=makes, after_training=survey)
    evaluation_sets.remember_made(context)
    if baseline is not None:
        baseline = baseline_ref_or_file.baseline_on_own_rows(context, baseline)
    elif view is not None:
        baseline = baseline_production.champion_predictions(context, view, by_training=True)
    elif pinned is not None:
        try:
            baseline = baseline_ref_or_file.baseline_from_ref(context, pinned=pinned)
        except NoBaselineYetError as error:
            first = baseline_ref_or_file.note_first_change(context, error)
    candidate = replace(candidate, notes=(*candidate.notes, *first))
    return PredictionPair(candidate=candidate, baseline=baseline, made_by_training=True)


@dataclass
class _EvaluationFile:
    """Record of whether the candidate's training wrote the evaluation set."""

    written: bool = False


@contextlib.contextmanager
def _guard_baseline_files(
    context: RowsContext, baseline: ModelPredictions | None, *, rows_may_change: bool = False
) -> Iterator[_EvaluationFile]:
    """Check that the candidate's steps, which run inside, do not change the baseline's predictions and their rows.

    If a baseline was made on the rows and they have a key, their fingerprint is compared later. In every other case the
    file is compared here, because a candidate could label the rows that it is judged on. Training may make a file that
    did not exist, and with ``rows_may_change`` one that it made before.

    Raises:
        InputError: if the steps made or changed the baseline's file, or changed the rows.
    """
    config = context.config
    runs = config.train is not None or config.predict.file is None
    watched = [baseline.source.path] if baseline is not None and runs else []
    before = FileSnapshot.now(watched, by_content=True)
    keyed = config.evaluation.key is not None
    counted = runs and not rows_may_change and not (keyed and baseline is not None and baseline.made_on is not None)
    rows_before = FileSnapshot.now([context.data] if counted else [], by_content=True)
    evaluation = _EvaluationFile()
    stamps = FileSnapshot.now([context.data] if config.train is not None else [], by_content=False)
    yield evaluation
    evaluation.written = bool(stamps.changed()) and not is_tracked(context.git, str(Path(context.data).absolute()))
    if any(rows_before.marks.values()) and rows_before.changed():
        raise InputError(MOVED)
    if before.changed() and baseline is not None:
        why = f"the candidate's own steps wrote to the baseline's {baseline.label}, so it is not production's any more"
        raise InputError(
            context.loaded.problem(f"{why}; let `train.run` and `predict.run` write elsewhere", "baseline")
        )


def _run_on_metrics(
    context: MetricsContext, *, keep: bool, since: str | None
) -> tuple[ComparisonRun, tuple[JudgedGate, ...]]:
    current = read_head(context.git)
    view = baseline_production.champion_head(context)
    base = skip_training.unchanged_since(context, since) if since else None
    same = skip_training.same_metrics(context, view) if base is not None else None
    if base is not None and same is not None:
        return _same_metrics(context, same, base, view)
    require_training_request(context)
    side: MetricValues | None = None
    first: tuple[str, ...] = ()
    try:
        side = metrics_only.baseline_values(context, view)
    except NoBaselineYetError as error:
        first = baseline_ref_or_file.note_first_change(context, error)
    before = side.values if side else None
    candidate, now = metrics_only.candidate_values(context)
    digests = _digest_candidate(context, candidate, keep=keep)
    notes = (*candidate.notes, *(side.notes if side else ()), *first)
    result = metrics_only.compare_values(context.config, now, before, notes)
    baseline = ModelPredictions(source=NOWHERE, commit=side.commit, version=side.version) if side else None
    comparison = ComparisonRun(
        result=result,
        facts=add_report_refs(
            context.facts, context.config, candidate, baseline, seconds={}, head=current, digests=digests
        ),
        candidate=candidate,
        rows=metrics_only.ROWS,
        head=current,
        digests=digests,
        view=view,
        against=side.version if side else None,
    )
    return comparison, metrics_only.judge_values(context.config, result, now, before)


def _same_metrics(
    context: RunContext,
    numbers: MetricValues,
    base: str,
    view: RegistryView | None,
) -> tuple[ComparisonRun, tuple[JudgedGate, ...]]:
    """Return the baseline's numbers as both models' numbers; no gate is judged if there are none."""
    if not numbers.values:
        return _compare_nothing(context, base), ()
    context.say(f"nothing relevant changed since {base[:7]}: nothing is trained, the baseline's numbers are judged")
    values, side = numbers.values, ModelPredictions(source=NOWHERE, commit=numbers.commit, version=numbers.version)
    result = replace(metrics_only.compare_values(context.config, values, values, numbers.notes), unchanged_since=base)
    comparison = replace(_untrained(context, result, side), view=view, against=numbers.version)
    return comparison, metrics_only.judge_values(context.config, result, values, values)


def _digest_candidate(context: RunContext, candidate: ModelPredictions, *, keep: bool) -> ArtifactDigests | None:
    """Digest the candidate's artifacts if they are kept, or if the report lists what changed or counts looks."""
    if keep:
        return digest_artifacts(candidate, context.fingerprint)
    asked = has_known_origin(context.config) or context.config.reuse is not None
    return try_digest_artifacts(candidate, context.fingerprint) if asked else None
