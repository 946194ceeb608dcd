"""Snapshot of what a run reads from a registry: written with a token, read without one.

::

    <folder>/copy.json          the newest entry's number, the checkpoint, and every entry that was read
    <folder>/files/abcdef…      files by their SHA-256

The writer of a copy passes the digest of `copy.json` to the reader on a channel that user code can't write to. That
digest covers the entries, the entries contain the digests of the files, and a reader trusts nothing else. Reading what
was not copied is an error.
"""

import contextlib
import hmac
import os
import shutil
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from pydantic import Field, ValidationError

from mlci.errors import OutsideError
from mlci.registry import layout
from mlci.registry.entry_kinds import Count, Digest, LedgerPart, Text
from mlci.registry.errors import CorruptError
from mlci.registry.stores import interface
from mlci.registry.stores.interface import Checkpoint, Entries, Store
from mlci.util.bounds import COPY_BYTES
from mlci.util.digests import canonical_json, sha256_of

INDEX = "copy.json"
MOST_BYTES = COPY_BYTES.value


class Seen(LedgerPart):
    """A checkpoint in the index."""

    number: Count
    digest: Digest


class SnapshotIndex(LedgerPart):
    """Index of a copy: everything beside the files."""

    schema_: Annotated[Literal["mlci/copy/1"], Field(alias="schema")] = "mlci/copy/1"
    shown: Text
    tail: Count
    witness: Seen | None
    entries: dict[int, str]


def snapshot_path(folder: Path, digest: str) -> Path:
    """Return the path of a file in a copy."""
    return folder / "files" / layout.file_name(digest)[1]


class OnlyRead:
    """Refusal of writes, shared by the writer and the reader of a copy."""

    def append(self, number: int, entry: bytes) -> bool:
        """Refuse."""
        self._refuse(f"entry {number} of {len(entry):,} bytes")

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Refuse."""
        self._refuse(f"a checkpoint of entry {checkpoint.number}")

    def put(self, source: Path, digest: str) -> None:
        """Refuse."""
        self._refuse(f"{source} (sha256 {digest})")

    def _refuse(self, what: str) -> NoReturn:
        raise OutsideError(f"{what} was not written: this is a read-only copy of the registry")


class SnapshotReader(OnlyRead):
    """A copy; see :class:`mlci.registry.stores.interface.Store`."""

    def __init__(self, folder: Path, digest: str) -> None:
        """Read the index.

        Args:
            folder: The copy.
            digest: Digest of its index, from the job that made it.

        Raises:
            CorruptError: if it is not the copy that was made.
        """
        self._folder = folder
        try:
            with (folder / INDEX).open("rb") as stream:
                data = stream.read(MOST_BYTES + 1)
        except OSError as error:
            words = f"{folder / INDEX}: {error.strerror}; `mlci fetch` leaves it, in a step right before this one"
            raise CorruptError(words, remedy="") from error
        if not hmac.compare_digest(sha256_of(data), digest):
            raise CorruptError(
                f"{folder / INDEX} is not what `mlci fetch` left: something wrote to it since", remedy=""
            )
        try:
            self._index = SnapshotIndex.model_validate_json(data)
        except ValidationError as error:
            raise CorruptError(f"{folder / INDEX} is not what this version of mlci leaves", remedy="") from error

    @property
    def shown(self) -> str:
        """The address of what was copied."""
        return self._index.shown

    def tail(self) -> int:
        """Return the newest entry's number."""
        return self._index.tail

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes; ``None`` for a number that does not exist yet.

        Raises:
            OutsideError: if it was not copied.
        """
        if number > self._index.tail:
            return None
        if number not in self._index.entries:
            raise OutsideError(f"{self.shown}: entry {number} is not in the copy that `mlci fetch` left")
        return self._index.entries[number].encode("utf-8")

    def read_to(self, last: int) -> Entries:
        """Yield entries, one by one."""
        return interface.one_by_one(self.read, last)

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the witness."""
        seen = self._index.witness
        return None if seen is None else Checkpoint(number=seen.number, digest=seen.digest)

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``; the caller verifies its digest.

        Raises:
            OutsideError: if the copy does not contain it.
        """
        if not self.holds(digest):
            raise OutsideError(f"{self.shown}: file {digest} is not in the copy that `mlci fetch` left")
        try:
            shutil.copyfile(snapshot_path(self._folder, digest), target)
        except OSError as error:
            raise OutsideError(f"{target}: {error.strerror}") from error
        return True

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Check if a file of that size was copied."""
        place = snapshot_path(self._folder, digest)
        return place.is_file() and not place.is_symlink() and size in (None, place.stat().st_size)


class SnapshotWriter(OnlyRead):
    """Registry that copies everything that is read from it; see :class:`mlci.registry.stores.interface.Store`."""

    def __init__(self, store: Store, folder: Path) -> None:
        """Remove an earlier copy.

        Args:
            store: The registry.
            folder: Folder to copy to.
        """
        self._store, self._folder = store, folder
        self._tail = 0
        self._checkpoint: Checkpoint | None = None
        self._entries: dict[int, str] = {}
        shutil.rmtree(folder, ignore_errors=True)

    @property
    def shown(self) -> str:
        """The registry's own address."""
        return self._store.shown

    def seal(self) -> str:
        """Write the index; return its digest, which a reader of the copy needs."""
        seen = self._checkpoint and Seen(number=self._checkpoint.number, digest=self._checkpoint.digest)
        index = SnapshotIndex(shown=self.shown, tail=self._tail, witness=seen, entries=self._entries)
        data = canonical_json(index.model_dump(mode="json", by_alias=True))
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / INDEX).write_bytes(data)
        return sha256_of(data)

    def tail(self) -> int:
        """Return the newest entry's number."""
        self._tail = self._store.tail()
        return self._tail

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes."""
        return self._kept(number, self._store.read(number))

    def read_to(self, last: int) -> Entries:
        """Yield entries, and copy those that are read."""
        with contextlib.closing(self._store.read_to(last)) as found:
            for number, data in enumerate(found, 1):
                yield self._kept(number, data)

    def _kept(self, number: int, data: bytes | None) -> bytes | None:
        if data is not None:
            with contextlib.suppress(UnicodeDecodeError):  # damaged, which the reader reports
                self._entries[number] = data.decode("utf-8")
        return data

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the witness."""
        self._checkpoint = self._store.read_checkpoint()
        return self._checkpoint

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target`` and into the copy."""
        if not self._store.get(digest, target):
            return False
        place = snapshot_path(self._folder, digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another file system
            os.link(target, place)
            return True
        shutil.copyfile(target, place)
        return True

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Check if a file of that size exists."""
        return self._store.holds(digest, size)
