"""A table as the rest of the engine sees it: Parquet shards, columns by position, row numbers."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mlci.engine import sql
from mlci.engine.files import File, locate
from mlci.engine.stage import check_names, stage_csv, stage_json
from mlci.engine.words import counted, cut
from mlci.errors import InputError, Problem

_INTEGERS = frozenset({
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
    "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
})  # fmt: skip
_FLOATS = frozenset({"FLOAT", "DOUBLE"})


@dataclass(frozen=True)
class Column:
    """One column: its name in the file, the safe name ``c<position>`` that SQL uses, and DuckDB's type."""

    name: str
    ref: str
    type: str

    @property
    def is_integer(self) -> bool:
        """Whether the file itself says that these are integers."""
        return self.type in _INTEGERS

    @property
    def is_number(self) -> bool:
        """Whether the file itself says that these are numbers (a CSV never does)."""
        return self.is_integer or self.type in _FLOATS or self.type.startswith("DECIMAL")

    @property
    def is_text(self) -> bool:
        """Whether cells are texts, which may still spell numbers."""
        return self.type == "VARCHAR"

    def as_float(self) -> str:
        """SQL for the cell as a float64; null where a text spells no number."""
        return f"TRY_CAST({self.ref} AS DOUBLE)" if self.type != "DOUBLE" else self.ref


@dataclass(frozen=True)
class Table:
    """One logical table over one or several files.

    Attributes:
        path: What the user wrote.
        columns: In the order of the first file.
        relation: SQL that may stand after FROM; its columns are ``c0``, ``c1``, …
        shards: What the user calls each file, and the rows in it, in the order of rows.
        files: The files themselves, as they were found.
    """

    path: str
    columns: tuple[Column, ...]
    relation: str
    shards: tuple[tuple[str, int], ...]
    files: tuple[File, ...] = ()

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

    def column(self, name: str) -> Column:
        """Return the column of that name.

        Raises:
            InputError: There is none; near names are suggested.
        """
        for column in self.columns:
            if column.name == name:
                return column
        near = difflib.get_close_matches(name, self.names, n=1) or [n for n in self.names if n.lower() == name.lower()]
        hint = f"did you mean {near[0]!r}?" if near else f"there are {_some(self.names)}"
        raise InputError(Problem(f"has no column {name!r}; {hint}", self.path))

    def place(self, position: int) -> tuple[str, int]:
        """Return the file and the row in it, counted from 1, of a position in the whole table."""
        for shown, rows in self.shards:
            if position < rows:
                return shown, position + 1
            position -= rows
        return self.path, position + 1


def _some(names: tuple[str, ...], most: int = 8) -> str:
    listed = ", ".join(repr(cut(name)) for name in names[:most])
    return f"{listed} and {len(names) - most} more" if len(names) > most else listed


def open_table(connection: duckdb.DuckDBPyConnection, path: str, scratch: Path) -> Table:
    """Locate, check and if need be stage a table.

    Raises:
        InputError: Nothing is there, a file can't be read, shards have different columns, or there are no rows.
    """
    parts = [_shard(connection, file, scratch) for file in locate(path, scratch)]
    first, columns, _ = parts[0]
    for shard, others, _ in parts[1:]:
        _same_columns(first, columns, shard, others)
    shards = tuple((file.shown, _count(connection, file.shown, local)) for file, _, local in parts)
    if not sum(rows for _, rows in shards):
        raise InputError(Problem("has a header but no rows", path))
    locals_ = [str(local) for _, _, local in parts]
    refs = ", ".join(column.ref for column in columns)
    files = tuple(file for file, _, _ in parts)
    return Table(path, columns, f"read_parquet({sql.listing(locals_)}) AS t({refs})", shards, files)


def _shard(connection: duckdb.DuckDBPyConnection, file: File, scratch: Path) -> tuple[File, tuple[Column, ...], Path]:
    if file.format == "parquet":
        return file, _parquet_columns(connection, file), file.path
    target = scratch / f"staged{sum(1 for _ in scratch.iterdir())}.parquet"
    names = (stage_csv if file.format == "csv" else stage_json)(connection, file, target)
    staged = _types(connection, target)
    return file, tuple(Column(name, f"c{i}", staged[i]) for i, name in enumerate(names)), target


def _parquet_columns(connection: duckdb.DuckDBPyConnection, file: File) -> tuple[Column, ...]:
    try:
        query = sql.select("name, num_children", f"parquet_schema({sql.text(str(file.path))})")
        schema = connection.execute(query).fetchall()
        types = _types(connection, file.path)
    except duckdb.Error as error:
        raise InputError(unreadable(error, file.shown)) from error
    names = _top_level(schema)
    check_names(names, file.shown)
    return tuple(Column(name, f"c{i}", types[i]) for i, name in enumerate(names))


def unreadable(error: duckdb.Error, shown: str) -> Problem:
    """Say that a Parquet file is broken."""
    detail = str(error).split("\n", maxsplit=1)[0]
    return Problem(f"is not a complete Parquet file (was it cut off while it was written?): {detail}", shown)


def _top_level(schema: list[tuple[str, int | None]]) -> list[str]:
    """Return the names of the root's children from a schema that is listed depth first."""
    names: list[str] = []
    at = 1
    while at < len(schema):
        names.append(schema[at][0])
        pending = 1
        while pending:
            pending += (schema[at][1] or 0) - 1
            at += 1
    return names


def _types(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    rows = connection.execute(f"DESCRIBE FROM read_parquet({sql.text(str(path))})").fetchall()
    return [str(row[1]) for row in rows]


def _count(connection: duckdb.DuckDBPyConnection, shown: str, path: Path) -> int:
    try:
        query = sql.select("num_rows", f"parquet_file_metadata({sql.text(str(path))})")
        row = sql.first(connection, query)
    except duckdb.Error as error:
        raise InputError(unreadable(error, shown)) from error
    return int(row[0]) if row else 0


def _same_columns(first: File, columns: tuple[Column, ...], shard: File, others: tuple[Column, ...]) -> None:
    for mine, theirs in zip(columns, others, strict=False):
        if (mine.name, mine.type) != (theirs.name, theirs.type):
            said = f"{theirs.name!r} ({theirs.type}) stands where {first.shown} has {mine.name!r} ({mine.type})"
            raise InputError(Problem(f"shards have different columns: {said}", shard.shown))
    if len(columns) != len(others):
        raise InputError(
            Problem(f"has {counted(len(others), 'column')} where {first.shown} has {len(columns)}", shard.shown)
        )
