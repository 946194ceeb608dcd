"""Port of a registry: an append-only ledger, and files named by their digest.

Everything that is decided about a model is one entry of its ledger, appended under the next number and under no other:
of several who try the same number one succeeds. That append is the only step that counts, so a promotion cannot be half
done. Files are put first, under the SHA-256 of their bytes; a file that no entry names is unused and harmless.

The rules of the ledger stand in :mod:`mlci.registry.entries` and :mod:`mlci.registry.ledger`, once for all places.
"""

from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from mlci.errors import OutsideError

AT_ONCE = 16

Entries: TypeAlias = Generator[bytes | None, None, None]
"""Entries from the first on, ``None`` for a missing one; a reader that stops before the end has to close it."""


def one_by_one(read: Callable[[int], bytes | None], last: int, *, first: int = 1) -> Entries:
    """Read entries ``first`` to ``last``, each when it is asked for."""
    for number in range(first, last + 1):
        yield read(number)


def several(read: Callable[[int], bytes | None], last: int, *, first: int = 1, at_once: int = AT_ONCE) -> Entries:
    """Read entries ``first`` to ``last``, so many at once and no further ahead.

    What ``read`` raises is raised in that entry's turn, after those before it. At the end, whatever it is, no thread
    is left: what is on its way is waited for, in the bounds that ``read`` has, and nothing waits behind that.
    """
    with ThreadPoolExecutor(at_once, thread_name_prefix="mlci-read") as pool:
        ahead: deque[Future[bytes | None]] = deque()
        for number in range(first, last + 1):
            ahead.append(pool.submit(read, number))
            if len(ahead) == at_once:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


class CorruptError(OutsideError):
    """Something in the registry is not what it was; the message names it. Nothing is promoted or judged on it."""

    remedy = "Restore it from a copy or from the store's own versions"


class MendableError(CorruptError):
    """The same, where the message itself says how it is mended."""

    remedy = ""


class NewerError(OutsideError):
    """A record that a newer mlci wrote; this mlci can't read it, so nothing is decided on it.

    Attributes:
        damage: The message if it turns out that the record's digest is not the one that others name.
    """

    damage = ""


class UnknownOutcomeError(OutsideError):
    """An append that was sent, and may or may not have arrived."""

    remedy = "Run the command again: it reads the ledger first and recognizes its own entry"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Checkpoint: how far the ledger had come at the last write, kept apart from it.

    A chain of hashes shows changes inside of the ledger; that its newest entries were cut off, only a witness shows.

    Attributes:
        number: Of the newest entry then.
        digest: SHA-256 of that entry's bytes, in hexadecimal.
    """

    number: int
    digest: str


class Store(Protocol):
    """One model's part of a registry. Every method may raise OutsideError: unreachable, refused, or out of time.

    Implementations repeat what failed on the way, with bounds, and never report a doubtful append as done or as lost:
    they read the number back and compare bytes.
    """

    @property
    def shown(self) -> str:
        """How the place is called in messages: an address without credentials."""
        ...

    def tail(self) -> int:
        """Return the number of the newest entry; 0 for an empty ledger, also where nothing was ever written."""
        ...

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes, exactly as appended; ``None`` if there is none of that number."""
        ...

    def read_to(self, last: int) -> Entries:
        """Yield what :meth:`read` returns for 1, 2 … ``last``, in few requests and with few entries in memory.

        An error that :meth:`read` would raise for an entry is raised in its turn. The caller has to close the iterator
        if it stops before the end.
        """
        ...

    def append(self, number: int, entry: bytes) -> bool:
        """Write an entry under a number that must be free; ``False`` if another one is there already.

        An entry that holds the very same bytes is the caller's own from an earlier try: ``True``.

        Raises:
            UnknownOutcomeError: If the entry was sent and reading it back failed as well.
        """
        ...

    def witness(self) -> Checkpoint | None:
        """Return the witness; ``None`` where none was left."""
        ...

    def leave_witness(self, witness: Checkpoint) -> None:
        """Leave a witness, unless a later one is there; what another writer leaves in between may win."""
        ...

    def put(self, source: Path, digest: str) -> None:
        """Keep a file under its SHA-256 (hexadecimal); one that is there already, complete, is left alone.

        A reader never sees part of it: it appears when all of it is there.
        """
        ...

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``; ``False`` if there is none. The caller checks the digest of what arrived."""
        ...

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Tell whether a file is there, and has ``size`` bytes where that is given, without reading it."""
        ...


@runtime_checkable
class RangeReader(Protocol):
    """A store that can read entries from the middle of the ledger."""

    def read_range(self, first: int, last: int) -> Entries:
        """Yield what ``read`` returns for ``first`` … ``last``, in few requests and with few entries in memory."""
        ...


@runtime_checkable
class Removable(Protocol):
    """A store of a probe, which can be removed again.

    Attributes:
        removes_files: Whether files and the checkpoint go as well, not entries only.
    """

    removes_files: bool

    def remove(self) -> None:
        """Remove everything of this model that was appended."""
        ...


@runtime_checkable
class Clocked(Protocol):
    """A store that has a clock of its own."""

    def written_at(self) -> datetime | None:
        """Return when the first entry was written."""
        ...


@runtime_checkable
class SizeReader(Protocol):
    """A store that looks for many files at once."""

    def sizes(self, digests: Collection[str]) -> Mapping[str, int]:
        """Return the sizes of those files that are there."""
        ...
