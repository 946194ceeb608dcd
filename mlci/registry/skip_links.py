"""Skip links: digests of older entries, so that a reader can verify one without walking the whole ledger.

A chain of hashes shows a changed entry to whoever walks it. A reader of the newest entry alone would believe an old one
that its state names: the promotion that says what version 1 is. So a state holds the digests of entries that it names:
of the newest :data:`KEPT`, and of those that decide what is in production. An older one is reached by hops: the oldest
entry that a state vouches for has a state of its own, which vouches for those before it. No entry can hold its own
digest; the next one does.

Ledgers from before this hold no digests in their states. There one goes back entry by entry, along the chain.
"""

from collections.abc import Mapping

from mlci.registry.entries import Entry, LedgerState

KEPT = 32
"""Entries, beside those that decide, whose digests a state holds; each costs some 80 bytes in every entry."""


def linked_entries(state: LedgerState) -> set[int]:
    """Return the numbers of all entries that a state names."""
    found = {*state.promoted.values(), *state.rescored.values(), *state.reproduced.values()}
    return found | ({state.decided} if state.decided else set())


def entries_to_link(state: LedgerState, *, number: int) -> set[int]:
    """Return the numbers of the entries whose digests belong into the state of entry ``number``."""
    before = sorted(item for item in linked_entries(state) if item < number)
    decide = {state.decided, state.promoted.get(str(state.champion), 0)} - {0, number}
    return {*before[-KEPT:], *decide}


def linked_digest(state: LedgerState, digests: Mapping[int, str], *, number: int) -> LedgerState:
    """Return the state of entry ``number`` with the digests that belong into it."""
    kept = {str(item): digests[item] for item in entries_to_link(state, number=number)}
    return state.model_copy(update={"digests": kept})


def next_link(entry: Entry, target: int) -> tuple[int, str]:
    """Return number and digest of the entry to look at next, on the way from a trusted entry back to ``target``.

    Raises:
        ValueError: The target is not before the entry.
    """
    if entry.previous is None or target >= entry.number:
        raise ValueError(f"entry {target} is not before entry {entry.number}")
    known = {int(item): digest for item, digest in (entry.state.digests or {}).items()}
    known[entry.number - 1] = entry.previous
    nearest = min(item for item in known if item >= target)
    return nearest, known[nearest]
