"""Round 1: where a model's scores are, and the bins of about equal mass that follow from it.

Rows are counted in fixed strips (:mod:`mlci.engine.blocks.strips`), all of them and not a sample, so that bins do not
depend on the order of rows, on blocks, or on who counted which of them. A strip with too many rows and more than one
score is cut further by counting once more (:func:`crowded`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from mlci.engine.blocks.block import MOST_ROWS
from mlci.engine.blocks.strips import STRIPS, first_scores, order_of, scores_at, strips_of
from mlci.engine.blocks.tables.table_bytes import read_tables, write_tables
from mlci.engine.sql import Array
from mlci.errors import InputError

FINE = 4096
"""Most bins of one model."""
COARSE = 256
"""Most coarse bins, whose pairs are counted for both models."""
_CROWDED = 2 * FINE
_CELLS = 1 << 20
_HEADING = "mlci scores 1"


@dataclass(frozen=True, eq=False)
class Ranges:
    """Crowded ranges of scores, each cut into ``1 << bits`` equal steps of :func:`order_of`.

    Attributes:
        lows: Order of each range's first score, ascending.
        ends: Order of the first score above it.
        strips: The strip that each is in.
    """

    lows: Array
    ends: Array
    strips: Array

    @cached_property
    def bits(self) -> int:
        """Bits of the number of steps in a range."""
        return max(int(_CELLS // max(len(self.lows), 1)).bit_length() - 1, 1)

    @cached_property
    def shifts(self) -> Array:
        """Bits of each range's step."""
        spans = [int(end) - int(low) for low, end in zip(self.lows, self.ends, strict=True)]
        return np.array([max((span - 1).bit_length() - self.bits, 0) for span in spans], np.int64)

    def locate(self, scores: Array) -> tuple[Array, Array]:
        """Return the cells of the scores that are in a range, and those scores."""
        order = order_of(scores)
        number = np.searchsorted(self.lows, order, side="right") - 1
        inside = (number >= 0) & (order < self.ends[number])
        order, number = order[inside], number[inside]
        return (number << self.bits) + ((order - self.lows[number]) >> self.shifts[number]), scores[inside]

    def bounds(self, cells: Array) -> tuple[Array, Array]:
        """Return the order of each cell's first score, and of the first one above it."""
        number, step = cells >> self.bits, cells & ((1 << self.bits) - 1)
        lows = self.lows[number] + (step << self.shifts[number])
        return lows, np.minimum(lows + (np.int64(1) << self.shifts[number]), self.ends[number])


@dataclass(frozen=True, eq=False)
class ScoreCells:
    """Occupied ranges of scores in ascending order.

    Attributes:
        strips: The strip that each is in.
        lows, ends: Order of its first score and of the first above it; 0 and 0 for a whole strip.
        counts: Rows.
        values: Its score if it has a single one; NaN if it has more.
    """

    strips: Array
    lows: Array
    ends: Array
    counts: Array
    values: Array

    def pick(self, chosen: Array) -> "ScoreCells":
        """Return some of the cells."""
        return ScoreCells(
            self.strips[chosen], self.lows[chosen], self.ends[chosen], self.counts[chosen], self.values[chosen]
        )

    def bounded(self) -> "ScoreCells":
        """Return the cells with the bounds of whole strips."""
        whole = self.ends == self.lows
        lows, ends = self.lows.copy(), self.ends.copy()
        lows[whole], ends[whole] = first_scores(self.strips[whole]), first_scores(self.strips[whole] + 1)
        return replace(self, lows=lows, ends=ends)


@dataclass(frozen=True, eq=False)
class BinEdges:
    """Bins of one model's scores.

    Attributes:
        lows: Lowest score of each bin, ascending; the first bin also has all scores below its own.
        coarse: The coarse bin of each, ascending from 0.
        single: Whether all surveyed scores in the bin are equal.
    """

    lows: Array
    coarse: Array
    single: Array

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.lows)

    @property
    def coarse_size(self) -> int:
        """Number of coarse bins."""
        return int(self.coarse[-1]) + 1

    def locate(self, scores: Array, low: float, high: float) -> Array:
        """Return the bin of each of the finite scores between ``low`` and ``high``."""
        first, table = self._table
        strip = strips_of(scores, low, high)
        strip -= first
        bins: Array = table.take(strip, mode="clip")
        unresolved = bins == self.size
        if unresolved.any():
            found = np.searchsorted(self.lows, scores[unresolved], side="right") - 1
            bins[unresolved] = np.maximum(found, 0)
        return bins

    @cached_property
    def _table(self) -> tuple[int, Array]:
        """Return the first edge's strip, and the bin of each strip from there: ``size`` if an edge is inside of it."""
        edges = strips_of(self.lows, -np.inf, np.inf)
        first = int(edges[0])
        widths = np.diff(np.append(edges - first, edges[-1] - first + 2))
        table = np.repeat(np.arange(self.size, dtype=np.uint16), widths)
        table[(edges - first)[first_scores(edges) < order_of(self.lows)]] = self.size
        return first, table

    def __getstate__(self) -> dict[str, Array]:
        """Return the fields alone, without the table that is derived from them."""
        return {"lows": self.lows, "coarse": self.coarse, "single": self.single}


def merge_cells(counts: Array, values: Array, most: int = FINE) -> Array:
    """Return the bin of each cell: about equally many rows each, and a score of many rows alone in one.

    Each cell is a bin if there are at most ``most``.
    """
    if len(counts) <= most:
        return np.arange(len(counts))
    total = int(counts.sum())
    alone = np.isfinite(values) & (counts > 2 * total // most)
    rest = np.where(alone, 0, counts)
    before, left = np.cumsum(rest) - rest, max(int(rest.sum()), 1)
    step = before * max(most - 2 * int(alone.sum()), 1) // left
    starts = alone | np.append(True, alone[:-1] | (step[1:] != step[:-1]))
    bins: Array = np.cumsum(starts) - 1
    return bins


@dataclass(eq=False)
class ScoreSurvey:
    """Counts of one model's scores in strips, or in ranges of them; two surveys of different rows add up.

    Attributes:
        ranges: The ranges to which it is restricted; ``None`` for all scores.
        rows: Rows, including those without a score.
        missing: Rows whose score is null, NaN or infinite.
        lowest, highest: Range of the finite scores.
        counts: Finite scores in each strip, or in each part of a range.
        values: One of them.
        mixed: 1 if there are unequal ones.
    """

    ranges: Ranges | None = None
    rows: int = 0
    missing: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    counts: Array = field(init=False, repr=False)
    values: Array = field(init=False, repr=False)
    mixed: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Allocate the tables; the system provides memory for those parts that are used."""
        size = STRIPS if self.ranges is None else len(self.ranges.lows) << self.ranges.bits
        self.counts, self.values = np.zeros(size, np.uint32), np.zeros(size)
        self.mixed = np.zeros(size, np.uint8)

    def add(self, scores: Array, missing: int = 0) -> None:
        """Add the scores of some rows, and the number of further rows whose score is null."""
        self.rows += len(scores) + missing
        self.missing += missing
        for start in range(0, len(scores), MOST_ROWS):
            self._add(scores[start : start + MOST_ROWS])

    def _add(self, scores: Array) -> None:
        low, high = float(scores.min()), float(scores.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            finite = scores[np.isfinite(scores)]
            self.missing += len(scores) - len(finite)
            if len(finite):
                self._add(finite)
            return
        self.lowest, self.highest = min(self.lowest, low), max(self.highest, high)
        if self.ranges is None:
            self._count(strips_of(scores, low, high), scores)
        else:
            self._count(*self.ranges.locate(scores))

    def _count(self, cells: Array, scores: Array) -> None:
        mixed = self.mixed.take(cells)
        if not mixed.all():
            self._note_values(cells, scores, np.flatnonzero(mixed == 0))
        np.add.at(self.counts, cells, np.uint32(1))

    def _note_values(self, cells: Array, scores: Array, rows: Array) -> None:
        """Note the score of cells without one, and that others have unequal scores."""
        own, values = cells[rows], scores[rows] + 0.0
        fresh = self.counts[own] == 0
        self.values[own[fresh]] = values[fresh]
        self.mixed[own[self.values[own] != values]] = 1

    def merge(self, other: "ScoreSurvey") -> None:
        """Add the rows of another survey of the same strips or ranges."""
        self._merge(other.occupied(), other)
        self.rows += other.rows
        self.missing += other.missing
        self.lowest, self.highest = min(self.lowest, other.lowest), max(self.highest, other.highest)

    def _merge(self, cells: Array, other: "ScoreSurvey") -> None:
        fresh = self.counts[cells] == 0
        self.values[cells[fresh]] = other.values[cells[fresh]]
        self.mixed[cells] |= other.mixed[cells] | (self.values[cells] != other.values[cells])
        self.counts[cells] += other.counts[cells]

    def to_bytes(self) -> bytes:
        """Return the survey of all scores in a form that is equal for equal surveys.

        It has whole strips, so that a survey of ranges is not written.
        """
        at = self.occupied()
        values = np.where(self.mixed[at] != 0, np.nan, self.values[at])
        ends = np.array([self.lowest, self.highest])
        counts = np.array([self.rows, self.missing], np.int64)
        return write_tables(_HEADING, [], [counts, ends.view(np.int64), at, self.counts[at], values.view(np.int64)])

    @classmethod
    def from_bytes(cls, data: bytes) -> "ScoreSurvey":
        """Read a survey.

        Raises:
            InputError: if it is damaged, or that of another version.
        """
        totals, ends, at, counts, bits = read_tables(_HEADING, data, [], 5, most=STRIPS)
        values, survey = bits.view(np.float64), cls()
        fits = len(totals) == len(ends) == 2 and len(at) == len(counts) == len(values)
        if not fits or (len(at) and (at.min() < 0 or at.max() >= STRIPS)) or (counts <= 0).any():
            raise InputError("a survey of scores is damaged; compute it again")
        survey.rows, survey.missing = totals.tolist()
        survey.lowest, survey.highest = ends.view(np.float64).tolist()
        survey.counts[at], survey.mixed[at] = counts, np.isnan(values)
        survey.values[at] = np.where(np.isnan(values), 0.0, values)
        return survey

    def occupied(self) -> Array:
        """Return the occupied cells."""
        if self.ranges is not None or self.rows == self.missing:
            return np.flatnonzero(self.counts)
        first, last = strips_of(np.array([self.lowest, self.highest]), -np.inf, np.inf).tolist()
        occupied: Array = np.flatnonzero(self.counts[first : last + 1]) + first
        return occupied

    def cells(self) -> ScoreCells:
        """Return the occupied cells."""
        at = self.occupied()
        nothing, counts = np.zeros(len(at), np.int64), self.counts[at].astype(np.int64)
        values = np.where(self.mixed[at] != 0, np.nan, self.values[at])
        if self.ranges is None:
            return ScoreCells(at, nothing, nothing, counts, values)
        lows, ends = self.ranges.bounds(at)
        return ScoreCells(self.ranges.strips[at >> self.ranges.bits], lows, ends, counts, values)


def crowded(cells: ScoreCells) -> Ranges | None:
    """Return the ranges with so many unequal scores that bins of them are too wide; ``None`` without any."""
    chosen = np.flatnonzero(_is_crowded(cells))
    if not len(chosen):
        return None
    few = cells.pick(chosen).bounded()
    return Ranges(few.lows, few.ends, few.strips)


def resolve(cells: ScoreCells, finer: ScoreCells) -> ScoreCells:
    """Replace the crowded cells by those of a survey of their ranges."""
    kept = cells.pick(np.flatnonzero(~_is_crowded(cells)))
    both = ScoreCells(*(np.concatenate(pair) for pair in zip(_columns(kept), _columns(finer), strict=True)))
    return both.pick(np.lexsort((both.lows, both.strips)))


def _is_crowded(cells: ScoreCells) -> Array:
    crowd: Array = np.isnan(cells.values) & (cells.counts * _CROWDED > int(cells.counts.sum()))
    return crowd


def _columns(cells: ScoreCells) -> Iterable[Array]:
    return cells.strips, cells.lows, cells.ends, cells.counts, cells.values


def bins(cells: ScoreCells, *, fine: int = FINE, coarse: int = COARSE) -> BinEdges:
    """Return bins of about equally many rows.

    Args:
        cells: The occupied cells of a survey.
        fine: Most bins.
        coarse: Most coarse bins.
    """
    number = merge_cells(cells.counts, cells.values, fine)
    first = np.flatnonzero(np.append(True, number[1:] != number[:-1]))
    counts = np.add.reduceat(cells.counts, first)
    alone = np.diff(np.append(first, len(number))) == 1
    values = np.where(alone, cells.values[first], np.nan)
    lows = scores_at(cells.pick(first).bounded().lows)
    return BinEdges(lows, merge_cells(counts, values, coarse).astype(np.uint16), np.isfinite(values))
