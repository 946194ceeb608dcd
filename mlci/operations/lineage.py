"""Lineage: origins of baseline and candidate, the changes between them, and the trend over versions in production."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from pathlib import Path

from mlci.config.loader import LoadedConfig, load_unchecked, parse_config
from mlci.errors import InputError, OutsideError
from mlci.git.git import Git, changed_files
from mlci.git.refs import CommitHead
from mlci.git.worktree import Worktree
from mlci.lineage import rows
from mlci.lineage.compare import compare_origins
from mlci.lineage.origin import ChangedFiles, Origin, RecordedOrigin, Row, dump_origin, locked_packages, parse_origin
from mlci.lineage.rows import Rows, is_recorded
from mlci.metrics import catalogue
from mlci.operations import evaluation_sets
from mlci.operations.context import RunContext, evaluation_path
from mlci.operations.provenance import ArtifactDigests, BuildProvenance, collect_provenance, model_digest
from mlci.registry.entries import rolled_back_versions
from mlci.registry.entry_kinds import Promotion, Rollback
from mlci.registry.manifest import Content, Environment, Recipe, VersionFile
from mlci.registry.registry import RegistryView, Version
from mlci.registry.stored_files import read_description
from mlci.registry.stores.interface import Store
from mlci.report.document import Lineage, LineageItem, LineageRow, TrendPoint, TrendRow

ORIGIN = "origin.json"
"""File beside the predictions that holds the origin."""
_NOWHERE = Environment(python="", platform="", packages={})
Read = Callable[[VersionFile], bytes]
MOST_TREND_POINTS = 8
"""Number of versions in a trend; each takes two reads."""
SEARCHED_VERSIONS = 16
"""Number of newest versions to choose them from; versions that were rolled back are left out."""
_DECISIONS = 64  # promotions and rollbacks that are read for that


def origin_of_content(content: Content, read: Read) -> Origin:
    """Return the origin in a manifest; ``read`` returns one of its files."""
    model, data = model_digest(content.files, folder=content.recipe.folder), content.data
    return _origin(content.recipe, content.environment, read, (data.fingerprint, data.pointers, model))


def origin_of_version(store: Store, version: Version, known: Mapping[str, bytes] | None = None) -> Origin:
    """Return a version's origin.

    Args:
        store: The registry.
        version: The version.
        known: By digest, files that need not be fetched.

    Raises:
        CorruptError: if its configuration or a lock file was changed or is damaged.
    """

    def read(file: VersionFile) -> bytes:
        if known is not None and file.digest in known:
            return known[file.digest]
        return read_description(store, file.digest, of=f"`{file.name}` of version {version.number}")

    return origin_of_content(version.manifest, read)


def origin_of_run(provenance: BuildProvenance, digests: ArtifactDigests | None, fingerprint: str | None) -> Origin:
    """Return the candidate's origin."""
    texts, model = origin_texts(provenance), digests.model_digest if digests else None
    what = (fingerprint, provenance.pointers, model)
    return _origin(provenance.recipe, provenance.environment, lambda file: texts[file.digest], what)


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
    return Lineage(rows=tuple(_lineage_row(row) for row in compare_origins(before, after, files)))


def _origin(
    recipe: Recipe, environment: Environment, read: Read, what: tuple[str | None, Mapping[str, str], str | None]
) -> Origin:
    fingerprint, pointers, model = what
    return Origin(
        commit=recipe.commit,
        dirty=recipe.dirty,
        fingerprint=fingerprint,
        pointers=pointers,
        config=f"sha256:{recipe.config.digest}",
        config_path=recipe.config_path,
        settings=_settings(read(recipe.config)),
        python=environment.python,
        mlci=environment.packages.get("mlci"),
        locks={file.name: f"sha256:{file.digest}" for file in environment.lock},
        packages=locked_packages({file.name: read(file) for file in environment.lock}),
        installed=environment.packages,
        model=f"sha256:{model}" if model else None,
    )


def _settings(text: bytes) -> dict[str, object] | None:
    """Parse a configuration; ``None`` if this mlci can't read it."""
    try:
        return parse_config(text, path="mlci.yml").config.model_dump(mode="json")
    except InputError:
        return None


def _lineage_row(row: Row) -> LineageRow:
    items = (
        LineageItem(name=item.name, how=item.how, baseline=item.before, candidate=item.after) for item in row.items
    )
    return LineageRow(
        kind=row.kind,
        baseline=row.before,
        candidate=row.after,
        changed=row.changed,
        reason=row.reason,
        items=tuple(items),
        more=row.more,
    )


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
    evaluation = own.config.evaluation
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


def trend_rows(
    view: RegistryView, metrics: Iterable[str], fingerprint: str | None
) -> tuple[tuple[TrendRow, ...], tuple[str, ...]]:
    """Return a row for each metric, oldest version first, and notes about versions that can't be read.

    A trend only explains: a damaged version that is no longer in production never blocks a merge.

    Args:
        store: The registry.
        view: The registry as of one entry.
        metrics: Metrics on the whole set, as gates name them.
        fingerprint: Fingerprint of the current evaluation set; numbers on another set can't be compared.
    """
    history: list[Version] = []
    notes: list[str] = []
    for item in metric_history(view):
        if isinstance(item, Version):
            history.append(item)
        else:
            notes.append(f"trend: {item}")
    rows = (_trend_row(metric, _points(metric, history, fingerprint)) for metric in dict.fromkeys(metrics))
    return tuple(row for row in rows if row is not None), tuple(notes)


def metric_history(view: RegistryView) -> Iterator[Version | OutsideError]:
    """Yield the versions that led to the champion, oldest first; an unreadable one is yielded as its error.

    Versions that were rolled back are left out.
    """
    newest = view.state.champion or 0
    oldest = max(1, newest - SEARCHED_VERSIONS + 1)
    rolled_back: set[int] = set()
    if newest > 1:
        try:
            rolled_back = _rolled_back(view, view.state.promoted[str(oldest)])
        except OutsideError as error:
            yield error
    for number in [number for number in range(oldest, newest + 1) if number not in rolled_back][-MOST_TREND_POINTS:]:
        try:
            yield view.version(number)
        except OutsideError as error:
            yield error


def _rolled_back(view: RegistryView, since: int) -> set[int]:
    """Return the rolled-back versions among those promoted by entry ``since`` or later."""
    decided = takewhile(lambda entry: entry.number >= since, islice(view.decisions(), _DECISIONS))
    steps = [entry.body for entry in decided if isinstance(entry.body, Promotion | Rollback)]
    return set(rolled_back_versions(reversed(steps)))


def _points(metric: str, history: list[Version], fingerprint: str | None) -> tuple[TrendPoint, ...]:
    points = []
    for version in history:
        values = {catalogue.canonical(name): value for name, value in version.manifest.metrics.items()}
        value = values.get(catalogue.canonical(metric))
        if value is not None:
            same = fingerprint is None or is_recorded(version.manifest.data.fingerprint, fingerprint)
            points.append(TrendPoint(version=version.number, value=value, same_rows=same))
    return tuple(points)


def _trend_row(metric: str, points: tuple[TrendPoint, ...]) -> TrendRow | None:
    """Return a metric's row; with one version alone there is only a baseline, not a trend."""
    return TrendRow(metric=metric, points=points) if len(points) > 1 else None
