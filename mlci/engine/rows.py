"""An evaluation set by digests of its rows, for the difference to another one."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.columns import Column
from mlci.engine.fingerprint import add_column
from mlci.engine.tables import Table, open_table
from mlci.lineage import rows
from mlci.lineage.rows import Rows


def row_digests(path: str, key: str | None, label: str, *, most: int = rows.MOST) -> Rows | None:
    """Return three digests for each row; ``None`` for a table of more than ``most`` rows.

    Cells count as the fingerprint has them: by value, in whatever format, order of rows and of columns.

    Args:
        path: The evaluation set: path, glob or URL.
        key: Its key column, if there is one.
        label: Its label's column.
        most: Rows to look at.

    Raises:
        InputError: The table can't be read, or has no such column.
    """
    with tempfile.TemporaryDirectory(prefix="mlci-", ignore_cleanup_errors=True) as scratch:
        connection = sql.connect(scratch=scratch)
        try:
            with sql.reading(path):
                table = open_table(connection, path, Path(scratch))
                return _rows(connection, table, key, label) if table.rows <= most else None
        finally:
            connection.close()


def _rows(connection: duckdb.DuckDBPyConnection, table: Table, key: str | None, label: str) -> Rows:
    kept = {name: table.column(name) for name in (key, label) if name is not None}
    rest = [column for column in table.columns if column.name not in kept]
    contents = _states(connection, table, rest)
    keys = contents if key is None else _states(connection, table, [kept[key]])
    labels = _states(connection, table, [kept[label]])
    nulls = _nulls(connection, table)
    return rows.sort(Rows(key=key, label=label, keys=keys, labels=labels, contents=contents, nulls=nulls))


def _states(connection: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[Column]) -> rows.Digests:
    state = np.zeros(table.rows, np.uint64)
    for column in columns:
        add_column(connection, table, column, state, None)
    return state


def _nulls(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    """Count cells without a value; NaN is none, as in the fingerprint."""
    counted = [f"count(*) FILTER (WHERE {_empty(column)})" for column in table.columns]
    found = sql.first(connection, sql.select(counted, table.relation)) or ()
    return {column.name: int(number) for column, number in zip(table.columns, found, strict=True)}


def _empty(column: Column) -> str:
    nan = f" OR isnan({column.ref})" if column.type == "DOUBLE" else ""
    return f"{column.ref} IS NULL{nan}"
