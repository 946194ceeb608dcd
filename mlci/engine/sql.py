"""SQL quoting, and DuckDB sessions without extensions."""

import atexit
import contextlib
import functools
import itertools
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from mlci.errors import InputError, OutsideError, Problem
from mlci.util.memory_budget import container_limit, database_limit

Array = NDArray[Any]


def quote_name(identifier: str) -> str:
    """Quote an identifier with any characters."""
    return '"' + identifier.replace('"', '""') + '"'


def quote_text(value: str) -> str:
    """Quote a literal; the doubled quote is DuckDB's only escape inside single quotes."""
    return "'" + value.replace("'", "''") + "'"


def float_literal(value: float) -> str:
    """Return a float64 literal; infinities have to be quoted."""
    return f"'{float(value)!r}'::DOUBLE"


def is_nan(value: str) -> str:
    """Condition for NaN; DuckDB skips rows of Parquet files by ``isnan``, because ranges in their metadata omit NaN."""
    return f"NOT (isfinite({value}) OR isinf({value}))"


def quote_list(values: Iterable[str]) -> str:
    """Return a list literal of texts."""
    return "[" + ", ".join(quote_text(value) for value in values) + "]"


def select(
    columns: str | Iterable[str],
    relation: str,
    *,
    where: str | None = None,
    group_by: str | None = None,
    having: str | None = None,
    order_by: str | None = None,
    limit: int | None = None,
) -> str:
    """Build a query from SQL parts, whose names and literals are quoted already.

    Args:
        columns: Expressions to select, or one text of them.
        relation: Relation for the FROM clause.
        where: Condition on rows.
        group_by: Expressions to group by.
        having: Condition on groups.
        order_by: Expressions to sort by.
        limit: Most rows to return.
    """
    listed = columns if isinstance(columns, str) else ", ".join(columns)
    query = f"SELECT {listed} FROM {relation}"  # noqa: S608 - values are quoted by quote_name(), quote_text() and float_literal()
    clauses = {"WHERE": where, "GROUP BY": group_by, "HAVING": having, "ORDER BY": order_by, "LIMIT": limit}
    return query + "".join(f" {word} {clause}" for word, clause in clauses.items() if clause is not None)


@contextlib.contextmanager
def session(
    *, threads: int | None = None, memory: int | None = None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """Yield a connection whose tables and types end with the session, and a temporary folder.

    Sessions without ``threads`` and ``memory`` share one database, because opening one takes 20 ms for DuckDB's
    functions.

    Args:
        threads: Threads of the queries; ``None`` for DuckDB's own default.
        memory: Budget in bytes; ``None`` for the container's limit, or DuckDB's own default.
    """
    with tempfile.TemporaryDirectory(prefix="mlci-", ignore_cleanup_errors=True) as scratch:
        if threads is None and memory is None:
            with _catalog(_shared_database().cursor()) as connection:
                yield connection, Path(scratch)
        else:
            with contextlib.closing(connect(threads=threads, memory=memory, scratch=scratch)) as connection:
                yield connection, Path(scratch)


@contextlib.contextmanager
def _catalog(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach a separate catalog to a connection, and drop it at the end."""
    name = f"session_{next(_SESSIONS)}"
    try:
        _configure(connection).execute(f"ATTACH ':memory:' AS {name}").execute(f"USE {name}")
        yield connection
    finally:
        try:
            connection.execute("USE memory").execute(f"DETACH DATABASE IF EXISTS {name}")
        except duckdb.Error:  # a fatal error ends the whole database; the next session opens another
            _shared_database.cache_clear()
        connection.close()


_SESSIONS = itertools.count()


@functools.cache
def _shared_database() -> duckdb.DuckDBPyConnection:
    """Open this process's database; its folder for spilled data is removed when the process ends."""
    folder = tempfile.mkdtemp(prefix="mlci-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return connect(scratch=folder)


def connect(*, threads: int | None = None, memory: int | None = None, scratch: str) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that spills into ``scratch``, and never installs or loads an extension.

    Scans keep the order of their files (``preserve_insertion_order``), on which sums of floats depend.
    Files are never cached: between two reads, a user's command may have changed one and kept its time stamp.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "enable_external_file_cache": False,
        "preserve_insertion_order": True,
        "temp_directory": scratch,
    }
    if threads is not None:
        config["threads"] = threads
    if budget := memory or container_limit():
        config["memory_limit"] = f"{database_limit(budget) >> 20}MiB"
    return _configure(duckdb.connect(":memory:", config=config))


def _configure(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    with contextlib.suppress(duckdb.InvalidInputException):  # in a notebook without ipywidgets, which has no bar
        connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")  # a timestamp's text must not depend on the machine
    return connection


_QUERY_ERRORS = {
    "IO Error": duckdb.IOException,
    "Invalid Input Error": duckdb.InvalidInputException,
    "Out of Memory Error": duckdb.OutOfMemoryException,
    "Conversion Error": duckdb.ConversionException,
}


def query_error(message: str) -> duckdb.Error:
    """Return the exception for a message of DuckDB that came without one."""
    return _QUERY_ERRORS.get(message.partition(":")[0], duckdb.Error)(message)


_FULL = re.compile("No space left on device|Disk quota exceeded|max_temp_directory_size")


class SpillError(OutsideError):
    """A table or a join does not fit the memory budget, and the disk has no space for the rest."""


def _spill_error() -> SpillError:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free / 1e9
    return SpillError(
        f"memory and disk are full: what does not fit the budget is written to {folder}, which has {free:,.1f} GB "
        "left; set TMPDIR to a folder with more space, or a larger budget: `--memory 8GiB`"
    )


@contextlib.contextmanager
def reading(*paths: str) -> Iterator[None]:
    """Convert a query's error on a damaged file to one that names the files; an invalid query stays a bug.

    Raises:
        InputError: if a file could be opened but not read to its end.
        SpillError: if data does not fit the memory budget, nor the disk.
    """
    try:
        yield
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException) or _FULL.search(str(error)):
            raise _spill_error() from error
        if isinstance(error, duckdb.ProgrammingError) and not isinstance(error, duckdb.InvalidInputException):
            raise
        detail = str(error).split("\n", maxsplit=1)[0]
        shown = " or ".join(dict.fromkeys(paths))
        raise InputError(Problem(f"can't be read to its end, it seems damaged: {detail}", shown)) from error


def fetch_arrays(
    connection: duckdb.DuckDBPyConnection, expressions: Sequence[str], relation: str, *, grouped: int = 0
) -> list[Array]:
    """Evaluate expressions over a relation and return an array for each; one with nulls is a masked array.

    A relation's result is converted to arrays directly, but that of ``execute`` is copied once more: 40 % of the time.
    It needs a connection without pending results, see :func:`first_row`.

    Args:
        connection: Connection that has the relation.
        expressions: SQL for each array.
        relation: Relation for the FROM clause.
        grouped: Number of expressions, from the first on, to group rows by; the others are aggregates.
    """
    listed = [f"{expression} AS a{position}" for position, expression in enumerate(expressions)]
    by = ", ".join(str(position + 1) for position in range(grouped))
    return list(connection.sql(select(listed, relation, group_by=by or None)).fetchnumpy().values())


def first_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...] | None:
    """Return a short result's first row, if there is one, and consume the rest (``fetchone`` would not)."""
    rows: list[tuple[Any, ...]] = connection.execute(query).fetchall()
    return rows[0] if rows else None


def copied_rows(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """Run a ``COPY … TO`` statement and return the number of rows that it wrote."""
    row = first_row(connection, query)
    return int(row[0]) if row else 0


def file_exists(connection: duckdb.DuckDBPyConnection, relation: str, condition: str) -> bool:
    """Return whether any row meets a condition."""
    return first_row(connection, select("1", relation, where=condition, limit=1)) is not None


def null_mask(column: Array) -> Array | None:
    """Return the mask of a fetched column's nulls, or ``None`` without any.

    Checks the attribute and not the type, because ``numpy.ma`` takes a tenth of a second to import.
    """
    mask = getattr(column, "mask", None)
    return mask if isinstance(mask, np.ndarray) and mask.any() else None


def without_mask(column: Array) -> Array:
    """Return a fetched column without its mask; values of nulls are arbitrary."""
    return column if getattr(column, "mask", None) is None else np.asarray(column.data)
