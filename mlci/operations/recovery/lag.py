"""Lag of a backup: what the registry has beyond it."""

from dataclasses import dataclass

from mlci.errors import OutsideError
from mlci.registry.ledger import read_entry
from mlci.registry.stores.interface import Store


@dataclass(frozen=True, kw_only=True)
class BackupLag:
    """What would be lost if the registry were lost now.

    Attributes:
        entries: Number of entries that the backup lacks.
        since: Time of the first of them; ``None`` if it lacks none.
        unknown: Why the registry can't be read; empty if it can.
    """

    entries: int = 0
    since: str | None = None
    unknown: str = ""


def measure_lag(registry: Store, number: int) -> BackupLag:
    """Compare the registry with a backup whose newest entry is ``number``; an unreadable registry is not an error."""
    try:
        tail = registry.tail()
        if tail <= number:
            return BackupLag(unknown="" if tail == number else f"it ends at entry {tail}, before its backup")
        return BackupLag(entries=tail - number, since=read_entry(registry, number + 1).at)
    except OutsideError as error:
        return BackupLag(unknown=str(error))
