"""Tables of DuckDB and SQLite files to Parquet, read only.

Views are not read, because a view of a file that a pull request brings can read any other file. SQLite is read by the
standard library, so that DuckDB downloads no extension. Nothing is left beside the file: SQLite would create an index
of a write-ahead log there, and roll an unfinished transaction back, so that it reads a copy of such files.
"""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.sql import Array
from mlci.engine.tables.csv_json import check_names
from mlci.engine.tables.files import LocalFile
from mlci.engine.tables.numpy_feather import write_columns
from mlci.errors import InputError, Problem, list_names

_SQLITE = b"SQLite format 3\x00"
_EXACT = 2**53
_LOGS = ("-wal", "-journal")
_HEADER, _WRITE_AHEAD = 20, b"\x02"  # read version, the byte 19 of the header: 2 with a write-ahead log
_ATTACHED = "given_database"


def stage_database(connection: duckdb.DuckDBPyConnection, file: LocalFile, target: Path) -> tuple[list[str], int]:
    """Copy one table of a database to Parquet as ``c0…``; returns the names of its columns and the number of rows.

    Raises:
        InputError: if the file is damaged, or has no such table; the message lists its tables.
    """
    with file.path.open("rb") as start:
        is_sqlite = start.read(len(_SQLITE)) == _SQLITE
    return (_stage_sqlite if is_sqlite else _stage_duckdb)(connection, file, target)


def _choose(file: LocalFile, tables: Sequence[str]) -> str:
    """Return the table to read: the one that is named, or the only one."""
    if file.table in tables or (file.table is None and len(tables) == 1):
        return file.table or tables[0]
    if not tables:
        raise InputError(Problem("has no tables (views are not read)", file.shown))
    listed = list_names(tables)
    if file.table is None:
        message = f"has {len(tables)} tables, {listed}; name one: `table: {tables[0]}`"
        raise InputError(Problem(message, file.shown))
    raise InputError(Problem(f"has no table {file.table!r}; there are {listed} (views are not read)", file.shown))


def _stage_duckdb(connection: duckdb.DuckDBPyConnection, file: LocalFile, target: Path) -> tuple[list[str], int]:
    try:
        connection.execute(f"ATTACH {sql.quote_text(str(file.path))} AS {_ATTACHED} (TYPE duckdb, READ_ONLY)")
    except duckdb.Error as error:
        message = f"can't be opened as a DuckDB or SQLite file: {str(error).splitlines()[0]}"
        raise InputError(Problem(message.replace(str(file.path), file.path.name), file.shown)) from error
    try:
        return _copy_duckdb(connection, file, target)
    except duckdb.Error as error:
        message = f"can't be read: {str(error).splitlines()[0]}".replace(str(file.path), file.path.name)
        raise InputError(Problem(message, file.shown)) from error
    finally:
        connection.execute(f"DETACH DATABASE IF EXISTS {_ATTACHED}")


def _copy_duckdb(connection: duckdb.DuckDBPyConnection, file: LocalFile, target: Path) -> tuple[list[str], int]:
    mine = f"database_name = {sql.quote_text(_ATTACHED)}"
    query = sql.select("schema_name, table_name", "duckdb_tables()", where=f"{mine} AND NOT internal", order_by="1, 2")
    pairs = _rows(connection, query)
    found = {name if schema == "main" else f"{schema}.{name}": (schema, name) for schema, name in pairs}
    schema, name = found[_choose(file, list(found))]
    where = f"{mine} AND schema_name = {sql.quote_text(schema)} AND table_name = {sql.quote_text(name)}"
    listed = _rows(connection, sql.select("column_name", "duckdb_columns()", where=where, order_by="column_index"))
    names = [row[0] for row in listed]
    check_names(names, file.shown, form="parquet")
    cells = [f"{sql.quote_name(column)} AS c{index}" for index, column in enumerate(names)]
    source = ".".join(map(sql.quote_name, (_ATTACHED, schema, name)))
    copy = f"COPY ({sql.select(cells, source)}) TO {sql.quote_text(str(target))} (FORMAT parquet)"
    return names, sql.copied_rows(connection, copy)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def _stage_sqlite(connection: duckdb.DuckDBPyConnection, file: LocalFile, target: Path) -> tuple[list[str], int]:
    try:
        with _opened_sqlite(file) as database:
            database.execute("PRAGMA query_only = ON")
            database.execute("PRAGMA trusted_schema = OFF")
            found = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            table = _choose(file, [row[0] for row in database.execute(found)])
            cursor = database.execute(sql.select("*", sql.quote_name(table)))
            names = [column[0] for column in cursor.description]
            check_names(names, file.shown, form="parquet")
            columns = list(zip(*cursor, strict=True)) or [()] * len(names)
    except (sqlite3.Error, OverflowError) as error:
        raise InputError(Problem(f"can't be read as a SQLite file: {error}", file.shown)) from error
    arrays = [_typed(name, values, file) for name, values in zip(names, columns, strict=True)]
    write_columns(connection, arrays, target)
    return names, len(arrays[0])


@contextlib.contextmanager
def _opened_sqlite(file: LocalFile) -> Iterator[sqlite3.Connection]:
    """Open a database without a change in its folder."""
    path, options = file.path.resolve(), "mode=ro"
    logs = [log for log in (Path(f"{path}{suffix}") for suffix in _LOGS) if log.is_file() and log.stat().st_size]
    with path.open("rb") as start:
        keeps_log = start.read(_HEADER)[-1:] == _WRITE_AHEAD
    with contextlib.ExitStack() as stack:
        if logs:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlci-sqlite-")))
            path, options = _copied([path, *logs], folder, file), "mode=rw"
        elif keeps_log:
            options = "immutable=1"  # all of it is in the file, and a reader would create the log
        yield stack.enter_context(contextlib.closing(sqlite3.connect(f"{path.as_uri()}?{options}", uri=True)))


def _copied(paths: Sequence[Path], folder: Path, file: LocalFile) -> Path:
    """Copy a database with its logs; return the path of the database.

    Raises:
        InputError: if another process writes to it meanwhile.
    """
    before = [(path.stat().st_mtime_ns, path.stat().st_size) for path in paths]
    for path in paths:
        shutil.copyfile(path, folder / path.name)
    if before != [(path.stat().st_mtime_ns, path.stat().st_size) for path in paths]:
        raise InputError(Problem("another process writes to this database; close it, or copy the table", file.shown))
    return folder / paths[0].name


def _typed(name: str, values: Sequence[Any], file: LocalFile) -> Array:
    """Return a column's values in one type: integers, floats, or texts if they are mixed; null stays null."""
    kinds = {type(value) for value in values} - {type(None)}
    if bytes in kinds:
        raise InputError(Problem(f"column {name!r} holds BLOBs; write it as numbers or texts", file.shown))
    if kinds == {int}:
        return _nullable(values, np.int64)
    if kinds <= {int, float} and kinds and all(abs(value) < _EXACT for value in values if isinstance(value, int)):
        return _nullable(values, np.float64)
    return np.array([None if value is None else _text(value) for value in values], object)


def _nullable(values: Sequence[Any], kind: type[Any]) -> Array:
    empty = [value is None for value in values]
    array = np.array([0 if value is None else value for value in values], kind)
    return np.ma.masked_array(array, empty) if any(empty) else array


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else repr(value)
