"""Evaluation set of the baseline's commit, kept as digests beside its predictions."""

import glob
from dataclasses import dataclass
from pathlib import Path

from mlci.config.loader import LoadedConfig, load_unchecked
from mlci.config.models import Config
from mlci.errors import InputError
from mlci.git.worktree import Worktree
from mlci.lineage import rows
from mlci.operations.context import RunContext, resolve_path
from mlci.operations.lineage import evaluation_rows
from mlci.operations.models import file_snapshot
from mlci.operations.models.predictions import OwnRows

NAME = "own-rows.bin"
"""File beside the predictions."""


@dataclass(frozen=True, kw_only=True)
class OwnEvaluationSet:
    """Path of a commit's evaluation set, and whether it existed before any step ran: then it is in git."""

    data: str
    committed: bool


def find_own_set(loaded: LoadedConfig, worktree: Worktree) -> OwnEvaluationSet | None:
    """Find a commit's evaluation set by its own configuration; ``None`` if it is elsewhere."""
    evaluation = _own_config(loaded, worktree).evaluation
    if evaluation is None or "://" in evaluation.data:
        return None
    data = resolve_path(evaluation.data, worktree.folder)
    if not Path(data).resolve().is_relative_to(worktree.root.resolve()):
        return None
    return OwnEvaluationSet(data=data, committed=_is_there(data))


def keep_own_digests(
    loaded: LoadedConfig,
    context: RunContext,
    own: OwnEvaluationSet | None,
    into: Path,
    *,
    by_training: bool,
    in_order: bool,
) -> bool:
    """Keep the digests of a commit's evaluation set, if both models are to be compared on the rows of both sets.

    They are if training makes one of the sets: the other model may have been trained on its rows.

    Args:
        loaded: The candidate's configuration.
        context: Run context.
        own: The commit's set, after its steps ran.
        into: Folder for files that are kept with the predictions.
        by_training: Whether the candidate's training made its own set.
        in_order: Whether the predictions belong to the commit's own rows.

    Returns:
        Whether training made the commit's own set, and it differs from the candidate's.
    """
    evaluation = loaded.config.evaluation
    if evaluation is None or own is None or not _is_there(own.data) or not (by_training or not own.committed):
        return False
    data = resolve_path(evaluation.data, context.git.folder)
    same = context.fingerprint(own.data) == context.fingerprint(data)
    if same and (
        evaluation.key is not None
        or not in_order
        or file_snapshot.digest_contents(own.data) == file_snapshot.digest_contents(data)
    ):
        return False
    found = None if context.rows is None else context.rows(own.data, evaluation.key, evaluation.label, in_order=True)
    if found is None:
        raise InputError(f"the baseline's own evaluation set has more than {rows.MOST:,} rows; fix the split's seed")
    (into / NAME).write_bytes(rows.dump_rows(found))
    return True


def read_own_rows(folder: Path, *, of: str, in_order: bool) -> OwnRows | None:
    """Return the digests that :func:`keep_own_digests` wrote beside the predictions."""
    path = folder / NAME
    found = evaluation_rows.parse_kept_rows(path.read_bytes()) if path.is_file() else None
    return None if found is None else OwnRows(rows=found, of=of, in_order=in_order)


def _own_config(loaded: LoadedConfig, worktree: Worktree) -> Config:
    path = worktree.holds(Path(loaded.path).name)
    if path is None:
        return loaded.config
    try:
        return load_unchecked(path).config
    except InputError:
        return loaded.config


def _is_there(data: str) -> bool:
    return bool(glob.glob(data, recursive=True))  # noqa: PTH207 (any path)
