"""Comparison of a registry with an anchor that was kept outside of it."""

from mlci.recovery.anchor import Anchor
from mlci.registry.errors import CorruptError
from mlci.registry.stores.interface import Store
from mlci.util.digests import sha256_of

_REMEDY = "`mlci restore URL` brings the missing entries back from a backup that has them"


def check_anchor(store: Store, anchor: Anchor) -> None:
    """Check that a registry has the entry that an anchor names, with the same bytes.

    Raises:
        CorruptError: if it does not: it was cut back, rewritten, or replaced by an older copy.
        OutsideError: if the registry can't be reached.
    """
    tail = store.tail()
    if tail < anchor.number:
        raise CorruptError(
            f"{store.shown} ends at entry {tail}, and the anchor names entry {anchor.number}: the registry was cut "
            "back or replaced by an older copy",
            remedy=_REMEDY,
        )
    data = store.read(anchor.number)
    if data is None or sha256_of(data) != anchor.digest:
        raise CorruptError(
            f"{store.shown}: entry {anchor.number} is not the one that the anchor names: the ledger was rewritten",
            remedy="Compare it with a backup: `mlci backup` names the first entry that differs",
        )
