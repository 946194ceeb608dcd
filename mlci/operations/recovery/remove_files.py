"""Removal of files from a registry: unused ones, and predictions past the retention policy.

An unused file is one that no entry names, neither by itself nor through a document, and that is older than a limit: a
promotion stores its files before its entry. Predictions are erased by an entry that says why; the entry comes first, so
that a process that is killed in between leaves a file that the next run deletes.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlci.errors import InputError, OutsideError
from mlci.recovery.retention import PredictionsOwner
from mlci.registry import ledger, stored_files
from mlci.registry.entries import Entry, LedgerState
from mlci.registry.entry_kinds import ErasureRecord, PredictionsAdded
from mlci.registry.erasures import Erasure, erasures_of
from mlci.registry.manifest import Manifest, Predictions
from mlci.registry.references import DocumentReference, files_of_document, named_documents
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import FileKeeper, Store, StoredFile
from mlci.registry.verification import moment

_DIGESTS = re.compile(rb"[0-9a-f]{64}")
_MOST = 256
Select = Callable[[list[PredictionsOwner], LedgerState], bool]


@dataclass
class NamedFiles:
    """Files that entries name.

    Attributes:
        digests: All of them, and everything in a document that looks like a digest.
        owners: By file of predictions, the versions that it belongs to.
        others: Files that an entry names as something else than predictions.
        erased: Files that were erased after the last entry that names them.
    """

    digests: set[str] = field(default_factory=set)
    owners: dict[str, list[PredictionsOwner]] = field(default_factory=lambda: defaultdict(list))
    others: set[str] = field(default_factory=set)
    erased: dict[str, Erasure] = field(default_factory=dict)

    def add(self, store: Store, entry: Entry, now: datetime) -> None:
        """Add what an entry names.

        Raises:
            CorruptError: if a document can't be read, because files that it names would look unused.
        """
        self.erased |= erasures_of(entry)
        for document in named_documents(entry):
            self.digests.add(document.digest)
            self.others.add(document.digest)
            if document.required or store.holds(document.digest):
                data = stored_files.read_description(store, document.digest, of=document.of)
                self.digests |= {found.decode() for found in _DIGESTS.findall(data)}
                self._add_files(document, data, entry, now)

    def _add_files(self, document: DocumentReference, data: bytes, entry: Entry, now: datetime) -> None:
        own = _predictions_of(document, data, entry)
        at = moment(entry.at)
        days = 0.0 if at is None else (now - at) / timedelta(days=1)
        for file, _ in files_of_document(document, data, entry):
            if own is not None and file.digest == own[0]:
                self.owners[file.digest].append(PredictionsOwner(version=own[1], days=days))
            else:
                self.others.add(file.digest)
            self.erased.pop(file.digest, None)  # stored again


def _predictions_of(document: DocumentReference, data: bytes, entry: Entry) -> tuple[str, int] | None:
    """Return the file of predictions that a document names, and its version."""
    if document.form is Manifest:
        manifest = Manifest.model_validate_json(data)
        return manifest.predictions.file.digest, manifest.version
    if document.form is Predictions and isinstance(entry.body, PredictionsAdded):
        return Predictions.model_validate_json(data).file.digest, entry.body.version
    return None


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Files that can be removed, or were.

    Attributes:
        unused: Files that no entry names, older than the limit.
        recent: Number of unused files that are younger.
        expired: Files of predictions to erase.
        unfinished: Files that were erased by an entry and still exist.
        named: Number of files that stay.
        state: State of the ledger that was looked at.
    """

    unused: tuple[StoredFile, ...]
    recent: int
    expired: tuple[StoredFile, ...]
    unfinished: tuple[StoredFile, ...]
    named: int
    state: LedgerState

    @property
    def bytes(self) -> int:
        """Bytes of everything that can be removed."""
        return sum(file.bytes for file in (*self.unused, *self.expired, *self.unfinished))


def find_removable(registry: Registry, *, now: datetime, unused_after: timedelta | None, expired: Select) -> Collection:
    """Find files to remove, without removing anything.

    Args:
        registry: The registry.
        now: Time of this machine's clock.
        unused_after: Age from which a file that no entry names is unused; ``None`` looks for none.
        expired: Selects predictions to erase by the versions that they belong to.

    Raises:
        CorruptError: if the ledger or a document is damaged.
        OutsideError: if the registry can't be reached.
    """
    store, state, named = registry.store, registry.view().state, NamedFiles()
    for entry in ledger.iter_all(store):
        named.add(store, entry, now)
    files = list(_keeper(store).files())
    loose = [file for file in files if file.digest not in named.digests] if unused_after is not None else []
    unused = [file for file in loose if unused_after is not None and now - file.written_at > unused_after]
    unfinished = [file for file in files if file.digest in named.erased]
    past = [
        file
        for file in files
        if file.digest in named.owners
        and file.digest not in named.others | set(named.erased)
        and expired(named.owners[file.digest], state)
    ]
    return Collection(
        unused=tuple(unused),
        recent=len(loose) - len(unused),
        expired=tuple(past),
        state=state,
        unfinished=tuple(unfinished),
        named=len(files) - len(loose) - len(past) - len(unfinished),
    )


def remove_files(registry: Registry, found: Collection, *, reason: str, now: datetime) -> None:
    """Record erasures in the ledger, then delete files; a file that an entry names since stays.

    Raises:
        OutsideError: if a promotion or a rollback came in between, or a store refuses to delete.
        UnknownOutcomeError: if an erasure was sent and it is unknown whether it arrived.
    """
    keeper = _keeper(registry.store)
    for batch in _batches(found.expired):
        _record_erasure(registry, found.state, batch, reason)
        for file in batch:
            keeper.delete_file(file.digest)
    for file in found.unfinished:
        keeper.delete_file(file.digest)
    seen = registry.store.tail()
    for file in found.unused:
        tail = registry.store.tail()
        if tail != seen and file.digest in _named_since(registry.store, seen, now):
            continue
        keeper.delete_file(file.digest)


def _batches(files: tuple[StoredFile, ...]) -> Iterator[tuple[StoredFile, ...]]:
    for first in range(0, len(files), _MOST):
        yield files[first : first + _MOST]


def _record_erasure(registry: Registry, before: LedgerState, batch: tuple[StoredFile, ...], reason: str) -> None:
    """Append the entry that erases files, unless a decision or more predictions came in between."""

    def decide(state: LedgerState) -> ErasureRecord:
        if (state.champion, state.versions, state.rescored) != (before.champion, before.versions, before.rescored):
            raise OutsideError(f"{registry.shown}: a decision came in between, and nothing more was erased; run again")
        return ErasureRecord(digests=tuple(file.digest for file in batch), reason=reason, earlier=state.erased)

    registry.append(decide)


def _named_since(store: Store, seen: int, now: datetime) -> set[str]:
    """Return what entries name that were appended meanwhile."""
    named = NamedFiles()
    for number in range(seen + 1, store.tail() + 1):
        named.add(store, ledger.read_entry(store, number), now)
    return named.digests


def _keeper(store: Store) -> FileKeeper:
    if not isinstance(store, FileKeeper):
        raise InputError(f"{store.shown} is a read-only copy; name the registry itself")
    return store
