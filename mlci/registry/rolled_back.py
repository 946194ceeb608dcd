"""Versions that were rolled back and not restored. Pure."""

from collections.abc import Iterable

from mlci.registry.entries import Promotion, Rollback


def rolled_back_versions(decisions: Iterable[Promotion | Rollback]) -> dict[int, str]:
    """Return the reason of each rolled-back version, by its number.

    A rollback to an older version rolls back the version that it replaces and all others that are newer than its
    target. If production returns to one of them, that rollback is undone: for this version and for the others of the
    same rollback. Versions of other rollbacks stay rolled back.

    Args:
        decisions: All promotions and rollbacks, in the order of the ledger.
    """
    rolled_back: list[tuple[int, Rollback]] = []
    newest = 0
    for step in decisions:
        if isinstance(step, Promotion):
            newest = step.version
            continue
        rolled_back = [(number, by) for number, by in rolled_back if step.version not in {number, by.replaced}]
        if step.version < step.replaced:
            rolled_back += [(number, step) for number in range(step.version + 1, newest + 1)]
    return {number: by.reason for number, by in reversed(rolled_back)}  # the first of several rollbacks counts
