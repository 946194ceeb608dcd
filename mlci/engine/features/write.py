"""Write the features file: same format, same types, without the label."""

import struct
from pathlib import Path

import duckdb

from mlci.engine import sql
from mlci.engine.features import parquet, text
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.files import suffix_of
from mlci.engine.tables.table import Table, open_table
from mlci.errors import InputError, Problem


def write_features(data: str, label: str, folder: Path) -> Path:
    """Write the evaluation set without its label, as the input of a prediction step.

    Text keeps its bytes, Parquet its types and its writer's metadata (see the other modules of this package). Several
    files become one of the same format.

    Args:
        data: Path, glob or URL of the evaluation set.
        label: Column to remove.
        folder: Target folder; it is created if it does not exist.

    Returns:
        The file written: ``features`` with the suffix of the source, in ``folder``.

    Raises:
        InputError: if the evaluation set can't be read, or has no such column or no other one.
    """
    with sql.session() as (connection, scratch):
        table = open_table(connection, data, scratch)
        left_out = table.column(label)
        target = folder / f"features{suffix_of(table.files[0].shown)}"
        if len(table.columns) == 1:
            raise InputError(Problem(f"has no columns besides the label {label!r}", data))
        target.parent.mkdir(parents=True, exist_ok=True)
        with sql.reading(data):
            _write(connection, table, left_out, target)
    return target


def _write(connection: duckdb.DuckDBPyConnection, table: Table, left_out: TableColumn, target: Path) -> None:
    form = table.files[0].format
    if form == "csv":
        text.write_csv_without(table.files, left_out.name, target)
    elif form == "json":
        text.write_json_without(table.files, left_out.name, target)
    else:
        try:
            parquet.write_without([file.path for file in table.files], left_out.name, target)
        except (ValueError, TypeError, AttributeError, KeyError, struct.error) as error:
            _write_again(connection, table, left_out, target, why=error)


def _write_again(
    connection: duckdb.DuckDBPyConnection, table: Table, left_out: TableColumn, target: Path, *, why: Exception
) -> None:
    """Write a Parquet table with DuckDB if its footer can't be edited (files of different schemas, encryption).

    Raises:
        InputError: if column names differ by case only, which DuckDB would rename.
    """
    kept = [column for column in table.columns if column != left_out]
    if len({column.name.lower() for column in kept}) < len(kept):
        raise InputError(Problem(f"can't be copied without its label ({why}); write it as one file", table.path))
    query = sql.select((f"{column.raw} AS {sql.quote_name(column.name)}" for column in kept), table.relation)
    connection.execute(f"COPY ({query}) TO {sql.quote_text(str(target))} (FORMAT parquet)")
