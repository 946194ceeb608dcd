"""Digests of the evaluated artifacts, taken before anything is judged."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mlci.engine.tables.files import suffix_of
from mlci.errors import InputError
from mlci.operations.models.predictions import ModelPredictions
from mlci.registry.manifest import VersionFile
from mlci.util.digests import canonical_json, sha256_of, sha256_of_file

MOST_FILES = 10_000
_HINT = "run with `--no-bundle` to judge it without keeping it for a promotion"


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


def model_digest(files: tuple[VersionFile, ...], *, folder: bool) -> str | None:
    """Return the digest of a model's only file, or of the list of a folder's files; ``None`` without a model."""
    if not folder:
        return files[0].digest if files else None
    return sha256_of(canonical_json([[file.name, file.digest, file.bytes] for file in files]))


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
