"""Keys that do not match: the rows concerned are fetched, and described by the embedded engine's own queries."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import duckdb
import numpy as np

from mlci.engine import join_keys, sql
from mlci.engine.encode.binder import BoundJob
from mlci.engine.join import key_columns, kind_of_keys
from mlci.engine.join_keys import Keyed
from mlci.engine.spark.coded_rows import key_numbers
from mlci.engine.spark.executors import map_merge
from mlci.engine.spark.executors.batches import POSITION, BatchSource, open_reader
from mlci.engine.spark.failures import spark_failures
from mlci.engine.spark.keyed_rows import JoinedRows, unpaired_keys
from mlci.engine.spark.spark_table import spark_table
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table
from mlci.errors import InputError, Problem

_MOST = 100_000
"""Most rows of each table that are fetched to describe an error."""


@dataclass(frozen=True)
class _Extract(Table):
    """Rows of a table in Spark that this process has, with their positions there."""

    has_order: ClassVar[bool] = True
    row_number: ClassVar[str] = POSITION


@dataclass(frozen=True)
class _UnorderedExtract(_Extract):
    """Rows of a table without positions, numbered by their keys."""

    has_order: ClassVar[bool] = False


@dataclass(frozen=True)
class _KeysWork:
    """Work for executors: a table's keys as they are stored, with the numbers by which they match."""

    source: BatchSource
    key: tuple[str, ...]

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield numbers, position and key of each row."""
        import pyarrow as pa  # noqa: PLC0415 - executors have it

        with open_reader(self.source) as reader:
            for table in reader.each(batches):
                numbers = [key_numbers(one) for one in reader.arrays(self.key)]
                arrays = [pa.array(sql.without_mask(one), mask=sql.null_mask(one)) for one in numbers]
                position = table[POSITION] if self.source.files else pa.nulls(table.num_rows, pa.int64())
                names = [*(f"k{i}" for i in range(len(arrays))), POSITION, self.source.columns[0].raw]
                cells = table[self.source.columns[0].raw]
                columns = [*arrays, _one_chunk(position), _one_chunk(cells)]
                yield pa.RecordBatch.from_arrays(columns, names=names)


def _one_chunk(column: Any) -> Any:  # noqa: ANN401 - pyarrow ships no types
    return column.combine_chunks() if hasattr(column, "combine_chunks") else column


def describe_unpaired(bound: BoundJob, joined: JoinedRows) -> InputError:
    """Return the error for keys that do not match, in the words of the embedded engine."""
    unpaired = unpaired_keys(joined)
    keyed = [("", bound.table, bound.key)]
    keyed += [(f"{model.role} prediction", model.table, model.key) for model in bound.models if bound.is_joined(model)]
    extracts, clipped = [], False
    for number, (what, table, key) in enumerate(keyed):
        if key is None:
            raise AssertionError(table)  # joined tables have keys
        rows = _fetch(bound, Keyed(table, key), unpaired, joined.partitions)
        clipped |= rows.num_rows >= _MOST
        extracts.append((what, Keyed(_as_table(bound.connection, Keyed(table, key), rows, f"extract{number}"), key)))
    (_, evaluation), *others = extracts
    error = join_keys.diagnose_unpaired(bound.connection, evaluation, others, kind_of_keys(bound))
    return InputError.of([*error.problems, *([_CLIPPED] if clipped else [])])


_CLIPPED = Problem(f"of the rows whose keys do not match, {_MOST:,} of each table were read; there are more")


def _fetch(bound: BoundJob, keyed: Keyed, unpaired: Any, partitions: int) -> Any:  # noqa: ANN401
    """Return the first rows with unpaired keys, by position or, without one, by key."""
    table, key = spark_table(keyed.table), keyed.column
    selection = table.select((key.ref,), positions=True)
    work = _KeysWork(selection.source, key_columns(bound, key))
    stored = selection.frame.schema[key.raw].dataType.simpleString()
    numbers = [f"k{i}" for i in range(len(work.key))]
    schema = ", ".join([*(f"{name} bigint" for name in numbers), f"{POSITION} bigint", f"{key.raw} {stored}"])
    keys = selection.frame.mapInArrow(work, schema).alias("mine")
    theirs = unpaired.alias("unpaired")
    same = [keys[name].eqNullSafe(theirs[name]) for name in numbers]
    found = keys.join(theirs, on=same, how="left_semi").select(POSITION, key.raw)
    with spark_failures(table.path):
        payload = map_merge.collect_merged(
            found, partial(_first_rows, key.raw), partial(_merge_rows, key.raw), partitions=partitions
        )
    return _read(payload or b"")


def _first_rows(raw: str, batches: Iterator[Any]) -> bytes:
    """Return the first rows of a partition as a stream of Arrow."""
    import pyarrow as pa  # noqa: PLC0415 - executors have it

    listed = list(batches)
    return _write(_clip(pa.Table.from_batches(listed), raw)) if listed else b""


def _merge_rows(raw: str, first: bytes, second: bytes) -> bytes:
    """Return the first rows of two partitions."""
    import pyarrow as pa  # noqa: PLC0415 - executors have it

    if not first or not second:
        return first or second
    return _write(_clip(pa.concat_tables([_read(first), _read(second)]), raw))


def _clip(table: Any, raw: str) -> Any:  # noqa: ANN401 - pyarrow ships no types
    return table.sort_by([(POSITION, "ascending"), (raw, "ascending")]).slice(0, _MOST)


def _write(table: Any) -> bytes:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa  # noqa: PLC0415 - executors have it

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _read(payload: bytes) -> Any:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa  # noqa: PLC0415 - executors have it

    if not payload:
        return pa.table({})
    with pa.ipc.open_stream(payload) as stream:
        return stream.read_all()


def _as_table(connection: duckdb.DuckDBPyConnection, keyed: Keyed, rows: Any, name: str) -> Table:  # noqa: ANN401
    """Return the fetched rows as a table of the embedded engine."""
    import pyarrow as pa  # noqa: PLC0415 - the optional extra

    table, key = spark_table(keyed.table), keyed.column
    if not rows.num_columns:
        rows = pa.table({POSITION: pa.array([], pa.int64()), key.raw: pa.array([], pa.string())})
    if not table.urls:
        rows = rows.set_column(0, POSITION, pa.array(np.arange(rows.num_rows)))
    connection.register(name, rows)
    read = [] if key.reading is None else [f"{key.reading} AS {_own_name(key)}"]
    relation = f"({sql.select(['*', *read], name)}) AS t"
    kind = _Extract if table.urls else _UnorderedExtract
    return kind(table.path, table.columns, relation, table.shards)


def _own_name(key: TableColumn) -> str:
    """Return the name of the column that the key is read from."""
    return f"c{key.raw[1:]}"
