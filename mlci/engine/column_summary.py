"""Encoded columns of the evaluation set for its fingerprint, to avoid reading a column twice."""

from collections.abc import Mapping

import numpy as np

from mlci.engine.encode.binder import BoundJob
from mlci.engine.encode.columns import ClassColumn, EncodedColumns
from mlci.engine.encode.dictionary import KnownValues
from mlci.engine.encode.grouping import Partition
from mlci.engine.join.row_scan import ScannedRows
from mlci.engine.sql import Array

Summary = tuple[Mapping[str, KnownValues], Array | None]
"""Columns by name, and the rows of each of their elements (``None`` for one each)."""


def summarize_columns(bound: BoundJob, encoded: EncodedColumns, read: ScannedRows, partition: Partition) -> Summary:
    """Return the coded columns: as few distinct rows with their counts, if no other column needs rows."""
    coded = _coded_columns(bound, encoded, read, partition)
    content = {column.name for column in bound.table.columns} - bound.prediction_columns
    if read.weights is not None or partition.table is None or encoded.label is None or content - set(coded):
        return coded, read.weights
    by_label = partition.table.reshape(len(partition.table), len(encoded.classes), -1).sum(axis=2)
    packed, classes = np.nonzero(by_label)
    names = [column.name for _, column in bound.bases]
    digits = dict(zip(names, partition.bases.digits(packed), strict=True))
    few = {name: KnownValues(known.coded, digits[name]) for name, known in coded.items() if name in digits}
    if bound.label.name not in few:
        few[bound.label.name] = KnownValues(encoded.label.coded, _values(encoded.label, len(encoded.classes))[classes])
    return few, by_label[packed, classes]


def _coded_columns(
    bound: BoundJob, encoded: EncodedColumns, read: ScannedRows, partition: Partition
) -> dict[str, KnownValues]:
    columns = [column.name for _, column in bound.bases]
    coded = {
        name: KnownValues(bins.coded, base.codes)
        for name, bins, base in zip(columns, encoded.bins, partition.bases.each, strict=True)
        if bins.coded is not None
    }
    if encoded.label is not None:
        coded[bound.label.name] = KnownValues(encoded.label.coded, encoded.label.coded.final(read.fetched["y"]))
    return coded


def _values(label: ClassColumn, classes: int) -> Array:
    """Return the code of the label's value for each class."""
    codes = np.zeros(classes, np.int64)
    codes[label.lut[:-1]] = np.arange(len(label.lut) - 1)
    return codes
