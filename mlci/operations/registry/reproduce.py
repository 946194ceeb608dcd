"""``mlci reproduce``: retrain a version from its recipe, compare the result with it, and record it in the ledger."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import ValidationError

from mlci.config.models import Config, RowsConfig, WithoutRows
from mlci.engine.encode.classes import tie_order
from mlci.engine.interface import Source
from mlci.errors import InputError, Problem
from mlci.git.git import is_tracked
from mlci.inference.training_noise import LEAST, ReproductionCheck, check_reproduction
from mlci.lineage.compare import differing_settings
from mlci.operations.context import RowsContext, RunContext, registry_of
from mlci.operations.models import baseline_production, baseline_ref_or_file, file_guards
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.operations.registry import retrain
from mlci.operations.registry.diff import version_number
from mlci.operations.registry.retrain import EnvironmentBuilder, Retraining, lock_file
from mlci.registry import stored_files
from mlci.registry.entries import MetricSpread, ReproductionFound, Rerun
from mlci.registry.entry_kinds import ReproductionRecorded
from mlci.registry.manifest import Environment, model_digest
from mlci.registry.registry import Registry, Version
from mlci.util.digests import canonical_json

Outcome = Literal["identical", "within", "different"]
CountDisagreements = Callable[[Source, Source, str, float | None], tuple[int, tuple[str, ...]]]
_NAMED = 5
MOST_BYTES = 4 * 1024 * 1024
SAVE_REMEDY = "`mlci reproduce --save` writes it"


@dataclass(frozen=True)
class RuntimeEnvironment:
    """Environment for retraining: the job's own, and the builder of another one if that is wanted."""

    job: Environment
    builder: EnvironmentBuilder | None = None


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """Result of a reproduction.

    Attributes:
        record: What the ledger keeps, written here or by a job that may write to the registry.
        how: ``bytes`` or ``predictions``, whichever is identical.
        metrics: Each metric of the version against the reruns.
        disagreements: Number of rows that the first rerun decides differently, and some keys; ``None`` without a key.
        notes: Lines for the user.
        entry: Number of the ledger's entry; ``None`` if nothing was recorded.
    """

    record: ReproductionFound
    how: Literal["bytes", "predictions"] | None
    metrics: dict[str, ReproductionCheck]
    disagreements: tuple[int, tuple[str, ...]] | None
    notes: tuple[str, ...]
    entry: int | None

    @property
    def version(self) -> int:
        """Number of the version."""
        return self.record.spread.version

    @property
    def outcome(self) -> Outcome:
        """``identical`` in bytes or predictions, ``within`` the spread of the reruns, or ``different``."""
        return self.record.outcome

    @property
    def reruns(self) -> tuple[Rerun, ...]:
        """All trainings; the first had the version's own seed."""
        return self.record.spread.reruns


def reproduce_version(
    context: RunContext, *, name: str, runs: int, environment: RuntimeEnvironment, count: CountDisagreements
) -> Reproduction:
    """Retrain a version in clean worktrees of its commit, and evaluate the reruns on the current evaluation set.

    Each rerun has its own environment, made from the version's lock file if it has one. The first rerun has the
    version's own seed and shows whether the version can be reproduced. Each further one has the next seed; together
    they measure the training noise, if the training uses ``MLCI_SEED``.

    Args:
        context: Run context with the registry; with an author, the result is recorded.
        name: The version's number, or ``production``.
        runs: Number of reruns.
        environment: Environment to run in.
        count: Counts the rows that two files decide differently, by key and threshold, and returns some of their keys.

    Raises:
        InputError: if the version can't be reproduced.
        StepError: if one of its commands fails.
        CorruptError: if the version was changed or is damaged.
    """
    registry = registry_of(context)
    view = registry.view()
    version = view.version(version_number(view, name))
    if isinstance(context.config, WithoutRows):
        raise InputError(f"version {version.number} {retrain.NO_PREDICTIONS}")
    current = context.with_config(context.config)
    recipe = retrain.with_recipe(current, version)
    own_rows = makes_its_own_rows(recipe, version)
    original = retrain.original_model(current, view, version, own_rows=own_rows)
    context.say(f"reproduce: version {version.number}, {runs} time{'s' if runs > 1 else ''}")
    with file_guards.guard_candidate_files(context):
        retrainings = [
            retrain.retrain_version(recipe, version, original, index, own_rows=own_rows, builder=environment.builder)
            for index in range(runs)
        ]
    first, metrics = retrainings[0], _metrics(recipe.config, retrainings)
    how = _identical(version, first, context.fingerprint(original.source.path))
    rows = version.manifest.predictions.fingerprint if own_rows else baseline_ref_or_file.rows_fingerprint(recipe)
    trained_in = _environment_of(first, environment.job)
    record = _record(_outcome(how, metrics, runs), version.number, retrainings, rows, trained_in)
    return Reproduction(
        record=record,
        how=how,
        metrics=metrics,
        disagreements=count_differing_rows(recipe.config, original, first.retrained, count),
        notes=_notes(version, trained_in, fresh=first.environment is not None),
        entry=None if registry.author is None else record_reproduction(registry, record),
    )


def makes_its_own_rows(context: RowsContext, version: Version) -> bool:
    """Check if the version's training made its evaluation set, and git does not track one now."""
    committed = is_tracked(context.git, context.config.evaluation.data)
    return not committed and baseline_production.was_made_by_training(context, version)


def _environment_of(first: Retraining, job: Environment) -> Environment:
    """Return the environment that the reruns trained in: the job's, with the Python of a fresh one."""
    python = first.environment.python if first.environment else None
    return job.model_copy(update={"python": python} if python else {})


def count_differing_rows(
    config: RowsConfig, original: ModelPredictions, other: ModelPredictions, count: CountDisagreements
) -> tuple[int, tuple[str, ...]] | None:
    """Count the rows that other predictions decide differently; ``None`` without a key."""
    key = config.evaluation.key
    threshold = config.predict.threshold if config.task == "binary" else None
    before, after = (_in_tie_order(config, model.source) for model in (original, other))
    return None if key is None else count(before, after, key, threshold)


def _in_tie_order(config: RowsConfig, source: Source) -> Source:
    """Return a source whose classes are in the order in which equal probabilities are decided."""
    columns = dict(source.probabilities)
    names = tie_order(columns, config.evaluation.classes)
    return replace(source, probabilities=tuple((name, columns[name]) for name in names))


def _metrics(config: Config, retrainings: list[Retraining]) -> dict[str, ReproductionCheck]:
    """Compare each metric with the reruns, all of them together at the policy's confidence (Bonferroni)."""
    original = retrainings[0].original
    names = [name for name in original if all(name in item.rerun.metrics for item in retrainings)]
    level = 1 - (1 - config.policy.confidence) / max(1, len(names))
    return {
        name: check_reproduction(original[name], [item.rerun.metrics[name] for item in retrainings], confidence=level)
        for name in names
    }


def _identical(version: Version, first: Retraining, fingerprint: str) -> Literal["bytes", "predictions"] | None:
    model = model_digest(version.manifest.files, folder=version.manifest.recipe.folder)
    same = first.rerun.predictions == fingerprint
    if same and model is not None and first.rerun.model == model:
        return "bytes"
    return "predictions" if same else None


def _outcome(how: str | None, metrics: dict[str, ReproductionCheck], runs: int) -> Outcome:
    if how is not None:
        return "identical"
    return "within" if runs >= LEAST and all(check.inside for check in metrics.values()) else "different"


def _notes(version: Version, environment: Environment, *, fresh: bool) -> tuple[str, ...]:
    """Describe the environment, and how it differs from the version's."""
    was, locked = version.manifest.environment, lock_file(version.manifest)
    packages = ({}, {}) if fresh else (was.packages, environment.packages)
    items = differing_settings({**packages[0], "Python": was.python}, {**packages[1], "Python": environment.python})
    named = ", ".join(f"{item.name} {item.before or 'none'} → {item.after or 'none'}" for item in items[:_NAMED])
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    where = f"a fresh environment from its `{locked.name}`" if fresh and locked else "the environment of this job"
    return (f"trained in {where}", *([f"it was made in another environment: {named}{more}"] if items else []))


def _record(
    outcome: Outcome, version: int, retrainings: list[Retraining], rows: str, environment: Environment
) -> ReproductionFound:
    """Return the record of the reproduction."""
    spread = MetricSpread(
        version=version,
        fingerprint=rows,
        original=retrainings[0].original,
        reruns=tuple(item.rerun for item in retrainings),
        python=environment.python,
        platform=environment.platform,
    )
    return ReproductionFound(outcome=outcome, spread=spread)


def record_reproduction(registry: Registry, found: ReproductionFound, *, once: bool = False) -> int | None:
    """Store the metrics of all reruns, then append the entry that names them; return its number.

    Args:
        registry: The registry, with an author.
        found: The reruns.
        once: Append nothing if the newest record of that version holds these very reruns already.
    """
    spread = found.spread
    digest = stored_files.describe(registry.store, canonical_json(spread.model_dump(mode="json", by_alias=True)))
    body = ReproductionRecorded(version=spread.version, outcome=found.outcome, spread=digest, runs=len(spread.reruns))
    view = registry.view()
    place = view.state.reproduced.get(str(spread.version))
    if once and place is not None and view.entry(place).body == body:
        return place  # by an earlier attempt
    entry = registry.append(lambda _: body)
    return entry.number if entry is not None else None


def take_over_reproduction(registry: Registry, data: bytes, *, path: str) -> ReproductionFound:
    """Read the record of another job; only its numbers are trusted.

    Args:
        registry: The registry.
        data: Content of the file, up to one byte more than allowed.
        path: Path of the file, for messages.

    Raises:
        InputError: if the file is not a reproduction record, or is not of a version of this registry.
        CorruptError: if that version is damaged.
    """
    if len(data) > MOST_BYTES:
        raise InputError(Problem(f"has more than {MOST_BYTES:,} bytes; {SAVE_REMEDY}, and it is smaller", path))
    try:
        record = ReproductionFound.model_validate_json(data)
    except ValidationError as error:
        raise InputError(Problem(f"can't be read: {error.errors()[0]['msg']}; {SAVE_REMEDY}", path)) from None
    _check_version(registry, record, path)
    return record


def _check_version(registry: Registry, found: ReproductionFound, path: str) -> None:
    """Check a record by the version that it names."""
    spread = found.spread
    try:
        version = registry.view().version(spread.version)
    except LookupError:
        raise InputError(Problem(f"{registry.shown} has no version {spread.version}", path)) from None
    first = version.manifest.recipe.seed
    if [item.seed for item in spread.reruns] != list(range(first, first + len(spread.reruns))):
        words = f"is not of version {spread.version}: its reruns begin with the seed {first}"
        raise InputError(Problem(words, path))
    metrics = version.manifest.metrics if version.manifest.predictions.fingerprint == spread.fingerprint else {}
    for name in sorted(metrics.keys() & spread.original.keys()):
        if not math.isclose(metrics[name], spread.original[name], rel_tol=1e-9, abs_tol=1e-9):
            words = f"is not of version {spread.version}, whose {name} is {metrics[name]:.6g}: another was trained"
            raise InputError(Problem(words, path))
