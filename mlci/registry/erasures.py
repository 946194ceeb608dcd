"""Erasures: files that were deleted on purpose, by the entries of the ledger that say when, why and by whom.

An entry that names an erased file keeps its bytes, and so do its manifest and the chain. Each erasure names the one
before it, and the state names the newest, so that all are found without reading the rest of the ledger.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlci.registry.entries import Entry, dump_entry
from mlci.registry.entry_kinds import ErasureRecord
from mlci.registry.errors import CorruptError
from mlci.registry.ledger import LedgerHead, read_entry, read_verified
from mlci.registry.stores.interface import Store
from mlci.util.digests import sha256_of


@dataclass(frozen=True)
class Erasure:
    """Erasure of a file: number, time, author and reason of its entry."""

    entry: int
    at: str
    actor: str | None
    reason: str

    @property
    def text(self) -> str:
        """The erasure in words, to follow the name of what was erased."""
        return f"erased on {self.at} by {self.actor or 'an unknown author'} (entry {self.entry}): {self.reason}"


def erasures_of(entry: Entry) -> dict[str, Erasure]:
    """Return the files that an entry erased, by digest."""
    if not isinstance(entry.body, ErasureRecord):
        return {}
    erasure = Erasure(entry.number, entry.at, entry.by.actor, entry.body.reason)
    return dict.fromkeys(entry.body.digests, erasure)


def read_erasures(store: Store, head: LedgerHead) -> dict[str, Erasure]:
    """Return the newest erasure of every file that was ever erased.

    Raises:
        CorruptError: if one of the entries was changed or is damaged.
    """
    found: dict[str, Erasure] = {}
    for entry in _newest_first(store, head):
        found = {**erasures_of(entry), **found}
    return found


def _newest_first(store: Store, head: LedgerHead) -> Iterator[Entry]:
    number = head.state.erased
    while number:
        entry = read_verified(store, head, number)
        if not isinstance(entry.body, ErasureRecord):
            raise CorruptError(f"{store.shown}: entry {number} should have erased files and did not")
        yield entry
        number = entry.body.earlier


def find_erasure(store: Store, digest: str) -> Erasure | None:
    """Return the erasure of a missing file, by the newest entry; snapshots are not read, because one may be missing."""
    number = store.tail()
    if not number:
        return None
    entry = read_entry(store, number)
    head = LedgerHead(number, sha256_of(dump_entry(entry)), entry.state, entry.state)
    return read_erasures(store, head).get(digest)


def is_erased(erasures: Mapping[str, Erasure], digest: str, *, named_by: int) -> bool:
    """Check if a file was erased after the entry that names it; a later entry may have stored the same bytes again."""
    erasure = erasures.get(digest)
    return erasure is not None and erasure.entry > named_by
