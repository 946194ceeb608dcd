"""Frames of pandas, Polars and Arrow, and columns of arrays, as Parquet files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from mlci.engine import sql
from mlci.errors import InputError


def frame_names(table: Any) -> tuple[str, ...] | None:  # noqa: ANN401 (any kind of frame)
    """Return a frame's columns; ``None`` if it is not a frame of a kind that can be written."""
    if isinstance(table, Mapping):
        return tuple(map(str, table))
    if hasattr(table, "column_names"):
        return tuple(table.column_names)
    if hasattr(table, "columns") and hasattr(table, "__getitem__"):
        return tuple(map(str, table.columns))
    return None


def write_frame(table: Any, file: Path) -> None:  # noqa: ANN401 (any kind of frame)
    """Write a frame, its rows in order and its index left out, to a Parquet file.

    Raises:
        InputError: if a column's values have no type in common.
    """
    if hasattr(table, "write_parquet"):
        table.write_parquet(file)
        return
    connection = duckdb.connect()
    try:
        connection.register("frame", dict(table) if isinstance(table, Mapping) else table)
        connection.execute(f"COPY frame TO {sql.quote_text(str(file))} (FORMAT parquet)")
    except duckdb.Error as error:
        raise InputError(f"a frame can't be written as a table: {str(error).splitlines()[0]}") from error
    finally:
        connection.close()
