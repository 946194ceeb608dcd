"""Coded columns of a table's rows, computed on the executors: keys, slices, labels, scores and decisions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mlci.engine import sql
from mlci.engine.encode.binder import BoundJob, BoundPredictions
from mlci.engine.encode.columns import Bins, ClassColumn, EncodedColumns
from mlci.engine.join import ColumnExpressions, FetchedColumns, key_columns, own_columns, score_column
from mlci.engine.spark.executors.batches import BatchReader, BatchSource, open_reader
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn

Coded = dict[str, Array]
"""Arrays by column: ``k0`` and ``k1`` for keys, ``s…`` slices, ``y`` the label, ``p…`` scores, ``d…`` decisions."""


@dataclass(frozen=True, kw_only=True)
class CodedTable:
    """Columns that one table contributes to the job.

    Attributes:
        expressions: SQL of the columns to fetch.
        bins: Bins of each slice column.
        label: Classes of the label; ``None`` if the label is a number or in another table.
        decisions: Classes of decisions, by the model's position in the job.
    """

    expressions: ColumnExpressions
    bins: tuple[Bins, ...] = ()
    label: ClassColumn | None = None
    decisions: Mapping[int, ClassColumn] = field(default_factory=dict)

    @property
    def has_label(self) -> bool:
        """Whether the label is in this table."""
        return self.expressions.label is not None

    def code(self, reader: BatchReader) -> Coded:
        """Return the coded columns of the reader's current rows."""
        fetched = self.expressions.assign(reader.arrays(self.expressions.listed()))
        coded = {f"s{i}": bins.final(raw) for i, (bins, raw) in enumerate(zip(self.bins, fetched.slices, strict=True))}
        if self.has_label:
            coded["y"] = self._labels(fetched)
        for model, score in fetched.scores.items():
            coded[f"p{model}"] = sql.without_mask(score)
        for model, decision in fetched.decisions.items():
            coded[f"d{model}"] = self.decisions[model].final(decision)
        return coded

    def _labels(self, fetched: FetchedColumns) -> Array:
        return sql.without_mask(fetched.labels) if self.label is None else self.label.final(fetched.labels)

    def schema(self) -> str:
        """Return Spark's types of the coded columns."""
        names = [f"s{i} int" for i in range(len(self.bins))]
        names += [f"y {'double' if self.label is None else 'int'}"] * self.has_label
        names += [f"p{model} double" for model in self.expressions.scores]
        names += [f"d{model} int" for model in self.decisions]
        return ", ".join(names)


def evaluation_columns(bound: BoundJob, encoded: EncodedColumns) -> CodedTable:
    """Return the columns of the evaluation set, with the predictions that it has itself."""
    own = own_columns(bound, encoded)
    beside = _predictions(bound, encoded, [i for i, model in enumerate(bound.models) if not bound.is_joined(model)])
    expressions = replace(beside.expressions, slices=own.slices, label=own.label)
    return replace(beside, expressions=expressions, bins=encoded.bins, label=encoded.label)


def predicted_columns(bound: BoundJob, encoded: EncodedColumns, model: int) -> CodedTable:
    """Return the columns of a model's own table of predictions."""
    return _predictions(bound, encoded, [model])


def _predictions(bound: BoundJob, encoded: EncodedColumns, models: list[int]) -> CodedTable:
    decisions = {i: one for i in models if (one := encoded.decisions[i]) is not None}
    scores = {i: score.as_float() for i in models if (score := score_column(bound, i)) is not None}
    return CodedTable(
        expressions=ColumnExpressions(
            decisions={i: one.coded.expression for i, one in decisions.items()}, scores=scores
        ),
        decisions=decisions,
    )


@dataclass(frozen=True)
class KeyedWork:
    """Work for executors: a table's keys and coded columns, as batches for a join.

    Attributes:
        key: SQL of the one or two numbers of a key.
        columns: The coded columns.
        side: Number of the table among those that are joined.
        source: The table.
    """

    key: tuple[str, ...]
    columns: CodedTable
    side: int
    source: BatchSource = field(default_factory=lambda: BatchSource(()))

    def on(self, source: BatchSource) -> "KeyedWork":
        """Return the work for a table."""
        return replace(self, source=source)

    @property
    def schema(self) -> str:
        """Spark's types of the batches."""
        keys = [f"k{i} bigint" for i in range(len(self.key))]
        return ", ".join(filter(None, [*keys, "side tinyint", self.columns.schema()]))

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield the keys and coded columns of a partition."""
        import pyarrow as pa  # noqa: PLC0415 - executors have it

        types = {name: _ARROW[kind]() for name, kind in (entry.split() for entry in self.schema.split(", "))}
        with open_reader(self.source) as reader:
            for table in reader.each(batches):
                coded = {f"k{i}": one for i, one in enumerate(map(key_numbers, reader.arrays(self.key)))}
                coded["side"] = np.full(table.num_rows, self.side, np.int8)
                coded |= self.columns.code(reader)
                arrays = [_arrow(coded[name], kind) for name, kind in types.items()]
                yield pa.RecordBatch.from_arrays(arrays, names=list(types))


def key_numbers(fetched: Array) -> Array:
    """Return the numbers of keys as int64: equal bits for equal keys, nulls as nulls."""
    numbers = sql.without_mask(fetched)
    bits: Array = numbers.view(np.int64) if numbers.dtype.itemsize == 8 else numbers.astype(np.int64)
    mask = sql.null_mask(fetched)
    return bits if mask is None else np.ma.MaskedArray(bits, mask)


def _arrow(values: Array, kind: Any) -> Any:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa  # noqa: PLC0415 - executors have it

    return pa.array(sql.without_mask(values), mask=sql.null_mask(values)).cast(kind)


def _arrow_type(name: str) -> Any:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa  # noqa: PLC0415 - executors have it

    return getattr(pa, name)()


_ARROW = {
    "bigint": lambda: _arrow_type("int64"),
    "int": lambda: _arrow_type("int32"),
    "tinyint": lambda: _arrow_type("int8"),
    "double": lambda: _arrow_type("float64"),
}


def keyed_work(bound: BoundJob, key: TableColumn, columns: CodedTable, side: int) -> KeyedWork:
    """Return the work that makes one table's rows ready for the join."""
    return KeyedWork(key_columns(bound, key), columns, side)


def joined_models(bound: BoundJob) -> list[tuple[int, BoundPredictions]]:
    """Return the models whose predictions are in another table, by their position in the job."""
    return [(i, model) for i, model in enumerate(bound.models) if bound.is_joined(model)]
