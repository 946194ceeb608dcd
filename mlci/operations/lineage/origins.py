"""Origins of baseline and candidate, from manifests and checkouts."""

from collections.abc import Callable, Mapping

from mlci.config.loader import parse_config
from mlci.errors import InputError
from mlci.git.git import Git, changed_files
from mlci.lineage import lockfiles
from mlci.lineage.compare import compare_origins
from mlci.lineage.origin import ChangedFiles, Origin, Row
from mlci.operations.bundle.artifacts import ArtifactDigests, model_digest
from mlci.operations.bundle.provenance import BuildProvenance
from mlci.registry.manifest import Content, Environment, Recipe, VersionFile
from mlci.registry.store import Store
from mlci.registry.versions import Version, read_description
from mlci.report.document import Lineage, LineageItem, LineageRow

Read = Callable[[VersionFile], bytes]


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
    known, model = origin_texts(provenance), digests.model_digest if digests else None
    what = (fingerprint, provenance.pointers, model)
    return _origin(provenance.recipe, provenance.environment, lambda file: known[file.digest], what)


def origin_texts(provenance: BuildProvenance) -> dict[str, bytes]:
    """Return the configuration and the lock files of a run by digest."""
    return {part.file.digest: part.path.read_bytes() for part in (provenance.config, *provenance.locks)}


def compare_lineage(git: Git, before: Origin, after: Origin) -> Lineage:
    """Compare two origins, and by git the files of their commits."""
    files = None
    if before.commit is not None and after.commit is not None:
        named = changed_files(git, before.commit, None if after.dirty else after.commit)
        files = None if named is None else ChangedFiles(names=named)
    return Lineage(rows=tuple(_row(row) for row in compare_origins(before, after, files)))


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
        packages=lockfiles.locked_packages({file.name: read(file) for file in environment.lock}),
        installed=environment.packages,
        model=f"sha256:{model}" if model else None,
    )


def _settings(text: bytes) -> dict[str, object] | None:
    """Parse a configuration; ``None`` if this mlci can't read it."""
    try:
        return parse_config(text, path="mlci.yml").config.model_dump(mode="json")
    except InputError:
        return None


def _row(row: Row) -> LineageRow:
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
