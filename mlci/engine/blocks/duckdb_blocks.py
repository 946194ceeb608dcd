"""DuckDB as a source of blocks: it reads, joins by key and spills, while blocks are added up.

Keys match if both tables have equally many rows, equal sums of the keys' hashes, and their join has as many rows: the
sum over keys of products of their numbers is the number of rows only if every key occurs once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlci.engine import sql
from mlci.engine.blocks.arrow_stream import ArrowStream, stream_columns
from mlci.engine.blocks.block import Block
from mlci.engine.encode.binder import BoundJob
from mlci.engine.encode.columns import EncodedColumns
from mlci.engine.join import ColumnExpressions, FetchedColumns, kind_of_keys, own_columns, prediction_columns
from mlci.engine.join_keys import comparable
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table


@dataclass(frozen=True)
class TablePart:
    """One table of the join: its columns, its key, and the models whose predictions it has."""

    table: Table
    columns: ColumnExpressions
    key: TableColumn | None
    models: tuple[int, ...]


@dataclass(frozen=True)
class BlockSource:
    """Blocks of a bound job."""

    bound: BoundJob
    encoded: EncodedColumns

    @cached_property
    def parts(self) -> list[TablePart]:
        """The tables: the evaluation set, then those with predictions."""
        bound = self.bound
        beside = tuple(i for i, model in enumerate(bound.models) if not bound.is_joined(model))
        own, predicted = own_columns(bound, self.encoded), prediction_columns(bound, self.encoded, beside)
        columns = ColumnExpressions(
            slices=own.slices, label=own.label, decisions=predicted.decisions, scores=predicted.scores
        )
        parts = [TablePart(bound.table, columns, bound.key, beside)]
        for table in {id(model.table): model.table for model in bound.models if bound.is_joined(model)}.values():
            models = tuple(i for i, model in enumerate(bound.models) if model.table is table)
            key = bound.models[models[0]].key
            parts.append(TablePart(table, prediction_columns(bound, self.encoded, models), key, models))
        return parts

    def stream(self) -> ArrowStream:
        """Start reading all columns, joined."""
        if len(self.parts) == 1:
            return stream_columns(self.bound.connection, self.parts[0].columns.listed(), self.bound.table.relation)
        selects = [_select(part, self._comparable(part)) for part in self.parts]
        first, *others = [f"({query}) AS t{number}" for number, query in enumerate(selects)]
        joined = " ".join([first, *(f"JOIN {one} USING (k)" for one in others)])
        listed = [
            f"t{number}.v{at}" for number, part in enumerate(self.parts) for at in range(len(part.columns.listed()))
        ]
        return stream_columns(self.bound.connection, listed, joined)

    def block(self, arrays: list[Array]) -> Block:
        """Return the block of a batch."""
        fetched = list(self._assign(arrays))
        own, classed = fetched[0], self.encoded.decisions
        scores: list[Array | None] = [None] * len(self.bound.models)
        decisions: list[Array | None] = [None] * len(self.bound.models)
        for part, columns in zip(self.parts, fetched, strict=True):
            for model in part.models:
                if model in columns.scores:
                    scores[model] = _numbers(columns.scores[model])
                coding = classed[model]
                if coding is not None:
                    decisions[model] = coding.final(columns.decisions[model])
        return Block(
            slices=tuple(bins.final(codes) for bins, codes in zip(self.encoded.bins, own.slices, strict=True)),
            labels=_numbers(own.labels) if self.encoded.label is None else self.encoded.label.final(own.labels),
            scores=tuple(scores),
            decisions=tuple(decisions),
        )

    def _assign(self, arrays: list[Array]) -> Iterator[FetchedColumns]:
        rest = arrays
        for part in self.parts:
            size = len(part.columns.listed())
            yield part.columns.assign(rest[:size])
            rest = rest[size:]

    def score_stream(self, part: TablePart, models: list[int]) -> ArrowStream:
        """Start reading some models' scores from one table."""
        listed = [part.columns.scores[model] for model in models]
        return stream_columns(self.bound.connection, listed, part.table.relation)

    def may_keys_match(self) -> bool:
        """Return whether keys, if there are any, are present, and unique unless the rows of the join will show it."""
        if self.bound.key is None:
            return True
        return self._have_equal_sums() if len(self.parts) > 1 else self._has_unique_keys()

    def _have_equal_sums(self) -> bool:
        sums = {self._hash_keys(part) for part in self.parts}
        return len(sums) == 1 and sums.pop()[:2] == (self.bound.table.rows,) * 2

    def _has_unique_keys(self) -> bool:
        key = self._comparable(self.parts[0])
        rows = sql.select([f"{key} AS k", "count(*) AS n"], self.bound.table.relation, group_by="k")
        return not sql.file_exists(self.bound.connection, f"({rows})", "k IS NULL OR n > 1")

    def _comparable(self, part: TablePart) -> str:
        """SQL for a table's keys in the common form of all tables; null if it has none."""
        return comparable(_key(part), kind_of_keys(self.bound))

    def _hash_keys(self, part: TablePart) -> tuple[int, int, int]:
        key = self._comparable(part)
        expressions = ["count(*)", f"count({key})", f"coalesce(sum(hash({key})), 0)"]
        row = sql.first_row(self.bound.connection, sql.select(expressions, part.table.relation))
        if row is None:
            raise AssertionError(part)  # an aggregate has a row
        return row[0], row[1], row[2]


def _select(part: TablePart, key: str) -> str:
    listed = [f"{expression} AS v{at}" for at, expression in enumerate(part.columns.listed())]
    return sql.select([f"{key} AS k", *listed], part.table.relation)


def _key(part: TablePart) -> TableColumn:
    if part.key is None:
        raise AssertionError(part)  # tables without a key are joined by position, in memory
    return part.key


def _numbers(fetched: Array) -> Array:
    """Return numbers with NaN for nulls."""
    mask = sql.null_mask(fetched)
    numbers = sql.without_mask(fetched)
    return numbers if mask is None else np.where(mask, np.nan, numbers)
