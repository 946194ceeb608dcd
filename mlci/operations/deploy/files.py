"""Copy of a version's files to the address that its manifest names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mlci.errors import InputError
from mlci.registry import stored_files
from mlci.registry.registry import Version
from mlci.registry.stores.interface import Store
from mlci.util.atomic_files import copy_file
from mlci.util.digests import sha256_of_file


class Folder(Protocol):
    """A folder of an object store; :class:`mlci.registry.stores.object_store_bucket.Bucket` is one."""

    def upload(self, source: Path, name: str, digest: str) -> None:
        """Upload a file unless one of its size exists; it appears when it is complete."""


class LocalFolder:
    """A folder on this machine, as the target of a copy."""

    def __init__(self, path: Path) -> None:
        """Take the folder; it is made with the first file."""
        self._path = path

    def upload(self, source: Path, name: str, digest: str) -> None:
        """Copy a file unless it is there already.

        Raises:
            InputError: if another file has its name; it is kept.
        """
        target = self._path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_file() and sha256_of_file(target) == digest:
            return
        if target.exists():
            raise InputError(f"deploy: {target} exists and is another file; choose an empty folder with `--to`")
        copy_file(source, target)


def upload_version(store: Store, version: Version, target: Folder, scratch: Path) -> Mapping[str, int]:
    """Copy a version's model out of the registry, verified by digest, and to its address; return bytes by file.

    A second call uploads only what is missing.

    Raises:
        CorruptError: if a file of the version is damaged.
        OutsideError: if registry or object store can't be reached.
    """
    manifest = version.manifest
    for file in manifest.files:
        copy = stored_files.fetch_file(store, file, scratch / file.digest, of=f"version {version.number}")
        target.upload(copy, _name(manifest.recipe.folder, file.name), file.digest)
        copy.unlink()
    return {file.name: file.bytes for file in manifest.files}


def _name(folder: bool, name: str) -> str:
    """Return the path below the address: a single model under its file name, a folder's files as in it."""
    return name if folder else Path(name).name
