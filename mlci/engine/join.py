"""Join of both models' predictions with the evaluation set, by key, into arrays in its row order.

:class:`ColumnExpressions` is the SQL for :class:`FetchedColumns`; no other name connects an expression with its array.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mlci.engine import join_keys, sql
from mlci.engine.cell_errors import ProblemCollector, check_probabilities, check_scores, kind_of_score
from mlci.engine.chunks import each_block
from mlci.engine.encode.binder import BoundJob, BoundPredictions, needs_decision, needs_values
from mlci.engine.encode.clusters import Clustering
from mlci.engine.encode.columns import EncodedColumns
from mlci.engine.encode.dictionary import KnownValues
from mlci.engine.encode.grouping import Partition
from mlci.engine.encode.queries import Queries
from mlci.engine.interface import Job
from mlci.engine.join_keys import Keyed, KeyIndex, diagnose_unpaired
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table
from mlci.errors import InputError, yaml_value
from mlci.metrics.row_metrics import Scalar


@dataclass(frozen=True, kw_only=True)
class FetchedColumns:
    """Columns of one table.

    Attributes:
        slices: Raw codes of each slice column.
        label: Raw codes of the label, or its numbers for regression; ``None`` if it is in another table.
        key: One or two numbers for each key.
        decisions: Raw codes of decisions, by the model's position in the job.
        scores: Scores, by the model's position in the job.
        probabilities: Probabilities by class, by the model's position in the job.
    """

    slices: tuple[Array, ...]
    label: Array | None
    key: tuple[Array, ...]
    decisions: Mapping[int, Array]
    scores: Mapping[int, Array]
    probabilities: Mapping[int, tuple[Array, ...]]

    @property
    def labels(self) -> Array:
        """The label's codes or numbers, of the evaluation set."""
        if self.label is None:
            raise AssertionError(self)
        return self.label


@dataclass(frozen=True, kw_only=True)
class ColumnExpressions:
    """SQL for the columns to fetch from one table, field by field as in :class:`FetchedColumns`."""

    slices: tuple[str, ...] = ()
    label: str | None = None
    key: tuple[str, ...] = ()
    decisions: Mapping[int, str] = field(default_factory=dict)
    scores: Mapping[int, str] = field(default_factory=dict)
    probabilities: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def listed(self) -> list[str]:
        """Return all expressions, in the order of :meth:`assign`."""
        label = [] if self.label is None else [self.label]
        probable = [one for each in self.probabilities.values() for one in each]
        return [*self.slices, *label, *self.key, *self.decisions.values(), *self.scores.values(), *probable]

    def assign(self, arrays: Sequence[Array]) -> FetchedColumns:
        """Return the array of each expression, from those of :meth:`listed`."""
        rest = iter(arrays)
        return FetchedColumns(
            slices=tuple(next(rest) for _ in self.slices),
            label=None if self.label is None else next(rest),
            key=tuple(next(rest) for _ in self.key),
            decisions={model: next(rest) for model in self.decisions},
            scores={model: next(rest) for model in self.scores},
            probabilities={model: tuple(next(rest) for _ in each) for model, each in self.probabilities.items()},
        )


@dataclass(frozen=True)
class ModelColumns:
    """One model's predictions for every row, if it has them.

    Attributes:
        score: The score, float64.
        decision: The class index.
        probabilities: The probability of each class, float64 of shape (classes, rows).
    """

    score: Array | None
    decision: Array | None
    probabilities: Array | None = None

    def unequal_rows(self, other: "ModelColumns") -> Iterator[Array]:
        """Yield, for each kind of prediction that both models have, whether each row's are unequal."""
        if self.score is not None and other.score is not None:
            yield self.score != other.score
        if self.decision is not None and other.decision is not None:
            yield self.decision != other.decision
        if self.probabilities is not None and other.probabilities is not None:
            yield (self.probabilities != other.probabilities).any(axis=0)

    @property
    def scores(self) -> Array:
        """The score, for a job that needs it."""
        if self.score is None:
            raise AssertionError(self)
        return self.score


@dataclass(frozen=True, kw_only=True)
class ScannedRows:
    """Columns of all rows, checked and joined.

    Attributes:
        slices: Raw codes of each slice column.
        label_codes: Raw codes of the label's values; ``None`` for regression.
        labels: Class index of each element, or float64 for regression.
        models: The candidate's predictions, then the baseline's.
        weights: Rows of each element; ``None`` for one each.
        differing: Number of each element's rows with unequal predictions; ``None`` without a baseline.
        notes: Lines for the report.
        undecided: Models whose scores have no threshold, each with its column and range.
    """

    slices: tuple[Array, ...]
    label_codes: Array | None
    labels: Array
    models: list[ModelColumns]
    weights: Array | None = None
    differing: Array | None = None
    notes: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True)
class Frame:
    """Input of the reductions.

    Attributes:
        rows: Rows of the evaluation set.
        weights: Rows of each element; ``None`` for one each.
        labels: Class index of each element, or float64 for regression.
        classes: Names of the classes; empty for regression.
        partition: The slices.
        candidate: The candidate's predictions.
        baseline: The baseline's; ``None`` without one.
        cells: Label, baseline's and candidate's decision of each element, combined to one code below ``width``; without
            decisions the label alone; ``None`` for regression.
        width: Number of such codes.
        notes: Lines for the report.
        undecided: Models whose scores have no threshold, each with its column and range.
        coded: Columns of the evaluation set by name, as codes, for its fingerprint.
        coded_weights: Rows of each element of ``coded``; ``None`` for one each.
        differing: Number of each element's rows with unequal predictions; ``None`` without a baseline.
        class_values: The classes' values in the label column; read only for functions of rows.
        tie_order: Class indices in the order in which equal probabilities are decided.
        clustering: Cluster and weight of each row; ``None`` if rows are independent and count equally.
        queries: Each row's query; ``None`` unless the task is ranking.
    """

    rows: int
    weights: Array | None
    labels: Array
    classes: tuple[str, ...]
    partition: Partition
    candidate: ModelColumns
    baseline: ModelColumns | None
    cells: Array | None
    width: int
    notes: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    coded: Mapping[str, KnownValues] = field(default_factory=dict)
    coded_weights: Array | None = None
    differing: Array | None = None
    class_values: tuple[Scalar, ...] = ()
    tie_order: tuple[int, ...] = ()
    clustering: Clustering | None = None
    queries: Queries | None = None

    @property
    def has_probabilities(self) -> bool:
        """Whether the candidate has a probability for each class."""
        return self.candidate.probabilities is not None

    @property
    def models(self) -> list[ModelColumns]:
        """The candidate, then the baseline if there is one."""
        return [self.candidate] if self.baseline is None else [self.candidate, self.baseline]


def most_probable(probabilities: Array, tie_order: tuple[int, ...]) -> Array:
    """Return the class index with the largest probability of each row; of equal ones, the first in ``tie_order``."""
    order = np.array(tie_order, np.int32)
    natural = bool((order[1:] > order[:-1]).all())
    chosen: Array = order[(probabilities if natural else probabilities[order]).argmax(axis=0)]
    return chosen


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

    def add(self, model: BoundPredictions, low: float, high: float, *, only_ends: bool) -> None:
        """Note unusual scores between ``low`` and ``high``; ``only_ends`` if every score is one of both."""
        if model.score is not None and model.decision is None:
            self.add_column(model.role, model.score.name, low, high, only_ends=only_ends)

    def add_column(self, role: str, name: str, low: float, high: float, *, only_ends: bool) -> None:
        """Note unusual scores of a column by which a model decides."""
        if self.job.task != "binary":
            return
        if self.job.assumed_threshold and not (low >= 0 and high <= 1):
            self.undecided.append(f"the {role}'s {name!r} has scores from {low:.6g} to {high:.6g}")
        if only_ends and (low, high) == (0, 1):
            message = f"the {role}'s score {name!r} has only 0 and 1 and looks like decisions"
            self.notes.append(f"{message}; if so, write `predict: {{decision: {yaml_value(name)}}}` instead of `score`")


def read_rows(bound: BoundJob, encoded: EncodedColumns, *, threads: int | None) -> ScannedRows:
    """Read every row.

    Raises:
        InputError: if scores are invalid or keys do not match; the message has the first row and key of each.
    """
    return _Reader(bound, encoded, threads, ProblemCollector(), ScoreNotes(bound.job)).read()


def own_columns(bound: BoundJob, encoded: EncodedColumns) -> ColumnExpressions:
    """Return the expressions for slices and label of the evaluation set."""
    label = encoded.label.coded.expression if encoded.label else bound.label.as_float()
    return ColumnExpressions(slices=tuple(bins.expression for bins in encoded.bins), label=label)


def prediction_columns(bound: BoundJob, encoded: EncodedColumns, models: Iterable[int]) -> ColumnExpressions:
    """Return the expressions for the predictions of some models."""
    decisions, scores, probabilities = {}, {}, {}
    for i in models:
        if (decision := encoded.decisions[i]) is not None:
            decisions[i] = decision.coded.expression
        if (score := score_column(bound, i)) is not None:
            scores[i] = score.as_float()
        if columns := _probability_columns(bound, encoded, i):
            probabilities[i] = tuple(column.as_float() for column in columns)
    return ColumnExpressions(decisions=decisions, scores=scores, probabilities=probabilities)


def _probability_columns(bound: BoundJob, encoded: EncodedColumns, i: int) -> list[TableColumn]:
    """Return the columns with a model's probabilities, in the order of the classes."""
    columns = bound.models[i].probabilities
    return [columns[name] for name in encoded.classes] if columns else []


def score_column(bound: BoundJob, i: int) -> TableColumn | None:
    """Return the column of a model's scores if they are needed, also to compare predictions."""
    job, model = bound.job, bound.models[i]
    thresholded = needs_decision(job) and model.decision is None
    needed = needs_values(job) or job.labels_are_numbers or thresholded or bound.both_score
    return model.score if needed else None


@dataclass(frozen=True)
class _Reader:
    """Reader for one job; problems of scores are collected until all are known."""

    bound: BoundJob
    encoded: EncodedColumns
    threads: int | None
    problems: ProblemCollector
    score_notes: ScoreNotes

    def read(self) -> ScannedRows:
        own = self._fetch_own()
        index = None if self.bound.key is None else index_keys(self.bound, own.key, threads=self.threads)
        models = [self._read_model(i, own, index) for i in range(len(self.bound.models))]
        labels = self._labels(own)
        self.problems.stop()
        return ScannedRows(
            slices=own.slices,
            label_codes=None if self.encoded.label is None else own.label,
            labels=labels,
            models=models,
            differing=self._flag_differing(models),
            notes=tuple(self._notes()),
            undecided=tuple(self.score_notes.undecided),
        )

    def _fetch_own(self) -> FetchedColumns:
        """Fetch the evaluation set's columns, and those of predictions in the same table."""
        bound = self.bound
        columns = own_columns(bound, self.encoded)
        beside = self._predictions(i for i, model in enumerate(bound.models) if not bound.is_joined(model))
        key = () if bound.key is None else key_columns(bound, bound.key)
        return self._fetch(bound.table, replace(beside, slices=columns.slices, label=columns.label, key=key))

    def _fetch(self, table: Table, columns: ColumnExpressions) -> FetchedColumns:
        return columns.assign(sql.fetch_arrays(self.bound.connection, columns.listed(), table.relation))

    def _predictions(self, models: Iterable[int]) -> ColumnExpressions:
        return prediction_columns(self.bound, self.encoded, models)

    def _probabilities(self, i: int) -> list[TableColumn]:
        return _probability_columns(self.bound, self.encoded, i)

    def _score(self, i: int) -> TableColumn | None:
        return score_column(self.bound, i)

    def _read_model(self, i: int, own: FetchedColumns, index: KeyIndex | None) -> ModelColumns:
        model = self.bound.models[i]
        if not self.bound.is_joined(model):
            return self._model(i, own, None)
        key = () if model.key is None or index is None else key_columns(self.bound, model.key)
        theirs = self._fetch(model.table, replace(self._predictions([i]), key=key))
        if not key or index is None:
            return self._model(i, theirs, None)
        rows = index.rows(theirs.key)
        if rows is None:
            raise explain_unpaired(self.bound)
        return self._model(i, theirs, rows)

    def _model(self, i: int, fetched: FetchedColumns, rows: Array | None) -> ModelColumns:
        """Check one model's predictions, and gather them by ``rows`` of another table."""
        job, model, column = self.bound.job, self.bound.models[i], self._score(i)
        score = decision = None
        if column is not None:
            place = self.bound.place(model)
            checked = check_scores(fetched.scores[i], column, place, self.problems, kind_of_score(job))
            self._note_scores(model, checked)
            score = _gather(checked, rows, self.threads)
        classed = self.encoded.decisions[i]
        if classed is not None:
            decision = _gather(classed.final(fetched.decisions[i]), rows, self.threads)
        elif score is not None and needs_decision(job) and job.task == "binary":
            decision = (score >= model.threshold).view(np.uint8)
        probabilities = self._check_probabilities(i, fetched, rows)
        if classed is None and probabilities is not None:
            decision = most_probable(probabilities, self.encoded.tie_order)
        return ModelColumns(score, decision, probabilities)

    def _check_probabilities(self, i: int, fetched: FetchedColumns, rows: Array | None) -> Array | None:
        """Check one model's probabilities, and gather them by ``rows`` of another table."""
        columns = self._probabilities(i)
        if not columns:
            return None
        place = self.bound.place(self.bound.models[i])
        checked = check_probabilities(fetched.probabilities[i], columns, place, self.problems)
        return np.stack([_gather(column, rows, self.threads) for column in checked])

    def _note_scores(self, model: BoundPredictions, score: Array) -> None:
        low, high = float(score.min()), float(score.max())
        ends = (low, high) == (0, 1) and bool(((score == 0) | (score == 1)).all())
        self.score_notes.add(model, low, high, only_ends=ends)

    def _labels(self, own: FetchedColumns) -> Array:
        if self.encoded.label is not None:
            return self.encoded.label.final(own.labels)
        return check_scores(own.labels, self.bound.label, self.bound.place(), self.problems, "number")

    def _flag_differing(self, models: list[ModelColumns]) -> Array | None:
        """Return whether each row's predictions are unequal; ``None`` without a baseline."""
        if len(models) == 1:
            return None
        unequal = list(models[0].unequal_rows(models[1]))
        if self.bound.one_scores or not unequal:
            return np.ones(self.bound.table.rows, np.uint8)
        return np.asarray(np.logical_or.reduce(unequal)).view(np.uint8)

    def _notes(self) -> Iterator[str]:
        for model in self.bound.models:
            if self.bound.is_joined(model) and model.key is None:
                yield f"{model.role} joined by position: neither table has a key"
        yield from self.score_notes.notes


def _gather(source: Array, rows: Array | None, threads: int | None) -> Array:
    """Sort another table's column in the evaluation set's order."""
    if rows is None:
        return source
    out = np.empty_like(source)

    def gather(part: slice) -> None:
        source.take(rows[part], out=out[part], mode="clip")  # "clip" writes to out without a buffer

    each_block(len(out), gather, threads)
    return out


def key_columns(bound: BoundJob, key: TableColumn) -> tuple[str, ...]:
    """SQL for the numbers by which a table's keys are matched."""
    return join_keys.key_parts(key, kind_of_keys(bound))


def index_keys(bound: BoundJob, parts: Sequence[Array], *, threads: int | None) -> join_keys.KeyIndex:
    """Index the evaluation set's fetched keys, and check that they are present and unique.

    Raises:
        InputError: if a key is missing or repeated; the message names the rows.
    """
    index = join_keys.KeyIndex(parts, threads=threads)
    if not index.unique:
        raise explain_unpaired(bound)
    return index


def explain_unpaired(bound: BoundJob) -> InputError:
    """Return the error for keys that do not match."""
    models = [model for model in bound.models if bound.is_joined(model)]
    others = [(f"{model.role} prediction", _keyed(model.table, model.key)) for model in models]
    return diagnose_unpaired(bound.connection, _keyed(bound.table, bound.key), others, kind_of_keys(bound))


def kind_of_keys(bound: BoundJob) -> join_keys.Kind:
    """Return how the keys of a job's tables are compared."""
    models: list[BoundPredictions] = [model for model in bound.models if bound.is_joined(model)]
    columns = [bound.key, *(model.key for model in models)]
    return join_keys.kind_of([column for column in columns if column is not None])


def _keyed(table: Table, column: TableColumn | None) -> Keyed:
    if column is None:
        raise AssertionError(table)  # only called with a key
    return Keyed(table, column)
