"""Search for the worst slices on one half of the rows, and sums over the other half to confirm them.

A digest of each row's key or content decides its half. The first half is searched exhaustively: sums by code of every
combination of up to three columns, as in SliceFinder (Chung et al. 2019, IEEE TKDE 32:2284) and SliceLine (Sagadeeva &
Boehm 2021, SIGMOD). What it suggests is a few slices, which only the second half confirms: it did not choose them, so
that its values are not biased by the choice. Losses are rounded to multiples of a power of two, so that sums are exact
and do not depend on the order of rows.
"""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlci.engine.encode.binder import BoundJob
from mlci.engine.join import Frame
from mlci.engine.row_comparison import column_digests, row_losses
from mlci.engine.slice_search.columns import SearchColumn, read_search_columns
from mlci.engine.sql import Array
from mlci.metrics.worst_slices import ChosenSlice, LossSums, SearchedSlices, SliceSearch

MOST_CHOSEN = 10
"""Slices to confirm."""
_LEAST_Z = 2.0
_KEPT = 200
_BITS = 52
_MIXER = np.uint64(0x9E3779B97F4A7C15)

Members = tuple[int, ...]


def search_slices(bound: BoundJob, frame: Frame, asked: SliceSearch) -> SearchedSlices | None:
    """Search for the worst slices; ``None`` without a baseline.

    Args:
        bound: The job.
        frame: Its columns, each element a row.
        asked: What to search.

    Raises:
        InputError: if the evaluation set lacks a column that is asked for.
    """
    found = row_losses(frame)
    if found is None:
        return None
    columns, left_out = read_search_columns(bound, frame, asked.columns)
    name, before, after = found
    first = first_half(_row_digests(bound), bound.job.seed)
    losses = Losses(before, after)
    space = SliceSpace(columns, losses, first, asked.min_group_size)
    chosen = space.choose(asked.max_columns)
    return SearchedSlices(
        loss=name,
        searched=space.searched,
        columns=tuple(column.name for column in columns),
        left_out=tuple(map(str, left_out)),
        chosen=tuple(space.confirm(candidate) for candidate in chosen),
    )


def _row_digests(bound: BoundJob) -> Array:
    """Return a digest of each row's key, or without one of its content."""
    content = [column for column in bound.table.columns if column.name not in bound.prediction_columns]
    return column_digests(bound.connection, bound.table, content if bound.key is None else [bound.key])


def first_half(digests: Array, seed: int) -> Array:
    """Return whether each row is in the half to search, by its digest and the seed; about half of them are."""
    with np.errstate(over="ignore"):
        mixed = (digests ^ np.uint64(seed)) * _MIXER
        mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIXER
    return np.asarray(mixed >> np.uint64(63), bool)


class Losses:
    """Both models' losses of every row in whole multiples of a unit, so that their sums are exact floats.

    Squares of changes are multiples of ``square_unit``, in units of the unit's square.
    """

    def __init__(self, before: Array, after: Array) -> None:
        largest = max(float(np.abs(before).max()), float(np.abs(after).max()), float(np.finfo(float).tiny))
        self.unit = _unit(2 * largest, len(before))
        self.before, self.after = np.rint(before / self.unit), np.rint(after / self.unit)
        self.change = self.after - self.before
        square = self.change * self.change
        self.square_unit = _unit(max(float(square.max()), 1.0), len(before))
        self.square = np.rint(square / self.square_unit)

    def sums(self, rows: Array) -> LossSums:
        """Return the sums over some rows."""
        return LossSums(
            rows=int(np.count_nonzero(rows)),
            baseline=float(self.before[rows].sum()) * self.unit,
            candidate=float(self.after[rows].sum()) * self.unit,
            change=float(self.change[rows].sum()) * self.unit,
            squared_change=float(self.square[rows].sum()) * self.square_unit * self.unit * self.unit,
        )


def _unit(largest: float, rows: int) -> float:
    """Return a power of two of which ``rows`` values up to ``largest`` add up to an exact multiple."""
    return math.ldexp(1.0, math.ceil(math.log2(largest)) + math.ceil(math.log2(rows + 1)) - _BITS)


@dataclass(frozen=True, order=True)
class Suspect:
    """A slice of the searched half, the most suspicious first in order: its standardized change, its columns, codes."""

    rank: float
    members: Members
    codes: Members

    def conditions(self, columns: tuple[SearchColumn, ...]) -> dict[str, str]:
        """Return the group of each column."""
        pairs = zip(self.members, self.codes, strict=True)
        return {columns[member].name: columns[member].groups[code] for member, code in pairs}

    def is_nested(self, other: "Suspect") -> bool:
        """Return whether one of two slices contains the other by its conditions."""
        mine, theirs = (set(zip(one.members, one.codes, strict=True)) for one in (self, other))
        return mine <= theirs or theirs <= mine


class SliceSpace:
    """All combinations of columns on one evaluation set.

    Args:
        columns: The columns.
        losses: Both models' losses.
        first: Whether each row is in the half to search.
        least: Fewest rows of a slice in either half, and of the rows beside it.
    """

    def __init__(self, columns: tuple[SearchColumn, ...], losses: Losses, first: Array, least: int) -> None:
        self._columns, self._losses, self._first, self._least = columns, losses, first, max(least, 2)
        self.searched = 0

    def choose(self, most_columns: int) -> list[Suspect]:
        """Return the most suspicious slices, none of which contains another or stands out by its rows alone."""
        suspects: list[Suspect] = []
        for level in range(1, most_columns + 1):
            before = self.searched
            best = heapq.nsmallest(_KEPT, self._suspects(level))
            # The more slices have so many columns, the larger the worst of them by chance.
            price = math.log(max(self.searched - before, 1))
            suspects += [Suspect(one.rank + price, one.members, one.codes) for one in best]
        return self._distinct(sorted(suspects))

    def confirm(self, suspect: Suspect) -> ChosenSlice:
        """Return the sums of a slice over the other half."""
        inside = self._rows(suspect)
        kept, rest = inside & ~self._first, ~inside & ~self._first
        change = self._losses.change[kept]
        return ChosenSlice(
            conditions=suspect.conditions(self._columns),
            rows=int(np.count_nonzero(inside)),
            inside=self._losses.sums(kept),
            outside=self._losses.sums(rest),
            worse=int(np.count_nonzero(change > 0)),
            better=int(np.count_nonzero(change < 0)),
        )

    def _distinct(self, suspects: list[Suspect]) -> list[Suspect]:
        chosen: list[Suspect] = []
        covered = np.zeros(len(self._first), bool)
        for one in suspects:
            if len(chosen) == MOST_CHOSEN:
                break
            if any(one.is_nested(other) for other in chosen):
                continue
            rows = self._rows(one)
            if self._is_small(rows & ~self._first) or self._is_explained(rows, covered):
                continue
            chosen.append(one)
            covered |= rows
        return chosen

    def _is_explained(self, rows: Array, covered: Array) -> bool:
        """Return whether a slice does not stand out without the searched rows of the slices before it."""
        left = rows & self._first & ~covered
        above = self._losses.change[left].sum() - np.count_nonzero(left) * self._centre
        square = float(self._losses.square[left].sum()) * self._losses.square_unit
        return bool(above <= _LEAST_Z * math.sqrt(square))

    def _is_small(self, rows: Array) -> bool:
        count = np.count_nonzero(rows)
        return bool(count < self._least or np.count_nonzero(~self._first) - count < self._least)

    def _rows(self, suspect: Suspect) -> Array:
        rows = np.ones(len(self._first), bool)
        for member, code in zip(suspect.members, suspect.codes, strict=True):
            rows &= self._columns[member].codes == code
        return rows

    def _suspects(self, level: int) -> Iterator[Suspect]:
        """Yield the slices of so many columns whose change stands out."""
        for members, half in self._combinations(level):
            codes, ranks, compared = self._rank(half)
            self.searched += compared
            sizes = [len(self._columns[member].groups) for member in members]
            for code, rank in zip(codes.tolist(), ranks.tolist(), strict=True):
                digits = tuple(int(digit) for digit in np.unravel_index(code, sizes))
                yield Suspect(rank, members, digits)

    def _combinations(
        self, level: int, begun: Members = (), half: "_Half | None" = None
    ) -> Iterator[tuple[Members, "_Half"]]:
        """Yield each combination of columns with the searched half's codes; those without a large group are skipped."""
        for member in range(begun[-1] + 1 if begun else 0, len(self._columns)):
            mine = self._halves[member] if half is None else half.crossed(self._halves[member])
            if mine.counts.max(initial=0) < self._least:
                continue
            if level == 1:
                yield (*begun, member), mine
            else:
                yield from self._combinations(level - 1, (*begun, member), mine)

    @cached_property
    def _halves(self) -> list["_Half"]:
        moved = self._first & (self._losses.change != 0)
        return [_Half(column.codes[self._first], column.codes[moved], len(column.groups)) for column in self._columns]

    @cached_property
    def _moved(self) -> tuple[Array, Array]:
        """Change and its square of the searched rows whose loss changed."""
        moved = self._first & (self._losses.change != 0)
        return self._losses.change[moved], self._losses.square[moved]

    @cached_property
    def _centre(self) -> float:
        """Mean change of the searched half if the candidate is worse, else 0, in units."""
        searched = int(np.count_nonzero(self._first))
        return max(float(self._moved[0].sum()) / searched, 0.0) if searched else 0.0

    def _rank(self, half: "_Half") -> tuple[Array, Array, int]:
        """Return the codes that stand out and their ranks, and the number of slices that are large enough."""
        counts = half.counts
        rows = int(np.count_nonzero(self._first))
        large = (counts >= self._least) & (rows - counts >= self._least)
        compared = int(np.count_nonzero(large))
        if not compared:
            return np.zeros(0, np.int64), np.zeros(0), 0
        change, square = self._moved
        centre = self._centre
        total = np.bincount(half.moved, weights=change, minlength=half.size)
        squares = np.bincount(half.moved, weights=square, minlength=half.size) * self._losses.square_unit
        above = total - counts * centre
        spread = squares - 2 * centre * total + counts * centre * centre
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(large & (spread > 0), above / np.sqrt(spread), 0.0)
        codes = np.flatnonzero(z > _LEAST_Z)
        return codes, -(z[codes] ** 2) / 2, compared


class _Half:
    """Codes of one combination of columns: of all searched rows, and of those whose loss changed."""

    def __init__(self, codes: Array, moved: Array, size: int) -> None:
        self.codes, self.moved, self.size = codes, moved, size

    @cached_property
    def counts(self) -> Array:
        """Rows by code."""
        return np.bincount(self.codes, minlength=self.size)

    def crossed(self, other: "_Half") -> "_Half":
        """Return the codes of both columns."""
        size = self.size * other.size
        kind = np.uint16 if size <= 1 << 16 else np.int32
        return _Half(
            _cross(self.codes, other.codes, other.size, kind), _cross(self.moved, other.moved, other.size, kind), size
        )


def _cross(one: Array, other: Array, size: int, kind: type[np.generic]) -> Array:
    codes: Array = one.astype(kind)
    np.multiply(codes, codes.dtype.type(size), out=codes)
    np.add(codes, other, out=codes)
    return codes
