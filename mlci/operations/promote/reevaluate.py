"""Re-evaluate a bundle on the current rows and gates, against the current champion."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlci.config.loader import LoadedConfig
from mlci.config.models import Config
from mlci.engine.interface import Source
from mlci.engine.tables.files import suffix_of
from mlci.errors import UserCodeError
from mlci.execution import metrics_file
from mlci.gates.rules import JudgedGate
from mlci.inference.result import EvaluationResult
from mlci.lineage.rows import Rows, is_recorded
from mlci.operations import evaluation_plan, holdout_uses, metrics_only
from mlci.operations.baseline import made_by_training, production, training_noise
from mlci.operations.bundle import artifacts, write
from mlci.operations.bundle.artifacts import Artifact, ArtifactDigests
from mlci.operations.bundle.read import VerifiedBundle
from mlci.operations.context import RunContext, resolve_path
from mlci.operations.evaluate import evaluate_models, judge_gates
from mlci.operations.lineage import comparison, evaluation_rows, origins
from mlci.operations.lineage.comparison import add_report_refs
from mlci.operations.lineage.origins import CurrentState
from mlci.operations.models import rescore
from mlci.operations.models.predictions import PER_ROWS, ModelPredictions
from mlci.operations.report_builder import ReportContext, build_report
from mlci.registry import entries
from mlci.registry.ledger import LedgerHead
from mlci.registry.manifest import VersionFile
from mlci.report.document import Report


def reevaluate_bundle(
    loaded: LoadedConfig,
    context: RunContext,
    bundle: VerifiedBundle,
    ledger_head: LedgerHead,
    *,
    folder: Path,
    facts: ReportContext,
    rows: str,
    save: Callable[[Report], str],
) -> VerifiedBundle:
    """Compare a bundle's model with the current champion, and return the bundle with the new report.

    Its own predictions are used if the rows are the same; if they moved, its own model scores them. Nothing is trained,
    and the bundle itself is not changed.

    Args:
        loaded: The current configuration.
        context: Run context with the registry.
        bundle: The bundle.
        ledger_head: The ledger head.
        folder: Folder of the configuration.
        facts: Facts of the command line.
        rows: Identifier of the current rows.
        save: Writes a new report and everything rendered from it; returns the text of ``report.json``.

    Raises:
        UserCodeError: if user code would have to run in a job that must not run any.
    """
    _refuse_custom_metrics(loaded.config, context)
    config = loaded.config.model_copy(update={"baseline": "production"})
    loaded = replace(loaded, config=config)
    if config.evaluation is None:
        baseline, result, gates = _numbers(loaded, context, bundle, ledger_head)
    else:
        data = resolve_path(config.evaluation.data, folder)
        bundle = (
            bundle
            if is_recorded(bundle.content.predictions.fingerprint, rows)
            else _scored(loaded, context, bundle, data, rows)
        )
        candidate = _candidate(bundle)
        baseline = production.champion_predictions(loaded, context, ledger_head, data=data, scored=bundle.scored)
        measured = evaluate_models(config, candidate, baseline, context, data=data)
        result, facts = measured.result, replace(facts, shared=measured.shared)
        against = baseline.version if baseline else None
        gates = judge_gates(
            config, result, training_noise.load_noise(config, context.registry, ledger_head, against=against, rows=rows)
        )
    said = bundle.content.predictions.file
    look = ArtifactDigests(digest=said.digest, predictions=None)
    use = holdout_uses.use_of_run(config, result.fingerprint, look, context)
    facts = _facts(loaded, bundle, baseline, replace(facts, uses=use.count if use else None))
    kept = evaluation_rows.keep_rows(config, context, folder)
    now = _now(bundle, result, kept[1] if kept else None)
    if facts.made_by_training:
        result = replace(result, notes=(*result.notes, made_by_training.MADE))
    result, facts = comparison.add_history(config, context, ledger_head, result=result, facts=facts, now=now)
    report = build_report(result, gates, facts)
    text = save(report).encode()
    if use is not None:
        against = baseline.version if baseline else None
        holdout_uses.record_use(context, use, report, digest=entries.entry_digest(text), against=against)
    return _with_report(bundle, report, text, context, kept[0] if kept else None)


def _refuse_custom_metrics(config: Config, context: RunContext) -> None:
    """Refuse custom metrics if user code must not run: the run's values belong to another comparison."""
    own = (
        [metric.function for metric in evaluation_plan.required_statistics(config).custom if metric.is_users]
        if config.evaluation
        else []
    )
    if own and not context.user_code:
        raise UserCodeError(f"the custom metric `{own[0]}` would have to be evaluated")


def _numbers(
    loaded: LoadedConfig, context: RunContext, bundle: VerifiedBundle, ledger_head: LedgerHead
) -> tuple[ModelPredictions | None, EvaluationResult, tuple[JudgedGate, ...]]:
    """Compare the numbers of two metrics files."""
    before = metrics_only.champion_values(context, ledger_head)
    path = bundle.paths[bundle.content.predictions.file.digest]
    now = metrics_file.read_metrics_file(path, shown=path.name).values
    result = metrics_only.compare_values(loaded, now, before.values if before else None, ())
    gates = metrics_only.judge_values(loaded, result, now, before.values if before else None)
    side = ModelPredictions(source=Source(path=""), commit=before.commit, version=before.version) if before else None
    return side, result, gates


def _candidate(bundle: VerifiedBundle) -> ModelPredictions:
    said = bundle.content.predictions
    path = str(bundle.paths[said.file.digest])
    return ModelPredictions(
        source=Source(path=path, score=said.score, decision=said.decision, threshold=said.threshold),
        costs=bundle.content.costs,
        measured_for=PER_ROWS,
    )


def _scored(loaded: LoadedConfig, context: RunContext, bundle: VerifiedBundle, data: str, rows: str) -> VerifiedBundle:
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

    side = rescore.rescore_version(
        loaded, context, bundle.content, fetch, data=data, of="this bundle", name="candidate"
    )
    path = Path(side.source.path)
    part = artifacts.digest_file(path, f"predictions{suffix_of(str(path))}")
    columns = {"score": side.source.score, "decision": side.source.decision, "threshold": side.source.threshold}
    predictions = bundle.content.predictions.model_copy(update={"fingerprint": rows, "file": part.file, **columns})
    content = bundle.content.model_copy(update={"predictions": predictions})
    return replace(bundle, content=content, paths={**bundle.paths, part.file.digest: path})


def _facts(
    loaded: LoadedConfig, bundle: VerifiedBundle, baseline: ModelPredictions | None, known: ReportContext
) -> ReportContext:
    """Return the facts of the new report; the candidate is the old report's."""
    seconds = bundle.report.provenance.seconds.model_dump(exclude_none=True)
    found = add_report_refs(
        known,
        loaded.config,
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
    origin = origins.origin_of_content(bundle.content, lambda file: texts[file.digest])
    known = replace(origin, fingerprint=result.fingerprint or holdout_uses.ON_NUMBERS)
    return CurrentState(origin=known, texts=texts, rows=rows)


def _with_report(
    bundle: VerifiedBundle, report: Report, text: bytes, context: RunContext, rows: Artifact | None
) -> VerifiedBundle:
    """Return the bundle with its new report, judged on the current rows."""
    path = context.scratch / "report.json"
    path.write_bytes(text)
    file = VersionFile(name=write.REPORT, digest=entries.entry_digest(text), bytes=len(text))
    judged_on = report.evaluation
    known = {"fingerprint": judged_on.fingerprint or holdout_uses.ON_NUMBERS, "rows": judged_on.rows or 0}
    data = bundle.content.data.model_copy(update={**known, "keys": rows.file if rows else None})
    update = {"report": file, "metrics": write.whole_set_values(report), "data": data}
    content = bundle.content.model_copy(update=update)
    paths = {**bundle.paths, file.digest: path, **({rows.file.digest: rows.path} if rows else {})}
    return replace(bundle, content=content, report=report, paths=paths)
