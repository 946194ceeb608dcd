"""Ledger on any store: read the newest entry, append the next, verify all of them."""

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from mlci.registry import entries, errors, stored_files
from mlci.registry.entries import Entry, LedgerState
from mlci.registry.errors import CorruptError, NewerError
from mlci.registry.stores.interface import Checkpoint, RangeReader, Store
from mlci.util.digests import sha256_of

_SHOWN = 3  # missing entries that a message names


@dataclass(frozen=True)
class LedgerHead:
    """The ledger head: number and digest of the newest entry, the whole state, and the entry's own part of it."""

    number: int
    digest: str | None
    state: LedgerState
    entry_state: LedgerState


EMPTY = LedgerHead(0, None, LedgerState(), LedgerState())


def read_ledger_head(store: Store) -> LedgerHead:
    """Read the newest entry and verify it by the checkpoint.

    Raises:
        CorruptError: if the entry can't be read, or the checkpoint names a later or another entry.
        OutsideError: if the registry can't be reached.
    """
    seen, number = store.read_checkpoint(), store.tail()
    data = _bytes(store, number) if number else b""
    if seen is not None:
        _check_checkpoint(store, seen, number, data)
    if number == 0:
        return EMPTY
    entry_state = parse_entry(data, number=number, shown=store.shown).state
    return LedgerHead(number, sha256_of(data), _whole(store, entry_state), entry_state)


def _whole(store: Store, entry_state: LedgerState) -> LedgerState:
    """Return the whole state of an entry, after reading the snapshot that it names.

    Raises:
        CorruptError: if the snapshot was changed or is damaged.
        NewerError: if a newer mlci wrote it.
    """
    if entry_state.snapshot is None:
        return entry_state
    of = f"the snapshot of the state after entry {entry_state.snapshot.entry}"
    data = stored_files.read_description(store, entry_state.snapshot.digest, of=of)
    try:
        return entries.restore_state(entry_state, entries.StateSnapshot.model_validate_json(data))
    except ValidationError as error:
        raise errors.unreadable_record(error, data, what=f"{store.shown}: {of}") from None


def read_entry(store: Store, number: int) -> Entry:
    """Read one entry without verification; to trust it, use :func:`read_verified`.

    Raises:
        CorruptError: if it is missing or can't be read.
    """
    return parse_entry(_bytes(store, number), number=number, shown=store.shown)


def read_verified(store: Store, ledger_head: LedgerHead, number: int) -> Entry:
    """Read an entry and verify it from the ledger head.

    Raises:
        CorruptError: if it, or an entry on the way to it, is not the one that was appended.
    """
    return next(iter(iter_verified(store, ledger_head, [number])))


def iter_verified(store: Store, ledger_head: LedgerHead, numbers: Iterable[int]) -> Iterator[Entry]:
    """Yield entries, verified from the ledger head, the newest first, each number once, in one pass.

    Raises:
        CorruptError: if one of them, or an entry on the way, is not the one that was appended.
    """
    at, digest, entry = ledger_head.number, ledger_head.digest, None
    known = {int(item): sha for item, sha in (ledger_head.state.digests or {}).items()}
    for target in sorted(set(numbers), reverse=True):
        if not 0 < target <= ledger_head.number:
            raise errors.damaged_record(
                store.shown, f"entry {target} is missing from the ledger", (max(1, target), None)
            )
        if entry is None and target in known:
            yield _read_by_digest(store, target, known[target])
            continue
        while entry is None or entry.number > target:
            at, digest = (at, digest) if entry is None else entries.next_link(entry, target)
            entry = _read_by_digest(store, at, digest)
        yield entry


def find_decision_before(store: Store, entry: Entry) -> Entry | None:
    """Return the newest decision before an entry, which names the one before it by its digest."""
    number = entry.number - 1
    if not number:
        return None
    entry_state = _read_by_digest(store, number, entry.previous).state
    if not entry_state.decided:
        return None
    return read_verified(store, LedgerHead(number, entry.previous, entry_state, entry_state), entry_state.decided)


def _read_by_digest(store: Store, number: int, digest: str | None) -> Entry:
    """Read an entry and verify its digest."""
    data = _bytes(store, number)
    if sha256_of(data) != digest:
        message = f"entry {number} is not the one that later entries name: it was changed or replaced"
        raise errors.damaged_record(store.shown, message, (number, digest))
    return parse_entry(data, number=number, shown=store.shown)


def iter_newest_first(store: Store, ledger_head: LedgerHead) -> Iterator[Entry]:
    """Read entries from the newest to the first, each verified by the digest in the one after it."""
    return iter_verified(store, ledger_head, range(1, ledger_head.number + 1))


def iter_all(store: Store) -> Iterator[Entry]:
    """Read all entries from the first, verifying the chain and every state, without keeping them in memory.

    Raises:
        CorruptError: if an entry was changed or replaced; the message names the first one.
        NewerError: if a newer mlci wrote an entry.
    """
    checkpoint = store.read_checkpoint()  # read before the tail: another writer may append in between
    last = store.tail()
    if checkpoint is not None:
        _check_checkpoint(store, checkpoint, last, None)
    with contextlib.closing(store.read_to(last)) as found:
        yield from _verified(store, found, Replay(), last)


def iter_since(store: Store, ledger_head: LedgerHead, first: int) -> Iterator[Entry]:
    """Read entries from ``first`` to the ledger head, verifying the chain and the states between them.

    The state at ``first`` is the one in that entry, which the head verifies by the chain. A store that can't read from
    the middle is read from its first entry.

    Raises:
        CorruptError: if an entry was changed or is damaged; the message names it.
        NewerError: if a newer mlci wrote one of them.
    """
    if first <= 1 or not isinstance(store, RangeReader):
        yield from (entry for entry in iter_all(store) if first <= entry.number <= ledger_head.number)
        return
    data = _bytes(store, first)
    start = parse_entry(data, number=first, shown=store.shown)
    yield start
    replay = Replay(number=first, digest=sha256_of(data), entry_state=start.state, state=_whole(store, start.state))
    with contextlib.closing(store.read_range(first + 1, ledger_head.number)) as found:
        yield from _verified(store, found, replay, ledger_head.number)
    if replay.digest != ledger_head.digest:
        message = f"entry {ledger_head.number} is not the one that was there before: it was rewritten"
        raise errors.damaged_record(store.shown, message, (ledger_head.number, ledger_head.digest))


def read_page(store: Store, ledger_head: LedgerHead, first: int, last: int) -> list[Entry]:
    """Return entries ``first`` to ``last``, each verified from the ledger head.

    Raises:
        CorruptError: if one of them, or an entry on the way, was changed or is damaged.
        NewerError: if a newer mlci wrote one of them.
    """
    if last < ledger_head.number and isinstance(store, RangeReader):
        return list(iter_verified(store, ledger_head, range(first, last + 1)))[::-1]
    return [entry for entry in iter_since(store, ledger_head, first) if entry.number <= last]


@dataclass
class Replay:
    """Replay of a ledger up to an entry.

    Attributes:
        number, digest: Number and digest of that entry.
        entry_state: That entry's own part of the state.
        state: The whole state, recomputed.
        digests: Digests of the entries so far.
    """

    number: int = 0
    digest: str | None = None
    entry_state: LedgerState = field(default_factory=LedgerState)
    state: LedgerState = field(default_factory=LedgerState)
    digests: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take over the digests that the entry names."""
        self.digests |= {int(number): sha for number, sha in (self.entry_state.digests or {}).items()}
        if self.digest is not None:
            self.digests[self.number] = self.digest


def _verified(store: Store, found: Iterator[bytes | None], replay: Replay, last: int) -> Iterator[Entry]:
    """Yield entries that follow the replay and each other, up to entry ``last``."""
    for number in range(replay.number + 1, last + 1):
        data = _there(store, number, next(found, None))
        try:
            entry = parse_entry(data, number=number, shown=store.shown)
        except NewerError as error:
            if number < last and not _names(next(found, None), data):
                message = (error.damage or f"entry {number} is damaged").removeprefix(f"{store.shown}: ")
                raise errors.damaged_record(store.shown, message, (number, None)) from None
            raise
        if entry.previous != replay.digest:
            message = f"entry {number} does not follow the one before it; one of them was changed"
            places = ((number - 1, entry.previous), (number, None)) if number > 1 else ((number, None),)
            raise errors.damaged_record(store.shown, message, *places)
        entry_state, state = _recomputed(store, replay, entry)
        if entry_state != entry.state:
            message = f"entry {number} has another state than the entries before it result in"
            raise errors.damaged_record(store.shown, message, (number, None))
        replay.number, replay.digest = number, sha256_of(data)
        replay.entry_state, replay.state = entry_state, state
        replay.digests[number] = replay.digest
        yield entry


def _names(following: bytes | None, data: bytes) -> bool:
    """Check if an entry names the digest of the one before, so that its bytes are unchanged."""
    try:
        return bool(json.loads(following or b"")["previous"] == sha256_of(data))
    except (ValueError, RecursionError, TypeError, KeyError):
        return False


def _recomputed(store: Store, replay: Replay, entry: Entry) -> tuple[LedgerState, LedgerState]:
    """Return the expected state in an entry, and the whole state after it.

    Entries of older versions of mlci contain the whole state, and digests only after an earlier entry had them.
    """
    number = entry.number
    try:
        state = entries.state_after(replay.state, entry.body, number=number)
    except ValueError as error:
        raise errors.damaged_record(store.shown, f"entry {number} can't be: {error}", (number, None)) from None
    if state.digests is None and entry.state.digests is None:
        return state, state
    lacks = entries.entries_to_link(state, number=number) - set(replay.digests)
    if lacks and replay.digest is not None:
        ledger_head = LedgerHead(replay.number, replay.digest, replay.entry_state, replay.entry_state)
        replay.digests |= {
            one.number: sha256_of(entries.dump_entry(one)) for one in iter_verified(store, ledger_head, lacks)
        }
    state = entries.linked_digest(state, replay.digests, number=number)
    if entry.writer is None:
        return state, state
    return entries.compact_state(replay.entry_state, replay.state, state, number=number)[0], state


def parse_entry(data: bytes, *, number: int, shown: str) -> Entry:
    """Parse the bytes of an untrusted entry.

    Raises:
        CorruptError: if they are not an entry of that number in canonical form.
        NewerError: if a newer mlci wrote them.
    """
    if len(data) > entries.MOST_BYTES:
        message = f"entry {number} has {len(data):,} bytes; an entry may have {entries.MOST_BYTES:,}"
        raise errors.damaged_record(shown, message, (number, None))
    try:
        entry = Entry.model_validate_json(data)
    except ValidationError as error:
        found = errors.unreadable_record(error, data, what=f"{shown}: entry {number}", verb="is damaged")
        if isinstance(found, CorruptError):
            found = errors.damaged_record(shown, str(found).removeprefix(f"{shown}: "), (number, None))
        raise found from None
    if errors.is_newer(entry.reader):
        raise errors.newer_error(f"{shown}: entry {number}", writer=entry.writer, reader=entry.reader)
    if entry.number != number or entries.dump_entry(entry) != data:
        raise errors.damaged_record(shown, f"entry {number} is damaged: it is not as mlci writes it", (number, None))
    return entry


def _bytes(store: Store, number: int) -> bytes:
    return _there(store, number, store.read(number))


def _there(store: Store, number: int, data: bytes | None) -> bytes:
    if data is None:
        raise errors.damaged_record(store.shown, f"entry {number} is missing from the ledger", (number, None))
    return data


def _check_checkpoint(store: Store, seen: Checkpoint, number: int, newest: bytes | None) -> None:
    if seen.number > number:
        message = f"the ledger ends at entry {number}, but entry {seen.number} was there: it was cut back"
        between = [(lost, None) for lost in range(number + 1, min(seen.number, number + _SHOWN))]
        raise errors.damaged_record(store.shown, message, *between, (seen.number, seen.digest))
    data = newest if newest is not None and seen.number == number else _bytes(store, seen.number)
    if sha256_of(data) != seen.digest:
        message = f"entry {seen.number} is not the one that was there before: it was rewritten"
        raise errors.damaged_record(store.shown, message, (seen.number, seen.digest))
