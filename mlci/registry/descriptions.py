"""Descriptions: small files that entries name by their digest, such as manifests and snapshots."""

import tempfile
from pathlib import Path

from mlci.registry import entries
from mlci.registry.damage import FileError
from mlci.registry.store import Store

MOST_BYTES = 16 * 1024 * 1024
"""Most bytes of a manifest, or of another description."""


def read_description(store: Store, digest: str, *, of: str) -> bytes:
    """Return the bytes of a small file that an entry names.

    Raises:
        CorruptError: if the file is missing, too large, or has another digest.
    """
    with tempfile.TemporaryDirectory(prefix="mlci-read-", ignore_cleanup_errors=True) as scratch:
        target = Path(scratch) / "file"
        if not store.get(digest, target):
            raise FileError(f"{of} is missing (sha256 {digest})", shown=store.shown, digest=digest)
        with target.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES or entries.entry_digest(data) != digest:
        message = f"{of} was truncated or altered: it is not sha256 {digest}"
        raise FileError(message, shown=store.shown, digest=digest)
    return data


def describe(store: Store, data: bytes) -> str:
    """Store a small file that an entry will name; return its digest.

    Raises:
        CorruptError: if a file with this digest exists and its content differs.
    """
    digest = entries.entry_digest(data)
    if store.holds(digest):
        read_description(store, digest, of="a description to store")
    with tempfile.TemporaryDirectory(prefix="mlci-put-", ignore_cleanup_errors=True) as scratch:
        source = Path(scratch) / "file"
        source.write_bytes(data)
        store.put(source, digest)
    return digest
