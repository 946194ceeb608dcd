"""Plan of the second round: what is counted and summed for each row, and by which codes."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from mlci.engine.blocks.score_range import COARSE, FINE, BinEdges, ScoreCells, bins, merge_cells
from mlci.engine.sql import Array

Members = tuple[int, ...]
_PACKED = 1 << 13
"""Most combinations of all base columns that have sums of their own; more are summed for each slice."""
MOST_GROUPS = 1 << 15
"""Most combinations of codes in one slice."""
MOST_RANKED = 1 << 10
"""Most combinations of codes in one slice whose scores are ranked; the few rows of more groups are ranked in memory."""
_FINE_CELLS, _COARSE_ENOUGH = 1 << 23, 120
_COARSE_BINS = ((8, COARSE), (256, 128), (2048, 64), (8192, 32))
"""Groups in all slices, and the coarse bins with which tables of that many groups fit in about 30 MB."""
CALIBRATION_BINS = 15


@dataclass(frozen=True, eq=False)
class RankBins:
    """Bins of one model's scores.

    Attributes:
        edges: Those of the whole set.
        of_groups: For each of them, the bin in tables by group; with many groups these are fewer.
        coarse_of_groups: The coarse bin of each bin in tables by group.
        single_of_groups: Whether all surveyed scores in it are equal.
    """

    edges: BinEdges
    of_groups: Array
    coarse_of_groups: Array
    single_of_groups: Array

    @property
    def is_shared(self) -> bool:
        """Whether the bins of groups do for the whole set, too."""
        coarse = int(self.coarse_of_groups[-1]) + 1
        return len(self.coarse_of_groups) == self.edges.size and coarse >= min(_COARSE_ENOUGH, self.edges.coarse_size)


def rank_bins(cells: ScoreCells, groups: int) -> RankBins:
    """Return the bins of a surveyed model for tables of so many groups in all slices.

    Pairs of coarse bins are counted for both models: with more groups there are fewer of them, and standard errors of a
    change are larger by 0.02 % with 256 bins, 0.07 % with 128, 0.3 % with 64 and 1.2 % with 32.
    """
    edges = bins(cells)
    fine = min(FINE, 1 << max((_FINE_CELLS // max(groups, 1)).bit_length() - 1, 6))
    coarse = next((size for most, size in _COARSE_BINS if groups <= most), 16)
    counts = _counts_of_bins(cells, edges)
    of_groups = merge_cells(counts, np.where(edges.single, 0.0, np.nan), fine)
    first = np.flatnonzero(np.append(True, of_groups[1:] != of_groups[:-1]))
    single = edges.single[first] & (np.diff(np.append(first, len(counts))) == 1)
    coarse_of_groups = merge_cells(np.add.reduceat(counts, first), np.where(single, 0.0, np.nan), coarse)
    return RankBins(edges, of_groups.astype(np.uint16), coarse_of_groups.astype(np.uint16), single)


def _counts_of_bins(cells: ScoreCells, edges: BinEdges) -> Array:
    """Return the surveyed rows of each bin."""
    number = merge_cells(cells.counts, cells.values, FINE)
    return np.bincount(number, weights=cells.counts, minlength=edges.size).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class LossPlan:
    """One loss: its name, the powers of two that bring it and the labels into [-1, 1], and the centre of labels."""

    name: str
    unit: float = 1.0
    label_unit: float = 1.0
    centre: float = 0.0


@dataclass(frozen=True)
class CodeLevel:
    """Codes by which rows are summed: combinations of some base columns.

    Attributes:
        members: The base columns.
        sizes: Number of codes of each.
    """

    members: Members
    sizes: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of combinations."""
        return math.prod(self.sizes)

    def mix(self, columns: Sequence[Array], rows: int) -> Array:
        """Return each row's combination."""
        if not self.members:
            return np.zeros(rows, np.intp)
        codes: Array = columns[self.members[0]].astype(np.intp)
        for member, size in zip(self.members[1:], self.sizes[1:], strict=True):
            codes *= size
            codes += columns[member]
        return codes

    def project(self, members: Members) -> Array:
        """Return for each combination that of some of the base columns."""
        digits = np.unravel_index(np.arange(self.size), self.sizes) if self.sizes else ()
        codes = np.zeros(self.size, np.int64)
        for member in members:
            at = self.members.index(member)
            codes = codes * self.sizes[at] + digits[at]
        return codes

    def fold(self, table: Array, members: Members) -> Array:
        """Sum a table (last axis: this level's codes) over all base columns but some, to their combinations."""
        split = table.reshape(*table.shape[:-1], *self.sizes)
        kept = [self.members.index(member) for member in members]
        lead = table.ndim - 1
        others = tuple(lead + axis for axis in range(len(self.members)) if axis not in kept)
        summed = split.sum(axis=others)
        left = [axis for axis in range(len(self.members)) if axis in kept]
        order = [lead + left.index(axis) for axis in kept]
        moved = summed.transpose(*range(lead), *order)
        return np.ascontiguousarray(moved).reshape(*table.shape[:-1], -1)


def fold_inner(table: Array, level: CodeLevel, members: Members, inner: int) -> Array:
    """Sum a table by level's code and inner code to some base columns: shape (columns, combinations, inner codes)."""
    by_code = table.reshape(len(table), level.size, inner).transpose(0, 2, 1)
    return level.fold(by_code, members).transpose(0, 2, 1)


@dataclass(frozen=True, kw_only=True)
class SumPlan:
    """Plan for all blocks of one evaluation set; small, and equal wherever blocks are added up.

    Attributes:
        task: The kind of model.
        classes: Names of the classes; empty for regression.
        models: Number of models: 1, or 2 with a baseline.
        bases: Names of the codes of each base column of the slices.
        slices: Name and base columns of each slice.
        decisions: Whether decisions are counted.
        thresholds: The score from which each model decides for the positive class; ``None`` for a model whose
            decisions are columns.
        scored: Whether each model has scores that are read.
        losses: Losses to sum.
        calibration: Whether calibration is summed.
        score_unit: Power of two at or above every distance of a score from a label.
        ranks: Bins of the candidate's scores, then the baseline's; empty if scores are not ranked.
        max_groups: Most groups that a slice may have.
        path: The evaluation set, for errors.
    """

    task: Literal["binary", "multiclass", "regression", "ranking"]
    classes: tuple[str, ...] = ()
    models: int = 1
    bases: tuple[tuple[str, ...], ...] = ()
    slices: tuple[tuple[str, Members], ...] = ()
    decisions: bool = True
    thresholds: tuple[float | None, ...] = ()
    scored: tuple[bool, ...] = ()
    losses: tuple[LossPlan, ...] = ()
    calibration: bool = False
    score_unit: float = 1.0
    ranks: tuple[RankBins, ...] = field(default=(), repr=False)
    max_groups: int = 100
    path: str = ""

    @cached_property
    def levels(self) -> tuple[CodeLevel, ...]:
        """The codes by which rows are summed: of all base columns, or one level for each slice."""
        together = tuple(range(len(self.bases)))
        packed = self._level(together)
        if packed.size <= _PACKED:
            return (packed,)
        return tuple(self._level(members) for _, members in self.slices) or (self._level(()),)

    @cached_property
    def of_slices(self) -> tuple[CodeLevel, ...]:
        """The codes of each slice."""
        return tuple(self._level(members) for _, members in self.slices)

    @property
    def ranks_apart(self) -> bool:
        """Whether the whole set has bins of its own, because it has no slices, or many groups have fewer bins."""
        return bool(self.ranks) and not (self.slices and all(one.is_shared for one in self.ranks))

    @property
    def both_scored(self) -> bool:
        """Whether two models have scores, so that equal decisions are not equal predictions."""
        return len(self.scored) == 2 and all(self.scored)

    @property
    def one_scored(self) -> bool:
        """Whether only one of two models has scores, so that no row's predictions are known to be equal."""
        return len(self.scored) == 2 and any(self.scored) and not all(self.scored)

    @property
    def decided(self) -> int:
        """Number of models whose decisions are counted."""
        return self.models if self.decisions and self.classes else 0

    @property
    def width(self) -> int:
        """Number of combinations of label, decisions and whether scores are unequal."""
        labels = max(len(self.classes), 1)
        return int(2 * labels * labels**self.decided)

    @property
    def key(self) -> str:
        """Digest of all that sums depend on: sums of different plans do not add up."""
        state = hashlib.sha256(repr(self).encode())
        for one in self.ranks:
            for array in (one.edges.lows, one.edges.coarse, one.of_groups, one.coarse_of_groups):
                state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()

    def _level(self, members: Members) -> CodeLevel:
        return CodeLevel(members, tuple(len(self.bases[member]) for member in members))


def count_combinations(bases: Sequence[Sequence[str]], slices: Sequence[tuple[str, Members]]) -> int:
    """Return the number of combinations in all slices."""
    return sum(math.prod(len(bases[member]) for member in members) for _, members in slices)
