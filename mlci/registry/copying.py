"""The side that makes a copy: a registry that is read, and everything that was read of it kept."""

import contextlib
import os
import shutil
from pathlib import Path

from mlci.registry import entries
from mlci.registry.copies import INDEX, Index, OnlyRead, Seen, kept
from mlci.registry.interface import Store, Witness
from mlci.registry.reading import Entries


class Copying(OnlyRead):
    """A registry that is read, and a copy of all that was; see :class:`mlci.registry.interface.Store`."""

    def __init__(self, store: Store, folder: Path) -> None:
        """Take away an earlier copy.

        Args:
            store: The registry.
            folder: Where to copy to.
        """
        self._store, self._folder = store, folder
        self._tail = 0
        self._witness: Witness | None = None
        self._entries: dict[int, str] = {}
        shutil.rmtree(folder, ignore_errors=True)

    @property
    def shown(self) -> str:
        """The registry's own address."""
        return self._store.shown

    def seal(self) -> str:
        """Write the index; return its digest, which whoever reads the copy has to know."""
        seen = self._witness and Seen(number=self._witness.number, digest=self._witness.digest)
        index = Index(shown=self.shown, tail=self._tail, witness=seen, entries=self._entries)
        data = entries.canonical(index.model_dump(mode="json", by_alias=True))
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / INDEX).write_bytes(data)
        return entries.digest(data)

    def tail(self) -> int:
        """Return the newest entry's number."""
        self._tail = self._store.tail()
        return self._tail

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes."""
        return self._kept(number, self._store.read(number))

    def read_to(self, last: int) -> Entries:
        """Yield entries, and keep those that were asked for."""
        with contextlib.closing(self._store.read_to(last)) as found:
            for number, data in enumerate(found, 1):
                yield self._kept(number, data)

    def _kept(self, number: int, data: bytes | None) -> bytes | None:
        if data is not None:
            with contextlib.suppress(UnicodeDecodeError):  # damaged, as whoever reads it says
                self._entries[number] = data.decode("utf-8")
        return data

    def witness(self) -> Witness | None:
        """Return the witness."""
        self._witness = self._store.witness()
        return self._witness

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``, and keep it."""
        if not self._store.get(digest, target):
            return False
        place = kept(self._folder, digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another file system
            os.link(target, place)
            return True
        shutil.copyfile(target, place)
        return True

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Tell whether a file is there, of that size."""
        return self._store.holds(digest, size)
