"""Grouping sets: every row's group in every slice, and the roll-up of results to groups."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlci.engine.chunks import count_codes, count_pairs
from mlci.engine.encode.dictionary import CodeRange, CompositeKey, Members
from mlci.engine.sql import Array
from mlci.errors import InputError, Problem

Key = tuple[int | None, int]
"""A scope: index of the slice and of its group; ``(None, 0)`` is the whole set."""


@dataclass(frozen=True)
class View:
    """Roll-up of a level's codes to one slice's groups; slice ``None`` is the whole set."""

    slice: int | None
    lut: Array
    groups: int

    def members(self, size: int) -> Array:
        """Return the group of each of the level's codes, -1 for one that doesn't occur."""
        return np.arange(size) if self.lut.ndim == 0 else self.lut

    def fold(self, cells: Array) -> Array:
        """Sum ``cells`` (first axis: the level's codes) over each group, in the order of codes."""
        if self.lut.ndim == 0:
            return cells
        out = np.zeros((self.groups, *cells.shape[1:]), cells.dtype)
        for group in range(self.groups):
            out[group] = cells[self.lut == group].sum(axis=0)
        return out


IDENTITY = np.zeros((), np.int64)
"""Look-up table of a view whose groups are the level's codes."""


@dataclass(frozen=True)
class Level:
    """Codes by which rows are reduced, and the slices to which the result is rolled up."""

    codes: Array | None
    size: int
    views: tuple[View, ...]
    packed: bool = False


_DENSE = 1 << 22
_TABLE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Elements:
    """Elements that slices partition: rows, or cells of several rows each.

    Attributes:
        weights: Rows of each element; ``None`` for one each.
        inner: Codes below ``width`` to count together with the bases' in one pass, see :attr:`Partition.table`.
        width: Number of inner codes.
        threads: For NumPy; no result depends on it.
    """

    weights: Array | None = None
    inner: Array | None = None
    width: int = 1
    threads: int | None = 1


@dataclass(frozen=True)
class Crossing:
    """One slice: its bases, and the groups that occur.

    Attributes:
        members: The bases.
        mixed: Mixed code of each group, ascending.
        counts: Rows in each group.
        names: Name of each group.
    """

    members: Members
    mixed: Array
    counts: Array
    names: tuple[str, ...]


@dataclass(frozen=True)
class Partition:
    """All slices of one evaluation set.

    Attributes:
        bases: Their base columns.
        crossings: The slices.
        table: Elements by (packed code, inner code); ``None`` if there would be too many cells.
        cells: Elements by packed code; ``None`` if bases don't pack.
    """

    bases: CompositeKey
    crossings: tuple[Crossing, ...]
    table: Array | None
    cells: Array | None

    @cached_property
    def groups(self) -> list[tuple[str, ...]]:
        """Names of each slice's groups."""
        return [crossing.names for crossing in self.crossings]

    @cached_property
    def counts(self) -> list[Array]:
        """Rows in each slice's groups."""
        return [crossing.counts for crossing in self.crossings]

    def levels(self, width: int, budget: int = 1 << 17) -> Iterator[Level]:
        """Yield levels: of all slices at once if codes × ``width`` cells fit the budget, or of one at a time."""
        if self.cells is not None and len(self.cells) * width <= budget:
            yield Level(self.bases.packed, len(self.cells), tuple(self._packed_views(self.cells)), packed=True)
            return
        if not self.crossings:
            yield Level(None, 1, (View(None, IDENTITY, 1),))
        for index, names in enumerate(self.groups):
            views = [View(index, IDENTITY, len(names))]
            if index == 0:  # every slice partitions the rows, so the whole set is the sum over the groups of any
                views.append(View(None, np.zeros(len(names), np.int32), 1))
            yield Level(self.codes(index), len(names), tuple(views))

    def fold(
        self, width: int, reduce: Callable[[Level], Array], *, budget: int = 1 << 17
    ) -> Iterator[tuple[Key, Array]]:
        """Yield every scope with its row of the table to which ``reduce`` reduces the rows by a level's codes."""
        for level in self.levels(width, budget):
            table = reduce(level)
            for view in level.views:
                yield from (((view.slice, group), row) for group, row in enumerate(view.fold(table)))

    def count_flagged(self, flags: Array, threads: int | None) -> dict[Key, int]:
        """Count the rows with a flag of 1 in every scope."""

        def count(level: Level) -> Array:
            return count_pairs(level.codes, flags, (level.size, 2), None, threads)[:, 1]

        return {key: int(one) for key, one in self.fold(2, count)}

    def _packed_views(self, cells: Array) -> Iterator[View]:
        yield View(None, np.zeros(len(cells), np.int32), 1)
        for index, crossing in enumerate(self.crossings):
            lut = np.searchsorted(crossing.mixed, self.bases.unpack(crossing.members)).astype(np.int32)
            lut[cells == 0] = -1
            yield View(index, lut, len(crossing.names))

    def codes(self, index: int) -> Array:
        """Return each row's group in one slice."""
        crossing, first = self.crossings[index], self.bases.each[self.crossings[index].members[0]]
        if len(crossing.members) == 1 and len(crossing.names) == len(first.names):
            return first.codes
        if self.bases.packs:
            lut = np.searchsorted(crossing.mixed, self.bases.unpack(crossing.members))
            return lut.astype(np.uint16 if len(crossing.mixed) < 1 << 16 else np.int32).take(self.bases.packed)
        return np.searchsorted(crossing.mixed, self.bases.mix(crossing.members))


def build_partition(
    bases: list[CodeRange], slices: list[tuple[str, Members]], elements: Elements, *, max_groups: int, path: str
) -> Partition:
    """Return the partition with the groups that occur.

    Args:
        bases: The base columns of the slices.
        slices: Name and bases of each slice.
        elements: The elements to partition.
        max_groups: Most groups in one slice.
        path: The evaluation set, for errors.

    Raises:
        InputError: if a slice has more than ``max_groups`` groups.
    """
    columns = CompositeKey(tuple(bases))
    table = _table(columns, elements)
    cells = _cells(columns, elements, table)
    crossings, problems = [], []
    for name, members in slices:
        mixed, counts = _list_groups(columns, members, elements, cells)
        if len(mixed) > max_groups:
            problems.append(Problem(too_many_groups(name, len(mixed), max_groups), path))
            continue
        names = tuple(columns.name(members, int(code)) for code in mixed)
        crossings.append(Crossing(members, mixed, counts, names))
    if problems:
        raise InputError.of(problems)
    return Partition(columns, tuple(crossings), table, cells)


def _table(bases: CompositeKey, elements: Elements) -> Array | None:
    size = bases.size(bases.all)
    if not bases.packs or elements.inner is None or size * elements.width > _TABLE:
        return None
    outer = bases.packed if bases.each else None
    return count_pairs(outer, elements.inner, (size, elements.width), elements.weights, elements.threads)


def _cells(bases: CompositeKey, elements: Elements, table: Array | None) -> Array | None:
    if not bases.packs or not bases.each:
        return None
    if table is not None:
        return np.asarray(table.sum(axis=1))
    return count_codes(bases.packed, bases.size(bases.all), elements.weights, elements.threads)


def _list_groups(bases: CompositeKey, members: Members, elements: Elements, cells: Array | None) -> tuple[Array, Array]:
    """Return the combinations that occur in a slice, ascending, and the rows of each."""
    size = bases.size(members)
    if size > _DENSE:
        mixed, inverse = np.unique(bases.mix(members), return_inverse=True)
        return mixed, count_codes(inverse, len(mixed), elements.weights)
    if cells is not None:
        weights = cells.astype(np.float64)
        counts = np.bincount(bases.unpack(members), weights=weights, minlength=size).astype(np.int64)
    else:
        counts = count_codes(bases.mix(members), size, elements.weights)
    occurring = np.flatnonzero(counts)
    return occurring, counts[occurring]


def too_many_groups(name: str, groups: int, most: int) -> str:
    """Return the message for a slice with more groups than are allowed."""
    return (
        f"slice {name!r} has {groups:,} groups, more than {most}; bin a number with `cut`, "
        f"drop the slice, or raise evaluation.max_groups"
    )
