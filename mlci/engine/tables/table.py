"""Table over one or several files: Parquet shards, columns by position, row numbers."""

import base64
import difflib
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from mlci.engine import sql
from mlci.engine.tables.column_types import TableColumn, read_column, relation
from mlci.engine.tables.csv_json import check_names, stage_csv, stage_json
from mlci.engine.tables.databases import stage_database
from mlci.engine.tables.files import Format, LocalFile, locate_files
from mlci.engine.tables.numpy_feather import stage_feather, stage_numpy
from mlci.engine.tables.parquet_metadata import UnsupportedError, durations
from mlci.errors import InputError, Problem, count_noun, list_names

_Field = tuple[str, int | None, str | None, int | None]
_MOST_DIGITS = 38


@dataclass(frozen=True, kw_only=True)
class FirstRow:
    """First of the rows that meet a condition.

    Attributes:
        position: Its position in the whole table; ``None`` if rows have no order.
        count: Number of all such rows.
        cells: Values of the requested expressions in it.
    """

    position: int | None
    count: int
    cells: tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """One logical table over one or several files.

    Attributes:
        path: Path as the user wrote it.
        columns: Columns in the order of the first file.
        relation: SQL for the FROM clause; its columns are ``c0``, ``c1``, …
        shards: Name in messages and number of rows of each file, in the order of rows.
        files: The local files.
    """

    path: str
    columns: tuple[TableColumn, ...]
    relation: str
    shards: tuple[tuple[str, int], ...]
    files: tuple[LocalFile, ...] = ()

    has_statistics: ClassVar[bool] = True
    """Whether the range of a column costs less than its different values."""
    has_order: ClassVar[bool] = True
    """Whether a row can be named by its number."""

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(rows for _, rows in self.shards)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def row_number(self) -> str:
        """SQL for a row's position in the whole table, from 0."""
        starts, total = [], 0
        for _, rows in self.shards:
            starts.append(str(total))
            total += rows
        if len(starts) == 1:
            return "file_row_number"
        return f"(file_row_number + ([{', '.join(starts)}])[file_index::BIGINT + 1])"

    def column(self, name: str) -> TableColumn:
        """Return the column of that name.

        Raises:
            InputError: if the table has no such column; the message suggests similar names.
        """
        for column in self.columns:
            if column.name == name:
                return column
        near = difflib.get_close_matches(name, self.names, n=1) or [n for n in self.names if n.lower() == name.lower()]
        hint = f"did you mean {near[0]!r}?" if near else f"there are {list_names(self.names)}"
        raise InputError(Problem(f"has no column {name!r}; {hint}", self.path))

    def place(self, position: int) -> tuple[str, int]:
        """Return the file and the row in it, counted from 1, of a position in the whole table."""
        for shown, rows in self.shards:
            if position < rows:
                return shown, position + 1
            position -= rows
        return self.path, position + 1

    def row_name(self, position: int | None, *, with_file: bool = False) -> str:
        """Return the name of a row by its position, with its file if that is wanted and the table has several.

        Rows of a table without an order have no positions.
        """
        if position is None or not self.has_order:
            return "a row"
        shown, row = self.place(position)
        return f"row {row}" + (f" of {shown}" if with_file and len(self.shards) > 1 else "")

    def exists(self, connection: duckdb.DuckDBPyConnection, condition: str) -> bool:
        """Return whether any row meets a condition."""
        return sql.file_exists(connection, self.relation, condition)

    def distinct(self, connection: duckdb.DuckDBPyConnection, cell: str, limit: int) -> list[tuple[Any, ...]]:
        """Return the different values of an expression, at most ``limit`` of them."""
        return connection.execute(sql.select(f"DISTINCT {cell}", self.relation, limit=limit)).fetchall()

    def quartiles(self, connection: duckdb.DuckDBPyConnection, value: str, present: str) -> list[float] | None:
        """Return the quartiles of an expression where ``present`` is not null; ``None`` if other values are null."""
        expressions = [f"quantile_disc({value}, [0.25, 0.5, 0.75])", f"count(*) = count({value})"]
        row = sql.first_row(connection, sql.select(expressions, self.relation, where=f"{present} IS NOT NULL"))
        return list(row[0] or ()) if row and row[1] else None

    def first_row(self, connection: duckdb.DuckDBPyConnection, cells: list[str], condition: str) -> FirstRow | None:
        """Return the first row that meets a condition, with the values of expressions in it."""
        listed = [self.row_number, "count(*) OVER ()", *cells]
        row = sql.first_row(connection, sql.select(listed, self.relation, where=condition, order_by="1", limit=1))
        return None if row is None else FirstRow(position=row[0], count=row[1], cells=tuple(row[2:]))

    def first_positions(self, connection: duckdb.DuckDBPyConnection, code: str) -> dict[int, int]:
        """Return the first position of each value of an expression for whole numbers."""
        listed = [code, f"min({self.row_number})"]
        query = sql.select(listed, self.relation, where=f"{code} IS NOT NULL", group_by="1")
        return {int(value): int(position) for value, position in connection.execute(query).fetchall()}


class EmptyTableError(InputError):
    """A table without rows."""


def open_files(connection: duckdb.DuckDBPyConnection, path: str, scratch: Path) -> Table:
    """Locate, check and, if necessary, stage a table.

    Raises:
        InputError: if no file exists, one can't be read, or shards have different columns.
        EmptyTableError: if there are no rows.
    """
    parts = [_shard(connection, file, scratch) for file in locate_files(path, scratch)]
    first = parts[0]
    for other in parts[1:]:
        _same_columns(first, other)
    shards = tuple((part.file.shown, part.rows) for part in parts)
    if not sum(rows for _, rows in shards):
        raise EmptyTableError(Problem("has a header but no rows", path))
    readable = [str(part.readable) for part in parts]
    files = tuple(part.file for part in parts)
    return Table(path, first.columns, relation(connection, first.columns, readable), shards, files)


@dataclass(frozen=True, kw_only=True)
class _Shard:
    """One file of a table; ``readable`` is the file itself, or its copy in Parquet."""

    file: LocalFile
    columns: tuple[TableColumn, ...]
    readable: Path
    rows: int


_STAGES: dict[Format, Callable[[duckdb.DuckDBPyConnection, LocalFile, Path], tuple[list[str], int]]] = {
    "csv": stage_csv,
    "json": stage_json,
    "numpy": stage_numpy,
    "database": stage_database,
}
"""Copies of files to Parquet, by format; each returns the names of columns and the number of rows."""


def _shard(connection: duckdb.DuckDBPyConnection, file: LocalFile, scratch: Path) -> _Shard:
    if file.format == "parquet":
        columns = _parquet_columns(connection, file)
        return _Shard(file=file, columns=columns, readable=file.path, rows=_count(connection, file.shown, file.path))
    target = scratch / f"staged{sum(1 for _ in scratch.iterdir())}.parquet"
    if file.format == "feather":
        stage_feather(file, target)
        columns = _parquet_columns(connection, replace(file, path=target))
        return _Shard(file=file, columns=columns, readable=target, rows=_count(connection, file.shown, target))
    names, rows = _STAGES[file.format](connection, file, target)
    staged = ["VARCHAR"] * len(names) if file.format == "csv" else column_types(connection, target)
    columns = tuple(read_column(name, i, staged[i]) for i, name in enumerate(names))
    return _Shard(file=file, columns=columns, readable=target, rows=rows)


def _parquet_columns(connection: duckdb.DuckDBPyConnection, file: LocalFile) -> tuple[TableColumn, ...]:
    try:
        asked = ["name", "num_children", "logical_type", "precision"]
        schema = connection.execute(sql.select(asked, f"parquet_schema({sql.quote_text(str(file.path))})")).fetchall()
        types = column_types(connection, file.path)
        units = _durations(connection, file.path) if "BIGINT" in types else {}
    except duckdb.Error as error:
        raise InputError(unreadable_parquet(error, file.shown)) from error
    fields = _top_level(schema)
    check_names([field[0] for field in fields], file.shown, form="parquet")
    stored = {i: _stored(field, types[i], file) for i, field in enumerate(fields)}
    stored |= {i: unit for i, unit in units.items() if stored.get(i) == "BIGINT"}
    return tuple(read_column(field[0], i, stored[i]) for i, field in enumerate(fields))


def _stored(field: _Field, type_: str, file: LocalFile) -> str:
    """Return a column's type in the file, if DuckDB reads it as another one.

    Raises:
        InputError: if it can't be read exactly.
    """
    name, _, logical, precision = field
    if precision is not None and precision > _MOST_DIGITS:
        message = f"column {name!r} is a decimal of {precision} digits; more than {_MOST_DIGITS} can't be read exactly"
        raise InputError(Problem(f"{message}: write the column as text", file.shown))
    return "HALF" if type_ == "FLOAT" and "float16" in (logical or "").lower() else type_.strip('"')


def _durations(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[int, str]:
    """Return the columns, by position, that Parquet has as integers and the Arrow schema beside them as durations."""
    metadata = f"parquet_kv_metadata({sql.quote_text(str(path))})"
    schema = sql.first_row(connection, sql.select("value", metadata, where="key = 'ARROW:schema'::BLOB"))
    try:
        return durations(base64.b64decode(schema[0])) if schema and schema[0] else {}
    except (UnsupportedError, ValueError, IndexError, struct.error):
        return {}  # not a schema that Arrow would read either


def unreadable_parquet(error: duckdb.Error, shown: str) -> Problem:
    """Return the problem of a damaged Parquet file."""
    detail = str(error).split("\n", maxsplit=1)[0]
    return Problem(f"is not a complete Parquet file (was the write interrupted?): {detail}", shown)


def _top_level(schema: list[_Field]) -> list[_Field]:
    """Return the root's children from a schema that is listed depth first."""
    fields: list[_Field] = []
    at = 1
    while at < len(schema):
        fields.append(schema[at])
        pending = 1
        while pending:
            pending += (schema[at][1] or 0) - 1
            at += 1
    return fields


def column_types(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Return the types of the columns of a Parquet file."""
    rows = connection.execute(f"DESCRIBE FROM read_parquet({sql.quote_text(str(path))})").fetchall()
    return [str(row[1]) for row in rows]


def _count(connection: duckdb.DuckDBPyConnection, shown: str, path: Path) -> int:
    try:
        query = sql.select("num_rows", f"parquet_file_metadata({sql.quote_text(str(path))})")
        row = sql.first_row(connection, query)
    except duckdb.Error as error:
        raise InputError(unreadable_parquet(error, shown)) from error
    return int(row[0]) if row else 0


def _same_columns(first: _Shard, other: _Shard) -> None:
    shown, here = first.file.shown, other.file.shown
    for mine, theirs in zip(first.columns, other.columns, strict=False):
        if (mine.name, mine.stored) != (theirs.name, theirs.stored):
            message = f"{theirs.name!r} ({theirs.stored}) stands where {shown} has {mine.name!r} ({mine.stored})"
            raise InputError(Problem(f"shards have different columns: {message}", here))
    if len(first.columns) != len(other.columns):
        message = f"has {count_noun(len(other.columns), 'column')} where {shown} has {len(first.columns)}"
        raise InputError(Problem(message, here))
