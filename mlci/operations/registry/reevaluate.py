"""Re-evaluate a bundle on the current rows and gates, against the current champion."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mlci.config.models import Config, MetricsConfig, ScoresConfig
from mlci.engine.interface import Source
from mlci.engine.tables.files import suffix_of
from mlci.errors import UserCodeError
from mlci.execution import metrics_file
from mlci.gates.outcomes import JudgedGate
from mlci.inference.result import EvaluationResult
from mlci.lineage.rows import Rows, is_recorded
from mlci.operations import comparison, evaluation_plan, evaluation_sets, metrics_only, provenance
from mlci.operations.behaviour import recorded_tests
from mlci.operations.bundle import REPORT, VerifiedBundle, whole_set_values
from mlci.operations.comparison import add_report_refs
from mlci.operations.context import RowsContext, RunContext, ScoresContext
from mlci.operations.evaluate import evaluate_models
from mlci.operations.holdout import holdout_looks, holdout_uses
from mlci.operations.lineage import CurrentState
from mlci.operations.measure import emit_gates, judge_gates
from mlci.operations.models import baseline_production, rescore
from mlci.operations.models.model_predictions import PER_ROWS, ModelPredictions
from mlci.operations.provenance import Artifact, ArtifactDigests
from mlci.operations.registry import training_noise, version_history, waivers
from mlci.operations.report_builder import ReportContext, build_report
from mlci.operations.scores.compare import compare_logs
from mlci.operations.scores.grader import read_gold_labels
from mlci.operations.scores.logs import champion_scores, shows_texts
from mlci.operations.scores.run import scores_digest
from mlci.registry.manifest import VersionFile
from mlci.registry.registry import RegistryView
from mlci.report.document import Report, SharedRows
from mlci.report.item_rows import GraderAgreement
from mlci.scores.serialization import load_scores
from mlci.util.digests import sha256_of


def reevaluate_bundle(
    context: RunContext, bundle: VerifiedBundle, view: RegistryView, *, rows: str, save: Callable[[Report], str]
) -> VerifiedBundle:
    """Compare a bundle's model with the current champion, and return the bundle with the new report.

    Its own predictions are used if the rows are the same; if they moved, its own model scores them. Nothing is trained,
    and the bundle itself is not changed.

    Args:
        context: Run context with the registry.
        bundle: The bundle.
        view: The registry as of one entry.
        rows: Identifier of the current rows.
        save: Writes a new report and everything rendered from it; returns the text of ``report.json``.

    Raises:
        UserCodeError: if user code would have to run in a job that must not run any.
    """
    context = context.with_config(context.config.model_copy(update={"baseline": "production"}))
    config = context.config
    bundle, judged = _judge(context, bundle, view, rows)
    baseline, result = judged.baseline, judged.result
    digests = ArtifactDigests(digest=bundle.content.predictions.file.digest, predictions=None)
    look = holdout_looks.look_of_comparison(
        context,
        result,
        judged.predictions or digests.digest,
        made_by_training=bundle.report.evaluation.made_by_training,
    )
    use = holdout_uses.use_of_run(context, result.fingerprint, digests, look)
    facts = replace(
        context.facts, shared=judged.shared, uses=use.count if use else None, look=look, grader=judged.grader
    )
    facts = _facts(config, bundle, baseline, facts)
    kept = evaluation_sets.keep_rows(context)
    now = _now(bundle, result, kept[1] if kept else None)
    if facts.made_by_training:
        result = replace(result, notes=(*result.notes, evaluation_sets.MADE_NOTE))
    result, facts = comparison.add_history(context, view, result=result, facts=facts, now=now)
    gates = (*judged.gates, *holdout_looks.worn_out_gates(look, line=holdout_looks.budget_line(context.loaded)))
    result = replace(result, notes=(*result.notes, *holdout_looks.estimate_note(look, gates)))
    gates = waivers.apply_recorded_waivers(gates, view, head=bundle.report.candidate.commit, today=context.today)
    emit_gates(context.emit, gates)
    report = build_report(result, gates, facts)
    text = save(report).encode()
    if use is not None:
        against = baseline.version if baseline else None
        holdout_uses.record_use(context, use, report, digest=sha256_of(text), against=against)
    return _with_report(context, bundle, report, text, kept[0] if kept else None)


def _judge(
    context: RunContext, bundle: VerifiedBundle, view: RegistryView, rows: str
) -> tuple[VerifiedBundle, "_Judged"]:
    """Compare a bundle's model with the champion; return it as well with the predictions that were judged."""
    config = context.config
    if isinstance(config, MetricsConfig):
        return bundle, _judge_numbers(context, bundle, view)
    if isinstance(config, ScoresConfig):
        return bundle, _judge_scores(context.with_config(config), bundle, view)
    on_rows = context.with_config(config)
    _refuse_custom_metrics(on_rows)
    if not is_recorded(bundle.content.predictions.fingerprint, rows):
        bundle = _scored(on_rows, bundle, rows)
    return bundle, _judge_predictions(on_rows, bundle, view, rows)


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """A comparison with the champion, its gates, and the rows that both sets share if they differ.

    ``predictions`` is the digest of what was judged, if that is not the file of predictions.
    """

    baseline: ModelPredictions | None
    result: EvaluationResult
    gates: tuple[JudgedGate, ...]
    shared: SharedRows | None = None
    predictions: str | None = None
    grader: GraderAgreement | None = None


def _judge_predictions(context: RowsContext, bundle: VerifiedBundle, view: RegistryView, rows: str) -> _Judged:
    """Compare a bundle's predictions on the current rows with the champion's."""
    config, baseline = context.config, baseline_production.champion_predictions(context, view, scored=bundle.scored)
    measured = evaluate_models(context, _candidate(bundle), baseline, data=context.data)
    against = baseline.version if baseline else None
    noise = training_noise.load_noise(config, view, against=against, rows=rows)
    result = replace(measured.result, tests=recorded_tests(bundle.report))
    gates = judge_gates(config, result, noise)
    return _Judged(baseline=baseline, result=result, gates=gates, shared=measured.shared)


def _refuse_custom_metrics(context: RowsContext) -> None:
    """Refuse custom metrics if user code must not run: the run's values belong to another comparison."""
    own = [metric.function for metric in evaluation_plan.row_metrics(context.config) if metric.is_users]
    if own and not context.user_code:
        raise UserCodeError(f"the custom metric `{own[0]}` would have to be evaluated")


def _judge_numbers(context: RunContext, bundle: VerifiedBundle, view: RegistryView) -> _Judged:
    """Compare the numbers of a bundle's metrics file with the champion's."""
    before = metrics_only.champion_values(context, view)
    path = bundle.paths[bundle.content.predictions.file.digest]
    now = metrics_file.read_metrics_file(path, shown=path.name).values
    result = metrics_only.compare_values(context.config, now, before.values if before else None, ())
    gates = metrics_only.judge_values(context.config, result, now, before.values if before else None)
    side = ModelPredictions(source=Source(path=""), commit=before.commit, version=before.version) if before else None
    return _Judged(baseline=side, result=result, gates=gates)


def _judge_scores(context: ScoresContext, bundle: VerifiedBundle, view: RegistryView) -> _Judged:
    """Compare the scores of a bundle's evaluation log with the champion's."""
    before = champion_scores(context, view)
    path = bundle.paths[bundle.content.predictions.file.digest]
    now, texts = load_scores(path, shown=path.name), shows_texts(context)
    gold = read_gold_labels(context.config.grader, context.folder)
    compared = compare_logs(context.config, now, before.log if before else None, texts=texts, gold=gold)
    side = ModelPredictions(source=Source(path=""), commit=before.commit, version=before.version) if before else None
    return _Judged(
        baseline=side,
        result=compared.result,
        gates=compared.gates,
        predictions=scores_digest(now),
        grader=compared.grader,
    )


def _candidate(bundle: VerifiedBundle) -> ModelPredictions:
    said = bundle.content.predictions
    path = str(bundle.paths[said.file.digest])
    return ModelPredictions(
        source=Source.of(path, said),
        costs=bundle.content.costs,
        measured_for=PER_ROWS,
    )


def _scored(context: RowsContext, bundle: VerifiedBundle, rows: str) -> VerifiedBundle:
    """Return the bundle with its own model's predictions on the current rows.

    Raises:
        UserCodeError: if user code must not run here.
    """
    if not context.user_code:
        raise UserCodeError("the bundle's own model would have to score the evaluation set")

    def fetch(file: VersionFile, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.paths[file.digest], target)
        return target

    side = rescore.rescore_version(context, bundle.content, fetch, of="this bundle", name="candidate")
    path = Path(side.source.path)
    part = provenance.digest_file(path, f"predictions{suffix_of(str(path))}")
    update = {"fingerprint": rows, "file": part.file, **side.source.columns}
    predictions = bundle.content.predictions.model_copy(update=update)
    content = bundle.content.model_copy(update={"predictions": predictions})
    return replace(bundle, content=content, paths={**bundle.paths, part.file.digest: path})


def _facts(
    config: Config, bundle: VerifiedBundle, baseline: ModelPredictions | None, known: ReportContext
) -> ReportContext:
    """Return the facts of the new report; the candidate is the old report's."""
    seconds = bundle.report.provenance.seconds.model_dump(exclude_none=True)
    found = add_report_refs(
        known,
        config,
        ModelPredictions(source=Source(path="")),
        baseline,
        seconds=seconds,
        head=None,
        digests=None,
    )
    digest = f"sha256:{bundle.content.predictions.file.digest}"
    candidate = bundle.report.candidate.model_copy(update={"predictions": digest})
    return replace(found, candidate=candidate, made_by_training=bundle.report.evaluation.made_by_training)


def _now(bundle: VerifiedBundle, result: EvaluationResult, rows: Rows | None) -> CurrentState:
    own = (bundle.content.recipe.config, *bundle.content.environment.lock)
    texts = {file.digest: bundle.paths[file.digest].read_bytes() for file in own}
    origin = version_history.origin_of_content(bundle.content, lambda file: texts[file.digest])
    known = replace(origin, fingerprint=result.fingerprint or holdout_uses.ON_NUMBERS)
    return CurrentState(origin=known, texts=texts, rows=rows)


def _with_report(
    context: RunContext, bundle: VerifiedBundle, report: Report, text: bytes, rows: Artifact | None
) -> VerifiedBundle:
    """Return the bundle with its new report, judged on the current rows."""
    path = context.scratch / "report.json"
    path.write_bytes(text)
    file = VersionFile(name=REPORT, digest=sha256_of(text), bytes=len(text))
    judged_on = report.evaluation
    known = {"fingerprint": judged_on.fingerprint or holdout_uses.ON_NUMBERS, "rows": judged_on.rows or 0}
    data = bundle.content.data.model_copy(update={**known, "keys": rows.file if rows else None})
    update = {"report": file, "metrics": whole_set_values(report), "data": data}
    content = bundle.content.model_copy(update=update)
    paths = {**bundle.paths, file.digest: path, **({rows.file.digest: rows.path} if rows else {})}
    return replace(bundle, content=content, report=report, paths=paths)
