"""The default engine: DuckDB reads tables, NumPy reduces them to statistics."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.blocks.observe import goes_in_blocks, observe_blocks
from mlci.engine.blocks.parallel import Pool
from mlci.engine.count_pushdown import count_rows, is_countable
from mlci.engine.encode.binder import BoundJob, bind_job
from mlci.engine.encode.classes import read_class_values
from mlci.engine.encode.clusters import read_clustering
from mlci.engine.encode.columns import EncodedColumns, encode_columns
from mlci.engine.encode.dictionary import CodeRange, KnownValues
from mlci.engine.encode.grouping import Elements, Partition, build_partition
from mlci.engine.encode.queries import read_queries
from mlci.engine.fingerprint import fingerprint_table
from mlci.engine.in_memory.reduce import reduce
from mlci.engine.interface import Job, Observed, Progress, ignore_progress
from mlci.engine.join import Frame, ModelColumns, ScannedRows, read_rows
from mlci.engine.row_comparison import find_row_changes
from mlci.engine.slice_search.search import search_slices
from mlci.engine.sql import Array
from mlci.engine.tables.files import PARQUET, suffix_of
from mlci.errors import InputError
from mlci.metrics.row_metrics import RowMetricEvaluator


class DuckDBEngine:
    """Implements :class:`mlci.engine.interface.Engine` in this process."""

    def __init__(
        self,
        *,
        threads: int | None = None,
        exact_rows: int = 250_000,
        row_metrics: RowMetricEvaluator | None = None,
        progress: Progress = ignore_progress,
        memory: int | None = None,
    ) -> None:
        """Configure the engine.

        Args:
            threads: Threads of DuckDB and NumPy blocks; ``None`` uses all of the machine. No result depends on it.
            exact_rows: Most rows for which scores are ranked exactly instead of in bins.
            row_metrics: Evaluates functions of rows; optional for jobs without them.
            progress: Receives the rows that were read of a large table, about every ten seconds.
            memory: Budget in bytes, beyond which joins spill to disk; ``None`` uses the container's limit.
        """
        self.row_metrics, self.progress, self.memory = row_metrics, progress, memory
        self.threads, self.exact_rows = threads, exact_rows

    def observe(self, job: Job) -> Observed:
        """Read, check and join the tables and reduce them.

        Raises:
            InputError: if a table or its content is invalid; the message has every problem.
            SpillError: if a join does not fit the memory budget, nor the disk.
        """
        with (
            sql.session(threads=self.threads, memory=self.memory) as (connection, scratch),
            sql.reading(*_read_late(job)),
        ):
            return self._observe(connection, job, scratch)

    def _observe(self, connection: duckdb.DuckDBPyConnection, job: Job, scratch: Path) -> Observed:
        bound = bind_job(connection, job, scratch)
        if goes_in_blocks(bound, self.exact_rows) and not is_countable(bound):
            observed = observe_blocks(bound, Pool(self.threads, self.progress))
            if observed is not None:
                return observed
        frame = load_frame(bound, threads=self.threads, by_rows=job.row_changes > 0 or job.slice_search is not None)
        left_out = bound.prediction_columns
        fingerprint = fingerprint_table(
            connection, bound.table, left_out, coded=frame.coded, weights=frame.coded_weights, threads=self.threads
        )
        job, left_out_notes = leave_out_percentages(bound, frame.labels)
        statistics, notes = reduce(
            job, frame, exact_rows=self.exact_rows, threads=self.threads, evaluator=self.row_metrics
        )
        every_note = (*frame.notes, *notes, *left_out_notes)
        return Observed(
            statistics=statistics,
            rows=frame.rows,
            fingerprint=fingerprint,
            notes=every_note,
            undecided=frame.undecided,
            row_changes=find_row_changes(bound, frame, job.row_changes) if job.row_changes else None,
            searched_slices=search_slices(bound, frame, job.slice_search) if job.slice_search else None,
        )


def _read_late(job: Job) -> list[str]:
    """Return the tables that are read during the reduction: those in Parquet, because text is staged before; or all."""
    paths = [job.data, *(model.path for model in (job.candidate, job.baseline) if model)]
    return [path for path in paths if suffix_of(path) in PARQUET] or paths


def load_frame(bound: BoundJob, *, threads: int | None, by_rows: bool = False) -> Frame:
    """Read and check the columns of a job.

    Args:
        bound: The job.
        threads: Of DuckDB and NumPy.
        by_rows: Whether each row is an element, also where counts would suffice.

    Raises:
        InputError: if cells are invalid or keys do not match; the message has the row and key of each.
    """
    encoded = encode_columns(bound)
    clustering = read_clustering(bound)
    read = (count_rows if is_countable(bound) and not by_rows else read_rows)(bound, encoded, threads=threads)
    cells, width = mix_decisions(read.labels, read.models, len(encoded.classes))
    elements = Elements(weights=read.weights, inner=cells, width=width, threads=threads)
    slices = _slices(bound, encoded, read, elements)
    coded, coded_weights = summarize_columns(bound, encoded, read, slices)
    return Frame(
        rows=bound.table.rows,
        weights=read.weights,
        labels=read.labels,
        classes=encoded.classes,
        partition=slices,
        candidate=read.models[0],
        baseline=read.models[1] if len(read.models) > 1 else None,
        cells=cells,
        width=width,
        notes=(*encoded.notes, *read.notes, *(clustering.notes if clustering else ())),
        undecided=read.undecided,
        coded=coded,
        coded_weights=coded_weights,
        differing=read.differing,
        class_values=read_class_values(bound, encoded.classes) if bound.job.row_metrics else (),
        tie_order=encoded.tie_order,
        clustering=clustering,
        queries=read_queries(bound, read.labels, slices),
    )


def _slices(bound: BoundJob, encoded: EncodedColumns, read: ScannedRows, elements: Elements) -> Partition:
    bases = [CodeRange(bins.final(codes), bins.names) for bins, codes in zip(encoded.bins, read.slices, strict=True)]
    places = {base: i for i, (base, _) in enumerate(bound.bases)}
    slices = [(spec.name, tuple(places[column] for column in spec.columns)) for spec in bound.job.slices]
    return build_partition(bases, slices, elements, max_groups=bound.job.max_groups, path=bound.table.path)


def mix_decisions(labels: Array, models: list[ModelColumns], classes: int) -> tuple[Array | None, int]:
    """Combine label and decisions to one code, the baseline's before the candidate's."""
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
    few = {name: KnownValues(one.coded, digits[name]) for name, one in coded.items() if name in digits}
    if bound.label.name not in few:
        few[bound.label.name] = KnownValues(encoded.label.coded, encoded.label.values_of(len(encoded.classes))[classes])
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
    if encoded.label is not None and read.label_codes is not None:
        coded[bound.label.name] = KnownValues(encoded.label.coded, encoded.label.coded.final(read.label_codes))
    return coded


LOSS = "percentage"


_EPS = float(np.finfo(np.float64).eps)


_WHY = ", and mean_absolute_percentage_error divides by the label"


_CURE = "; use mean_absolute_error, or take rows with a label of 0 out of the evaluation set"


def leave_out_percentages(bound: BoundJob, labels: Array) -> tuple[Job, tuple[str, ...]]:
    """Return the job without percentages of the label if a label is 0, and a note about the omitted metric.

    A label nearer to 0 than the float64 epsilon counts as 0: the loss of its row alone would be the metric.

    Raises:
        InputError: if a metric that divides by the label is configured by name.
    """
    job = bound.job
    refused = job.zero_labels == "refused"
    divides = job.task == "regression" and (LOSS in job.losses or refused)
    if not divides or not bool((np.abs(labels) < _EPS).any()):
        return job, ()
    near_zero = f"abs({bound.label.as_float()}) < {_EPS!r}"
    near_zero_label = bound.place().problem(
        bound.label, near_zero, f"label {bound.label.name!r} is {{value}}", hint=_WHY
    )
    if refused:
        raise InputError(replace(near_zero_label, message=near_zero_label.message + _CURE))
    losses = tuple(loss for loss in job.losses if loss != LOSS)
    return replace(job, losses=losses), (f"{near_zero_label.message}, so it is left out",)
