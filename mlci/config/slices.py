"""Names of slices in the configuration, the gates and the report."""

from collections.abc import Iterable

from mlci.config.models import Config, Gate, Slice, SliceColumnConfig

CROSS = " × "


def slice_columns(item: Slice) -> tuple[SliceColumnConfig, ...]:
    """Return the columns of a slice: one, or those of a crossing in the order written."""
    parts = item if isinstance(item, tuple) else (item,)
    return tuple(part if isinstance(part, SliceColumnConfig) else SliceColumnConfig(column=part) for part in parts)


def slice_name(item: Slice) -> str:
    """Return the name of a slice in reports: the column's name, or those of a crossing joined by ``×``."""
    return CROSS.join(column.column for column in slice_columns(item))


def slice_scope(gate: Gate) -> str | None:
    """Return the name of the slice of a gate's ``each`` or ``across``; ``None`` for the whole set."""
    wanted = gate.each if gate.each is not None else gate.across
    return wanted if wanted is None or isinstance(wanted, str) else CROSS.join(wanted)


def slice_as_written(item: Slice | str) -> str:
    """Return how ``each`` and ``across`` name a slice in the file, e.g. ``region`` or ``[sex, region]``."""
    parts = item.split(CROSS) if isinstance(item, str) else [column.column for column in slice_columns(item)]
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"


def slice_names(items: Iterable[Slice]) -> list[str]:
    """Return the names of several slices, in their order."""
    return [slice_name(item) for item in items]


def effective_slices(config: Config) -> tuple[Slice, ...]:
    """Return the slices that are evaluated: those listed, and columns of a crossing that a gate uses alone."""
    listed = config.evaluation.slices if config.evaluation else ()
    known = set(slice_names(listed))
    crossed = {column.column: column for item in listed if isinstance(item, tuple) for column in slice_columns(item)}
    wanted = dict.fromkeys(slice_scope(gate) for gate in config.gates)
    return (*listed, *(crossed[name] for name in wanted if name in crossed and name not in known))
