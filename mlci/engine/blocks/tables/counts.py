"""Tables of rows: by label and decisions, by bins of scores, and for calibration."""

from collections.abc import Sequence

import numpy as np

from mlci.engine.blocks.plan import CALIBRATION_BINS, CodeLevel, Members, fold_inner
from mlci.engine.blocks.tables.exact_sums import ExactSums, total
from mlci.engine.sql import Array
from mlci.errors import InputError

_DENSE = 1 << 22
MOST_CELLS = 1 << 26
"""Most occurring cells of one table."""


class DecisionCounts:
    """Rows by a level's codes and by label, decisions and whether scores are unequal."""

    def __init__(self, level: CodeLevel, width: int) -> None:
        """Begin without rows."""
        self.level, self.width, self.size = level, width, level.size * width
        self.dense = np.zeros(self.size, np.int64) if self.size <= _DENSE else None
        self._codes, self._counts = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(self, codes: Array, cells: Array) -> None:
        """Add rows."""
        mixed = codes * self.width
        mixed += cells
        if self.dense is not None:
            self.dense += np.bincount(mixed, minlength=self.size)
        else:
            self._extend(*np.unique(mixed, return_counts=True))

    def merge(self, other: "DecisionCounts") -> None:
        """Add the rows of another table."""
        if self.dense is not None and other.dense is not None:
            self.dense += other.dense
        else:
            self._extend(*other.occurring())

    def occurring(self) -> tuple[Array, Array]:
        """Return the cells with rows, ascending, and the rows of each."""
        if self.dense is None:
            return self._codes, self._counts
        at = np.flatnonzero(self.dense)
        return at, self.dense[at]

    def restore(self, codes: Array, counts: Array) -> None:
        """Set the cells with rows.

        Raises:
            InputError: if there are no such cells.
        """
        ascending = len(codes) == len(counts) and bool((codes[1:] > codes[:-1]).all())
        if not ascending or (len(codes) and (int(codes[-1]) >= self.size or int(codes[0]) < 0)):
            raise InputError("sums are damaged: they have cells outside of their tables")
        self._codes, self._counts = codes, counts
        if self.dense is not None:
            self.dense[codes] = counts

    def _extend(self, codes: Array, counts: Array) -> None:
        both, inverse = np.unique(np.concatenate([self._codes, codes]), return_inverse=True)
        sums = np.zeros(len(both), np.int64)
        np.add.at(sums, inverse, np.concatenate([self._counts, counts]))
        self._codes, self._counts = both, sums


class CalibrationSums:
    """One model's rows, and sums of score - label and of its square, by a level's codes, label and bin of the score."""

    def __init__(self, level: CodeLevel, unit: float) -> None:
        """Begin with sums of 0; ``unit`` is a power of two at or above every distance of a score from a label."""
        self.level, self.unit = level, unit
        codes = level.size * 2 * CALIBRATION_BINS
        self.counts, self.sums = np.zeros((1, codes), np.int64), ExactSums(2, codes)

    def add(self, codes: Array, labels: Array, scores: Array) -> None:
        """Add rows."""
        bins = np.clip(scores * CALIBRATION_BINS, 0, CALIBRATION_BINS - 1).astype(np.int8)
        mixed = (codes * 2 + labels.astype(np.intp)) * CALIBRATION_BINS
        mixed += bins
        gaps = (scores - labels) / self.unit
        self.counts[0] += np.bincount(mixed, minlength=self.counts.shape[1])
        self.sums.add(mixed, (gaps, gaps * gaps), fine=2)

    def of_groups(self, members: Members, groups: Array) -> list[tuple[Array, Array, Array, Array]]:
        """Return rows, sums of gaps and of squared gaps, and positives by bin, for each of some groups."""
        inner = 2 * CALIBRATION_BINS
        tables = (self.counts, *self.sums.tables)
        counts, high, low = (fold_inner(table, self.level, members, inner)[:, groups] for table in tables)
        return [self._of_group(counts[0, at], high[:, at], low[:, at]) for at in range(len(groups))]

    def _of_group(self, counts: Array, high: Array, low: Array) -> tuple[Array, Array, Array, Array]:
        shape = (2, CALIBRATION_BINS)
        by_label = counts.reshape(shape)
        gaps, squares = (
            np.array([total(one[:, bin_], other[:, bin_]) for bin_ in range(CALIBRATION_BINS)])
            for one, other in zip(high.reshape(2, *shape), low.reshape(2, *shape), strict=True)
        )
        return by_label.sum(axis=0), gaps * self.unit, squares * self.unit**2, by_label[1].copy()


class RankTables:
    """Rows by group, label and bins of the models' scores.

    Attributes:
        histograms: For each model, shape (groups, 2 × bins): the bins of label 0, then those of label 1.
        coarse: For each model, the coarse bin of each bin.
        sizes: Number of coarse bins of each model.
        joint: Pairs of coarse bins of both models, shape (groups, 2 × pairs); ``None`` for one model.
    """

    def __init__(self, groups: int, coarse: Sequence[Array]) -> None:
        """Begin without rows.

        Args:
            groups: Number of groups.
            coarse: For each model, the coarse bin of each bin.
        """
        self.coarse = coarse
        self.sizes = [int(one[-1]) + 1 for one in coarse]
        self.histograms = [np.zeros((groups, 2 * len(one)), np.uint32) for one in coarse]
        pairs = 2 * self.sizes[0] * self.sizes[-1]
        self.joint = np.zeros((groups, pairs), np.uint32) if len(coarse) == 2 else None

    @property
    def tables(self) -> list[Array]:
        """All parts, which add up over blocks."""
        return [*self.histograms, *([] if self.joint is None else [self.joint])]

    def cells(self, labels: Array, fine: Sequence[Array]) -> list[Array]:
        """Return each row's place in the tables of a group, given the bins of the models' scores."""
        found = [labels * len(coarse) + bins for bins, coarse in zip(fine, self.coarse, strict=True)]
        if self.joint is None:
            return found
        candidate, baseline = (coarse.take(bins) for bins, coarse in zip(fine, self.coarse, strict=True))
        pairs = labels * self.sizes[1]
        pairs += baseline
        pairs *= self.sizes[0]
        pairs += candidate
        return [*found, pairs]

    def add(self, groups: Array | None, cells: Sequence[Array]) -> None:
        """Add rows: the group of each (``None`` for a single one), and their :meth:`cells`."""
        if groups is None:
            for table, places in zip(self.tables, cells, strict=True):
                np.add.at(table.reshape(-1), places, np.uint32(1))
            return
        width, first, at = 0, groups, np.empty_like(groups)
        for table, places in zip(self.tables, cells, strict=True):
            if table.shape[1] != width:
                width = table.shape[1]
                first = groups * width
            np.add.at(table.reshape(-1), np.add(first, places, out=at), np.uint32(1))

    def merge(self, other: "RankTables") -> None:
        """Add the rows of other tables; groups that did not occur are left without memory."""
        for table, more in zip(self.tables, other.tables, strict=True):
            for group, theirs in enumerate(more):
                if theirs.any():
                    table[group] += theirs
