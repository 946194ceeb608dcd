"""The evaluation set's columns as codes, handed to its fingerprint so that nothing is read twice."""

from collections.abc import Mapping

import numpy as np

from mlci.engine.bind import Bound
from mlci.engine.coding import Known
from mlci.engine.meaning import Classed, Meaning
from mlci.engine.partition import Partition
from mlci.engine.read import Read
from mlci.engine.sql import Array

Summary = tuple[Mapping[str, Known], Array | None]
"""Columns by name, and the rows that each of their elements stands for (``None`` for one each)."""


def summarise(bound: Bound, meaning: Meaning, read: Read, partition: Partition) -> Summary:
    """Return the coded columns: as few distinct rows with their counts, if no other column needs rows."""
    coded = _coded(bound, meaning, read, partition)
    content = {column.name for column in bound.table.columns} - bound.prediction_columns
    if read.weights is not None or partition.table is None or meaning.label is None or content - set(coded):
        return coded, read.weights
    by_label = partition.table.reshape(len(partition.table), len(meaning.classes), -1).sum(axis=2)
    packed, classes = np.nonzero(by_label)
    names = [column.name for _, column in bound.bases]
    digits = dict(zip(names, partition.bases.digits(packed), strict=True))
    few = {name: Known(known.coded, digits[name]) for name, known in coded.items() if name in digits}
    if bound.label.name not in few:
        few[bound.label.name] = Known(meaning.label.coded, _values(meaning.label, len(meaning.classes))[classes])
    return few, by_label[packed, classes]


def _coded(bound: Bound, meaning: Meaning, read: Read, partition: Partition) -> dict[str, Known]:
    columns = [column.name for _, column in bound.bases]
    coded = {
        name: Known(bins.coded, base.codes)
        for name, bins, base in zip(columns, meaning.bins, partition.bases.each, strict=True)
        if bins.coded is not None
    }
    if meaning.label is not None:
        coded[bound.label.name] = Known(meaning.label.coded, meaning.label.coded.final(read.fetched["y"]))
    return coded


def _values(label: Classed, classes: int) -> Array:
    """Return the code of the label's value that stands for each class."""
    codes = np.zeros(classes, np.int64)
    codes[label.lut[:-1]] = np.arange(len(label.lut) - 1)
    return codes
