"""Digests of the rows of an evaluation set, for the difference to another one."""

from collections.abc import Sequence
from dataclasses import replace

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.fingerprint import add_column
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table, open_table
from mlci.lineage import rows
from mlci.lineage.rows import Rows


def row_digests(
    path: str, key: str | None, label: str | None, *, most: int = rows.MOST, in_order: bool = False
) -> Rows | None:
    """Return three digests for each row; ``None`` for a table of more than ``most`` rows.

    Cells are compared by value as in the fingerprint, in any format, and any order of rows and columns.

    Args:
        path: The evaluation set: path, glob or URL.
        key: Its key column, if there is one.
        label: Its label's column; ``None`` for a table without labels.
        most: Most rows.
        in_order: Keep the order of the table; without it, the order depends on content alone.

    Raises:
        InputError: if the table can't be read, or has no such column.
    """
    with sql.session() as (connection, scratch), sql.reading(path):
        table = open_table(connection, path, scratch)
        if table.rows > most:
            return None
        found = digests_of_rows(connection, table, key, label)
        return replace(found, in_order=True) if in_order else rows.sort_rows(found)


def digests_of_rows(connection: duckdb.DuckDBPyConnection, table: Table, key: str | None, label: str | None) -> Rows:
    """Return the digests of an open table's rows, in its order."""
    kept = {name: table.column(name) for name in (key, label) if name is not None}
    rest = [column for column in table.columns if column.name not in kept]
    contents = column_digests(connection, table, rest)
    keys = contents if key is None else column_digests(connection, table, [kept[key]])
    labels = column_digests(connection, table, [kept[label]] if label is not None else [])
    nulls = _nulls(connection, table)
    return Rows(key=key, label=label, keys=keys, labels=labels, contents=contents, nulls=nulls)


def column_digests(connection: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[TableColumn]) -> rows.Digests:
    """Return a digest of some columns for each row, in the table's order."""
    state = np.zeros(table.rows, np.uint64)
    for column in columns:
        add_column(connection, table, column, state, None)
    return state


def _nulls(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    """Count cells without a value, including NaN as in the fingerprint."""
    counted = [f"count(*) FILTER (WHERE {_empty(column)})" for column in table.columns]
    found = sql.first_row(connection, sql.select(counted, table.relation)) or ()
    return {column.name: int(number) for column, number in zip(table.columns, found, strict=True)}


def _empty(column: TableColumn) -> str:
    nan = f" OR isnan({column.ref})" if column.type == "DOUBLE" else ""
    return f"{column.ref} IS NULL{nan}"
