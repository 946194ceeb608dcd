"""The only place where text becomes SQL: quoting, and a connection that reaches for nothing outside its files."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from mlci.errors import InputError, Problem

Array = NDArray[Any]


def name(identifier: str) -> str:
    """Quote an identifier; every character is allowed in it."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a literal; DuckDB knows no escapes inside single quotes but the doubled quote."""
    return "'" + value.replace("'", "''") + "'"


def number(value: float) -> str:
    """Return a float64 literal; infinities have no other spelling than a quoted one."""
    return f"'{float(value)!r}'::DOUBLE"


def listing(values: Iterable[str]) -> str:
    """Return a list literal of texts."""
    return "[" + ", ".join(text(value) for value in values) + "]"


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
    """Put a query together from parts that are SQL already, with every name and literal in them quoted.

    Args:
        columns: What to select: expressions, or one text of them.
        relation: What may stand after FROM.
        where: Condition on rows.
        group_by: Expressions to group by.
        having: Condition on groups.
        order_by: Expressions to sort by.
        limit: Most rows to return.
    """
    listed = columns if isinstance(columns, str) else ", ".join(columns)
    query = f"SELECT {listed} FROM {relation}"  # noqa: S608 - values come in through name(), text() and number() only
    clauses = {"WHERE": where, "GROUP BY": group_by, "HAVING": having, "ORDER BY": order_by, "LIMIT": limit}
    return query + "".join(f" {word} {clause}" for word, clause in clauses.items() if clause is not None)


def connect(*, threads: int | None = None, memory_limit: str | None = None, scratch: str) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that spills into ``scratch``, and never installs or loads an extension.

    Scans keep the order of their files (``preserve_insertion_order``), which everything that sums floats relies on.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": True,
        "temp_directory": scratch,
    }
    if threads is not None:
        config["threads"] = threads
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")  # a timestamp's text must not depend on the machine
    return connection


@contextlib.contextmanager
def reading(*paths: str) -> Iterator[None]:
    """Turn what a broken file does to a query into an error that names the files; a broken query stays a bug.

    Raises:
        InputError: A file could be opened but not read to its end.
    """
    try:
        yield
    except duckdb.Error as error:
        if isinstance(error, duckdb.ProgrammingError) and not isinstance(error, duckdb.InvalidInputException):
            raise
        detail = str(error).split("\n", maxsplit=1)[0]
        shown = " or ".join(dict.fromkeys(paths))
        raise InputError(Problem(f"can't be read to its end, it seems damaged: {detail}", shown)) from error


def fetch(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Array]:
    """Run a query and return its columns as arrays; a column with nulls comes as a masked array.

    A relation's result becomes arrays as it is made, where that of ``execute`` is copied once more: 40 % of the time.
    It needs a connection without half-read results, see :func:`first`.
    """
    fetched: dict[str, Any] = connection.sql(query).fetchnumpy()
    return fetched


def first(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...] | None:
    """Return a short result's first row, if there is one, and leave no rest of it behind (``fetchone`` would)."""
    rows: list[tuple[Any, ...]] = connection.execute(query).fetchall()
    return rows[0] if rows else None


def exists(connection: duckdb.DuckDBPyConnection, relation: str, condition: str) -> bool:
    """Tell whether a condition holds for any row."""
    return first(connection, select("1", relation, where=condition, limit=1)) is not None


def nulls(column: Array) -> Array | None:
    """Return the mask of a fetched column's nulls, or ``None`` without any.

    Asks for the attribute and not for the type, because naming ``numpy.ma`` imports it, for a tenth of a second.
    """
    mask = getattr(column, "mask", None)
    return mask if isinstance(mask, np.ndarray) and mask.any() else None


def plain(column: Array) -> Array:
    """Return a fetched column without its mask; what stands under nulls is arbitrary."""
    return column if getattr(column, "mask", None) is None else np.asarray(column.data)
