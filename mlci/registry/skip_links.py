"""Skip links: digests of older entries, so that a reader can verify one without walking the whole ledger.

A chain of hashes reveals a changed entry to a reader who walks it. A reader of the newest entry alone would have to
trust an older one that its state refers to, such as the promotion of version 1. Therefore a state contains the digests
of entries that it refers to: of the newest :data:`KEPT`, and of those that decide what is in production. An older entry
is reached by hops: the oldest entry with a digest in a state has its own state, with digests of entries before it. No
entry can contain its own digest; the next one does.

States of older ledgers contain no digests. There, readers go back entry by entry, along the chain.
"""

from collections.abc import Mapping

from mlci.registry.entries import Entry, LedgerState

KEPT = 32
"""Number of entries, beside those that decide, with digests in a state; each costs some 80 bytes in every entry."""


def linked_entries(state: LedgerState) -> set[int]:
    """Return the numbers of all entries that a state refers to."""
    found = {*state.promoted.values(), *state.rescored.values(), *state.reproduced.values()}
    return found | ({state.decided} if state.decided else set())


def entries_to_link(state: LedgerState, *, number: int) -> set[int]:
    """Return the numbers of the entries whose digests belong in the state of entry ``number``."""
    before = sorted(item for item in linked_entries(state) if item < number)
    decide = {state.decided, state.promoted.get(str(state.champion), 0)} - {0, number}
    return {*before[-KEPT:], *decide}


def linked_digest(state: LedgerState, digests: Mapping[int, str], *, number: int) -> LedgerState:
    """Return the state of entry ``number`` with the digests that belong in it."""
    kept = {str(item): digests[item] for item in entries_to_link(state, number=number)}
    return state.model_copy(update={"digests": kept})


def next_link(entry: Entry, target: int) -> tuple[int, str]:
    """Return number and digest of the entry to read next, on the way from a trusted entry back to ``target``.

    Raises:
        ValueError: if the target is not before the entry.
    """
    if entry.previous is None or target >= entry.number:
        raise ValueError(f"entry {target} is not before entry {entry.number}")
    known = {int(item): digest for item, digest in (entry.state.digests or {}).items()}
    known[entry.number - 1] = entry.previous
    nearest = min(item for item in known if item >= target)
    return nearest, known[nearest]
