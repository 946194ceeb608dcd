"""Provenance of the candidate for its manifest."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlci.config.loader import LoadedConfig
from mlci.config.relevant_paths import LOCKS
from mlci.errors import InputError
from mlci.git.data_pointers import data_pointers
from mlci.git.git import Git
from mlci.git.refs import CommitHead
from mlci.lineage.rows import Rows
from mlci.operations.bundle.artifacts import Artifact, ArtifactDigests, digest_file
from mlci.operations.models.predictions import kept_model_path
from mlci.registry.manifest import Environment, Recipe

_LARGEST_LOCK = 16_000_000


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
