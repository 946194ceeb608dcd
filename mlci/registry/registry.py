"""Registry: a store with the author of new entries, its view as of one entry, and versions."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from mlci import __version__
from mlci.errors import OutsideError
from mlci.events.events import Emit, EntryAppended, ignore_event
from mlci.registry import entries, errors, stored_files
from mlci.registry.entries import Entry, LedgerState
from mlci.registry.entry_kinds import Actor, Body, PredictionsAdded, Promotion, Rollback
from mlci.registry.erasures import Erasure, read_erasures
from mlci.registry.errors import VERSION_REMEDY, CorruptError
from mlci.registry.ledger import LedgerHead, find_decision_before, iter_verified, read_ledger_head, read_verified
from mlci.registry.manifest import Manifest, Predictions
from mlci.registry.stored_files import read_description
from mlci.registry.stores.interface import Checkpoint, Store
from mlci.util.digests import sha256_of

_TRIES = 200  # tries if other writers append in between; 50 writers at once need some 50 tries


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One invocation of a command, with the same id for all attempts.

    Attributes:
        id: Identifier, recorded in the entry of the decision.
        repeated: Whether an earlier attempt may have written that entry.
    """

    id: str
    repeated: bool


@dataclass(frozen=True, kw_only=True)
class Author:
    """An entry's author, time and nonce, the invocation, the version of mlci, and who hears of the entry."""

    by: Actor
    now: Callable[[], str]
    nonce: Callable[[], str]
    intent: Intent | None = None
    writer: str = __version__
    emit: Emit = ignore_event


def pause(lost: int) -> None:
    """Wait a random time before the next try, longer after more lost tries, so that writers do not collide again."""
    time.sleep(secrets.randbelow(1_000) / 1_000 * min(0.01 * 2**lost, 1.0))


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version in the registry.

    Attributes:
        number: Number, from 1.
        entry: The entry that promoted it first.
        digest: Digest of its manifest.
        manifest: Its manifest.
    """

    number: int
    entry: Entry
    digest: str
    manifest: Manifest


class RegistryView:
    """A registry as of one entry of its ledger; every version is read once.

    Attributes:
        store: The store.
        head: The ledger head.
    """

    def __init__(self, store: Store, head: LedgerHead) -> None:
        """Take both, without reading anything."""
        self.store, self.head = store, head
        self._versions: dict[tuple[int, int], Version] = {}
        self._erasures: dict[str, Erasure] | None = None

    @property
    def shown(self) -> str:
        """Name of the registry in messages."""
        return self.store.shown

    @property
    def number(self) -> int:
        """Number of the newest entry."""
        return self.head.number

    @property
    def state(self) -> LedgerState:
        """The state after the newest entry."""
        return self.head.state

    @property
    def champion(self) -> Version | None:
        """The version in production; ``None`` only if nothing was ever promoted.

        Raises:
            CorruptError: if it is damaged; the message names the damage.
            OutsideError: if the registry can't be reached.
        """
        return None if self.state.champion is None else self.version(self.state.champion)

    def version(self, number: int) -> Version:
        """Return a version by its number, verified from the ledger head.

        Raises:
            LookupError: if it does not exist.
            CorruptError: if it is damaged; the message names the damage.
            OutsideError: if the registry can't be reached.
        """
        place = self.state.promoted.get(str(number))
        if place is None:
            raise LookupError(number)
        if (place, number) not in self._versions:
            self._versions[place, number] = read_promoted(self.store, self.entry(place), number)
        return self._versions[place, number]

    def promoted(self, entry: Entry) -> Version:
        """Return the version that an entry promoted; the caller has verified the entry."""
        number = entry.body.version if isinstance(entry.body, Promotion) else 0
        if (entry.number, number) not in self._versions:
            self._versions[entry.number, number] = read_promoted(self.store, entry, number)
        return self._versions[entry.number, number]

    def entry(self, number: int) -> Entry:
        """Return an entry, verified from the ledger head.

        Raises:
            CorruptError: if it, or an entry on the way to it, is not the one that was appended.
        """
        return read_verified(self.store, self.head, number)

    @property
    def erasures(self) -> dict[str, Erasure]:
        """Every file that was erased on purpose, by digest.

        Raises:
            CorruptError: if an entry on the way was changed or is damaged.
        """
        if self._erasures is None:
            self._erasures = read_erasures(self.store, self.head)
        return self._erasures

    def lacks_erased(self, digest: str) -> bool:
        """Check if a file was erased on purpose, and was not stored again."""
        return digest in self.erasures and not self.store.holds(digest)

    def decisions(self) -> Iterator[Entry]:
        """Yield every promotion and rollback, newest first, without reading all entries between them.

        The entry before a decision names the newest decision until then, and the decision names that entry by its
        digest.

        Raises:
            CorruptError: if one of them, or an entry on the way, is not the one that was appended.
        """
        entry = self.entry(self.state.decided) if self.state.decided else None
        while entry is not None:
            yield entry
            entry = find_decision_before(self.store, entry)

    def rescored(self, fingerprint: str) -> Predictions | None:
        """Return the champion's predictions on another evaluation set, if they were added.

        Raises:
            CorruptError: if the entry or the description was changed or is damaged.
        """
        place = self.state.rescored.get(fingerprint)
        if place is None:
            return None
        entry = self.entry(place)
        body, wanted = entry.body, (self.state.champion, fingerprint)
        if not isinstance(body, PredictionsAdded) or (body.version, body.fingerprint) != wanted:
            raise CorruptError(f"{self.shown}: entry {place} should have added predictions and did not")
        found, of = added_predictions(self.store, entry, body)
        if found.fingerprint != fingerprint:
            raise CorruptError(f"{self.shown}: {of} were made on other rows than the entry names")
        return found


class Registry:
    """A registry that an author may write to.

    Attributes:
        store: The store.
        author: Author of new entries; ``None`` if this process writes none.
    """

    def __init__(self, store: Store, author: Author | None = None) -> None:
        """Take both, without reading anything."""
        self.store, self.author = store, author

    @property
    def shown(self) -> str:
        """Name of the registry in messages."""
        return self.store.shown

    def view(self) -> RegistryView:
        """Read the newest entry and verify it by the checkpoint.

        Raises:
            CorruptError: if the entry can't be read, or the checkpoint names a later or another entry.
            OutsideError: if the registry can't be reached.
        """
        return RegistryView(self.store, read_ledger_head(self.store))

    def required_author(self) -> Author:
        """Return the author.

        Raises:
            ValueError: if this process writes no entries.
        """
        if self.author is None:
            raise ValueError("the registry has no author")
        return self.author

    def append(
        self,
        decide: Callable[[LedgerState], Body | None],
        *,
        may: int = _TRIES,
        wait: Callable[[int], None] = pause,
    ) -> Entry | None:
        """Append the entry that ``decide`` returns for the state; decide again if another writer appended first.

        The entry is the decision: a checkpoint that can't be written after it is not a failure; the next writer writes
        one.

        Args:
            decide: Pure function from the state to the body to append, or ``None`` for nothing. It may raise.
            may: Number of tries.
            wait: Called after a lost try with the number of lost tries.

        Raises:
            OutsideError: if another writer appended first every time.
        """
        store, author = self.store, self.required_author()
        for lost in range(may):
            if lost:
                wait(lost)
            ledger_head = read_ledger_head(store)
            body = decide(ledger_head.state)
            if body is None:
                return None
            if ledger_head.number == 1:
                _leave_first(store, ledger_head)
            entry, snapshot = _next(store, ledger_head, author, body)
            data = entries.dump_entry(entry)
            if len(data) > entries.MOST_BYTES:
                raise OutsideError(f"an entry of {len(data):,} bytes is too large for the ledger of {store.shown}")
            if snapshot is not None:
                stored_files.describe(store, snapshot)
            if store.append(entry.number, data):
                with contextlib.suppress(OutsideError):
                    store.write_checkpoint(Checkpoint(number=entry.number, digest=sha256_of(data)))
                kind, intent = entry.body.kind, entry.intent
                author.emit(EntryAppended(registry=store.shown, number=entry.number, kind=kind, intent=intent))
                return entry
        raise OutsideError(f"{store.shown}: other writers came first {may} times in a row; try again later")


def _leave_first(store: Store, ledger_head: LedgerHead) -> None:
    """Write a checkpoint of the first entry if its writer was killed before; a longer ledger always has one."""
    if ledger_head.digest is not None and store.read_checkpoint() is None:
        with contextlib.suppress(OutsideError):  # as after an entry: without a checkpoint, a promotion is refused
            store.write_checkpoint(Checkpoint(number=ledger_head.number, digest=ledger_head.digest))


def _next(store: Store, ledger_head: LedgerHead, author: Author, body: Body) -> tuple[Entry, bytes | None]:
    """Return the next entry, with the digests of entries that its state refers to, and its snapshot, if any."""
    number = ledger_head.number + 1
    state = entries.state_after(ledger_head.state, body, number=number)
    known = {int(item): digest for item, digest in (ledger_head.state.digests or {}).items()}
    known |= {} if ledger_head.digest is None else {ledger_head.number: ledger_head.digest}
    lacks = entries.entries_to_link(state, number=number) - set(known)
    known |= {entry.number: sha256_of(entries.dump_entry(entry)) for entry in iter_verified(store, ledger_head, lacks)}
    after = entries.linked_digest(state, known, number=number)
    entry_state, snapshot = entries.compact_state(ledger_head.entry_state, ledger_head.state, after, number=number)
    entry = Entry(
        number=number,
        previous=ledger_head.digest,
        at=author.now(),
        nonce=author.nonce(),
        by=author.by,
        body=body,
        state=entry_state,
        writer=author.writer,
        reader=errors.READER,
        intent=author.intent.id if author.intent and isinstance(body, Promotion | Rollback) else None,
    )
    return entry, snapshot


def read_promoted(store: Store, entry: Entry, number: int) -> Version:
    """Read the version that an entry promoted; the caller has verified the entry.

    Raises:
        CorruptError: if the entry did not promote that version, or its manifest is damaged.
        NewerError: if a newer mlci wrote the manifest.
    """
    if not isinstance(entry.body, Promotion) or entry.body.version != number:
        raise CorruptError(f"{store.shown}: entry {entry.number} should have promoted version {number} and did not")
    data = read_description(store, entry.body.manifest, of=f"the manifest of version {number}")
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        what = f"{store.shown}: the manifest of version {number}"
        raise errors.unreadable_record(error, data, what=what, writer=entry.writer) from None
    if manifest.version != number:
        raise CorruptError(
            f"{store.shown}: the manifest of version {number} is of version {manifest.version}", remedy=VERSION_REMEDY
        )
    return Version(number=number, entry=entry, digest=entry.body.manifest, manifest=manifest)


def added_predictions(store: Store, entry: Entry, body: PredictionsAdded) -> tuple[Predictions, str]:
    """Return the predictions that an entry added to a version, and their description for messages.

    Raises:
        CorruptError: if they were changed or are damaged.
        NewerError: if a newer mlci wrote them.
    """
    of = f"the predictions that entry {entry.number} added"
    data = read_description(store, body.predictions, of=of)
    try:
        return Predictions.model_validate_json(data), of
    except ValidationError as error:
        what = f"{store.shown}: {of}"
        raise errors.unreadable_record(error, data, what=what, writer=entry.writer) from None
