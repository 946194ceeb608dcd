"""Files of a registry: stored under their digest, and verified by it when they are read."""

import contextlib
import tempfile
from collections.abc import Container
from pathlib import Path

from mlci.errors import OutsideError
from mlci.registry.errors import CorruptError, ErasedError, FileError
from mlci.registry.manifest import Manifest, VersionFile
from mlci.registry.stores.interface import Store
from mlci.util.bounds import DESCRIPTION_BYTES
from mlci.util.digests import sha256_of, sha256_of_file

MOST_DESCRIPTION_BYTES = DESCRIPTION_BYTES.value
"""Most bytes of a manifest, or of another description."""


def read_description(store: Store, digest: str, *, of: str) -> bytes:
    """Return the bytes of a small file that an entry names.

    Raises:
        CorruptError: if the file is missing, too large, or has another digest.
    """
    with tempfile.TemporaryDirectory(prefix="mlci-read-", ignore_cleanup_errors=True) as scratch:
        target = Path(scratch) / "file"
        if not store.get(digest, target):
            raise _missing(store, digest, of, f"{of} is missing (sha256 {digest})")
        with target.open("rb") as stream:
            data = stream.read(MOST_DESCRIPTION_BYTES + 1)
    if len(data) > MOST_DESCRIPTION_BYTES or sha256_of(data) != digest:
        message = f"{of} was truncated or altered: it is not sha256 {digest}"
        raise FileError(message, shown=store.shown, digest=digest)
    return data


def describe(store: Store, data: bytes) -> str:
    """Store a small file that an entry will name; return its digest.

    Raises:
        CorruptError: if a file with this digest exists and its content differs.
    """
    digest = sha256_of(data)
    if store.holds(digest):
        read_description(store, digest, of="a description to store")
    with tempfile.TemporaryDirectory(prefix="mlci-put-", ignore_cleanup_errors=True) as scratch:
        source = Path(scratch) / "file"
        source.write_bytes(data)
        store.put(source, digest)
    return digest


def fetch_file(store: Store, file: VersionFile, target: Path, *, of: str) -> Path:
    """Copy a file out of the registry and verify the copy's digest.

    Args:
        store: The registry.
        file: The file.
        target: Path of the copy; folders are made.
        of: Owner of the file, for messages: ``version 7``.

    Raises:
        CorruptError: if it is missing, truncated or altered; the message names it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not store.get(file.digest, target):
        what = f"`{file.name}` of {of}"
        raise _missing(store, file.digest, what, f"{what} is missing (sha256 {file.digest})")
    size = target.stat().st_size
    if size != file.bytes:
        wrong = "truncated" if size < file.bytes else "altered"
        raise _lost(store, file, f"`{file.name}` of {of} was {wrong}: {size:,} of {file.bytes:,} bytes")
    if sha256_of_file(target) != file.digest:
        raise _lost(store, file, f"`{file.name}` of {of} was altered: it is not sha256 {file.digest}")
    return target


def verify_files(store: Store, manifest: Manifest, *, erased: Container[str] = ()) -> None:
    """Read every file of a version and verify its digest, except for files that were erased on purpose.

    Raises:
        CorruptError: if a file is missing, truncated or altered; the message names the first one.
    """
    for file in manifest.everything():
        if file.digest in erased and not store.holds(file.digest):
            continue
        check_digest(store, file, of=f"version {manifest.version}")


def check_digest(store: Store, file: VersionFile, *, of: str) -> None:
    """Read one file and verify its digest, as :func:`fetch_file` does."""
    with tempfile.TemporaryDirectory(prefix="mlci-verify-", ignore_cleanup_errors=True) as scratch:
        fetch_file(store, file, Path(scratch) / "file", of=of)


def check_exists(store: Store, file: VersionFile, *, of: str) -> None:
    """Check that a file exists with its size, without reading it.

    Raises:
        CorruptError: if it does not; the message names it. Some stores list complete files only, so a missing file may
            be a truncated one.
    """
    if store.holds(file.digest, file.bytes):
        return
    what = f"`{file.name}` of {of}"
    if store.holds(file.digest):
        wrong = f"was truncated or altered: it does not have its {file.bytes:,} bytes (sha256 {file.digest})"
        raise _lost(store, file, f"{what} {wrong}")
    raise _missing(store, file.digest, what, f"{what} is missing or truncated (sha256 {file.digest})")


def put_verified(store: Store, source: Path, file: VersionFile, *, of: str, mend: bool = False) -> None:
    """Store a file; an existing one has to be intact.

    Args:
        store: The registry.
        source: The file.
        file: Its entry in the manifest.
        of: Owner of the file, for messages.
        mend: Whether to replace a damaged one, if the store supports that.

    Raises:
        CorruptError: if it exists and was changed or is damaged.
    """
    if store.holds(file.digest):
        try:
            check_digest(store, file, of=of)
        except CorruptError:
            if not mend:
                raise
            store.put(source, file.digest)
            check_digest(store, file, of=of)
    store.put(source, file.digest)  # also flushes a file of a writer that was killed before it flushed


def _lost(store: Store, file: VersionFile, message: str) -> FileError:
    return FileError(message, shown=store.shown, digest=file.digest)


def _missing(store: Store, digest: str, what: str, message: str) -> FileError:
    """Return the error for a missing file: it may have been erased on purpose."""
    from mlci.registry import erasures  # noqa: PLC0415 - it reads the ledger, which reads files

    with contextlib.suppress(OutsideError):
        found = erasures.find_erasure(store, digest)
        if found is not None:
            return ErasedError(f"{what} was {found.text}", shown=store.shown, digest=digest)
    return FileError(message, shown=store.shown, digest=digest)
