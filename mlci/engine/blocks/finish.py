"""Statistics of every scope from the sums of all rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product

import numpy as np

from mlci.engine.blocks.plan import Members, SumPlan
from mlci.engine.blocks.sums import PartialSums
from mlci.engine.blocks.tables.counts import RankTables
from mlci.engine.blocks.tables.group_decisions import GroupDecisions
from mlci.engine.encode.grouping import too_many_groups
from mlci.engine.sql import Array
from mlci.engine.tables.cell_values import SEPARATOR
from mlci.errors import InputError, Problem
from mlci.metrics.statistics import WHOLE, Calibration, ModelBins, Moments, Scope, Scores, Statistics


def finish(plan: SumPlan, sums: PartialSums) -> tuple[Statistics, ...]:
    """Return the whole set's statistics, then each slice's groups.

    Raises:
        InputError: if slices have more groups than the plan allows; the message names each slice.
    """
    views = list(_views(plan, sums))
    problems = [
        Problem(too_many_groups(plan.slices[view.slice][0], len(view.groups), plan.max_groups), plan.path)
        for view in views
        if view.slice is not None and len(view.groups) > plan.max_groups
    ]
    if problems:
        raise InputError.of(problems)
    return tuple(statistics for view in views for statistics in view.statistics())


def auc_bounds(plan: SumPlan, sums: PartialSums) -> dict[Scope, float]:
    """Return for each scope how far an AUC may be off, because a bin hides the order of its rows; empty without ranks.

    It is half the sum over bins of the product of the two classes' shares in a bin. A bin of equal scores adds nothing.
    """
    if not plan.ranks:
        return {}
    return {scope: bound for view in _views(plan, sums) for scope, bound in view.auc_bounds()}


def _views(plan: SumPlan, sums: PartialSums) -> Iterator["_View"]:
    yield _View(plan, sums, None, 0, ())
    for index, (_, members) in enumerate(plan.slices):
        yield _View(plan, sums, index, index if len(plan.levels) > 1 else 0, members)


@dataclass(frozen=True)
class _View:
    """One slice, or the whole set: its combinations of base columns, of which some occur.

    Attributes:
        plan, sums: The plan and its sums.
        slice: Number of the slice; ``None`` for the whole set.
        level: Number of the level from which it is summed up.
        members: Its base columns.
    """

    plan: SumPlan
    sums: PartialSums
    slice: int | None
    level: int
    members: Members

    @cached_property
    def _cells(self) -> tuple[Array, Array, Array]:
        """Combination, cell and rows of all that occur, in ascending order."""
        width, level = self.plan.width, self.plan.levels[self.level]
        codes, counts = self.sums.cells[self.level].occurring()
        mixed = level.project(self.members)[codes // width] * width + codes % width
        both, inverse = np.unique(mixed, return_inverse=True)
        rows = np.zeros(len(both), np.int64)
        np.add.at(rows, inverse, counts)
        return both // width, both % width, rows

    @cached_property
    def groups(self) -> Array:
        """The combinations that occur."""
        return np.unique(self._cells[0])

    @cached_property
    def _counted(self) -> list[GroupDecisions]:
        groups, cells, rows = self._cells
        edges = np.searchsorted(groups, np.append(self.groups, groups[-1] + 1))
        return [GroupDecisions(self.plan, cells[low:high], rows[low:high]) for low, high in pairwise(edges)]

    @cached_property
    def scopes(self) -> list[Scope]:
        """The scope of each group."""
        if self.slice is None:
            return [WHOLE]
        sizes, name = self.plan.of_slices[self.slice].sizes, self.plan.slices[self.slice][0]
        names = [self.plan.bases[member] for member in self.members]
        digits = zip(*np.unravel_index(self.groups, sizes), strict=True)
        return [
            Scope(name, SEPARATOR.join(each[int(digit)] for each, digit in zip(names, one, strict=True)))
            for one in digits
        ]

    def statistics(self) -> Iterator[Statistics]:
        """Yield the statistics of each group."""
        moments = self._moments()
        calibrated = self._calibrate()
        for number, (scope, one) in enumerate(zip(self.scopes, self._counted, strict=True)):
            yield Statistics(
                scope,
                one.size,
                decisions=one.decisions,
                scores=self._scores(number) if self.plan.ranks else None,
                moments={name: each[number] for name, each in moments.items()},
                calibration=calibrated[number] if calibrated else None,
                differing=one.differing if self.plan.models == 2 else None,
            )

    def _moments(self) -> dict[str, list[Moments]]:
        unequal = [one.unequal for one in self._counted]
        labels = [one.labels for one in self._counted]
        return {
            one.name: sums[self.level].moments(self.members, self.groups, unequal, labels)
            for one, sums in zip(self.plan.losses, self.sums.losses, strict=True)
        }

    def _calibrate(self) -> list[Calibration]:
        each = [levels[self.level].of_groups(self.members, self.groups) for levels in self.sums.calibration]
        return [Calibration(*(column for one in models for column in one)) for models in zip(*each, strict=True)]

    def _scores(self, number: int) -> Scores:
        tables, rows = self._tables(number)
        return scores_of(tables, rows, self._counted[number].unequal)

    def _tables(self, number: int) -> tuple[RankTables, list[int] | None]:
        """Return the tables with a group, and its rows in them; ``None`` for all of them."""
        if self.slice is not None:
            return self.sums.ranks[self.slice], [int(self.groups[number])]
        whole = self.sums.whole_ranks
        return (self.sums.ranks[0], None) if whole is None else (whole, [0])

    def auc_bounds(self) -> Iterator[tuple[Scope, float]]:
        """Yield each group with its bound."""
        own = self.slice is None
        single = [one.edges.single if own else one.single_of_groups for one in self.plan.ranks]
        for number, scope in enumerate(self.scopes):
            yield scope, auc_bound(*self._tables(number), single)


def scores_of(tables: RankTables, rows: list[int] | None, differing: int) -> Scores:
    """Return the ranks of the rows that some groups of tables have together; ``None`` for all groups."""
    bins = []
    for table, coarse in zip(tables.histograms, tables.coarse, strict=True):
        negatives, positives = _sum_rows(table, rows).reshape(2, -1)
        kept = np.flatnonzero(negatives + positives)
        bins.append(ModelBins(positives[kept], negatives[kept], coarse[kept].astype(np.int64)))
    if tables.joint is None:
        return Scores(bins[0], None, None, 0, exact=False)
    negatives, positives = _sum_rows(tables.joint, rows).reshape(2, -1)
    kept = np.flatnonzero(negatives + positives)
    pairs = [kept // tables.sizes[0], kept % tables.sizes[0], positives[kept], negatives[kept]]
    return Scores(bins[0], bins[1], np.column_stack(pairs), differing, exact=False)


def auc_bound(tables: RankTables, rows: list[int] | None, single: list[Array]) -> float:
    """Return how far the AUC of either model may be off; bins of a single score add nothing."""
    return max(
        _mixed_share(_sum_rows(table, rows).reshape(2, -1), one)
        for table, one in zip(tables.histograms, single, strict=True)
    )


def scope_codes(plan: SumPlan) -> Callable[[Scope], tuple[int | None, int]]:
    """Return a function from a scope to the number of its slice and its combination of codes."""
    numbers = {name: number for number, (name, _) in enumerate(plan.slices)}

    def code(scope: Scope) -> tuple[int | None, int]:
        if scope.slice is None or scope.group is None:
            return None, 0
        number = numbers[scope.slice]
        names = {SEPARATOR.join(one): at for at, one in enumerate(product(*_base_names(plan, number)))}
        return number, names[scope.group]

    return code


def _base_names(plan: SumPlan, number: int) -> list[tuple[str, ...]]:
    return [plan.bases[member] for member in plan.slices[number][1]]


def _sum_rows(table: Array, rows: list[int] | None) -> Array:
    summed: Array = (table if rows is None else table[rows]).sum(axis=0, dtype=np.int64)
    return summed


def _mixed_share(histogram: Array, single: Array) -> float:
    negatives, positives = (int(one.sum()) for one in histogram)
    mixed = histogram[:, ~single].astype(np.float64)
    return 0.5 * float((mixed[0] * mixed[1]).sum()) / (negatives * positives) if negatives and positives else 0.0
