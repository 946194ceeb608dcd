"""The ledger's rules on top of any store: read the newest entry, append the next, verify all of them."""

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from mlci import __version__
from mlci.errors import OutsideError
from mlci.registry import compatibility, damage, entries, states, vouching
from mlci.registry.entries import Body, By, Entry, Promotion, Rollback, State
from mlci.registry.interface import CorruptError, NewerError, Store, Witness

_SHOWN = 3  # missing entries that a message names
_TRIES = 200  # writers that may come in between; 50 at once need some 50 tries


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One invocation of a command, which stays the same when it is run again.

    Attributes:
        id: Kept in the entry of the decision.
        repeated: Whether an earlier attempt may have written that entry.
    """

    id: str
    repeated: bool


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """An entry's author, time and nonce, the invocation, and the version of mlci; effects of the caller who appends."""

    by: By
    now: Callable[[], str]
    nonce: Callable[[], str]
    intent: Intent | None = None
    writer: str = __version__


@dataclass(frozen=True)
class Tail:
    """The ledger's end: number, digest and state of the newest entry, or of nothing."""

    number: int
    digest: str | None
    state: State


EMPTY = Tail(0, None, State())


def tail(store: Store) -> Tail:
    """Read the newest entry and hold it against the witness.

    Raises:
        CorruptError: It does not read, or the witness has seen more than is there.
        OutsideError: The registry can't be reached.
    """
    seen, number = store.witness(), store.tail()
    data = _bytes(store, number) if number else b""
    if seen is not None:
        _hold(store, seen, number, data)
    if number == 0:
        return EMPTY
    return Tail(number, entries.digest(data), parse(data, number=number, shown=store.shown).state)


def pause(lost: int) -> None:
    """Wait by chance before the next try, longer the more were lost, so that many writers get out of step."""
    time.sleep(secrets.randbelow(1_000) / 1_000 * min(0.01 * 2**lost, 1.0))


def append(
    store: Store,
    stamp: Stamp,
    decide: Callable[[State], Body | None],
    *,
    may: int = _TRIES,
    wait: Callable[[int], None] = pause,
) -> Entry | None:
    """Append what ``decide`` says of the state, and decide again on the new one whenever somebody was faster.

    The entry is the decision: if no witness can be left after it, that is no failure; the next writer leaves one.

    Args:
        store: The registry.
        stamp: The writer.
        decide: Pure; given the state before, returns what to append, or ``None`` for nothing. May raise.
        may: Tries.
        wait: Called after a lost try with how many were lost.

    Raises:
        OutsideError: Somebody was faster every time.
    """
    for lost in range(may):
        if lost:
            wait(lost)
        end = tail(store)
        body = decide(end.state)
        if body is None:
            return None
        if end.number == 1:
            _leave_first(store, end)
        entry = _next(store, end, stamp, body)
        data = entries.dump(entry)
        if len(data) > entries.MOST_BYTES:
            raise OutsideError(f"an entry of {len(data):,} bytes is too large for the ledger of {store.shown}")
        if store.append(entry.number, data):
            with contextlib.suppress(OutsideError):
                store.leave_witness(Witness(number=entry.number, digest=entries.digest(data)))
            return entry
    raise OutsideError(f"{store.shown}: other writers came first {may} times in a row; try again later")


def _leave_first(store: Store, end: Tail) -> None:
    """Leave a witness of the first entry where its writer was killed before that: a longer ledger always has one."""
    if end.digest is not None and store.witness() is None:
        with contextlib.suppress(OutsideError):  # as after an entry: without one, a promotion is refused
            store.leave_witness(Witness(number=end.number, digest=end.digest))


def _next(store: Store, end: Tail, stamp: Stamp, body: Body) -> Entry:
    """Return the entry that would follow, with the digests of those that its state names."""
    number = end.number + 1
    state = states.after(end.state, body, number=number)
    known = {int(item): digest for item, digest in (end.state.digests or {}).items()}
    known |= {} if end.digest is None else {end.number: end.digest}
    lacks = vouching.wanted(state, number=number) - set(known)
    known |= {entry.number: entries.digest(entries.dump(entry)) for entry in trusted(store, end, lacks)}
    return Entry(
        number=number,
        previous=end.digest,
        at=stamp.now(),
        nonce=stamp.nonce(),
        by=stamp.by,
        body=body,
        state=vouching.vouched(state, known, number=number),
        writer=stamp.writer,
        reader=compatibility.READER,
        intent=stamp.intent.id if stamp.intent and isinstance(body, Promotion | Rollback) else None,
    )


def read(store: Store, number: int) -> Entry:
    """Read one entry as it is there. Nothing vouches for it; to rely on it, use :func:`named`.

    Raises:
        CorruptError: It is missing or does not read.
    """
    return parse(_bytes(store, number), number=number, shown=store.shown)


def named(store: Store, end: Tail, number: int) -> Entry:
    """Read an entry that the ledger's end vouches for.

    Raises:
        CorruptError: It, or one on the way to it, is not the one that was appended.
    """
    return next(iter(trusted(store, end, [number])))


def trusted(store: Store, end: Tail, numbers: Iterable[int]) -> Iterator[Entry]:
    """Yield entries that the ledger's end vouches for, the newest first, each number once, in one way back.

    Raises:
        CorruptError: One of them, or one on the way, is not the one that was appended.
    """
    at, digest, entry = end.number, end.digest, None
    known = {int(item): sha for item, sha in (end.state.digests or {}).items()}
    for target in sorted(set(numbers), reverse=True):
        if not 0 < target <= end.number:
            raise damage.record(store.shown, f"entry {target} is missing from the ledger", (max(1, target), None))
        if entry is None and target in known:
            yield _held(store, target, known[target])
            continue
        while entry is None or entry.number > target:
            at, digest = (at, digest) if entry is None else vouching.hop(entry, target)
            entry = _held(store, at, digest)
        yield entry


def before(store: Store, entry: Entry) -> Tail:
    """Return where the ledger ended before an entry, which vouches for the one before it."""
    number = entry.number - 1
    return Tail(number, entry.previous, _held(store, number, entry.previous).state) if number else EMPTY


def _held(store: Store, number: int, digest: str | None) -> Entry:
    """Read an entry and hold it against its digest."""
    data = _bytes(store, number)
    if entries.digest(data) != digest:
        message = f"entry {number} is not the one that later entries name: it was changed or replaced"
        raise damage.record(store.shown, message, (number, digest))
    return parse(data, number=number, shown=store.shown)


def back(store: Store, end: Tail) -> Iterator[Entry]:
    """Read entries from the newest to the first, each held against the one after it."""
    return trusted(store, end, range(1, end.number + 1))


def walk(store: Store) -> Iterator[Entry]:
    """Read all entries from the first, verifying the chain and every state on the way; none is kept in memory.

    Raises:
        CorruptError: At the first entry that is not what it was; it is named.
        NewerError: At the first entry that a newer mlci wrote.
    """
    seen = store.witness()  # before the end is looked for: others may append in between
    end, previous, state = store.tail(), None, State()
    digests: dict[int, str] = {}
    if seen is not None:
        _hold(store, seen, end, None)
    with contextlib.closing(store.read_to(end)) as found:
        for number, came in zip(range(1, end + 1), found, strict=True):
            data = _there(store, number, came)
            try:
                entry = parse(data, number=number, shown=store.shown)
            except NewerError as error:
                if number < end and not _names(next(found), data):
                    message = (error.damage or f"entry {number} is damaged").removeprefix(f"{store.shown}: ")
                    raise damage.record(store.shown, message, (number, None)) from None
                raise
            if entry.previous != previous:
                message = f"entry {number} does not follow the one before it; one of them was changed"
                places = ((number - 1, entry.previous), (number, None)) if number > 1 else ((number, None),)
                raise damage.record(store.shown, message, *places)
            state = _told(store, state, entry, digests)
            if state != entry.state:
                message = f"entry {number} tells another state than the entries before it make"
                raise damage.record(store.shown, message, (number, None))
            previous = digests[number] = entries.digest(data)
            yield entry


def _names(following: bytes | None, data: bytes) -> bool:
    """Tell if an entry names the bytes of the one before, so that those are as they were written."""
    try:
        return bool(json.loads(following or b"")["previous"] == entries.digest(data))
    except (ValueError, RecursionError, TypeError, KeyError):
        return False


def _told(store: Store, state: State, entry: Entry, digests: dict[int, str]) -> State:
    """Return what an entry should tell: with digests, but where no entry had any so far."""
    try:
        state = states.after(state, entry.body, number=entry.number)
    except ValueError as error:
        raise damage.record(store.shown, f"entry {entry.number} can't be: {error}", (entry.number, None)) from None
    if state.digests is None and entry.state.digests is None:
        return state
    return vouching.vouched(state, digests, number=entry.number)


def parse(data: bytes, *, number: int, shown: str) -> Entry:
    """Read an entry's bytes, believing nothing.

    Raises:
        CorruptError: If they are not an entry of that number in canonical form.
        NewerError: If a newer mlci wrote them.
    """
    if len(data) > entries.MOST_BYTES:
        message = f"entry {number} has {len(data):,} bytes; an entry may have {entries.MOST_BYTES:,}"
        raise damage.record(shown, message, (number, None))
    try:
        entry = Entry.model_validate_json(data)
    except ValidationError as error:
        found = compatibility.unreadable(error, data, what=f"{shown}: entry {number}", verb="is damaged")
        if isinstance(found, CorruptError):
            found = damage.record(shown, str(found).removeprefix(f"{shown}: "), (number, None))
        raise found from None
    if compatibility.is_newer(entry.reader):
        raise compatibility.newer(f"{shown}: entry {number}", writer=entry.writer, reader=entry.reader)
    if entry.number != number or entries.dump(entry) != data:
        raise damage.record(shown, f"entry {number} is damaged: it is not as mlci writes it", (number, None))
    return entry


def _bytes(store: Store, number: int) -> bytes:
    return _there(store, number, store.read(number))


def _there(store: Store, number: int, data: bytes | None) -> bytes:
    if data is None:
        raise damage.record(store.shown, f"entry {number} is missing from the ledger", (number, None))
    return data


def _hold(store: Store, seen: Witness, number: int, newest: bytes | None) -> None:
    if seen.number > number:
        message = f"the ledger ends at entry {number}, but entry {seen.number} was there: it was cut back"
        between = [(lost, None) for lost in range(number + 1, min(seen.number, number + _SHOWN))]
        raise damage.record(store.shown, message, *between, (seen.number, seen.digest))
    data = newest if newest is not None and seen.number == number else _bytes(store, seen.number)
    if entries.digest(data) != seen.digest:
        message = f"entry {seen.number} is not the one that was there before: it was rewritten"
        raise damage.record(store.shown, message, (seen.number, seen.digest))
