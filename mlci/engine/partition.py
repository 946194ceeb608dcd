"""Slices as codes: every row's group in every slice, for one pass per slice and not one per group."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlci.engine.blocks import each, quarters
from mlci.engine.sql import Array
from mlci.errors import InputError, Problem

SEPARATOR = " × "
_PACKED = 1 << 16
_DENSE = 1 << 22
_TABLE = 1 << 20


@dataclass(frozen=True)
class Base:
    """One column, or one binned number: its rows' codes and the names of the codes."""

    codes: Array
    names: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """How a level's codes fold into one slice's groups; slice ``None`` is the whole set."""

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


_IDENTITY = np.zeros((), np.int64)


@dataclass(frozen=True)
class Level:
    """Codes that rows are reduced by, and the slices that the result folds into."""

    codes: Array | None
    size: int
    views: tuple[View, ...]
    packed: bool = False


class Partition:
    """All slices of one evaluation set."""

    def __init__(
        self,
        bases: list[Base],
        slices: list[tuple[str, tuple[int, ...]]],
        *,
        weights: Array | None,
        max_groups: int,
        path: str,
        inner: Array | None = None,
        width: int = 1,
        threads: int | None = 1,
    ) -> None:
        """Find the groups that occur.

        Args:
            bases: The columns that slices are made of.
            slices: Each one's name and the bases that it crosses.
            weights: Rows that each element stands for; ``None`` for one each.
            max_groups: Most groups in one slice.
            path: The evaluation set, for errors.
            inner: Codes below ``width`` to count together with the bases' in one pass, see :attr:`table`.
            width: Number of inner codes.
            threads: For NumPy; no result depends on it.

        Raises:
            InputError: A slice has more than ``max_groups`` groups.
        """
        self._bases, self._slices, self._weights = bases, slices, weights
        self._inner, self._width, self._threads = inner, width, threads
        self._packs = self._sizes(range(len(bases))) <= _PACKED
        self.groups: list[tuple[str, ...]] = []
        self.counts: list[Array] = []
        self._mixed: list[Array] = []
        problems = []
        for index, (name, members) in enumerate(slices):
            mixed, counts = self._occurring(index)
            if len(mixed) > max_groups:
                problems.append(Problem(_too_many(name, len(mixed), max_groups), path))
                continue
            self._mixed.append(mixed)
            self.counts.append(counts)
            self.groups.append(tuple(self._name(members, int(code)) for code in mixed))
        if problems:
            raise InputError.of(problems)

    @cached_property
    def packed(self) -> Array:
        """One code for every row's combination of all bases."""
        return self._mix(range(len(self._bases)))

    @cached_property
    def table(self) -> Array | None:
        """Rows by (packed code, inner code); ``None`` where that would be too many cells."""
        size = self._sizes(range(len(self._bases)))
        if not self._packs or self._inner is None or size * self._width > _TABLE:
            return None
        outer = self.packed if self._bases else None
        return tally(outer, self._inner, (size, self._width), self._weights, self._threads)

    @cached_property
    def _packed_cells(self) -> Array:
        if self.table is not None:
            return np.asarray(self.table.sum(axis=1))
        return count(self.packed, self._sizes(range(len(self._bases))), self._weights, self._threads)

    def digits(self, packed: Array) -> list[Array]:
        """Return each base's code of packed codes."""
        return list(np.unravel_index(packed, [len(base.names) for base in self._bases])) if self._bases else []

    def _sizes(self, members: range | tuple[int, ...]) -> int:
        return math.prod(len(self._bases[member].names) for member in members)

    def _mix(self, members: range | tuple[int, ...]) -> Array:
        """Return each row's place among all combinations of the members' codes."""
        size = self._sizes(members)
        dtype = np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.int64
        first, *rest = members
        codes: Array = self._bases[first].codes.astype(dtype)
        for member in rest:
            np.multiply(codes, dtype(len(self._bases[member].names)), out=codes)
            np.add(codes, self._bases[member].codes.astype(dtype, copy=False), out=codes)
        return codes

    def _occurring(self, index: int) -> tuple[Array, Array]:
        """Return the combinations that occur in a slice, ascending, and the rows of each."""
        members = self._slices[index][1]
        size = self._sizes(members)
        if size > _DENSE:
            mixed, inverse = np.unique(self._mix(members), return_inverse=True)
            return mixed, count(inverse, len(mixed), self._weights)
        if self._packs:
            weights = self._packed_cells.astype(np.float64)
            cells = np.bincount(self._unpack(members), weights=weights, minlength=size).astype(np.int64)
        else:
            cells = count(self._mix(members), size, self._weights)
        occurring = np.flatnonzero(cells)
        return occurring, cells[occurring]

    def _unpack(self, members: tuple[int, ...]) -> Array:
        """Return the slice's mixed code of each packed code."""
        sizes = [len(base.names) for base in self._bases]
        digits = np.unravel_index(np.arange(int(np.prod(sizes))), sizes)
        code = np.zeros(len(digits[0]), np.int64)
        for member in members:
            code = code * sizes[member] + digits[member]
        return code

    def _name(self, members: tuple[int, ...], code: int) -> str:
        digits = np.unravel_index(code, [len(self._bases[member].names) for member in members])
        return SEPARATOR.join(
            self._bases[member].names[int(digit)] for member, digit in zip(members, digits, strict=True)
        )

    def levels(self, width: int, budget: int = 1 << 17) -> Iterator[Level]:
        """Yield what to reduce by: all slices at once if codes × ``width`` cells fit the budget, else one at a time."""
        if self._bases and self._packs and self._sizes(range(len(self._bases))) * width <= budget:
            size = self._sizes(range(len(self._bases)))
            views = [View(None, np.zeros(size, np.int32), 1)]
            for index, (_, members) in enumerate(self._slices):
                lut = np.searchsorted(self._mixed[index], self._unpack(members)).astype(np.int32)
                lut[self._packed_cells == 0] = -1
                views.append(View(index, lut, len(self.groups[index])))
            yield Level(self.packed, size, tuple(views), packed=True)
            return
        if not self._slices:
            yield Level(None, 1, (View(None, _IDENTITY, 1),))
        for index, names in enumerate(self.groups):
            views = [View(index, _IDENTITY, len(names))]
            if index == 0:  # every slice partitions the rows, so the whole is the sum over any one's groups
                views.append(View(None, np.zeros(len(names), np.int32), 1))
            yield Level(self.codes(index), len(names), tuple(views))

    def codes(self, index: int) -> Array:
        """Return each row's group in one slice."""
        members = self._slices[index][1]
        if len(members) == 1 and len(self.groups[index]) == len(self._bases[members[0]].names):
            return self._bases[members[0]].codes
        mixed = self._mixed[index]
        if self._packs:
            lut = np.searchsorted(mixed, self._unpack(members))
            return lut.astype(np.uint16 if len(mixed) < 1 << 16 else np.int32).take(self.packed)
        return np.searchsorted(mixed, self._mix(members))


def _too_many(name: str, found: int, most: int) -> str:
    return (
        f"slice {name!r} has {found:,} groups, more than {most}; bin a number with `cut`, "
        f"drop the slice, or raise evaluation.max_groups"
    )


def tally(
    codes: Array | None, cells: Array, shape: tuple[int, int], weights: Array | None, threads: int | None
) -> Array:
    """Count rows (or sum their whole-number weights) by (code, cell)."""
    size, width = shape

    def keys(part: slice) -> Array:
        if codes is None:
            return cells[part]
        mixed: Array = codes[part] * np.int64(width)
        mixed += cells[part]
        return mixed

    if weights is not None:
        return count(keys(slice(None)), size * width, weights).reshape(shape)
    found = each(quarters(len(cells)), lambda part: np.bincount(keys(part), minlength=size * width), threads)
    return np.asarray(sum(found[1:], found[0])).reshape(shape)


def count(codes: Array, size: int, weights: Array | None, threads: int | None = 1) -> Array:
    """Count rows (or sum their whole-number weights) by code."""
    if weights is None:
        found = each(quarters(len(codes)), lambda part: np.bincount(codes[part], minlength=size), threads)
        return sum(found[1:], found[0])
    return np.rint(np.bincount(codes, weights=weights, minlength=size)).astype(np.int64)
