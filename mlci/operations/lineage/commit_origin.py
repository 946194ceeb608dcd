"""Origin of a git-ref baseline, read in its worktree before its steps run."""

import contextlib
from dataclasses import replace
from pathlib import Path

from mlci.config.loader import LoadedConfig, load_unchecked
from mlci.errors import InputError, OutsideError
from mlci.git.git import Git
from mlci.git.head import CommitHead
from mlci.git.worktree import Worktree
from mlci.lineage import origin as pasts
from mlci.lineage import rows
from mlci.lineage.fingerprints import is_recorded
from mlci.lineage.origin import RecordedOrigin
from mlci.operations.bundle.provenance import collect_provenance
from mlci.operations.context import RunContext, resolve_path
from mlci.operations.lineage import evaluation_rows, origins
from mlci.operations.lineage.history import CurrentState
from mlci.registry.manifest import Environment
from mlci.report.document import Lineage

NAME = "origin.json"
"""File beside the predictions that holds the origin."""
_NOWHERE = Environment(python="", platform="", packages={})


def record_origin(loaded: LoadedConfig, worktree: Worktree, context: RunContext, into: Path, *, now: str) -> None:
    """Record a commit's origin; nothing is recorded if its configuration can't be read.

    The origin only explains a report, so an error here never stops a run.

    Args:
        loaded: The candidate's configuration; the commit's own is at the same path.
        worktree: The commit, checked out.
        context: Run context.
        into: Folder that is kept with the predictions.
        now: Fingerprint of the evaluation set that both models are judged on.
    """
    path = worktree.holds(Path(loaded.path).name)
    if path is None:
        return
    there = replace(context, git=Git(folder=worktree.folder, environment=context.git.environment), rows=None)
    head = CommitHead(commit=worktree.commit, dirty=False)
    with contextlib.suppress(InputError, OutsideError, OSError):
        own = load_unchecked(path)
        provenance = collect_provenance(own, there, _NOWHERE, folder=worktree.folder, head=head, digests=None)
        fingerprint = _evaluation(own, worktree, context, into, now=now)
        (into / NAME).write_text(
            pasts.dump_origin(origins.origin_of_run(provenance, None, fingerprint)), encoding="utf-8"
        )


def add_evaluation(loaded: LoadedConfig, worktree: Worktree, context: RunContext, into: Path, *, now: str) -> None:
    """Add the evaluation set that the commit's training made to the origin that :func:`record_origin` wrote."""
    path, origin = worktree.holds(Path(loaded.path).name), into / NAME
    if path is None or not origin.is_file():
        return
    with contextlib.suppress(InputError, OutsideError, OSError):
        fingerprint = _evaluation(load_unchecked(path), worktree, context, into, now=now)
        known = replace(pasts.parse_origin(origin.read_text(encoding="utf-8")), fingerprint=fingerprint)
        origin.write_text(pasts.dump_origin(known), encoding="utf-8")


def read_origin(folder: Path) -> RecordedOrigin | None:
    """Return the origin that :func:`record_origin` wrote beside the predictions."""
    origin, kept = folder / NAME, folder / evaluation_rows.NAME
    if not origin.is_file():
        return None
    found = evaluation_rows.parse_kept_rows(kept.read_bytes()) if kept.is_file() else None
    return RecordedOrigin(origin=pasts.parse_origin(origin.read_text(encoding="utf-8")), rows=found)


def changes_since(context: RunContext, before: RecordedOrigin, now: CurrentState) -> Lineage:
    """Return the changes since a commit; its steps ran in the same environment as the candidate's."""
    here = now.origin
    origin = replace(before.origin, python=here.python, mlci=here.mlci, installed=here.installed)
    found = origins.compare_lineage(context.git, origin, here)
    if origin.fingerprint is None or is_recorded(origin.fingerprint, here.fingerprint) or before.rows is None:
        return found
    difference = evaluation_rows.compare_rows(before.rows, now.rows, before=len(before.rows), after=None)
    return found.model_copy(update={"evaluation": difference})


def _evaluation(own: LoadedConfig, worktree: Worktree, context: RunContext, into: Path, *, now: str) -> str | None:
    """Return the fingerprint of the commit's own evaluation set, and keep its rows if the set differs."""
    evaluation = own.config.evaluation
    if evaluation is None or "://" in evaluation.data:
        return None if evaluation is None else now  # data at an address does not belong to a commit
    data = resolve_path(evaluation.data, worktree.folder)
    try:
        fingerprint = context.fingerprint(data)
    except InputError:
        return None  # a file that is not in git does not exist in the worktree
    if fingerprint != now and context.rows is not None:
        found = context.rows(data, evaluation.key, evaluation.label)
        if found is not None:
            (into / evaluation_rows.NAME).write_bytes(rows.dump_rows(found))
    return fingerprint
