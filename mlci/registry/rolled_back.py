"""Versions that were rolled back and not restored. Pure."""

from collections.abc import Iterable

from mlci.registry.entries import Promotion, Rollback


def rolled_back_versions(decisions: Iterable[Promotion | Rollback]) -> dict[int, str]:
    """Return why each version that was rolled back was, by its number.

    A roll-back to an older version leaves the one that it replaced and all others that are newer than its target. Where
    production returns to one of them, that one is rolled back no more, and what its own roll-back left beside it
    neither: that step is undone. What another step left stays so.

    Args:
        decisions: All promotions and roll-backs, in the order of the ledger.
    """
    left: list[tuple[int, Rollback]] = []
    newest = 0
    for step in decisions:
        if isinstance(step, Promotion):
            newest = step.version
            continue
        left = [(number, by) for number, by in left if step.version not in {number, by.replaced}]
        if step.version < step.replaced:
            left += [(number, step) for number in range(step.version + 1, newest + 1)]
    return {number: by.reason for number, by in reversed(left)}  # of several steps the first: it replaced the version
