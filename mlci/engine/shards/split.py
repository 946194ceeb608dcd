"""Split of a job's rows: by their keys, so that a key that occurs twice is in one shard twice; or by position."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import duckdb

from mlci.engine import sql
from mlci.engine.encode.binder import BoundJob
from mlci.engine.join import kind_of_keys
from mlci.engine.join_keys import comparable
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table
from mlci.errors import InputError

MOST_SHARDS = 256
_SHARD = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")


@dataclass(frozen=True, order=True)
class Shard:
    """One of several parts of the rows.

    Attributes:
        number: Its number, from 1.
        count: Number of all shards.
    """

    number: int
    count: int

    def __str__(self) -> str:
        """Write ``2/5``."""
        return f"{self.number}/{self.count}"


def parse_shard(text: str) -> Shard:
    """Read ``2/5``.

    Raises:
        InputError: if it is not a number and the number of all.
    """
    match = _SHARD.fullmatch(text)
    shard = Shard(int(match[1]), int(match[2])) if match else None
    if shard is None or shard.number > shard.count or shard.count > MOST_SHARDS:
        raise InputError(f"--shard {text!a} is not a part of at most {MOST_SHARDS}, such as 2/5 for the second of five")
    return shard


@dataclass(frozen=True)
class ShardTable(Table):
    """Rows of a table that belong to one shard; names of rows are those in the whole table."""

    own_rows: int = 0

    @property
    def rows(self) -> int:
        """Rows in the shard."""
        return self.own_rows


def split_tables(bound: BoundJob, shard: Shard) -> BoundJob:
    """Return a job on the rows of one shard, of each table."""
    tables: dict[int, Table] = {}

    def part(table: Table, key: TableColumn | None) -> Table:
        if id(table) not in tables:
            tables[id(table)] = _part(bound, table, key, shard)
        return tables[id(table)]

    own = part(bound.table, bound.key)
    models = tuple(replace(one, table=part(one.table, one.key)) for one in bound.models)
    return replace(bound, table=own, models=models)


def _part(bound: BoundJob, table: Table, key: TableColumn | None, shard: Shard) -> ShardTable:
    where = f"{_bucket(bound, table, key)} % {shard.count} = {shard.number - 1}"
    columns = dict.fromkeys(name for one in table.columns for name in (one.raw, one.ref))
    relation = f"({sql.select([*columns, 'file_row_number', 'file_index'], table.relation, where=where)}) AS t"
    values = {one.name: getattr(table, one.name) for one in fields(Table)}
    rows = _count(bound.connection, relation)
    return ShardTable(**(values | {"relation": relation}), own_rows=rows)


def _bucket(bound: BoundJob, table: Table, key: TableColumn | None) -> str:
    """SQL for a number by which rows are split: of the key in the form by which tables are joined, or the position."""
    return table.row_number if key is None else f"hash({comparable(key, kind_of_keys(bound))})"


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = sql.first_row(connection, sql.select(["count(*)"], relation))
    return int(row[0]) if row else 0


def content_sums(bound: BoundJob) -> tuple[str, ...]:
    """Return a digest of the columns that a job reads, for each table: equal for equal rows in any order.

    Shards of other data are found by it; it is not a defence against a deliberate search for collisions.
    """
    return tuple(_content(bound, table, key, columns) for table, key, columns in _tables(bound))


def _tables(bound: BoundJob) -> Iterator[tuple[Table, TableColumn | None, list[str]]]:
    own = [bound.label.ref, *(column.ref for _, column in bound.bases)]
    beside = [column.ref for model in bound.models if not bound.is_joined(model) for column in model.columns]
    yield bound.table, bound.key, [*own, *beside]
    for model in bound.models:
        if bound.is_joined(model):
            yield model.table, model.key, [column.ref for column in model.columns]


def _content(bound: BoundJob, table: Table, key: TableColumn | None, columns: list[str]) -> str:
    keyed = table.row_number if key is None else comparable(key, kind_of_keys(bound))
    hashed = f"hash({', '.join([keyed, *(f'{column}::VARCHAR' for column in columns)])})"
    row = sql.first_row(bound.connection, sql.select(["count(*)", f"coalesce(sum({hashed}), 0)"], table.relation))
    if row is None:
        raise AssertionError(table)  # an aggregate has a row
    return f"{row[0]}:{int(row[1]) % 2**128:x}"
