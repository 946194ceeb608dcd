"""Groups whose scores the bins of the whole set do not resolve: they are read once more, each into bins of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product

import numpy as np

from mlci.engine.blocks.block import Block
from mlci.engine.blocks.duckdb_blocks import BlockSource
from mlci.engine.blocks.finish import auc_bound, scope_codes, scores_of
from mlci.engine.blocks.parallel import M, Pool
from mlci.engine.blocks.plan import RankBins, SumPlan, rank_bins
from mlci.engine.blocks.score_range import Ranges, ScoreCells, ScoreSurvey, crowded, resolve
from mlci.engine.blocks.tables.counts import RankTables
from mlci.engine.sql import Array
from mlci.metrics.statistics import Scope, Scores, Statistics

BOUND = 5e-4
"""Largest error of an AUC from bins."""
_TOGETHER = 8
"""Groups that are surveyed together; each has tables of several MB."""
Bounds = Mapping[Scope, float]
Group = tuple[int | None, int]


def rank_loosely_binned(
    source: BlockSource, plan: SumPlan, statistics: tuple[Statistics, ...], bounds: Bounds, pool: Pool
) -> tuple[tuple[Statistics, ...], dict[Scope, float]]:
    """Return statistics and bounds with new ranks of each scope whose AUC may be off by more than :data:`BOUND`."""
    found, better = {one.scope: one for one in statistics}, dict(bounds)
    loose = [scope for scope, bound in bounds.items() if bound > BOUND]
    for start in range(0, len(loose), _TOGETHER):
        chosen = loose[start : start + _TOGETHER]
        for scope, ranked, bound in _Ranking(source, plan, chosen, pool).ranks():
            before = found[scope].scores
            scores = replace(ranked, differing=0 if before is None else before.differing)
            found[scope], better[scope] = replace(found[scope], scores=scores), bound
    return tuple(found[one.scope] for one in statistics), better


@dataclass(frozen=True)
class _Ranking:
    """Ranks of some scopes in bins of their own."""

    source: BlockSource
    plan: SumPlan
    scopes: Sequence[Scope]
    pool: Pool

    def ranks(self) -> Iterator[tuple[Scope, Scores, float]]:
        """Yield each scope with its ranks and the bound of its AUC."""
        bins = self._bins()
        found = self._read(lambda: _GroupRanks(self.source, self.plan, self._groups, bins))
        for scope, tables, own in zip(self.scopes, found.each, bins, strict=True):
            bound = auc_bound(tables, None, [one.edges.single for one in own])
            yield scope, scores_of(tables, None, 0), bound

    def _bins(self) -> list[list[RankBins]]:
        """Return both models' bins of each scope's own scores."""
        keys = list(product(range(len(self.scopes)), range(self.plan.models)))
        cells: dict[tuple[int, int], ScoreCells] = {}
        pending: dict[tuple[int, int], Ranges | None] = dict.fromkeys(keys)
        while pending:
            create = partial(_GroupSurveys, self.source, self.plan, self._groups, pending)
            for key, survey in self._read(create).each.items():
                cells[key] = resolve(cells[key], survey.cells()) if key in cells else survey.cells()
            pending = {key: ranges for key in pending if (ranges := crowded(cells[key])) is not None}
        return [
            [rank_bins(cells[scope, model], 1) for model in range(self.plan.models)]
            for scope in range(len(self.scopes))
        ]

    @cached_property
    def _groups(self) -> list[Group]:
        code = scope_codes(self.plan)
        return [code(scope) for scope in self.scopes]

    def _read(self, create: Callable[[], M]) -> M:
        rows = self.source.bound.table.rows
        return self.pool.add_up(self.source.stream(), create, stage="ranking groups again", rows=rows)


class _GroupSurveys:
    """Surveys of both models' scores in some groups."""

    def __init__(
        self,
        source: BlockSource,
        plan: SumPlan,
        groups: Sequence[Group],
        ranges: Mapping[tuple[int, int], Ranges | None],
    ) -> None:
        self._source, self._plan, self._groups = source, plan, groups
        self.each = {key: ScoreSurvey(one) for key, one in ranges.items()}

    def add_batch(self, arrays: list[Array]) -> None:
        for block in self._source.block(arrays).parts():
            rows = list(_rows_of(self._plan, self._groups, block))
            for (group, model), survey in self.each.items():
                scores = block.scores[model]
                if scores is not None and len(rows[group]):
                    survey.add(scores[rows[group]])

    def merge(self, other: "_GroupSurveys") -> None:
        for key, survey in self.each.items():
            survey.merge(other.each[key])


class _GroupRanks:
    """Rows of some groups by bins of their own scores."""

    def __init__(
        self, source: BlockSource, plan: SumPlan, groups: Sequence[Group], bins: Sequence[Sequence[RankBins]]
    ) -> None:
        self._source, self._plan, self._groups, self._bins = source, plan, groups, bins
        self.each = [RankTables(1, [one.edges.coarse for one in models]) for models in bins]

    def add_batch(self, arrays: list[Array]) -> None:
        for block in self._source.block(arrays).parts():
            for rows, table, models in zip(
                _rows_of(self._plan, self._groups, block), self.each, self._bins, strict=True
            ):
                if not len(rows):
                    continue
                scores = [one[rows] for one in block.scores if one is not None]
                fine = [
                    one.edges.locate(own, float(own.min()), float(own.max()))
                    for one, own in zip(models, scores, strict=True)
                ]
                table.add(None, table.cells(block.labels[rows].astype(np.intp), fine))

    def merge(self, other: "_GroupRanks") -> None:
        for mine, theirs in zip(self.each, other.each, strict=True):
            mine.merge(theirs)


def _rows_of(plan: SumPlan, groups: Sequence[Group], block: Block) -> list[Array]:
    """Return the rows of each group."""
    mixed = {slice_: plan.of_slices[slice_].mix(block.slices, block.rows) for slice_, _ in groups if slice_ is not None}
    return [
        np.arange(block.rows) if slice_ is None else np.flatnonzero(mixed[slice_] == code) for slice_, code in groups
    ]
