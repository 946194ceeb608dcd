"""Registry: a store, and the author of new entries."""

import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from mlci import __version__
from mlci.errors import OutsideError
from mlci.registry import compatibility, entries, ledger_state, stored_files
from mlci.registry.entries import Actor, Body, Entry, LedgerState, Promotion, Rollback
from mlci.registry.ledger import LedgerHead, iter_verified, read_ledger_head
from mlci.registry.store import Checkpoint, Store
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
    """An entry's author, time and nonce, the invocation, and the version of mlci, supplied by the caller."""

    by: Actor
    now: Callable[[], str]
    nonce: Callable[[], str]
    intent: Intent | None = None
    writer: str = __version__


def pause(lost: int) -> None:
    """Wait a random time before the next try, longer after more lost tries, so that writers do not collide again."""
    time.sleep(secrets.randbelow(1_000) / 1_000 * min(0.01 * 2**lost, 1.0))


def append_entry(
    store: Store,
    author: Author,
    decide: Callable[[LedgerState], Body | None],
    *,
    may: int = _TRIES,
    wait: Callable[[int], None] = pause,
) -> Entry | None:
    """Append the entry that ``decide`` returns for the state; decide again if another writer appended first.

    The entry is the decision: a checkpoint that can't be written after it is not a failure; the next writer writes one.

    Args:
        store: The registry.
        author: The author.
        decide: Pure function from the state to the body to append, or ``None`` for nothing. It may raise.
        may: Number of tries.
        wait: Called after a lost try with the number of lost tries.

    Raises:
        OutsideError: if another writer appended first every time.
    """
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
    state = ledger_state.state_after(ledger_head.state, body, number=number)
    known = {int(item): digest for item, digest in (ledger_head.state.digests or {}).items()}
    known |= {} if ledger_head.digest is None else {ledger_head.number: ledger_head.digest}
    lacks = ledger_state.entries_to_link(state, number=number) - set(known)
    known |= {entry.number: sha256_of(entries.dump_entry(entry)) for entry in iter_verified(store, ledger_head, lacks)}
    after = ledger_state.linked_digest(state, known, number=number)
    entry_state, snapshot = ledger_state.compact_state(ledger_head.entry_state, ledger_head.state, after, number=number)
    entry = Entry(
        number=number,
        previous=ledger_head.digest,
        at=author.now(),
        nonce=author.nonce(),
        by=author.by,
        body=body,
        state=entry_state,
        writer=author.writer,
        reader=compatibility.READER,
        intent=author.intent.id if author.intent and isinstance(body, Promotion | Rollback) else None,
    )
    return entry, snapshot
