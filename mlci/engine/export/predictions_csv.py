"""Predictions as plain CSV: key and configured columns, one row for each row of the features, in their order.

The file crosses into a job that trusts none of it, where one small parser reads it. Numbers are written as Python's
shortest text of a float64, so that the same numbers are read again.
"""

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb

from mlci.engine import sql
from mlci.engine.cell_errors import CellLocation, ProblemCollector
from mlci.engine.interface import Source
from mlci.engine.join_keys import Keyed, comparable, diagnose_unpaired, kind_of
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.labelled_tables import open_features
from mlci.engine.tables.logical_types import ColumnCells, read_alike
from mlci.engine.tables.table import Table, open_files
from mlci.engine.tables.table_path import with_columns
from mlci.errors import InputError

_BLOCK = 10_000


def write_predictions_csv(features: str, source: Source, key: str, target: Path) -> int:
    """Write predictions for every row of the features, and return their number.

    Args:
        features: Path of the evaluation set; labels in another file are not opened.
        source: The predictions, and their columns.
        key: Column that both tables are joined by.
        target: File to write.

    Raises:
        InputError: if a column is missing, a number is null or not finite, or rows do not match by their key.
    """
    with sql.session() as (connection, scratch), sql.reading(features, source.path):
        rows = open_features(connection, features, scratch)
        predictions = open_files(connection, with_columns(source.path, (key, *source.names)), scratch)
        mine, theirs = _keys_of(connection, rows, predictions, key)
        columns = [(predictions.column(name), name != source.decision) for name in dict.fromkeys(source.names)]
        _refuse_bad_cells(CellLocation(connection, predictions, theirs.column), columns)
        kind = kind_of([mine.column, theirs.column])
        cells = [f"{column.as_float() if number else column.ref + '::VARCHAR'}" for column, number in columns]
        listed = [f"{comparable(theirs.column, kind)} AS k", *(f"{cell} AS v{at}" for at, cell in enumerate(cells))]
        own = [f"{rows.row_number} AS rn", f"{comparable(mine.column, kind)} AS k", f"{mine.column.raw}::VARCHAR AS w"]
        both = (
            f"({sql.select(own, rows.relation)}) AS f JOIN ({sql.select(listed, predictions.relation)}) AS p USING (k)"
        )
        found = sql.first_row(connection, sql.select("count(*), count(DISTINCT k)", both))
        if found != (rows.rows, rows.rows) or predictions.rows != rows.rows:
            raise diagnose_unpaired(connection, mine, [("prediction", theirs)], kind)
        values = [f"v{at}" for at in range(len(cells))]
        connection.execute(sql.select(["w", *values], both, order_by="rn"))
        _write(target, [key, *(column.name for column, _ in columns)], _blocks(connection))
    return rows.rows


def _keys_of(connection: duckdb.DuckDBPyConnection, rows: Table, predictions: Table, key: str) -> tuple[Keyed, Keyed]:
    """Return the keys of both tables, read as one type."""
    problems = ProblemCollector()
    places = [ColumnCells(CellLocation(connection, table, None), table.column(key)) for table in (rows, predictions)]
    first, second = read_alike(places, "key", problems)
    problems.stop()
    return Keyed(rows, first), Keyed(predictions, second)


def _refuse_bad_cells(place: CellLocation, columns: list[tuple[TableColumn, bool]]) -> None:
    """Refuse empty cells and numbers that are not finite."""
    problems = ProblemCollector()
    for column, number in columns:
        bad = f"{column.ref} IS NULL"
        if number:
            bad = f"({bad} OR {column.as_float()} IS NULL OR NOT isfinite({column.as_float()}))"
        if sql.file_exists(place.connection, place.table.relation, bad):
            wanted = "is not a finite number: {value!r}" if number else "is null"
            problems.add(place.problem(column, bad, f"{column.name!r} {wanted}"))
    problems.stop()


def _blocks(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while block := connection.fetchmany(_BLOCK):
        yield from block


def _write(target: Path, header: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(target.open("w", encoding="utf-8", newline=""))
        except OSError as error:
            raise InputError(f"can't write to {target}: {error.strerror}; choose another folder with --out") from error
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(
            ([key, *(repr(cell) if isinstance(cell, float) else cell for cell in cells)]) for key, *cells in rows
        )
