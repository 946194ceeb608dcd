"""Round 2: tables of integers to which blocks are added, in any order, by threads, shards or a cluster."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlci.engine.blocks.block import Block
from mlci.engine.blocks.plan import SumPlan
from mlci.engine.blocks.tables.counts import MOST_CELLS, CalibrationSums, DecisionCounts, RankTables
from mlci.engine.blocks.tables.exact_sums import MOST_ROWS, ExactSums
from mlci.engine.blocks.tables.losses import BinaryLossSums, LossSums, RegressionLossSums
from mlci.engine.blocks.tables.table_bytes import read_tables, write_tables
from mlci.engine.sql import Array
from mlci.errors import InputError

_VERSION = 1


class PartialSums:
    """Sums over some blocks of a plan.

    Attributes:
        plan: The plan.
        rows: Rows that were added.
        cells: Rows by label and decisions, in each level.
        losses: Sums of each loss, in each level.
        calibration: Sums of each model, in each level.
        ranks: Bins of the scores, in each slice.
        whole_ranks: Those of the whole set; ``None`` if they are the sum of those of a slice.
    """

    def __init__(self, plan: SumPlan) -> None:
        """Begin with sums of 0; the system provides memory for those parts of large tables that are used."""
        self.plan, self.rows = plan, 0
        self.cells = [DecisionCounts(level, plan.width) for level in plan.levels]
        kind = BinaryLossSums if plan.task == "binary" else RegressionLossSums
        self.losses: list[list[LossSums]] = [
            [kind(one, level, plan.models) for level in plan.levels] for one in plan.losses
        ]
        calibrated = plan.models if plan.calibration else 0
        self.calibration = [
            [CalibrationSums(level, plan.score_unit) for level in plan.levels] for _ in range(calibrated)
        ]
        coarse = [one.coarse_of_groups for one in plan.ranks]
        self.ranks = [RankTables(level.size, coarse) for level in plan.of_slices] if coarse else []
        apart = [one.edges.coarse for one in plan.ranks] if plan.ranks_apart else []
        self.whole_ranks = RankTables(1, apart) if apart else None

    def add(self, block: Block) -> None:
        """Add the rows of a block.

        Raises:
            InputError: if there are more rows than sums can hold.
        """
        self._check_rows(block.rows)
        self.rows += block.rows
        for part in block.parts():
            self._add(_Rows(self.plan, part))

    def _add(self, rows: "_Rows") -> None:
        for codes, cells in zip(rows.levels, self.cells, strict=True):
            cells.add(codes, rows.cells)
        for losses in self.losses:
            for codes, sums in zip(rows.levels, losses, strict=True):
                sums.add(codes, rows.labels, rows.scores)
        for scores, levels in zip(rows.scores, self.calibration, strict=False):
            for codes, calibrated in zip(rows.levels, levels, strict=True):
                calibrated.add(codes, rows.labels, scores)
        if self.plan.ranks:
            self._add_ranks(rows)

    def _add_ranks(self, rows: "_Rows") -> None:
        labels, bins = rows.block.labels.astype(np.intp), rows.bins
        if self.whole_ranks is not None:
            self.whole_ranks.add(None, self.whole_ranks.cells(labels, bins))
            bins = [one.of_groups.take(own) for one, own in zip(self.plan.ranks, bins, strict=True)]
        cells = self.ranks[0].cells(labels, bins) if self.ranks else []
        for level, tables in zip(self.plan.of_slices, self.ranks, strict=True):
            tables.add(level.mix(rows.block.slices, rows.block.rows), cells)

    def merge(self, other: "PartialSums") -> None:
        """Add the sums of other rows.

        Raises:
            InputError: if they are those of another plan, or there are more rows than sums can hold.
        """
        if self.plan is not other.plan and self.plan.key != other.plan.key:
            raise InputError("sums of different plans do not add up; compute all of them from one survey")
        self._check_rows(other.rows)
        self.rows += other.rows
        for mine, theirs in zip(self.cells, other.cells, strict=True):
            mine.merge(theirs)
        for table, more in zip(self.tables(), other.tables(), strict=True):
            _add_table(table, more)

    def to_bytes(self) -> bytes:
        """Return the sums in a form that is equal for equal sums."""
        own = [np.array([self.rows], np.int64), *self.tables()]
        return write_tables(self._heading, own, [array for cells in self.cells for array in cells.occurring()])

    @classmethod
    def from_bytes(cls, plan: SumPlan, data: bytes) -> "PartialSums":
        """Read sums of a plan.

        Raises:
            InputError: if they are damaged, or those of another plan or version.
        """
        sums, rows = cls(plan), np.zeros(1, np.int64)
        cells = 2 * len(sums.cells)
        arrays = read_tables(sums._heading, data, [rows, *sums.tables()], cells, most=MOST_CELLS)
        sums.rows = int(rows[0])
        for table, codes, counts in zip(sums.cells, arrays[::2], arrays[1::2], strict=True):
            table.restore(codes, counts)
        return sums

    @property
    def _heading(self) -> str:
        return f"mlci sums {_VERSION} {self.plan.key}"

    def tables(self) -> list[Array]:
        """Return all tables of fixed size."""
        ranks = [*self.ranks, *([] if self.whole_ranks is None else [self.whole_ranks])]
        counts = [one.counts for each in self.calibration for one in each]
        words = [word for one in self._exact_sums() for word in one.tables]
        return [*counts, *words, *(table for one in ranks for table in one.tables)]

    def _exact_sums(self) -> Iterator[ExactSums]:
        for each in self.losses:
            yield from (sums for one in each for sums in one.sums)
        yield from (one.sums for each in self.calibration for one in each)

    def _check_rows(self, more: int) -> None:
        if self.rows + more >= MOST_ROWS:
            raise InputError(f"more than {MOST_ROWS - 1:,} rows can't be evaluated together; take a sample of them")


def _add_table(table: Array, more: Array) -> None:
    """Add a table to another; groups that did not occur are left without memory."""
    for row, theirs in enumerate(more):
        if theirs.any():
            table[row] += theirs


@dataclass(frozen=True, eq=False)
class _Rows:
    """A block with what several tables need of it."""

    plan: SumPlan
    block: Block

    @cached_property
    def levels(self) -> list[Array]:
        """Each row's code in every level."""
        return [level.mix(self.block.slices, self.block.rows) for level in self.plan.levels]

    @cached_property
    def labels(self) -> Array:
        """The labels as float64."""
        return self.block.labels.astype(np.float64)

    @property
    def scores(self) -> list[Array]:
        """The scores of the models that have some."""
        return [one for one in self.block.scores if one is not None]

    @property
    def bins(self) -> list[Array]:
        """The bins of the models' scores."""
        return [
            one.edges.locate(scores, float(scores.min()), float(scores.max()))
            for one, scores in zip(self.plan.ranks, self.scores, strict=True)
        ]

    def _decide(self) -> Iterator[Array]:
        """Yield the class that each model decides for."""
        columns = self.block.decisions or (None,) * self.plan.models
        scores = self.block.scores or (None,) * self.plan.models
        for column, score, threshold in zip(columns, scores, self.plan.thresholds, strict=True):
            if column is not None:
                yield column
            elif score is not None and threshold is not None:
                yield (score >= threshold).view(np.uint8)
            else:
                raise AssertionError(self.plan)  # a plan with decisions has columns or thresholds

    @cached_property
    def cells(self) -> Array:
        """Each row's code of label, the baseline's and the candidate's decision, and whether scores are unequal."""
        size = max(len(self.plan.classes), 1)
        codes = self.block.labels.astype(np.intp) if self.plan.classes else np.zeros(self.block.rows, np.intp)
        for decision in [*self._decide()][::-1] if self.plan.decided else []:
            codes *= size
            codes += decision
        codes *= 2
        if self.plan.both_scored:
            first, second = self.scores
            codes += first != second
        return codes
