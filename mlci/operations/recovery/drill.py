"""Recovery drill: restore from the backup alone, verify, score the champion again and compare with what is stored.

The model runs in a fresh environment from the version's own lock file. If the model's files are lost in the backup too,
the version is retrained from its recipe. The evaluation set comes from the checkout, because registries do not hold it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlci.config.models import RowsConfig
from mlci.errors import InputError
from mlci.git.worktree import Worktree
from mlci.operations.context import RowsContext, RunContext, registry_of
from mlci.operations.evaluate import evaluate_models
from mlci.operations.models import baseline_ref_or_file, file_guards, recorded_predictions, rescore
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.operations.recovery.check_anchor import check_anchor
from mlci.operations.recovery.copy_registry import CopyOptions, CopyResult, copy_registry
from mlci.operations.registry import reproduce, retrain
from mlci.operations.registry.reproduce import CountDisagreements, RuntimeEnvironment
from mlci.recovery.anchor import Anchor
from mlci.registry import stored_files
from mlci.registry.entry_kinds import DrillRecord
from mlci.registry.errors import CorruptError
from mlci.registry.manifest import Predictions, VersionFile
from mlci.registry.registry import Registry, RegistryView, Version
from mlci.registry.stores.interface import Store
from mlci.registry.verification import verify_registry

Agreement = Literal["identical", "equivalent", "different", "not compared"]
_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class ScoredAgain:
    """The champion's predictions after the restore, against the stored ones.

    Attributes:
        agreement: ``identical`` predictions; ``equivalent`` if all decisions and metrics are the same; ``different``;
            or ``not compared``, for the reason in ``where``.
        retrained: Whether it was retrained, because its model is lost or its training makes the evaluation set.
        where: Environment in which it ran, or why it did not run.
        differing: Number of rows that are decided differently, and keys of some; ``None`` without a key.
        metrics: By metric, the stored value and the new one.
    """

    agreement: Agreement
    retrained: bool = False
    where: str = ""
    differing: tuple[int, tuple[str, ...]] | None = None
    metrics: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DrillResult:
    """Result of a drill.

    Attributes:
        copied: The restore: bytes, files, entries, and faults of the backup.
        version: The champion; ``None`` if nothing was ever promoted.
        scored: Its predictions after the restore.
        seconds: Wall time of each stage: ``restore``, ``verify``, ``score``.
    """

    copied: CopyResult
    version: int | None
    scored: ScoredAgain
    seconds: Mapping[str, float]

    @property
    def total(self) -> float:
        """Seconds from an empty folder to a champion that scores."""
        return sum(self.seconds.values())


@dataclass(frozen=True, kw_only=True)
class DrillTools:
    """Environment of the version, and the function that counts rows with different decisions."""

    environment: RuntimeEnvironment
    count: CountDisagreements


def run_drill(context: RunContext, backup: Store, tools: DrillTools) -> DrillResult:
    """Restore a backup into the context's empty registry, verify it, and score its champion again.

    Args:
        context: Run context, with an empty registry in a temporary folder.
        backup: The backup.
        tools: Environment to run in, and the comparison of rows.

    Raises:
        CorruptError: if the backup's ledger or the champion's records are damaged.
        InputError: if the champion's code is not in this clone, or uv is not installed.
        StepError: if the champion's own command fails.
    """
    registry, clock = registry_of(context), context.clock
    begun = clock()
    scratch = context.scratch / "restore"
    scratch.mkdir()
    copied = copy_registry(backup, registry.store, CopyOptions(scratch=scratch, contents=False, say=context.say))
    restored = clock()
    if not copied.faults:
        verify_registry(registry.store, contents=True)
    verified = clock()
    view = registry.view()
    champion = view.champion
    scored = _score_again(context, view, champion, tools) if champion else _not_compared("nothing was ever promoted")
    seconds = {"restore": restored - begun, "verify": verified - restored, "score": clock() - verified}
    return DrillResult(
        copied=copied, version=None if champion is None else champion.number, scored=scored, seconds=seconds
    )


def record_drill(registry: Registry, result: DrillResult) -> bool:
    """Append the result of a drill to the ledger of the registry that was backed up; not that of an empty backup.

    Raises:
        CorruptError: if the ledger does not have the backup's newest entry.
        OutsideError: if the registry can't be written to.
    """
    copied = result.copied
    if not copied.number:
        return False
    check_anchor(registry.store, Anchor(number=copied.number, digest=copied.digest))
    body = DrillRecord(
        entry=copied.number,
        digest=copied.digest,
        newest_at=copied.newest_at,
        version=result.version,
        agreement=result.scored.agreement,
        retrained=result.scored.retrained,
        seconds=math.ceil(result.total),
    )
    registry.append(lambda _: body)
    return True


def _not_compared(why: str) -> ScoredAgain:
    return ScoredAgain(agreement="not compared", where=why)


def _score_again(context: RunContext, view: RegistryView, champion: Version, tools: DrillTools) -> ScoredAgain:
    """Score the current rows by the restored champion, or by a retrained one if its files are lost."""
    config = context.config
    if not isinstance(config, RowsConfig):
        return _not_compared("a metrics file has no predictions to compare")
    if not rescore.can_rescore(champion.manifest, view.store, champion.number):
        return _not_compared(f"version {champion.number} has no predict step that could score the rows again")
    lost = [file for file in champion.manifest.files if not view.store.holds(file.digest, file.bytes)]
    on_rows = context.with_config(config)
    if lost or reproduce.makes_its_own_rows(on_rows, champion):
        return _retrain(context, champion, lost, tools)
    return _rescore(on_rows, view, champion, tools)


def _retrain(context: RunContext, champion: Version, lost: list[VersionFile], tools: DrillTools) -> ScoredAgain:
    """Retrain the champion once from its recipe.

    Raises:
        CorruptError: if it can't be retrained, so that the backup can't bring it back.
    """
    of = f"version {champion.number}"
    why = f"`{lost[0].name}` of {of} is lost" if lost else f"the training of {of} makes the evaluation set"
    context.say(f"drill: {why}; the version is retrained")
    try:
        found = reproduce.reproduce_version(
            context, name=str(champion.number), runs=1, environment=tools.environment, count=tools.count
        )
    except InputError as error:
        if not lost:
            raise
        raise CorruptError(
            f"{why}, and it can't be retrained: {error}",
            remedy="Restore the file from another copy, such as the bundle of the run that left it",
        ) from error
    metrics = {name: (check.original, check.mean) for name, check in found.metrics.items()}
    same = found.outcome == "identical"
    return ScoredAgain(
        agreement="identical" if same else "different",
        retrained=True,
        where="; ".join(found.notes).removeprefix("trained "),
        differing=found.disagreements,
        metrics=metrics,
    )


def _rescore(context: RowsContext, view: RegistryView, champion: Version, tools: DrillTools) -> ScoredAgain:
    """Score the current rows by the restored model in the version's own environment, and compare."""
    store, of, locked = view.store, f"version {champion.number}", retrain.lock_file(champion.manifest)
    builder = tools.environment.builder

    def fetch(file: VersionFile, target: Path) -> Path:
        return stored_files.fetch_file(store, file, target, of=of)

    def variables(worktree: Worktree) -> Mapping[str, str]:
        home = context.scratch / "drill-environment"
        if builder is None:
            return {}
        clean = retrain.build_environment(context, builder, champion, worktree, home=home, name="drill ")
        return clean.variables if clean is not None else {}

    context.say(f"drill: {of} scores the evaluation set")
    with file_guards.guard_candidate_files(context):
        new = rescore.rescore_version(
            context, champion.manifest, fetch, of=of, name="drill", why=f"{of} has to score", variables=variables
        )
    fresh = builder is not None and locked is not None and champion.manifest.recipe.commit is not None
    where = f"in a fresh environment from its `{locked.name}`" if fresh and locked else "in the environment of this job"
    return _compare(context, view, champion, new, where, tools)


def _compare(
    context: RowsContext, view: RegistryView, champion: Version, new: ModelPredictions, where: str, tools: DrillTools
) -> ScoredAgain:
    """Compare new predictions with the stored ones of the same rows."""
    recorded = _recorded(context, view, champion)
    if recorded is None:
        moved = "the evaluation set moved since, so there are no stored predictions of these rows"
        return _not_compared(f"scored {where}; {moved}")
    if not view.store.holds(recorded.file.digest, recorded.file.bytes):
        return _not_compared(f"scored {where}; the stored predictions are lost or were erased")
    path = context.scratch / "recorded" / recorded.file.name
    stored_files.fetch_file(view.store, recorded.file, path, of=f"version {champion.number}")
    old = recorded_predictions.version_predictions(context.config, champion, recorded, path)
    if context.fingerprint(new.source.path) == context.fingerprint(old.source.path):
        return ScoredAgain(agreement="identical", where=where)
    result = evaluate_models(context, new, old, data=context.data).result
    before, after = (retrain.finite_metrics(result, which) for which in ("baseline", "candidate"))
    metrics = {name: (before[name], after[name]) for name in before if name in after}
    differing = reproduce.count_differing_rows(context.config, old, new, tools.count)
    same = all(math.isclose(*pair, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE) for pair in metrics.values())
    decided = context.config.task == "regression" or differing is None or differing[0] == 0
    agreement: Agreement = "equivalent" if same and decided else "different"
    return ScoredAgain(agreement=agreement, where=where, differing=differing, metrics=metrics)


def _recorded(context: RowsContext, view: RegistryView, champion: Version) -> Predictions | None:
    """Return the champion's stored predictions on the current rows, if it has any."""
    rows = baseline_ref_or_file.rows_fingerprint(context)
    own = champion.manifest.predictions
    if baseline_ref_or_file.is_same_set(context, own.fingerprint, rows):
        return own
    return recorded_predictions.added_for_rows(view, rows)
