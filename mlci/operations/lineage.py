"""Lineage: origins of baseline and candidate, the changes between them, and the trend over versions in production."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlci.config.loader import LoadedConfig, load_unchecked
from mlci.config.models import rows_evaluation
from mlci.errors import InputError, OutsideError
from mlci.git.git import Git, changed_files
from mlci.git.refs import CommitHead
from mlci.git.worktree import Worktree
from mlci.lineage import rows
from mlci.lineage.compare import compare_origins
from mlci.lineage.origin import ChangedFiles, Origin, RecordedOrigin, dump_origin, parse_origin
from mlci.lineage.rows import Rows, is_recorded
from mlci.operations import evaluation_sets
from mlci.operations.context import RunContext, evaluation_path
from mlci.operations.provenance import ArtifactDigests, BuildProvenance, collect_provenance
from mlci.operations.registry.version_history import describe_origin, lineage_row
from mlci.registry.manifest import Environment
from mlci.report.lineage_rows import Lineage

ORIGIN = "origin.json"
"""File beside the predictions that holds the origin."""
_NOWHERE = Environment(python="", platform="", packages={})


def origin_of_run(provenance: BuildProvenance, digests: ArtifactDigests | None, fingerprint: str | None) -> Origin:
    """Return the candidate's origin."""
    texts, model = origin_texts(provenance), digests.model_digest if digests else None
    what = (fingerprint, provenance.pointers, model)
    return describe_origin(provenance.recipe, provenance.environment, lambda file: texts[file.digest], what)


def origin_texts(provenance: BuildProvenance) -> dict[str, bytes]:
    """Return the configuration and the lock files of a run by digest."""
    return {part.file.digest: part.path.read_bytes() for part in (provenance.config, *provenance.locks)}


@dataclass(frozen=True, kw_only=True)
class CurrentState:
    """The candidate's side of the lineage.

    Attributes:
        origin: Its origin.
        texts: Its configuration and lock files by digest; equal ones of a version need not be fetched.
        rows: Digests of its evaluation set's rows.
    """

    origin: Origin
    texts: Mapping[str, bytes]
    rows: Rows | None


def current_state(provenance: BuildProvenance, digests: ArtifactDigests | None, fingerprint: str) -> CurrentState:
    """Return the candidate's origin, texts and rows."""
    origin = origin_of_run(provenance, digests, fingerprint)
    return CurrentState(
        origin=origin, texts=origin_texts(provenance), rows=provenance.rows[1] if provenance.rows else None
    )


def compare_lineage(git: Git, before: Origin, after: Origin) -> Lineage:
    """Compare two origins, and by git the files of their commits."""
    files = None
    if before.commit is not None and after.commit is not None:
        named = changed_files(git, before.commit, None if after.dirty else after.commit)
        files = None if named is None else ChangedFiles(names=named)
    return Lineage(rows=tuple(lineage_row(row) for row in compare_origins(before, after, files)))


def record_origin(context: RunContext, worktree: Worktree, into: Path, *, now: str) -> None:
    """Record a commit's origin; nothing is recorded if its configuration can't be read.

    The origin only explains a report, so an error here never stops a run.

    Args:
        context: Run context; the commit's own configuration is at the same path.
        worktree: The commit, checked out.
        into: Folder that is kept with the predictions.
        now: Fingerprint of the evaluation set that both models are judged on.
    """
    path = worktree.holds(Path(context.loaded.path).name)
    if path is None:
        return
    head = CommitHead(commit=worktree.commit, dirty=False)
    with contextlib.suppress(InputError, OutsideError, OSError):
        own = load_unchecked(path)
        git = Git(folder=worktree.folder, environment=context.git.environment)
        provenance = collect_provenance(own, git, _NOWHERE, head=head, digests=None)
        fingerprint = _evaluation(context, own, worktree, into, now=now)
        (into / ORIGIN).write_text(dump_origin(origin_of_run(provenance, None, fingerprint)), encoding="utf-8")


def add_evaluation(context: RunContext, worktree: Worktree, into: Path, *, now: str) -> None:
    """Add the evaluation set that the commit's training made to the origin that :func:`record_origin` wrote."""
    path, origin = worktree.holds(Path(context.loaded.path).name), into / ORIGIN
    if path is None or not origin.is_file():
        return
    with contextlib.suppress(InputError, OutsideError, OSError):
        fingerprint = _evaluation(context, load_unchecked(path), worktree, into, now=now)
        recorded = replace(parse_origin(origin.read_text(encoding="utf-8")), fingerprint=fingerprint)
        origin.write_text(dump_origin(recorded), encoding="utf-8")


def read_origin(folder: Path) -> RecordedOrigin | None:
    """Return the origin that :func:`record_origin` wrote beside the predictions."""
    origin, kept = folder / ORIGIN, folder / evaluation_sets.ROWS_FILE
    if not origin.is_file():
        return None
    digests = evaluation_sets.parse_kept_rows(kept.read_bytes()) if kept.is_file() else None
    return RecordedOrigin(origin=parse_origin(origin.read_text(encoding="utf-8")), rows=digests)


def changes_since(context: RunContext, before: RecordedOrigin, now: CurrentState) -> Lineage:
    """Return the changes since a commit; its steps ran in the same environment as the candidate's."""
    here = now.origin
    origin = replace(before.origin, python=here.python, mlci=here.mlci, installed=here.installed)
    lineage = compare_lineage(context.git, origin, here)
    if origin.fingerprint is None or is_recorded(origin.fingerprint, here.fingerprint) or before.rows is None:
        return lineage
    difference = evaluation_sets.compare_rows(
        context.config, before.rows, now.rows, before=len(before.rows), after=None
    )
    return lineage.model_copy(update={"evaluation": difference})


def _evaluation(context: RunContext, own: LoadedConfig, worktree: Worktree, into: Path, *, now: str) -> str | None:
    """Return the fingerprint of the commit's own evaluation set, and keep its rows if the set differs."""
    evaluation = rows_evaluation(own.config.evaluation)
    if evaluation is None or "://" in evaluation.data:
        return None if evaluation is None else now  # data at an address does not belong to a commit
    data = evaluation_path(evaluation, worktree.folder)
    try:
        fingerprint = context.fingerprint(data)
    except InputError:
        return None  # a file that is not in git does not exist in the worktree
    if fingerprint != now and context.rows is not None:
        digests = context.rows(data, evaluation.key, evaluation.label)
        if digests is not None:
            (into / evaluation_sets.ROWS_FILE).write_bytes(rows.dump_rows(digests))
    return fingerprint
