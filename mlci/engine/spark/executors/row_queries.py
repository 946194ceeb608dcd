"""Queries for single rows of a table in Spark, which run only to describe an error."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlci.engine import sql
from mlci.engine.spark.executors.batches import POSITION, BatchSource, open_reader
from mlci.engine.tables.table import FirstRow


@dataclass(frozen=True)
class FirstRowQuery:
    """Work for executors: the first row that meets a condition, and the number of such rows."""

    source: BatchSource
    cells: tuple[str, ...]
    condition: str

    def __call__(self, batches: Iterator[Any]) -> bytes:
        """Return the first row of a partition."""
        position = POSITION if self.source.files else "NULL::BIGINT"
        listed = [f"{position} AS n", "count(*) OVER ()", *self.cells]
        order = ", ".join(str(column + 1) for column in (0, *range(2, len(listed))))
        query = sql.select(listed, self.source.relation, where=self.condition, order_by=order, limit=1)
        first: FirstRow | None = None
        with open_reader(self.source) as reader:
            for _ in reader.each(batches):
                for row in reader.rows(query):
                    first = _first_of(first, FirstRow(position=row[0], count=row[1], cells=tuple(row[2:])))
        return pickle.dumps(first)


def merge_first_rows(first: bytes, second: bytes) -> bytes:
    """Return the first of two partitions' first rows, with the number of both."""
    return pickle.dumps(_first_of(pickle.loads(first), pickle.loads(second)))  # noqa: S301 - from the job's own executors


def _first_of(one: FirstRow | None, other: FirstRow | None) -> FirstRow | None:
    if one is None or other is None:
        return other if one is None else one
    chosen = min(one, other, key=_order)
    return FirstRow(position=chosen.position, count=one.count + other.count, cells=chosen.cells)


def _order(row: FirstRow) -> tuple[int, tuple[tuple[bool, str], ...]]:
    """Return a sort key: the position, or the cells in a table without positions."""
    return (-1 if row.position is None else row.position), tuple((cell is not None, str(cell)) for cell in row.cells)


@dataclass(frozen=True)
class FirstPositionsQuery:
    """Work for executors: the first position of each value of an expression for whole numbers."""

    source: BatchSource
    code: str

    def __call__(self, batches: Iterator[Any]) -> bytes:
        """Return the first positions in a partition."""
        position = POSITION if self.source.files else "0"
        query = sql.select(
            [self.code, f"min({position})"], self.source.relation, where=f"{self.code} IS NOT NULL", group_by="1"
        )
        found: dict[int, int] = {}
        with open_reader(self.source) as reader:
            for _ in reader.each(batches):
                found = _least(found, {int(value): int(first) for value, first in reader.rows(query)})
        return pickle.dumps(found)


def merge_first_positions(first: bytes, second: bytes) -> bytes:
    """Return the first positions in both partitions."""
    return pickle.dumps(_least(pickle.loads(first), pickle.loads(second)))  # noqa: S301 - from the job's own executors


def _least(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    return {value: min(every[value] for every in (one, other) if value in every) for value in one | other}
