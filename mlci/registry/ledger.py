"""The ledger's rules on top of any store: read the newest entry, append the next, verify all of them."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import assert_never

from pydantic import ValidationError

from mlci.errors import OutsideError
from mlci.registry import entries
from mlci.registry.entries import Body, By, Entry, Promotion, Reproduced, Rescored, Rollback, State, Verdict
from mlci.registry.interface import CorruptError, Store, Witness

_TRIES = 200  # writers that may come in between; 50 at once need some 50 tries


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What an entry says of its writer: time and nonce, as effects of the one who appends."""

    by: By
    now: Callable[[], str]
    nonce: Callable[[], str]


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
        entry = Entry(
            number=end.number + 1,
            previous=end.digest,
            at=stamp.now(),
            nonce=stamp.nonce(),
            by=stamp.by,
            body=body,
            state=after(end.state, body, number=end.number + 1),
        )
        data = entries.dump(entry)
        if len(data) > entries.MOST_BYTES:
            raise OutsideError(f"an entry of {len(data):,} bytes is too large for the ledger of {store.shown}")
        if store.append(entry.number, data):
            with contextlib.suppress(OutsideError):
                store.leave_witness(Witness(number=entry.number, digest=entries.digest(data)))
            return entry
    raise OutsideError(f"{store.shown}: other writers came first {may} times in a row; try again later")


def after(state: State, body: Body, *, number: int) -> State:
    """Return the state after an entry.

    Raises:
        ValueError: The entry can't follow that state.
    """
    changed: dict[str, object]
    match body:
        case Promotion(version=version, replaced=replaced):
            if version != state.versions + 1 or replaced != state.champion:
                raise ValueError(f"version {version} was judged against {replaced}, the champion is {state.champion}")
            promoted = {**state.promoted, str(version): number}
            changed = {"champion": version, "versions": version, "decided": number}
            changed |= {"promoted": promoted, "rescored": {}}
        case Rollback(version=version, replaced=replaced):
            if str(version) not in state.promoted or replaced != state.champion:
                raise ValueError(f"roll-back from {replaced} to {version}: the champion is {state.champion}")
            changed = {"champion": version, "decided": number, "rescored": {}}
        case Verdict(fingerprint=fingerprint, again=again):
            changed = {} if again else {"uses": {**state.uses, fingerprint: state.uses.get(fingerprint, 0) + 1}}
        case Rescored(version=version, fingerprint=fingerprint):
            _known(state, version)
            champion = version == state.champion
            changed = {"rescored": {**state.rescored, fingerprint: number}} if champion else {}
        case Reproduced(version=version, runs=runs):
            _known(state, version)
            changed = {"reproduced": {**state.reproduced, str(version): number}} if runs > 1 else {}
        case _:
            assert_never(body)
    return state.model_copy(update=changed)


def _known(state: State, version: int) -> None:
    if str(version) not in state.promoted:
        raise ValueError(f"there is no version {version}")


def read(store: Store, number: int) -> Entry:
    """Read one entry.

    Raises:
        CorruptError: It is missing or does not read.
    """
    return parse(_bytes(store, number), number=number, shown=store.shown)


def walk(store: Store) -> Iterator[Entry]:
    """Read all entries from the first, verifying the chain and every state on the way.

    Raises:
        CorruptError: At the first entry that is not what it was; it is named.
    """
    seen = store.witness()  # before the end is looked for: others may append in between
    end, previous, state = store.tail(), None, State()
    if seen is not None:
        _hold(store, seen, end, None)
    for number in range(1, end + 1):
        data = _bytes(store, number)
        entry = parse(data, number=number, shown=store.shown)
        if entry.previous != previous:
            raise CorruptError(
                f"{store.shown}: entry {number} does not follow the one before it; one of them was changed"
            )
        try:
            state = after(state, entry.body, number=number)
        except ValueError as error:
            raise CorruptError(f"{store.shown}: entry {number} can't be: {error}") from None
        if state != entry.state:
            raise CorruptError(f"{store.shown}: entry {number} tells another state than the entries before it make")
        previous = entries.digest(data)
        yield entry


def parse(data: bytes, *, number: int, shown: str) -> Entry:
    """Read an entry's bytes, believing nothing.

    Raises:
        CorruptError: They are no entry of that number in canonical form.
    """
    if len(data) > entries.MOST_BYTES:
        raise CorruptError(f"{shown}: entry {number} has {len(data):,} bytes; an entry may have {entries.MOST_BYTES:,}")
    try:
        entry = Entry.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise CorruptError(f"{shown}: entry {number} is damaged: {first['msg']}") from None
    if entry.number != number or entries.dump(entry) != data:
        raise CorruptError(f"{shown}: entry {number} is damaged: it is not as mlci writes it")
    return entry


def _bytes(store: Store, number: int) -> bytes:
    data = store.read(number)
    if data is None:
        raise CorruptError(f"{store.shown}: entry {number} is missing from the ledger")
    return data


def _hold(store: Store, seen: Witness, number: int, newest: bytes | None) -> None:
    if seen.number > number:
        raise CorruptError(
            f"{store.shown}: the ledger ends at entry {number}, but entry {seen.number} was there: it was cut back"
        )
    data = newest if newest is not None and seen.number == number else _bytes(store, seen.number)
    if entries.digest(data) != seen.digest:
        raise CorruptError(f"{store.shown}: entry {seen.number} is not the one that was there before: it was rewritten")
