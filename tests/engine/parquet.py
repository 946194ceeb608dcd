"""Parquet files with the types of Arrow, which pandas would change."""

import pyarrow as pa
from pyarrow import parquet


def arrow(folder, name, **columns):
    """Write arrays and return the path."""
    parquet.write_table(pa.table(columns), folder / name)
    return str(folder / name)
