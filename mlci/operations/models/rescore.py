"""Rescore a version: its own model and predict step, in a worktree of its commit, on the current rows."""

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mlci.config.loader import parse_config
from mlci.errors import InputError
from mlci.execution.stages import make_empty_folder
from mlci.git.worktree import Worktree, checked_out
from mlci.operations.context import RowsContext
from mlci.operations.models import baseline_ref_or_file, predictions
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.operations.models.predictions import StepContext
from mlci.registry import stored_files
from mlci.registry.manifest import Content, VersionFile
from mlci.registry.stores.interface import Store

_FETCH = "let the workflow fetch the whole history: `fetch-depth: 0` on actions/checkout"


def rescore_version(
    context: RowsContext,
    content: Content,
    fetch: Callable[[VersionFile, Path], Path],
    *,
    of: str,
    name: str = "baseline",
    says: str | None = None,
    why: str | None = None,
    variables: Callable[[Worktree], Mapping[str, str]] | None = None,
) -> ModelPredictions:
    """Score the current rows by a version's own model and predict step, in a worktree of its own commit.

    Args:
        context: Run context.
        content: The version.
        fetch: ``fetch(file, target)`` copies one of its files.
        of: Name of the version in messages.
        name: Prefix of the names of temporary folders and of the step.
        says: Prefix of the progress line; without it, none is shown.
        why: Why it is scored, for messages; by default, the evaluation set moved.
        variables: Returns more variables for the step in its worktree, such as those of a fresh environment.

    Raises:
        InputError: if the version has predictions only, or its code is not available.
        StepError: if its predict step fails.
    """
    rows, moved = "rows" if why else "new rows", f"the evaluation set moved since {of}"
    line, why = f"{why or moved}; its own model scores the {rows}", why or f"{moved} was judged"
    config = fetch(content.recipe.config, context.scratch / name / "mlci.yml")
    own = _version_context(context, content, config, of, why)
    with _checked_out_steps(own, content, of, name, why, variables) as steps:
        model = _put_back(content, steps, fetch)
        if says is not None:
            context.say(f"{says}: {line}")
        return predictions.make_predictions(own, steps, data=context.data, model=model)


def can_rescore(content: Content, store: Store, number: int) -> bool:
    """Check if a version has a predict step or a model that can score other rows than its own."""
    text = stored_files.read_description(
        store, content.recipe.config.digest, of=f"`{content.recipe.config.name}` of {number}"
    )
    try:
        predict = parse_config(text, path=content.recipe.config.name).config.predict
    except InputError:
        return False
    return predict.file is None and predict.metrics is None


def _version_context(context: RowsContext, content: Content, path: Path, of: str, why: str) -> RowsContext:
    """Return the run with the version's own predict step, and without training."""
    again = f"{why}, and"
    try:
        own = parse_config(path.read_bytes(), path=f"{content.recipe.config.name} of {of}").config
    except InputError as error:
        raise InputError(f"{again} its configuration can't be read by this version of mlci: {error}") from error
    if own.predict.file is not None or own.predict.metrics is not None:
        ref = content.recipe.commit or "main"
        raise InputError(
            f"{again} it has predictions only, and no model that could score the new rows; judge this change by "
            f"`baseline: {{ref: {ref}}}`, or change the evaluation set in a separate pull request"
        )
    return context.with_config(context.config.model_copy(update={"train": None, "predict": own.predict}))


@contextlib.contextmanager
def _checked_out_steps(
    context: RowsContext,
    content: Content,
    of: str,
    name: str,
    why: str,
    variables: Callable[[Worktree], Mapping[str, str]] | None,
) -> Iterator[StepContext]:
    """Yield the folder for a version's predict step: its own commit's files, or an empty folder without user code."""
    scratch, commit = context.scratch / f"{name}-step", content.recipe.commit
    # the candidate's configuration may differ from the version's
    written = (
        f"{content.recipe.config.name} of {of}. As that is made already: promote first a version whose predict step "
        "takes the old rows and the new ones, then change the evaluation set"
    )
    if commit is None:
        if context.config.predict.run is not None:
            raise InputError(
                f"{why}, and {of} was made outside of git: the code of its "
                "`predict.run` is not known; promote a version from a commit, or judge by `baseline: {file: …}`"
            )
        folder = context.scratch / f"{name}-folder"
        make_empty_folder(folder)
        yield StepContext(folder=folder, scratch=scratch, name=f"{name} ", written=written)
        return
    if context.git.ask("cat-file", "-e", f"{commit}^{{commit}}").status != 0:
        raise InputError(f"{why}, and its commit {commit[:7]} is not in this clone; {_FETCH}")
    with checked_out(context.git, commit, config_path=content.recipe.config_path) as worktree:
        baseline_ref_or_file.keep_inside(context.config, worktree)
        own = {**worktree.environment, **(variables(worktree) if variables is not None else {})}
        yield StepContext(folder=worktree.folder, scratch=scratch, name=f"{name} ", environment=own, written=written)


def _put_back(content: Content, steps: StepContext, fetch: Callable[[VersionFile, Path], Path]) -> Path | None:
    """Put a version's model at the path that its predict step reads; return that path."""
    named = content.recipe.model
    if named is None or not content.files:
        return None
    home = steps.folder.resolve()
    target = (home / named).resolve()
    if not target.is_relative_to(home) or target == home:  # it was at an absolute path; `$MLCI_MODEL` has the new one
        target = steps.scratch.with_name(f"{steps.scratch.name}-model") / Path(named).name
    return _fetch_model(content, target, fetch)


def copy_model(content: Content, folder: Path, store: Store, *, of: str) -> Path | None:
    """Copy a version's model, a file or a folder, into ``folder``; return its path, or ``None`` without a model.

    Raises:
        CorruptError: if a file is missing or altered.
    """
    if content.recipe.model is None or not content.files:
        return None
    target = folder / Path(content.recipe.model).name
    return _fetch_model(content, target, lambda file, path: stored_files.fetch_file(store, file, path, of=of))


def _fetch_model(content: Content, target: Path, fetch: Callable[[VersionFile, Path], Path]) -> Path:
    if target.is_dir():
        shutil.rmtree(target)
    for file in content.files:
        path = target / file.name if content.recipe.folder else target
        path.unlink(missing_ok=True)
        fetch(file, path)
    return target
