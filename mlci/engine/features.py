"""The evaluation set without its label, for the step that predicts."""

import tempfile
from pathlib import Path

import duckdb

from mlci.engine import sql
from mlci.engine.files import suffix_of
from mlci.engine.tables import Column, Table, open_table
from mlci.errors import InputError, Problem


def write_features(data: str, label: str, folder: Path) -> Path:
    """Write the evaluation set without its label: what a prediction step may see.

    A single CSV or JSON Lines file keeps its format, so that scripts read what they know; all else becomes Parquet.

    Args:
        data: Path, glob or URL of the evaluation set.
        label: Column to leave out.
        folder: Where to write; made if it isn't there.

    Returns:
        The file written: ``features.csv``, ``features.jsonl`` or ``features.parquet`` in ``folder``.

    Raises:
        InputError: The evaluation set can't be read, or has no such column.
    """
    with tempfile.TemporaryDirectory(prefix="mlci-", ignore_cleanup_errors=True) as scratch:
        connection = sql.connect(scratch=scratch)
        try:
            table = open_table(connection, data, Path(scratch))
            left_out = table.column(label)
            target = folder / f"features{_suffix(table)}"
            kept = [column for column in table.columns if column != left_out]
            if not kept:
                raise InputError(Problem(f"has no columns besides the label {label!r}", data))
            with sql.reading(data):
                _write(connection, table, kept, target)
        finally:
            connection.close()
    return target


def _suffix(table: Table) -> str:
    plain = suffix_of(table.shards[0][0]).removesuffix(".gz")
    if len(table.shards) > 1 or plain in {".parquet", ".pq"}:
        return ".parquet"
    return ".csv" if plain in {".csv", ".tsv"} else ".jsonl"


def _write(connection: duckdb.DuckDBPyConnection, table: Table, kept: list[Column], target: Path) -> None:
    query = sql.select((f"{column.ref} AS {sql.name(column.name)}" for column in kept), table.relation)
    form = {".csv": "FORMAT csv, HEADER true, NULLSTR ''", ".jsonl": "FORMAT json", ".parquet": "FORMAT parquet"}
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"COPY ({query}) TO {sql.text(str(target))} ({form[target.suffix]})")
