"""Column summaries: kind, distinct values and smallest group of every column of a table.

Cells of a text file have no types, so a column of texts counts as numbers if every cell is one.
"""

from dataclasses import dataclass
from typing import Literal

import duckdb

from mlci.engine import sql
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.labelled_tables import open_table
from mlci.engine.tables.table import Table

ColumnKind = Literal["integer", "real", "boolean", "text", "other"]
FEW = 50
"""Most distinct values that are listed."""
_TRUTH = {"true", "false"}


@dataclass(frozen=True, kw_only=True)
class ColumnSummary:
    """Summary of one column.

    Attributes:
        name: Name of the column.
        kind: Kind of its values.
        distinct: Number of distinct values, without null.
        missing: Cells that are null or blank.
        counts: Rows of each value as text, the most frequent first; empty if more than :data:`FEW` are distinct.
    """

    name: str
    kind: ColumnKind
    distinct: int
    missing: int
    counts: tuple[tuple[str, int], ...] = ()

    @property
    def smallest(self) -> int:
        """Rows of the rarest value; 0 if the values are not listed."""
        return min((count for _, count in self.counts), default=0)


@dataclass(frozen=True, kw_only=True)
class TableSummary:
    """Summary of a table: its path, rows and columns."""

    path: str
    rows: int
    columns: tuple[ColumnSummary, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the file."""
        return tuple(column.name for column in self.columns)

    def find(self, name: str) -> ColumnSummary | None:
        """Return the summary of a column; ``None`` if the table has no such column."""
        return next((column for column in self.columns if column.name == name), None)


def summarize_table(path: str, *, only: str | None = None) -> TableSummary:
    """Read a table and summarize its columns, or the one that is named.

    Raises:
        InputError: if the file can't be read.
    """
    with sql.session() as (connection, scratch):
        table = open_table(connection, path, scratch)
        with sql.reading(path):
            named = [column for column in table.columns if only is None or column.name == only]
            columns = tuple(_summarize(connection, table, column) for column in named)
    return TableSummary(path=path, rows=table.rows, columns=columns)


def column_names(path: str) -> tuple[str, ...]:
    """Return the names of a table's columns, in the order of the file.

    Raises:
        InputError: if the file can't be read.
    """
    with sql.session() as (connection, scratch):
        return tuple(open_table(connection, path, scratch).names)


def _summarize(connection: duckdb.DuckDBPyConnection, table: Table, column: TableColumn) -> ColumnSummary:
    if column.is_nested:
        return ColumnSummary(name=column.name, kind="other", distinct=0, missing=0)
    text = f"{column.ref}::VARCHAR"
    cell = f"CASE WHEN trim({text}) <> '' THEN {text} END"
    asked = [
        f"count(DISTINCT {cell})",
        f"count({cell})",
        f"count(TRY_CAST({cell} AS DOUBLE))",
        f"count(*) FILTER (TRY_CAST({cell} AS DOUBLE) = floor(TRY_CAST({cell} AS DOUBLE)))",
    ]
    distinct, filled, numbers, whole = sql.first_row(connection, sql.select(asked, table.relation)) or (0, 0, 0, 0)
    counts = _count_values(connection, table, cell) if 0 < distinct <= FEW else ()
    return ColumnSummary(
        name=column.name,
        kind=_kind(column, counts, filled, numbers, whole),
        distinct=distinct,
        missing=table.rows - filled,
        counts=counts,
    )


def _kind(
    column: TableColumn, counts: tuple[tuple[str, int], ...], filled: int, numbers: int, whole: int
) -> ColumnKind:
    if column.type == "BOOLEAN" or (counts and {value.lower() for value, _ in counts} <= _TRUTH):
        return "boolean"
    if column.is_integer:
        return "integer"
    if column.logical is not None:
        return "other"
    if not filled or numbers < filled:
        return "text"
    return "integer" if whole == filled else "real"


def _count_values(connection: duckdb.DuckDBPyConnection, table: Table, cell: str) -> tuple[tuple[str, int], ...]:
    query = sql.select(
        [cell, "count(*)"], table.relation, where=f"{cell} IS NOT NULL", group_by="1", order_by="2 DESC, 1"
    )
    return tuple((str(value), int(count)) for value, count in connection.execute(query).fetchall())
