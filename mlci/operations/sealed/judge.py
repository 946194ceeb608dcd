"""Judge sealed predictions: the artifact's bytes to a report, by the default branch's configuration and labels.

It is the same engine, the same gates and the same report as `mlci run`. It starts no process, and imports nothing that
could start one of the user.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mlci.config.loader import Loaded
from mlci.config.models import Predict, RowsConfig
from mlci.engine.interface import Engine, Source
from mlci.errors import InputError
from mlci.events.events import Emit, NoteShown
from mlci.inference.result import EvaluationResult
from mlci.lineage.rows import is_recorded
from mlci.operations.context import evaluation_path
from mlci.operations.holdout import holdout_looks, holdout_uses
from mlci.operations.measure import emit_gates, judge_gates, measure_models
from mlci.operations.models import recorded_predictions
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.operations.registry import training_noise, waivers
from mlci.operations.report_builder import ReportContext, build_report
from mlci.operations.sealed.history import SealedHead, add_sealed_history
from mlci.operations.sealed.labels import OpenedLabels
from mlci.registry import stored_files
from mlci.registry.errors import VERSION_REMEDY, CorruptError
from mlci.registry.registry import Registry, RegistryView
from mlci.report.document import BaselineRef, HoldoutLook, Judging, Report
from mlci.report.rounding import round_report
from mlci.sealed.archive import Archive
from mlci.sealed.artifact import MANIFEST, PREDICTIONS
from mlci.sealed.predictions import SealedColumns, parse_predictions
from mlci.util.bounds import INFLATED_BYTES, MANIFEST_BYTES
from mlci.util.digests import sha256_of_file

LIMITS = {PREDICTIONS: INFLATED_BYTES.value - MANIFEST_BYTES.value, MANIFEST: MANIFEST_BYTES.value}
"""Files of the artifact, and the most bytes of each."""
SHOWN_PREDICTIONS = "predictions.csv of the artifact"


@dataclass(frozen=True, kw_only=True)
class SealedContext:
    """Configuration of the default branch, and the ports of a judgement; no runner, no git.

    Attributes:
        loaded: The configuration.
        facts: Facts of the report that are known before.
        engine: Turns tables into statistics.
        fingerprint: Content hash of an evaluation set.
        count_rows: Number of rows of an evaluation set.
        registry: Registry of promoted models, with an author if looks are counted; ``None`` if it is not used.
        scratch: Temporary folder.
        clock: Monotonic clock, in seconds.
        emit: Receives the events of the run.
        public: Whether everyone can read the report.
        config_path: Path of the configuration, relative to the repository.
        today: The day in UTC, on which waivers must be in force.
        opened: The decrypted labels, if they are sealed and the key is there.
        in_actions: Whether this is a job of a workflow.
    """

    loaded: Loaded[RowsConfig]
    facts: ReportContext
    engine: Engine
    fingerprint: Callable[[str], str]
    count_rows: Callable[[str], int]
    registry: Registry | None
    scratch: Path
    clock: Callable[[], float]
    emit: Emit
    today: str
    config_path: str = "mlci.yml"
    public: bool = True
    opened: OpenedLabels | None = None
    in_actions: bool = False

    @property
    def config(self) -> RowsConfig:
        """The configuration."""
        return self.loaded.config

    @property
    def data(self) -> str:
        """Path of the evaluation set, with its labels."""
        opened = self.opened.path if self.opened is not None else None
        return evaluation_path(self.config.evaluation, Path(self.loaded.path).parent, opened=opened)


def judge_archive(
    context: SealedContext, archive: Archive, *, head: SealedHead, judging: Judging | None = None
) -> Report:
    """Read the predictions, recompute every number, judge the gates, and return the report.

    Args:
        context: Configuration and ports.
        archive: The artifact, checked, with its manifest read.
        head: The commit that the report is about.
        judging: What the pull request changed about its own judging.

    Raises:
        UntrustedArtifactError: if the artifact is not what `mlci sealed predict` writes.
        InputError: if evaluation set, predictions or baseline can't be used.
        OutsideError: if the registry can't be reached, or is damaged.
    """
    if context.config.task == "ranking":
        raise InputError(context.loaded.problem("sealed mode does not support `task: ranking`", "task"))
    rows = context.data
    candidate = _candidate(context, archive, rows)
    view = _registry_view(context)
    baseline = None if view is None else _champion(context, view, rows)
    result, seconds = _measured(context, candidate, baseline, rows)
    if baseline is not None and not is_recorded(str(baseline.made_on), result.fingerprint):
        raise InputError("the evaluation set changed while it was judged; start the gate again")
    digest = f"sha256:{sha256_of_file(Path(candidate.source.path))}"
    look = _expected_look(context, result, digest)
    noise = training_noise.load_noise(
        context.config, view, against=baseline.version if baseline else None, rows=result.fingerprint or ""
    )
    gates = judge_gates(context.config, result, noise)
    gates = (*gates, *holdout_looks.worn_out_gates(look, line=holdout_looks.budget_line(context.loaded)))
    result = replace(result, notes=(*result.notes, *holdout_looks.estimate_note(look, gates)))
    gates = waivers.apply_recorded_waivers(gates, view, head=head.commit, today=context.today)
    emit_gates(context.emit, gates)
    facts = replace(
        context.facts,
        candidate=context.facts.candidate.model_copy(update={"commit": head.commit, "predictions": digest}),
        baseline=_reference(context, baseline),
        seconds=seconds,
        judging=judging,
        uses=holdout_uses.known_uses(view, result.fingerprint),
        look=look,
        labels_sealed=context.opened is not None and context.opened.hidden,
    )
    if view is not None:
        result, facts = add_sealed_history(context.config, view, head, result, facts)
    report = build_report(replace(result, notes=(*result.notes, *_label_notes(context.opened))), gates, facts)
    return round_report(report) if report.evaluation.sealed else report


def _expected_look(context: SealedContext, result: EvaluationResult, digest: str) -> HoldoutLook | None:
    """Return the look that is recorded before the report is published; ``None`` without `reuse`."""
    if context.config.reuse is None or context.registry is None:
        return None
    terms = holdout_looks.look_terms(context.config, result.fingerprint, digest)
    return holdout_looks.expected_look(context.registry.view().state, terms)


def _label_notes(opened: OpenedLabels | None) -> tuple[str, ...]:
    """Return the note about labels that the pull request's author can read."""
    if opened is None:
        note = (
            "everyone who can read this repository can read the labels of the evaluation set, so a model can be fitted "
            "to them; `mlci seal` encrypts them"
        )
        return (note,)
    if opened.leaked is not None:
        note = (
            f"the labels are sealed, but commit {opened.leaked} holds them in plain text, so a model can be fitted to "
            "them; seal the labels of new rows"
        )
        return (note,)
    return ()


def expected_columns(config: RowsConfig) -> tuple[SealedColumns, ...]:
    """Return the columns that predictions may have: those of the configuration, or those of a scored model."""
    key, predict = str(config.evaluation.key), config.predict
    if predict.model is not None:
        named: list[tuple[str | None, str | None]] = [("score", "decision"), ("score", None), (None, "decision")]
        return tuple(_columns(key, score=score, decision=decision) for score, decision in named)
    probabilities = tuple((predict.probabilities or {}).values())
    return (_columns(key, score=predict.score, decision=predict.decision, probabilities=probabilities),)


def _columns(
    key: str, *, score: str | None, decision: str | None, probabilities: tuple[str, ...] = ()
) -> SealedColumns:
    names = dict.fromkeys(name for name in (score, decision, *probabilities) if name is not None)
    return SealedColumns(key=key, names=(key, *names), numbers=frozenset(names) - {decision})


def _candidate(context: SealedContext, archive: Archive, rows: str) -> ModelPredictions:
    """Write the checked predictions to a file of our own, and return them."""
    choices, target = expected_columns(context.config), context.scratch / PREDICTIONS
    parsed = parse_predictions(archive.read(PREDICTIONS), choices, rows=context.count_rows(rows))
    with target.open("w", encoding="utf-8", newline="") as file:
        header = next(parsed)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(parsed)
    return ModelPredictions(source=_source(context.config.predict, target, header))


def _source(predict: Predict, path: Path, header: tuple[str, ...]) -> Source:
    if predict.model is None:
        return Source.of(str(path), predict.model_copy(update={"table": None}))
    score, decision = (name if name in header[1:] else None for name in ("score", "decision"))
    return Source(path=str(path), score=score, decision=decision)


def _registry_view(context: SealedContext) -> RegistryView | None:
    if context.config.baseline != "production" or context.registry is None:
        return None
    return context.registry.view()


def _champion(context: SealedContext, view: RegistryView, rows: str) -> ModelPredictions | None:
    """Return the champion's recorded predictions on the evaluation set; ``None`` if nothing was ever promoted.

    Raises:
        InputError: if it has none on these rows.
    """
    champion = view.champion
    if champion is None:
        context.emit(NoteShown(text=f"baseline: {view.shown} has no version yet"))
        return None
    context.emit(NoteShown(text=f"baseline: version {champion.number} of {view.shown}"))
    predictions = recorded_predictions.is_made_on(view, champion, context.fingerprint(rows))
    if predictions is None:
        why = f"version {champion.number} has no predictions on this evaluation set, and sealed mode runs no model"
        remedy = "let the promote workflow of the default branch make them: start it by hand, or push to that branch"
        raise InputError(context.loaded.problem(f"{why}; {remedy}", "evaluation", "data"))
    target = context.scratch / "baseline" / predictions.file.name
    path = stored_files.fetch_file(view.store, predictions.file, target, of=f"version {champion.number}")
    return recorded_predictions.version_predictions(context.config, champion, predictions, path)


def _measured(
    context: SealedContext, candidate: ModelPredictions, baseline: ModelPredictions | None, rows: str
) -> tuple[EvaluationResult, dict[str, float]]:
    try:
        return measure_models(context, candidate, baseline, data=rows)
    except InputError as error:
        raise _placed(error, candidate, baseline) from error


def _placed(error: InputError, candidate: ModelPredictions, baseline: ModelPredictions | None) -> Exception:
    """Name the artifact or the version instead of a temporary file."""
    theirs = [one for one in error.problems if baseline is not None and one.path == baseline.source.path]
    if baseline is not None and theirs:
        words = f"the predictions of version {baseline.version} do not fit the rows that its manifest names"
        return CorruptError(f"{words}: {theirs[0].message}", remedy=VERSION_REMEDY)
    return InputError.of(
        replace(one, path="predictions.csv of the artifact", line=one.line)
        if one.path == candidate.source.path
        else one
        for one in error.problems
    )


def _reference(context: SealedContext, baseline: ModelPredictions | None) -> BaselineRef:
    if context.config.baseline != "production":
        return BaselineRef(source="none")
    version = str(baseline.version) if baseline else None
    return BaselineRef(source="production", version=version, commit=baseline.commit if baseline else None)
