"""Aggregate push-down: counting in DuckDB for jobs that need only decisions of one table."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlci.engine import sql
from mlci.engine.cell_errors import ProblemCollector, bad_scores, is_fine, is_rounded, kind_of_score
from mlci.engine.encode.binder import BoundJob, BoundPredictions, needs_values
from mlci.engine.encode.columns import EncodedColumns
from mlci.engine.join import FetchedColumns, ModelColumns, ScannedRows, ScoreNotes, index_keys, key_columns, own_columns
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn


@dataclass(frozen=True)
class _ScoreRanges:
    """Scores of one model in each element: the lowest, the highest, and the number of those that are not null."""

    lowest: Array
    highest: Array
    present: Array

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest score of all."""
        return float(sql.without_mask(self.lowest).min()), float(sql.without_mask(self.highest).max())


@dataclass(frozen=True, kw_only=True)
class _CountedRows:
    """Elements: the combinations of codes that occur, with their rows.

    Attributes:
        columns: The codes.
        rows: Number of rows.
        unequal: Number of rows with unequal scores; 0 unless both models have scores.
        ranges: Scores that decide by a threshold, by the model's position.
    """

    columns: FetchedColumns
    rows: Array
    unequal: Array
    ranges: Mapping[int, _ScoreRanges]


def is_countable(bound: BoundJob) -> bool:
    """Return whether a job needs only counts of (slices, label, decisions) of one table.

    A table with any other column is read row by row for its fingerprint, and then rows are cheaper to count in memory.
    """
    job = bound.job
    probable = any(model.probabilities for model in bound.models)
    if needs_values(job) or job.labels_are_numbers or job.row_metrics or probable or job.by_cluster:
        return False
    coded = {bound.label.name, *(column.name for base, column in bound.bases if base.cut is None)}
    content = {column.name for column in bound.table.columns} - bound.prediction_columns
    return content <= coded and not any(bound.is_joined(model) for model in bound.models)


def count_rows(bound: BoundJob, encoded: EncodedColumns, *, threads: int | None) -> ScannedRows:
    """Count in the database; each returned element has ``weights`` rows.

    Raises:
        InputError: if scores are invalid, or keys are missing or repeated; the message has the first row of each.
    """
    if encoded.label is None:
        raise AssertionError(bound.job.task)  # a regression is not countable
    if bound.key is not None:
        parts = sql.fetch_arrays(bound.connection, key_columns(bound, bound.key), bound.table.relation)
        index_keys(bound, parts, threads=threads)
    counted = _count(bound, encoded)
    problems, notes = ProblemCollector(), ScoreNotes(bound.job)
    models = [_model(bound, encoded, i, counted, problems) for i in range(len(bound.models))]
    problems.stop()
    for i, ranges in counted.ranges.items():
        _note_scores(bound, bound.models[i], ranges, notes)
    return ScannedRows(
        slices=counted.columns.slices,
        label_codes=counted.columns.label,
        labels=encoded.label.final(counted.columns.labels),
        models=models,
        weights=counted.rows,
        differing=_count_differing(bound, models, counted),
        notes=tuple(notes.notes),
        undecided=tuple(notes.undecided),
    )


def _count(bound: BoundJob, encoded: EncodedColumns) -> _CountedRows:
    """Group the rows by slices, label and decisions."""
    decisions: dict[int, str] = {}
    ranges: dict[int, tuple[str, ...]] = {}
    for i, model in enumerate(bound.models):
        if (classed := encoded.decisions[i]) is not None:
            decisions[i] = classed.coded.expression
        elif model.score is not None:
            score = model.score.as_float()
            decisions[i] = f"({score} >= {sql.float_literal(model.threshold)})"
            ranges[i] = (f"min({score})", f"max({score})", f"count({score})")
    columns = replace(own_columns(bound, encoded), decisions=decisions)
    codes = columns.listed()
    aggregates = ["count(*)", _count_unequal(bound), *(one for each in ranges.values() for one in each)]
    arrays = sql.fetch_arrays(bound.connection, [*codes, *aggregates], bound.table.relation, grouped=len(codes))
    rows, unequal, *rest = arrays[len(codes) :]
    return _CountedRows(
        columns=columns.assign(arrays),
        rows=rows,
        unequal=unequal,
        ranges={i: _ScoreRanges(*rest[3 * at : 3 * at + 3]) for at, i in enumerate(ranges)},
    )


def _count_unequal(bound: BoundJob) -> str:
    """SQL for the number of rows with unequal scores, if both models have scores."""
    if not bound.both_score:
        return "0"
    first, second = (model.score.as_float() for model in bound.models if model.score is not None)
    return f"count(*) FILTER (WHERE {first} IS DISTINCT FROM {second})"


def _note_scores(bound: BoundJob, model: BoundPredictions, ranges: _ScoreRanges, notes: ScoreNotes) -> None:
    low, high = ranges.ends
    other = "" if model.score is None else f"{model.score.as_float()} NOT IN (0, 1)"
    ends = (low, high) == (0, 1) and not sql.file_exists(bound.connection, model.table.relation, other)
    notes.add(model, low, high, only_ends=ends)


def _count_differing(bound: BoundJob, models: list[ModelColumns], counted: _CountedRows) -> Array | None:
    """Return how many of each element's rows have unequal predictions; ``None`` without a baseline."""
    if len(models) == 1:
        return None
    if bound.one_scores:
        return counted.rows
    first, second = (model.decision for model in models)
    unequal = np.zeros(len(counted.rows), bool) if first is None or second is None else first != second
    return np.where(unequal, counted.rows, counted.unequal)


def _model(
    bound: BoundJob, encoded: EncodedColumns, i: int, counted: _CountedRows, problems: ProblemCollector
) -> ModelColumns:
    model, classed = bound.models[i], encoded.decisions[i]
    if classed is not None:
        return ModelColumns(None, classed.final(counted.columns.decisions[i]))
    if model.score is None:
        return ModelColumns(None, None)
    if not _scores_are_fine(bound, model, model.score, counted.ranges[i], counted.rows):
        problems.add(*bad_scores(model.score, bound.place(model), kind_of_score(bound.job)))
    return ModelColumns(None, sql.without_mask(counted.columns.decisions[i]).astype(np.uint8))


def _scores_are_fine(
    bound: BoundJob, model: BoundPredictions, score: TableColumn, ranges: _ScoreRanges, rows: Array
) -> bool:
    low, high = ranges.ends
    complete = np.array_equal(ranges.present, rows)
    exact = not is_rounded(score, bound.place(model), low, high)
    return complete and is_fine(low, high, kind_of_score(bound.job)) and exact
