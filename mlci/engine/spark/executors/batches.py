"""SQL over Arrow batches, in the Python processes of Spark's executors.

DuckDB evaluates the same expressions as in the embedded engine, so that a cell has the same meaning in both.
"""

import contextlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn

FILE, INDEX, POSITION = "file_of_row", "index_in_file", "position"
FILE_ROWS = 1 << 40
"""Distance of the positions of two files' first rows: more rows than a file has."""
_LOCAL = re.compile("^file:/+")
"""Scheme of local files, which Spark writes with one slash or three."""
_ROWS = 1 << 16
"""Least rows that are read together."""


@dataclass(frozen=True)
class BatchSource:
    """Description of batches for executors.

    Attributes:
        columns: Columns that the batches have, by the names of their raw cells.
        files: All files of the table in the order of rows; empty if rows have no positions.
        enums: Name and texts of each ENUM type that expressions use.
        numbered: Whether rows are numbered within the relation, as rows of a file are.
    """

    columns: tuple[TableColumn, ...]
    files: tuple[str, ...] = ()
    enums: tuple[tuple[str, tuple[str, ...]], ...] = ()
    numbered: bool = False

    @property
    def relation(self) -> str:
        """SQL for the FROM clause."""
        read = [f"{column.reading} AS {column.ref}" for column in self.columns if column.reading]
        return f"({sql.select(['*', *read], 'batch')}) AS t"


@dataclass(frozen=True)
class BatchReader:
    """Connection to DuckDB in which the current rows are a relation."""

    source: BatchSource
    connection: duckdb.DuckDBPyConnection

    def each(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Register several batches at a time as the relation, and yield each as a table of Arrow."""
        for table in _joined(batches):
            placed = self._with_positions(table) if self.source.files else table
            placed = _with_numbers(placed) if self.source.numbered else placed
            self.connection.register("batch", placed)
            yield placed

    def arrays(self, expressions: Sequence[str]) -> list[Array]:
        """Return an array for each expression over the current rows."""
        return sql.fetch_arrays(self.connection, expressions, self.source.relation) if expressions else []

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the result of a query."""
        return self.connection.execute(query).fetchall()

    def _with_positions(self, table: Any) -> Any:  # noqa: ANN401 - pyarrow ships no types
        import pyarrow as pa  # noqa: PLC0415 - executors have it
        import pyarrow.compute as pc  # noqa: PLC0415

        files = pa.array([_LOCAL.sub("file:/", file) for file in self.source.files])
        named = pc.replace_substring_regex(table[FILE], _LOCAL.pattern, "file:/")
        ordinal = pc.index_in(named, files).cast(pa.int64())
        position = pc.add(pc.multiply(ordinal, FILE_ROWS), table[INDEX])
        return table.drop_columns([FILE, INDEX]).append_column(POSITION, position)


def _with_numbers(table: Any) -> Any:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa  # noqa: PLC0415 - executors have it

    return table.append_column("file_row_number", pa.array(np.arange(table.num_rows)))


@contextlib.contextmanager
def open_reader(source: BatchSource) -> Iterator[BatchReader]:
    """Open a reader on one thread, because an executor runs as many tasks as it has cores."""
    with (
        tempfile.TemporaryDirectory(prefix="mlci-", ignore_cleanup_errors=True) as scratch,
        contextlib.closing(sql.connect(threads=1, scratch=scratch)) as connection,
    ):
        for name, texts in source.enums:
            connection.execute(f"CREATE TYPE {name} AS ENUM ({', '.join(map(sql.quote_text, texts))})")
        yield BatchReader(source, connection)


def enums_of(connection: duckdb.DuckDBPyConnection) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the ENUM types of a connection."""
    listed = sql.select(
        "type_name, labels", "duckdb_types()", where="labels IS NOT NULL AND database_name = current_database()"
    )
    return tuple((str(name), tuple(texts)) for name, texts in connection.execute(listed).fetchall())


def with_enums(source: BatchSource, connection: duckdb.DuckDBPyConnection) -> BatchSource:
    """Return a source whose expressions may use the ENUM types of a connection."""
    return replace(source, enums=enums_of(connection))


def _joined(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield tables of several batches each, because Spark's batches are small."""
    import pyarrow as pa  # noqa: PLC0415 - executors have it

    waiting: list[Any] = []
    for batch in batches:
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= _ROWS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if any(one.num_rows for one in waiting):
        yield pa.Table.from_batches(waiting)
