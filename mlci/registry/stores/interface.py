"""Port of a registry: an append-only ledger, files named by their digest, and a checkpoint of the ledger.

Each decision about a model is one entry of its ledger, appended under the next number: of several writers that try the
same number, one succeeds. That append is the only step that counts, so a promotion is complete or absent. Files are
stored first, under the SHA-256 of their bytes; a file that no entry names is unused and harmless.

The rules of the ledger are in :mod:`mlci.registry.entry_kinds`, :mod:`mlci.registry.entries` and
:mod:`mlci.registry.ledger`, once for all stores.
"""

import json
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlci.registry import errors
from mlci.registry.entry_kinds import Digest
from mlci.registry.errors import CorruptError
from mlci.util.bounds import CHECKPOINT_BYTES
from mlci.util.digests import canonical_json

AT_ONCE = 16

Entries: TypeAlias = Generator[bytes | None, None, None]
"""Entries from the first on, ``None`` for a missing one; a reader that stops before the end has to close it."""


def one_by_one(read: Callable[[int], bytes | None], last: int, *, first: int = 1) -> Entries:
    """Read entries ``first`` to ``last``, each on demand."""
    for number in range(first, last + 1):
        yield read(number)


def several(read: Callable[[int], bytes | None], last: int, *, first: int = 1, at_once: int = AT_ONCE) -> Entries:
    """Read entries ``first`` to ``last``, a limited number in parallel.

    An error of ``read`` is raised in that entry's turn, after those before it. At the end, also after an error, no
    thread is left: pending reads are awaited, within the time limits of ``read``, and no further read is started.
    """
    with ThreadPoolExecutor(at_once, thread_name_prefix="mlci-read") as pool:
        ahead: deque[Future[bytes | None]] = deque()
        for number in range(first, last + 1):
            ahead.append(pool.submit(read, number))
            if len(ahead) == at_once:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Checkpoint: how far the ledger had come at the last write, kept apart from it.

    A chain of hashes reveals changes inside of the ledger. Only a checkpoint reveals that its newest entries were
    removed.

    Attributes:
        number: Number of the newest entry then.
        digest: SHA-256 of that entry's bytes, in hexadecimal.
    """

    number: int
    digest: str


MOST_CHECKPOINT_BYTES = CHECKPOINT_BYTES.value
"""Most bytes of a checkpoint."""


class _CheckpointForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    number: int = Field(ge=1)
    digest: Digest


def dump_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the bytes of a checkpoint."""
    return canonical_json({"number": checkpoint.number, "digest": checkpoint.digest})


def parse_checkpoint(data: bytes, *, shown: str) -> Checkpoint:
    """Parse an untrusted checkpoint.

    Raises:
        CorruptError: if the bytes are not a checkpoint.
        NewerError: if a newer mlci wrote them.
    """
    try:
        form = _CheckpointForm.model_validate(json.loads(data[: MOST_CHECKPOINT_BYTES + 1]))
    except (ValueError, RecursionError, ValidationError) as error:
        if isinstance(error, ValidationError) and {item["type"] for item in error.errors()} == {"extra_forbidden"}:
            raise errors.newer_error(f"{shown}: witness.json") from None
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise CorruptError(
            f"{shown}: witness.json is damaged: {reason}. It records how far the ledger had come; restore it from a "
            "copy, or delete it if you have another proof that no entry was taken away",
            remedy="",
        ) from None
    return Checkpoint(number=form.number, digest=form.digest)


class Store(Protocol):
    """One model's part of a registry. Every method may raise OutsideError: unreachable, refused, or out of time.

    Implementations repeat failed requests, within limits. They never report an append with an unknown outcome as done
    or as lost: they read the number back and compare bytes.
    """

    @property
    def shown(self) -> str:
        """Name of the registry in messages: an address without credentials."""
        ...

    def tail(self) -> int:
        """Return the number of the newest entry; 0 for an empty ledger, also if nothing was ever written."""
        ...

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes, exactly as appended; ``None`` if no entry has that number."""
        ...

    def read_to(self, last: int) -> Entries:
        """Yield what :meth:`read` returns for 1, 2 … ``last``, in few requests and with few entries in memory.

        An error that :meth:`read` would raise for an entry is raised in its turn. The caller has to close the iterator
        if it stops before the end.
        """
        ...

    def append(self, number: int, entry: bytes) -> bool:
        """Write an entry under a number that must be free; ``False`` if another entry has it.

        An existing entry with the same bytes is the caller's own from an earlier try: ``True``.

        Raises:
            UnknownOutcomeError: if the entry was sent and reading it back failed as well.
        """
        ...

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint; ``None`` if none was written."""
        ...

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint unless a later one exists; one that another writer writes in between may win."""
        ...

    def put(self, source: Path, digest: str) -> None:
        """Store a file under its SHA-256 (hexadecimal) unless it exists already and is complete.

        A reader never sees a part of it: it appears when it is complete.
        """
        ...

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``; ``False`` if it does not exist. The caller verifies the digest of the copy."""
        ...

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Check if a file exists, and has ``size`` bytes if that is given, without reading it."""
        ...


@runtime_checkable
class RangeReader(Protocol):
    """Store that can read entries from the middle of the ledger."""

    def read_range(self, first: int, last: int) -> Entries:
        """Yield what ``read`` returns for ``first`` … ``last``, in few requests and with few entries in memory."""
        ...


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A stored file: its SHA-256, its size, and the time at which it was written by the store's clock."""

    digest: str
    bytes: int
    written_at: datetime


@runtime_checkable
class FileKeeper(Protocol):
    """Store that lists and deletes files."""

    def files(self) -> Iterator[StoredFile]:
        """Yield every complete file, from listings, without reading contents."""
        ...

    def delete_file(self, digest: str) -> None:
        """Delete a file; a missing one is not an error."""
        ...


@runtime_checkable
class Removable(Protocol):
    """Store of a probe, which can be removed.

    Attributes:
        removes_files: Whether files and the checkpoint are removed too, not only entries.
    """

    removes_files: bool

    def remove(self) -> None:
        """Remove everything of this model."""
        ...


@runtime_checkable
class Clocked(Protocol):
    """Store with its own clock."""

    def written_at(self) -> datetime | None:
        """Return the time at which the first entry was written."""
        ...


@runtime_checkable
class SizeReader(Protocol):
    """Store that checks many files at once."""

    def sizes(self, digests: Collection[str]) -> Mapping[str, int]:
        """Return the sizes of the files that exist."""
        ...
