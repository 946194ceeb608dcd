"""Read a column of times, of any type that a table may have them in, as timestamps in UTC."""

import duckdb

from mlci.engine import sql
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table
from mlci.errors import InputError, Problem

_UTC = "regexp_matches({cell}, '[0-9] *(Z|UTC|GMT)$')"


def time_sql(
    connection: duckdb.DuckDBPyConnection, table: Table, column: TableColumn, *, setting: tuple[str, ...]
) -> str:
    """SQL for a time in UTC; null for a cell that is not one.

    Args:
        connection: DuckDB.
        table: The table of the column.
        column: The column.
        setting: Entry of the configuration that names the column, such as ``("monitor", "time")``.

    Raises:
        InputError: if no cell of the column is a time.
    """
    cell = column.ref
    if column.logical == "timestamptz":
        return f"make_timestamp(epoch_us({cell}))"
    if column.logical in {"timestamp", "date"}:
        return f"{cell}::TIMESTAMP"
    zoned = f"regexp_matches({cell}, '(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$')"
    instant = f"make_timestamp(epoch_us(TRY_CAST({cell} AS TIMESTAMPTZ)))"
    # a cast to TIMESTAMP drops the name of a zone, such as EST or Europe/Berlin, and would read another instant
    named = f"regexp_matches({cell}, '[0-9] *[A-Za-z][A-Za-z0-9_/+-]*$') AND NOT {_UTC.format(cell=cell)}"
    plain = f"CASE WHEN {named} THEN NULL ELSE TRY_CAST({cell} AS TIMESTAMP) END"
    read = f"CASE WHEN {zoned} AND length({cell}) > 10 THEN {instant} ELSE {plain} END"
    if column.is_text and sql.file_exists(connection, table.relation, f"{read} IS NOT NULL"):
        return read
    message = (
        f"column {column.name!r} has no times; write them as `2026-11-02 13:45:00`, or with an offset as "
        "`2026-11-02T13:45:00+01:00`; names of zones are not read. Of seconds since 1970, pandas makes "
        'them: `pd.to_datetime(times, unit="s")`'
    )
    raise InputError(Problem(message, table.path, setting=setting))
