"""Snapshots: the whole state of a ledger as a file, so that an entry contains only the changes since. Pure.

An entry contains the state of the ledger after it. That state grows with every version and evaluation set, and so would
every entry. Therefore an entry contains at most :data:`MOST` items. One that would contain more names a snapshot of the
state before it, by its SHA-256, and contains only its own changes. Entries of older versions contain the whole state.
"""

from typing import Annotated, Literal

from pydantic import Field

from mlci.registry.entries import BY_ALIAS, Count, LedgerPart, LedgerState, SnapshotRef, canonical_json, entry_digest

MOST = 64
"""Most items of an entry's state: versions, evaluation sets, added predictions and spreads."""


class StateSnapshot(LedgerPart):
    """The file: the state after an entry, without the fields that only entries have."""

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/state/1"], Field(alias="schema")] = "mlci/state/1"
    entry: Annotated[int, Field(ge=1)]
    champion: int | None
    versions: Count
    decided: Count
    promoted: dict[str, int]
    uses: dict[str, int]
    rescored: dict[str, int]
    reproduced: dict[str, int]


def dump_snapshot(state: LedgerState, *, entry: int) -> bytes:
    """Return the bytes of a snapshot of the state after an entry."""
    parts = state.model_dump(exclude={"digests", "snapshot"})
    return canonical_json(StateSnapshot(entry=entry, **parts).model_dump(mode="json", by_alias=True))


def restore_state(entry_state: LedgerState, whole: StateSnapshot) -> LedgerState:
    """Return the whole state of an entry from its own part and the snapshot that it names."""
    rescored = whole.rescored if whole.entry >= entry_state.decided else {}  # a decision removes the additions
    return entry_state.model_copy(
        update={
            "promoted": {**whole.promoted, **entry_state.promoted},
            "uses": {**whole.uses, **entry_state.uses},
            "rescored": {**rescored, **entry_state.rescored},
            "reproduced": {**whole.reproduced, **entry_state.reproduced},
            "snapshot": None,
        }
    )


def compact_state(
    entry_state: LedgerState, before: LedgerState, after: LedgerState, *, number: int
) -> tuple[LedgerState, bytes | None]:
    """Return an entry's part of the state after it, and the snapshot to store for that, if any.

    Args:
        entry_state: Part of the state in the entry before it.
        before: The whole state before it.
        after: The whole state after it, with its digests.
        number: Number of the entry.
    """
    own = {name: _changed(getattr(before, name), getattr(after, name)) for name in _MAPS}
    parts = {name: {**getattr(entry_state, name), **own[name]} for name in _MAPS}
    if after.decided != before.decided:
        parts["rescored"] = own["rescored"] = {}
    if sum(map(len, parts.values())) <= MOST:
        return after.model_copy(update={**parts, "snapshot": entry_state.snapshot}), None
    data = dump_snapshot(before, entry=number - 1)
    return after.model_copy(update={**own, "snapshot": SnapshotRef(entry=number - 1, digest=entry_digest(data))}), data


_MAPS = ("promoted", "uses", "rescored", "reproduced")


def _changed(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {key: value for key, value in after.items() if before.get(key) != value}
