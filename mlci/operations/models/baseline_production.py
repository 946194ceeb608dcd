"""Baseline ``production``: the champion's predictions, or its model rescored on a moved evaluation set."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mlci.engine.tables.files import suffix_of
from mlci.errors import InputError, UserCodeError
from mlci.git.git import is_tracked
from mlci.git.ref_baseline import WITHOUT_BASELINE
from mlci.lineage.rows import is_recorded
from mlci.operations import evaluation_sets, provenance
from mlci.operations.context import RowsContext, RunContext, registry_of
from mlci.operations.models import baseline_ref_or_file, file_guards, rescore
from mlci.operations.models.file_guards import MOVED
from mlci.operations.models.model_predictions import PER_THOUSAND, ModelPredictions, OwnRows, ScoredChampion
from mlci.operations.models.recorded_predictions import fingerprint_of, is_made_on, version_predictions
from mlci.registry import stored_files
from mlci.registry.entries import LedgerState
from mlci.registry.entry_kinds import PredictionsAdded
from mlci.registry.errors import VERSION_REMEDY, CorruptError
from mlci.registry.manifest import Predictions, VersionFile
from mlci.registry.registry import RegistryView, Version
from mlci.report.document import Report
from mlci.report.serialization import parse_report
from mlci.util.digests import canonical_json


def champion_head(context: RunContext) -> RegistryView | None:
    """Return the registry's view, read once for a run; ``None`` if the baseline is not production.

    Raises:
        CorruptError: if the ledger is damaged.
        OutsideError: if the registry can't be reached.
    """
    return registry_of(context).view() if context.config.baseline == "production" else None


def champion_predictions(
    context: RowsContext, view: RegistryView, *, by_training: bool = False, scored: ScoredChampion | None = None
) -> ModelPredictions | None:
    """Return the champion's predictions on the current rows; ``None`` only if nothing was ever promoted.

    Args:
        context: Run context with the registry.
        view: The registry as of one entry.
        by_training: Whether the candidate's training just made it.
        scored: Predictions of a version that a run made for these rows.

    Raises:
        CorruptError: if the champion is damaged.
        OutsideError: if the registry can't be reached.
        InputError: if the evaluation set moved, and the champion can't be scored on it.
        UserCodeError: if its model would have to score the rows in a job that must not run user code.
    """
    store, champion = view.store, view.champion
    if champion is None:
        context.say(f"baseline: {store.shown} has no version yet")
        return None
    context.say(f"baseline: version {champion.number} of {store.shown}")
    rows = baseline_ref_or_file.rows_fingerprint(context)
    own = champion.manifest.predictions
    same = baseline_ref_or_file.is_same_set(context, own.fingerprint, rows)
    usable = same and not view.lacks_erased(own.file.digest)
    predictions = own if usable else is_made_on(view, champion, rows)
    if predictions is None:
        shares = by_training or was_made_by_training(context, champion)
        only = not rescore.can_rescore(champion.manifest, store, champion.number)
        if shares or (only and not is_tracked(context.git, str(Path(context.data).absolute()))):
            return _on_own_rows(context, champion, rows=rows, only=only, scored=scored)
        return _rescored(context, champion, rows=rows, scored=scored, erased=same)
    target = context.scratch / "baseline" / predictions.file.name
    path = stored_files.fetch_file(store, predictions.file, target, of=f"version {champion.number}")
    baseline = version_predictions(context.config, champion, predictions, path)
    if baseline.rescored and (by_training or was_made_by_training(context, champion)):
        return replace(baseline, own=_rows_of(context, champion), made_on=None)
    return baseline


def _rows_of(context: RowsContext, champion: Version) -> OwnRows:
    """Return the rows of a version's own evaluation set: on others its training may have seen the label.

    Raises:
        InputError: if they are not known.
    """
    of = f"version {champion.number}"
    own = evaluation_sets.rows_of_version(context, registry_of(context).store, champion)
    if own is None:
        raise evaluation_sets.unknown_rows(context.loaded, of)
    return OwnRows(rows=own, of=of, in_order=False)


def was_made_by_training(context: RunContext, version: Version) -> bool:
    """Check in its report if a version's own training made the evaluation set that it was judged on."""
    report = report_of(context, version)
    return report is not None and report.evaluation.made_by_training


def report_of(context: RunContext, version: Version) -> Report | None:
    """Return the report that a version was judged by; ``None`` if this version of mlci can't read it."""
    of, target = f"version {version.number}", context.scratch / "baseline" / "report.json"
    path = stored_files.fetch_file(registry_of(context).store, version.manifest.report, target, of=of)
    with contextlib.suppress(InputError):
        return parse_report(path.read_bytes(), path=f"the report of {of}")
    return None


def _on_own_rows(
    context: RowsContext, champion: Version, *, rows: str, only: bool, scored: ScoredChampion | None
) -> ModelPredictions:
    """Return the champion's predictions for comparing on the rows that its own evaluation set shares with this one.

    With a key, or with its rows in the order of its predictions, these are what it predicts for shared rows. Without
    both, its model has to score the current rows.

    Raises:
        InputError: if the rows can't be matched.
    """
    store, of = registry_of(context).store, f"version {champion.number}"
    keyed = context.config.evaluation.key is not None
    own_rows = _rows_of(context, champion)
    if only and not keyed and not own_rows.rows.in_order:
        raise evaluation_sets.unknown_rows(context.loaded, of)
    if not keyed and not only:
        rescored = _rescored(context, champion, rows=rows, scored=scored)
        return replace(rescored, own=own_rows, made_on=None)
    predictions = champion.manifest.predictions
    target = context.scratch / "baseline" / predictions.file.name
    path = stored_files.fetch_file(store, predictions.file, target, of=of)
    own = replace(own_rows, in_order=own_rows.rows.in_order)
    return replace(version_predictions(context.config, champion, predictions, path), own=own, made_on=None)


def refuse_moved_set(baseline: ModelPredictions | None, fingerprint: str | None) -> None:
    """Check that the evaluated rows are those of the baseline's predictions.

    Raises:
        InputError: if a step wrote to the evaluation set in between.
    """
    if baseline is not None and baseline.made_on is not None and not is_recorded(baseline.made_on, fingerprint):
        raise InputError(MOVED)


@contextlib.contextmanager
def blame_registry_if_misfit(context: RowsContext, baseline: ModelPredictions | None, data: str) -> Iterator[None]:
    """Report a registry fault if a version's predictions do not fit the rows that they were made on, and only then.

    Raises:
        CorruptError: if they do not fit, instead of an error about the user's files.
        InputError: if the evaluation set is no longer what it was when the version's predictions were chosen.
    """
    try:
        yield
    except InputError as error:
        ours = [item for item in error.problems if baseline is not None and item.path == baseline.source.path]
        if baseline is None or baseline.version is None or not ours:
            raise
        if baseline.made_on is not None and context.fingerprint(data) != baseline.made_on:
            raise InputError(MOVED) from error
        key = context.config.evaluation.key
        if key is not None and ours[0].message.startswith(f"has no column {key!r}"):
            of = f"version {baseline.version}"
            raise InputError(
                f"`evaluation.key` is `{key}`, a column that the predictions of {of} do not have: {of} was judged by "
                f"another key. {WITHOUT_BASELINE[0].upper()}{WITHOUT_BASELINE[1:]}"
            ) from error
        raise CorruptError(
            f"{registry_of(context).shown}: the predictions of version {baseline.version} do not fit the rows that its "
            f"manifest names: {ours[0].message}",
            remedy=VERSION_REMEDY,
        ) from error


def _rescored(
    context: RowsContext, champion: Version, *, rows: str, scored: ScoredChampion | None, erased: bool = False
) -> ModelPredictions:
    """Score the new rows by the champion's own model and predict step, and store the predictions if that is allowed.

    Predictions that a run made already are used as they are.
    """
    store, manifest, of = registry_of(context).store, champion.manifest, f"version {champion.number}"
    why = f"the predictions of {of} were erased" if erased else f"the evaluation set moved since {of}"
    if scored is not None and scored.answers(champion.number, rows):
        note = f"baseline: {why}; its predictions were made by the run that trained"
        return replace(_kept(context, champion, scored), notes=(note,))
    if not context.user_code:
        raise UserCodeError(
            f"the model of {of} would have to score the evaluation set: neither the registry nor the bundle holds its "
            "predictions on these rows"
        )

    def fetch(file: VersionFile, target: Path) -> Path:
        return stored_files.fetch_file(store, file, target, of=of)

    with file_guards.guard_candidate_files(context):
        reason = why if erased else None
        rescored = rescore.rescore_version(context, manifest, fetch, of=of, says="baseline", why=reason)
    commit = manifest.recipe.commit
    where = f", by the code of {commit[:7]}" if commit else ""
    note = f"baseline: {why}; its own model scored the {'' if erased else 'new '}rows{where}"
    new = _scored(champion.number, rescored, rows)
    keep_rescored(context, new)
    return replace(
        rescored,
        costs={**manifest.costs, **{name: value for name, value in rescored.costs.items() if name in PER_THOUSAND}},
        seconds={"baseline": sum(rescored.seconds.values())},
        notes=(*(f"baseline: {line}" for line in rescored.notes), note),
        commit=commit,
        version=champion.number,
        label=f"predictions of {of}",
        rescored=True,
        made_on=fingerprint_of(rows),
        scored=new,
    )


def _kept(context: RowsContext, champion: Version, scored: ScoredChampion) -> ModelPredictions:
    """Return predictions that a run made for the comparison, and store them if that is allowed."""
    keep_rescored(context, scored)
    return version_predictions(context.config, champion, scored.predictions, scored.path)


def _scored(number: int, rescored: ModelPredictions, rows: str) -> ScoredChampion:
    """Digest a version's new predictions before any step of the candidate runs."""
    path, source = Path(rescored.source.path), rescored.source
    file = provenance.digest_file(path, f"predictions{suffix_of(str(path))}").file
    predictions = Predictions(fingerprint=rows, file=file, **source.columns)
    return ScoredChampion(version=number, predictions=predictions, path=path)


def keep_rescored(context: RunContext, scored: ScoredChampion) -> None:
    """Add the champion's predictions on other rows to the registry, if this run may write there.

    Nothing is added if they exist, or if it is no longer the champion.
    """
    registry = registry_of(context)
    if registry.author is None:
        return
    predictions, rows = scored.predictions, scored.predictions.fingerprint
    stored_files.put_verified(
        registry.store, scored.path, predictions.file, of=f"predictions of version {scored.version} on other rows"
    )
    digest = stored_files.describe(registry.store, canonical_json(predictions.model_dump(mode="json")))

    def decide(state: LedgerState) -> PredictionsAdded | None:
        if state.champion != scored.version or rows in state.rescored:
            return None
        return PredictionsAdded(version=scored.version, fingerprint=rows, predictions=digest)

    registry.append(decide)
