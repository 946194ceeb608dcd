"""Provenance of the candidate for its manifest: digests of the evaluated artifacts, commit, data and environment."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mlci.config.loader import LoadedConfig
from mlci.engine.tables.files import suffix_of
from mlci.errors import InputError
from mlci.git.data_pointers import data_pointers
from mlci.git.git import Git
from mlci.git.refs import CommitHead
from mlci.lineage.rows import Rows
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.operations.models.predictions import kept_model_path
from mlci.operations.models.relevant_changes import LOCKS
from mlci.registry.manifest import Environment, Recipe, VersionFile, model_digest
from mlci.util.digests import sha256_of_file

MOST_FILES = 10_000
_HINT = "run with `--no-bundle` to judge it without keeping it for a promotion"
_LARGEST_LOCK = 16_000_000


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file: its path, and its entry in the manifest."""

    path: Path
    file: VersionFile


@dataclass(frozen=True, kw_only=True)
class ArtifactDigests:
    """Digests of the artifacts that a verdict is about.

    Attributes:
        digest: Digest of the candidate's predictions: of their bytes, or of their content if they are not a single
            local file.
        predictions: The candidate's predictions; ``None`` if they are not a single local file.
        model: The model's files: a single one, or all of a folder.
        folder: Whether the model is a folder.
    """

    digest: str
    predictions: Artifact | None
    model: tuple[Artifact, ...] = ()
    folder: bool = False

    @property
    def model_digest(self) -> str | None:
        """Return the digest of a model's only file, or of the list of its files."""
        return model_digest(tuple(part.file for part in self.model), folder=self.folder)


def digest_artifacts(candidate: ModelPredictions, fingerprint: Callable[[str], str]) -> ArtifactDigests:
    """Digest a model and its predictions; ``fingerprint`` digests the content of a table.

    Raises:
        InputError: if the model's folder contains something else than regular files.
    """
    path = Path(candidate.source.path)
    predictions = digest_file(path, f"predictions{suffix_of(str(path))}") if path.is_file() else None
    digest = predictions.file.digest if predictions else fingerprint(candidate.source.path).removeprefix("sha256:")
    digests, model = ArtifactDigests(digest=digest, predictions=predictions), candidate.model
    if model is None or not model.exists():
        return digests
    if model.is_file():
        return replace(digests, model=(digest_file(model, model.name),))
    return replace(digests, model=tuple(_folder(model)), folder=True)


def try_digest_artifacts(candidate: ModelPredictions, fingerprint: Callable[[str], str]) -> ArtifactDigests:
    """Digest artifacts that are judged and not kept; a model that could not be kept gets no digest."""
    try:
        return digest_artifacts(candidate, fingerprint)
    except InputError:
        return digest_artifacts(replace(candidate, model=None), fingerprint)


def digest_file(path: Path, name: str) -> Artifact:
    """Digest one file."""
    try:
        file = VersionFile(name=name, digest=sha256_of_file(path), bytes=path.stat().st_size)
    except ValueError as error:
        raise InputError(f"{path}: a bundle can't contain a file with this name; {_HINT}") from error
    return Artifact(path=path, file=file)


def _folder(model: Path) -> Iterator[Artifact]:
    """Yield the files of a folder, sorted by name; links to files are followed."""
    paths = []
    for root, below, names in os.walk(model):
        linked = [name for name in below if (Path(root) / name).is_symlink()]
        if linked:
            raise InputError(f"{Path(root) / linked[0]} is a link to a folder, which a bundle can't contain; {_HINT}")
        paths += [Path(root) / name for name in names]
    if len(paths) > MOST_FILES:
        raise InputError(f"{model} holds {len(paths):,} files; a bundle may hold {MOST_FILES:,}; {_HINT}")
    for path in sorted(paths):
        if not path.is_file():
            raise InputError(f"{path} is not a regular file; a bundle can only contain regular files; {_HINT}")
        yield digest_file(path, path.relative_to(model).as_posix())


@dataclass(frozen=True, kw_only=True)
class BuildProvenance:
    """How a candidate was made.

    Attributes:
        recipe: Commit, configuration and commands.
        environment: Environment of the run, with lock files.
        pointers: Data that DVC files or LFS pointers of the repository name.
        config: The configuration's file.
        locks: The lock files.
        rows: Digests of the evaluation set's rows: the file to keep, and the digests themselves.
    """

    recipe: Recipe
    environment: Environment
    pointers: dict[str, str]
    config: Artifact
    locks: tuple[Artifact, ...]
    rows: tuple[Artifact, Rows] | None


def collect_provenance(
    loaded: LoadedConfig,
    git: Git,
    environment: Environment,
    *,
    head: CommitHead | None,
    digests: ArtifactDigests | None,
    rows: tuple[Artifact, Rows] | None = None,
) -> BuildProvenance:
    """Collect provenance from the checkout after the candidate's steps, with the commit from before them.

    Args:
        loaded: The configuration.
        git: Git in its folder.
        environment: Environment of the run.
        head: Commit of the checkout.
        digests: Digests of the candidate's artifacts.
        rows: Digests of the evaluation set's rows.
    """
    path, config = Path(loaded.path), loaded.config
    own, locks = digest_file(path, path.name), tuple(_locks(path.parent, git))
    recipe = Recipe(
        commit=head.commit if head else None,
        dirty=head.dirty if head else False,
        config_path=_in_repository(path, git),
        config=own.file,
        train=config.train.run if config.train else None,
        predict=config.predict.run,
        model=kept_model_path(config),
        folder=digests.folder if digests else False,
        seed=config.policy.seed,
    )
    environment = environment.model_copy(update={"lock": tuple(part.file for part in locks)})
    return BuildProvenance(
        recipe=recipe,
        environment=environment,
        pointers=data_pointers(git),
        config=own,
        locks=locks,
        rows=rows,
    )


def _locks(folder: Path, git: Git) -> Iterator[Artifact]:
    """Yield the lock files beside the configuration and at the top of the repository."""
    root = folder.resolve()
    with contextlib.suppress(InputError):
        root = git.root().resolve()
    paths = {path.resolve() for home in (folder, root) for pattern in LOCKS for path in home.glob(pattern)}
    for path in sorted(paths):
        if path.is_relative_to(root) and path.is_file() and path.stat().st_size <= _LARGEST_LOCK:
            yield digest_file(path, path.relative_to(root).as_posix())


def _in_repository(path: Path, git: Git) -> str:
    with contextlib.suppress(InputError):
        root = git.root().resolve()
        if path.resolve().is_relative_to(root):
            return path.resolve().relative_to(root).as_posix()
    return path.name
