"""Row scan: fetch columns, check scores, join by key, and sort predictions in the evaluation set's order."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from mlci.engine import sql
from mlci.engine.cell_errors import ProblemCollector, check_scores, kind_of_score
from mlci.engine.chunks import each_block
from mlci.engine.encode.binder import BoundJob, BoundPredictions, needs_decision, needs_values
from mlci.engine.encode.columns import EncodedColumns
from mlci.engine.interface import Job
from mlci.engine.join import keys
from mlci.engine.join.diagnostics import diagnose_unpaired
from mlci.engine.join.frame import ModelColumns
from mlci.engine.join.keys import Keyed, KeyIndex
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table
from mlci.errors import InputError, yaml_value


@dataclass(frozen=True)
class ScannedRows:
    """Columns of all rows.

    Attributes:
        fetched: Raw codes by name: ``s0``, ``s1``, … of slice columns, ``y`` of the label.
        labels: Class index of each element, or float64 for regression.
        models: The candidate's predictions, then the baseline's.
        weights: Rows of each element; ``None`` for one each.
        differing: Number of each element's rows with unequal predictions; ``None`` without a baseline.
        notes: Lines for the report.
        undecided: Models whose scores have no threshold, each with its column and range.
    """

    fetched: dict[str, Array]
    labels: Array
    models: list[ModelColumns]
    weights: Array | None = None
    differing: Array | None = None
    notes: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScoreNotes:
    """Notes on unusual scores of a binary job.

    Attributes:
        job: The job.
        undecided: For each model whose scores have no threshold, the column and its range.
        notes: Lines for the report.
    """

    job: Job
    undecided: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def look(self, model: BoundPredictions, low: float, high: float, *, only_ends: bool) -> None:
        """Check a model's scores between ``low`` and ``high``; ``only_ends`` if every score is one of both."""
        if self.job.task != "binary" or model.score is None or model.decision is not None:
            return
        name = model.score.name
        if self.job.assumed_threshold and not (low >= 0 and high <= 1):
            self.undecided.append(f"the {model.role}'s {name!r} has scores from {low:.6g} to {high:.6g}")
        if only_ends and (low, high) == (0, 1):
            message = f"the {model.role}'s score {name!r} has only 0 and 1 and looks like decisions"
            self.notes.append(f"{message}; if so, write `predict: {{decision: {yaml_value(name)}}}` instead of `score`")


def read_rows(bound: BoundJob, encoded: EncodedColumns, *, threads: int | None) -> ScannedRows:
    """Read every row.

    Raises:
        InputError: if scores are invalid or keys do not match; the message has the first row and key of each.
    """
    return _Reader(bound, encoded, threads, ProblemCollector(), ScoreNotes(bound.job)).read()


def own_columns(bound: BoundJob, encoded: EncodedColumns) -> list[str]:
    """SQL for columns of the evaluation set: ``s0``, ``s1``, … for slices and ``y`` for the label."""
    label = encoded.label.coded.expression if encoded.label else bound.label.as_float()
    return [*(f"{bins.expression} AS s{i}" for i, bins in enumerate(encoded.bins)), f"{label} AS y"]


@dataclass(frozen=True)
class _Reader:
    """Reader for one job; problems of scores are collected until all are known."""

    bound: BoundJob
    encoded: EncodedColumns
    threads: int | None
    problems: ProblemCollector
    odd: ScoreNotes

    def read(self) -> ScannedRows:
        fetched = self._fetch_own()
        index = None if self.bound.key is None else index_keys(self.bound, fetched, threads=self.threads)
        models = [self._read_model(i, fetched, index) for i in range(len(self.bound.models))]
        labels = self._labels(fetched)
        self.problems.stop()
        differing, undecided = self._flag_differing(models), tuple(self.odd.undecided)
        notes = tuple(self._notes())
        return ScannedRows(fetched, labels, models, differing=differing, notes=notes, undecided=undecided)

    def _fetch_own(self) -> dict[str, Array]:
        """Fetch the evaluation set's columns, and those of predictions in the same table."""
        bound = self.bound
        columns = own_columns(bound, self.encoded)
        if bound.key is not None:
            columns.append(key_columns(bound, bound.key))
        for i, model in enumerate(bound.models):
            columns += [] if bound.is_joined(model) else self._columns(i)
        return self._fetch(bound.table, columns)

    def _fetch(self, table: Table, columns: list[str]) -> dict[str, Array]:
        return sql.fetch_columns(self.bound.connection, sql.select(columns, table.relation))

    def _columns(self, i: int) -> list[str]:
        """SQL for one model's predictions: ``d0`` or ``d1`` for the decision, ``p0`` or ``p1`` for the score."""
        decision, score = self.encoded.decisions[i], self._score(i)
        columns = [f"{decision.coded.expression} AS d{i}"] if decision else []
        return [*columns, f"{score.as_float()} AS p{i}"] if score else columns

    def _score(self, i: int) -> TableColumn | None:
        """Return the column of a model's scores if they are needed, also to compare predictions."""
        job, model = self.bound.job, self.bound.models[i]
        thresholded = needs_decision(job) and model.decision is None
        needed = needs_values(job) or job.task == "regression" or thresholded or self.bound.both_score
        return model.score if needed else None

    def _read_model(self, i: int, fetched: dict[str, Array], index: KeyIndex | None) -> ModelColumns:
        model = self.bound.models[i]
        if not self.bound.is_joined(model):
            return self._model(i, fetched, None)
        if model.key is None or index is None:
            return self._model(i, self._fetch(model.table, self._columns(i)), None)
        key = key_columns(self.bound, model.key)
        theirs = self._fetch(model.table, [key, *self._columns(i)])
        rows = index.rows(theirs)
        if rows is None:
            raise explain_unpaired(self.bound)
        return self._model(i, theirs, rows)

    def _model(self, i: int, fetched: dict[str, Array], rows: Array | None) -> ModelColumns:
        """Check one model's predictions, and gather them by ``rows`` of another table."""
        job, model, column = self.bound.job, self.bound.models[i], self._score(i)
        score = decision = None
        if column is not None:
            place = self.bound.place(model)
            found = check_scores(fetched[f"p{i}"], column, place, self.problems, kind_of_score(job))
            self._check_scores(model, found)
            score = _gather(found, rows, self.threads)
        classed = self.encoded.decisions[i]
        if classed is not None:
            decision = _gather(classed.final(fetched[f"d{i}"]), rows, self.threads)
        elif score is not None and needs_decision(job):
            decision = (score >= model.threshold).view(np.uint8)
        return ModelColumns(score, decision)

    def _check_scores(self, model: BoundPredictions, score: Array) -> None:
        low, high = float(score.min()), float(score.max())
        ends = (low, high) == (0, 1) and bool(((score == 0) | (score == 1)).all())
        self.odd.look(model, low, high, only_ends=ends)

    def _labels(self, fetched: dict[str, Array]) -> Array:
        if self.encoded.label is not None:
            return self.encoded.label.final(fetched["y"])
        return check_scores(fetched["y"], self.bound.label, self.bound.place(), self.problems, "number")

    def _flag_differing(self, models: list[ModelColumns]) -> Array | None:
        """Return whether each row's predictions are unequal; ``None`` without a baseline."""
        if len(models) == 1:
            return None
        unequal = [mine != theirs for mine, theirs in _prediction_pairs(*models)]
        if self.bound.one_scores or not unequal:
            return np.ones(self.bound.table.rows, np.uint8)
        return np.asarray(np.logical_or.reduce(unequal)).view(np.uint8)

    def _notes(self) -> Iterator[str]:
        for model in self.bound.models:
            if self.bound.is_joined(model) and model.key is None:
                yield f"{model.role} joined by position: neither table has a key"
        yield from self.odd.notes


def _prediction_pairs(first: ModelColumns, second: ModelColumns) -> Iterator[tuple[Array, Array]]:
    """Yield pairs of both models' predictions."""
    if first.score is not None and second.score is not None:
        yield first.score, second.score
    if first.decision is not None and second.decision is not None:
        yield first.decision, second.decision


def _gather(source: Array, rows: Array | None, threads: int | None) -> Array:
    """Sort another table's column in the evaluation set's order."""
    if rows is None:
        return source
    out = np.empty_like(source)

    def gather(part: slice) -> None:
        source.take(rows[part], out=out[part], mode="clip")  # "clip" writes to out without a buffer

    each_block(len(out), gather, threads)
    return out


def key_columns(bound: BoundJob, key: TableColumn) -> str:
    """SQL for the columns to fetch for matching by a table's key."""
    return keys.columns_sql(key, _kind(bound))


def index_keys(bound: BoundJob, fetched: dict[str, Array], *, threads: int | None) -> keys.KeyIndex:
    """Index the evaluation set's fetched keys, and check that they are present and unique.

    Raises:
        InputError: if a key is missing or repeated; the message names the rows.
    """
    found = keys.KeyIndex(fetched, threads=threads)
    if not found.unique:
        raise explain_unpaired(bound)
    fetched.pop("k0")
    return found


def explain_unpaired(bound: BoundJob) -> InputError:
    """Return the error for keys that do not match."""
    joined = [model for model in bound.models if bound.is_joined(model)]
    others = [(f"{model.role} prediction", _keyed(model.table, model.key)) for model in joined]
    return diagnose_unpaired(bound.connection, _keyed(bound.table, bound.key), others, _kind(bound))


def _kind(bound: BoundJob) -> keys.Kind:
    joined: list[BoundPredictions] = [model for model in bound.models if bound.is_joined(model)]
    columns = [bound.key, *(model.key for model in joined)]
    return keys.kind_of([column for column in columns if column is not None])


def _keyed(table: Table, column: TableColumn | None) -> Keyed:
    if column is None:
        raise AssertionError(table)  # only called with a key
    return Keyed(table, column)
