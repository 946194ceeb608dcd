"""How slices are named, in the configuration, the gates and the report."""

from collections.abc import Iterable

from mlci.config.models import Column, Config, Gate, Slice

CROSS = " × "


def columns(item: Slice) -> tuple[Column, ...]:
    """Return the columns that a slice is made of: one, or those of a crossing in the order written."""
    parts = item if isinstance(item, tuple) else (item,)
    return tuple(part if isinstance(part, Column) else Column(column=part) for part in parts)


def name(item: Slice) -> str:
    """Return what reports call a slice: the column's name, or those of a crossing joined by ``×``."""
    return CROSS.join(column.column for column in columns(item))


def scope(gate: Gate) -> str | None:
    """Return the name of the slice that a gate looks at by ``each`` or ``across``; ``None`` for the whole set."""
    wanted = gate.each if gate.each is not None else gate.across
    return wanted if wanted is None or isinstance(wanted, str) else CROSS.join(wanted)


def written(item: Slice | str) -> str:
    """Return how ``each`` and ``across`` name a slice in the file, e.g. ``region`` or ``[sex, region]``."""
    parts = item.split(CROSS) if isinstance(item, str) else [column.column for column in columns(item)]
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"


def names(items: Iterable[Slice]) -> list[str]:
    """Return the names of several slices, in their order."""
    return [name(item) for item in items]


def effective(config: Config) -> tuple[Slice, ...]:
    """Return the slices that are evaluated: those listed, and columns of a crossing that a gate looks at alone."""
    listed = config.evaluation.slices if config.evaluation else ()
    known = set(names(listed))
    crossed = {column.column: column for item in listed if isinstance(item, tuple) for column in columns(item)}
    wanted = dict.fromkeys(scope(gate) for gate in config.gates)
    return (*listed, *(crossed[name] for name in wanted if name in crossed and name not in known))
