"""From tables to one frame of arrays, in the evaluation set's row order, with every cell checked."""

import numpy as np

from mlci.engine.bind import Bound
from mlci.engine.class_values import read_class_values
from mlci.engine.counted import count_rows, is_countable
from mlci.engine.frame import Frame, Model
from mlci.engine.meaning import Meaning, understand
from mlci.engine.mixing import Base
from mlci.engine.partition import Elements, Partition, partition
from mlci.engine.read import Read, read_rows
from mlci.engine.sql import Array
from mlci.engine.summary import summarise


def load(bound: Bound, *, threads: int | None) -> Frame:
    """Read and check everything that a job needs.

    Raises:
        InputError: With every offending cell's row and key, or keys that don't pair off.
    """
    meaning = understand(bound)
    read = (count_rows if is_countable(bound) else read_rows)(bound, meaning, threads=threads)
    cells, width = _mix(read.labels, read.models, len(meaning.classes))
    elements = Elements(weights=read.weights, inner=cells, width=width, threads=threads)
    slices = _slices(bound, meaning, read, elements)
    known, each = summarise(bound, meaning, read, slices)
    return Frame(
        rows=bound.table.rows,
        weights=read.weights,
        labels=read.labels,
        classes=meaning.classes,
        partition=slices,
        candidate=read.models[0],
        baseline=read.models[1] if len(read.models) > 1 else None,
        cells=cells,
        width=width,
        notes=(*meaning.notes, *read.notes),
        undecided=read.undecided,
        known=known,
        each=each,
        differing=read.differing,
        class_values=read_class_values(bound, meaning.classes) if bound.job.row_metrics else (),
    )


def _slices(bound: Bound, meaning: Meaning, read: Read, elements: Elements) -> Partition:
    bases = [Base(bins.final(read.fetched[f"s{i}"]), bins.names) for i, bins in enumerate(meaning.bins)]
    places = {base: i for i, (base, _) in enumerate(bound.bases)}
    slices = [(spec.name, tuple(places[column] for column in spec.columns)) for spec in bound.job.slices]
    return partition(bases, slices, elements, max_groups=bound.job.max_groups, path=bound.table.path)


def _mix(labels: Array, models: list[Model], classes: int) -> tuple[Array | None, int]:
    """Mix label and decisions into one code; the baseline's stands before the candidate's."""
    if not classes:
        return None, 1
    decided = [model.decision for model in reversed(models) if model.decision is not None]
    decided = decided if len(decided) == len(models) else []
    width = int(classes ** (1 + len(decided)))
    codes: Array = labels.astype(np.uint16 if width <= 1 << 16 else np.int64)
    for decision in decided:
        np.multiply(codes, codes.dtype.type(classes), out=codes)
        np.add(codes, decision.astype(codes.dtype, copy=False), out=codes)
    return codes, width
