"""Retrain a version: its recipe, in a clean worktree and environment, scored on the current rows.

uv makes the environment, because it reads all three supported kinds of lock file. For lock files of other tools
(poetry, conda, …) the commands run in the environment of the job, and a note reports that.
"""

import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from mlci.config.loader import parse_config
from mlci.engine.tables.files import suffix_of
from mlci.engine.tables.table_path import columns_of, files_of, labels_of, table_of, table_path
from mlci.errors import InputError
from mlci.execution.interface import Step
from mlci.git.worktree import Worktree, checked_out
from mlci.inference.result import EvaluationResult
from mlci.metrics.statistics import WHOLE
from mlci.operations import evaluation_sets, provenance
from mlci.operations.context import RowsContext, evaluation_path, registry_of
from mlci.operations.evaluate import evaluate_models
from mlci.operations.models import baseline_ref_or_file, file_guards, recorded_predictions, rescore
from mlci.operations.models.model_predictions import ModelPredictions, OwnRows
from mlci.operations.models.predictions import StepContext, make_predictions
from mlci.registry import stored_files
from mlci.registry.entries import Rerun
from mlci.registry.manifest import Manifest, VersionFile
from mlci.registry.registry import RegistryView, Version

KINDS = ("uv.lock", "pylock.toml", "requirements.txt")
"""Names of supported lock files, the most exact first."""
NO_PREDICTIONS = "can't be compared with a rerun: a metrics file has no predictions; use `predict.run`"
_TIMEOUT = 3600


@dataclass(frozen=True)
class EnvironmentBuilder:
    """Builder of environments, with the path of uv; ``None`` if uv is not installed."""

    uv: Path | None


@dataclass(frozen=True)
class LockedEnvironment:
    """Environment from a lock file.

    Attributes:
        variables: Variables for the commands that run in it.
        python: Version of its Python, if known.
    """

    variables: Mapping[str, str]
    python: str | None


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """One training, its predictions, and its fresh environment, if one was made."""

    rerun: Rerun
    retrained: ModelPredictions
    original: dict[str, float]
    environment: LockedEnvironment | None = None


def with_recipe(context: RowsContext, version: Version) -> RowsContext:
    """Return the run with the version's own seed, and its train and predict steps.

    Raises:
        InputError: if the version can't be trained again.
    """
    recipe, of, store = version.manifest.recipe, f"version {version.number}", registry_of(context).store
    commit = recipe.commit
    why = None
    if commit is None:
        why = "it was made outside of git, so its code is unknown"
    elif recipe.dirty:
        why = f"it was made from {commit[:7]} with uncommitted changes, which were not kept"
    elif recipe.train is None:
        why = "it was not made by a `train.run`: its predictions or its model existed before"
    elif context.git.ask("cat-file", "-e", f"{commit}^{{commit}}").status != 0:
        why = (
            f"its commit {commit[:7]} is not in this clone; let the workflow fetch the whole history: `fetch-depth: 0`"
        )
    if why is not None:
        raise InputError(f"{of} can't be made again: {why}")
    text = stored_files.read_description(store, recipe.config.digest, of=f"`{recipe.config.name}` of {of}")
    own, config = parse_config(text, path=f"{recipe.config.name} of {of}").config, context.config
    if own.predict.metrics is not None:
        raise InputError(f"{of} {NO_PREDICTIONS}")
    policy = config.policy.model_copy(update={"seed": recipe.seed})
    steps = {"train": own.train, "predict": own.predict, "policy": policy}
    return context.with_config(config.model_copy(update=steps))


def original_model(context: RowsContext, view: RegistryView, version: Version, *, own_rows: bool) -> ModelPredictions:
    """Return the version's predictions on the current rows: recorded ones, or new ones of its own model.

    With ``own_rows`` each rerun makes its own evaluation set, and the version's own predictions are used.
    """
    store, of = registry_of(context).store, f"version {version.number}"

    def fetch(file: VersionFile, target: Path) -> Path:
        return stored_files.fetch_file(store, file, target, of=of)

    own = version.manifest.predictions
    if own_rows:
        path = fetch(own.file, context.scratch / "baseline" / own.file.name)
        return replace(recorded_predictions.version_predictions(context.config, version, own, path), made_on=None)
    rows = baseline_ref_or_file.rows_fingerprint(context)
    same = baseline_ref_or_file.is_same_set(context, own.fingerprint, rows)
    recorded = own if same and not view.lacks_erased(own.file.digest) else None
    if recorded is None and version.number == view.state.champion:
        recorded = recorded_predictions.added_for_rows(view, rows)
    if recorded is not None:
        path = fetch(recorded.file, context.scratch / "baseline" / recorded.file.name)
        return recorded_predictions.version_predictions(context.config, version, recorded, path)
    with file_guards.guard_candidate_files(context):
        return rescore.rescore_version(context, version.manifest, fetch, of=of, says="reproduce")


def retrain_version(
    context: RowsContext,
    version: Version,
    before: ModelPredictions,
    index: int,
    *,
    own_rows: bool,
    builder: EnvironmentBuilder | None,
) -> Retraining:
    """Retrain in a separate worktree and environment, predict, and compare with the version.

    Args:
        context: Run context with the version's recipe.
        version: The version.
        before: Its predictions.
        index: Number of the rerun, from 0; added to the version's seed.
        own_rows: Whether training makes the evaluation set.
        builder: Builder of an environment from the version's lock file; ``None`` trains in the job's environment.
    """
    config, recipe, name = context.config, version.manifest.recipe, f"rerun {index + 1} "
    seed = recipe.seed + index
    seeded = config.model_copy(update={"policy": config.policy.model_copy(update={"seed": seed})})
    with checked_out(context.git, str(recipe.commit), config_path=recipe.config_path) as worktree:
        baseline_ref_or_file.keep_inside(seeded, worktree)
        scratch = context.scratch / f"rerun-{index}"
        home = context.scratch / f"rerun-{index}-environment"
        clean = build_environment(context, builder, version, worktree, home=home, name=name) if builder else None
        variables = {**worktree.environment, **(clean.variables if clean else {})}
        written = f"{recipe.config.name} of version {version.number}"
        steps = StepContext(folder=worktree.folder, scratch=scratch, name=name, environment=variables, written=written)
        own = evaluation_path(config.evaluation, worktree.folder)
        makes = evaluation_sets.required_output(config) if own_rows else None
        data = own if own_rows else context.data
        retrained = make_predictions(context.with_config(seeded), steps, data=data, makes=makes)
        baseline_ref_or_file.keep_inside(seeded, worktree)
        digests = provenance.digest_artifacts(retrained, context.fingerprint)
        kept = context.scratch / f"rerun-{index}-kept"
        retrained = _outlives(retrained, kept)
        data = _copied(own, kept) if own_rows else data
    before = _on_rows_of(context, version, before, data) if own_rows else before
    result = evaluate_models(context, retrained, before, data=data).result
    predictions = context.fingerprint(retrained.source.path)
    metrics = finite_metrics(result, "candidate")
    done = Rerun(seed=seed, model=digests.model_digest, predictions=predictions, metrics=metrics)
    return Retraining(rerun=done, retrained=retrained, original=finite_metrics(result, "baseline"), environment=clean)


def _on_rows_of(context: RowsContext, version: Version, before: ModelPredictions, data: str) -> ModelPredictions:
    """Return a version's predictions for comparing with a rerun that made its own evaluation set.

    Raises:
        InputError: if the sets differ and the version kept no digests of its rows.
    """
    if context.fingerprint(data) == version.manifest.data.fingerprint:
        return before
    of, own = f"version {version.number}", evaluation_sets.rows_of_version(context, registry_of(context).store, version)
    if own is None or (own.key is None and not own.in_order):
        raise InputError(
            f"the rerun of {of} made another evaluation set, and its rows can't be matched with those of {of}; let "
            "`train.run` split by a fixed seed, and name `evaluation.key`"
        )
    return replace(before, own=OwnRows(rows=own, of=of, in_order=own.in_order))


def _copied(own: str, folder: Path) -> str:
    """Copy an evaluation set that training made out of the worktree, with its labels if they are in another file."""
    folder.mkdir(parents=True, exist_ok=True)
    targets = []
    for name, path in zip(("evaluation", "labels"), files_of(own), strict=False):
        if not Path(path).is_file():
            own_name = Path(path).name
            raise InputError(f"the evaluation set {own_name} is not one file of the worktree, so it can't be compared")
        targets.append(str(folder / f"{name}{suffix_of(path)}"))
        shutil.copyfile(path, targets[-1])
    labels = labels_of(own)
    if labels is not None:
        labels = replace(
            labels, path=table_path(targets[1], table=table_of(labels.path), columns=columns_of(labels.path))
        )
    return table_path(targets[0], table=table_of(own), labels=labels, columns=columns_of(own))


def _outlives(retrained: ModelPredictions, folder: Path) -> ModelPredictions:
    """Copy predictions out of the worktree."""
    path = Path(retrained.source.path)
    if not path.is_file():
        raise InputError(f"the predictions {path.name} are not one file of the worktree, so they can't be compared")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    shutil.copyfile(path, target)
    kept = table_path(str(target), table=table_of(retrained.source.path), columns=columns_of(retrained.source.path))
    return replace(retrained, source=replace(retrained.source, path=kept))


def finite_metrics(result: EvaluationResult, which: Literal["candidate", "baseline"]) -> dict[str, float]:
    """Return one model's finite metrics on the whole set, without operational metrics."""
    values = {}
    for item in result.comparisons:
        evidence = getattr(item, which)
        value = evidence.value if evidence is not None else None
        if item.scope == WHOLE and value is not None and math.isfinite(value) and evidence.method != "measured":
            values[item.metric] = value
    return values


def lock_file(manifest: Manifest) -> VersionFile | None:
    """Return the lock file for a version's environment: beside its configuration, else at the top."""
    beside = PurePosixPath(manifest.recipe.config_path).parent
    named = {file.name: file for file in manifest.environment.lock}
    places = [str(folder / kind) for kind in KINDS for folder in (beside, PurePosixPath())]
    return next((named[place] for place in places if place in named), None)


def build_environment(
    context: RowsContext, builder: EnvironmentBuilder, version: Version, worktree: Worktree, *, home: Path, name: str
) -> LockedEnvironment | None:
    """Build the version's environment in ``home``; ``None`` if the version has no supported lock file.

    Args:
        context: Run context with the registry.
        builder: The builder.
        version: The version.
        worktree: Worktree of its commit: lock files may refer to other files beside them.
        home: Folder that does not exist yet.
        name: Prefix of the steps' names.

    Raises:
        InputError: if uv is not installed.
        StepError: if uv fails.
        CorruptError: if the lock file was changed or is damaged.
    """
    locked = lock_file(version.manifest)
    if locked is None:
        return None
    if builder.uv is None:
        raise InputError(
            f"version {version.number} runs in a fresh environment from its `{locked.name}`, and uv, which "
            "makes it, is not on PATH: `pip install uv`; or train in this job's own by `--environment job`"
        )
    path = worktree.root / locked.name
    stored_files.fetch_file(registry_of(context).store, locked, path, of=f"version {version.number}")
    variables = {"VIRTUAL_ENV": str(home), "UV_PROJECT_ENVIRONMENT": str(home), "PYTHONNOUSERSITE": "1"}
    fix = f"`{locked.name}` of version {version.number}, or `--environment job`"
    for command in _environment_commands(str(builder.uv), path.name, version.manifest.environment.python, home):
        env = {**worktree.environment, **variables}
        step = Step(name=f"{name}environment", command=command, cwd=path.parent, env=env, timeout=_TIMEOUT, fix=fix)
        context.runner.run(step)
    path_of_job = context.git.environment.get("PATH", os.defpath)
    return LockedEnvironment({**variables, "PATH": f"{home / 'bin'}{os.pathsep}{path_of_job}"}, python_of(home))


def _environment_commands(uv: str, kind: str, python: str, home: Path) -> list[tuple[str, ...]]:
    """Return the commands that build it: with pip, for commands that install more, and the version's own Python."""
    minor = ".".join(python.split(".")[:2])
    made = (uv, "venv", "--quiet", "--seed", "--no-project", "--python", minor, str(home))
    if kind == "uv.lock":
        return [made, (uv, "sync", "--quiet", "--frozen", "--inexact", "--python", str(home / "bin/python"))]
    return [made, (uv, "pip", "install", "--quiet", "--python", str(home), "--requirements", kind)]


def python_of(home: Path) -> str | None:
    """Return the version of an environment's Python from its ``pyvenv.cfg`` (PEP 405; uv's own key)."""
    try:
        lines = (home / "pyvenv.cfg").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    settings = dict(line.replace(" ", "").partition("=")[::2] for line in lines)
    return settings.get("version_info") or settings.get("version")
