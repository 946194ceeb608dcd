"""Binder of a job's names to tables and columns; all missing ones are reported at once."""

import difflib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import duckdb

from mlci.engine import sql
from mlci.engine.cell_errors import CellLocation, ProblemCollector
from mlci.engine.interface import Job, SliceColumn, Source
from mlci.engine.tables import cell_values
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.files import is_missing
from mlci.engine.tables.labelled_tables import open_table
from mlci.engine.tables.logical_types import ColumnCells, read_alike, read_as_label
from mlci.engine.tables.table import Table
from mlci.engine.tables.table_path import table_of, with_columns
from mlci.errors import InputError, Problem, count_noun, list_names, yaml_value

_HINTS = {
    "evaluation": "paths begin at mlci.yml's folder; commit it, or let `train.run` write it",
    "candidate": "paths begin at mlci.yml's folder; let `train.run` write it",
    "baseline": "paths begin at mlci.yml's folder; without predictions of another model, write `baseline: none`",
}
_VALUE = re.compile(r"-?[0-9.]+(e-?[0-9]+)?")
_KEY = ("evaluation", "key")
_SLICES = ("evaluation", "slices")
_UNNAMED_PROBABILITIES = (
    "needs a column with the probability of each class, as `probabilities: {cat: p_cat, dog: p_dog}`"
)
_SAME_CLASS = (
    "can't have a column for each of the classes `{}` and `{}`, which are the same: numbers are compared by value; "
    "keep one of them under `probabilities`, or rename the class, in the labels too"
)
_MOST_LISTED = 5


@dataclass(frozen=True)
class BoundPredictions:
    """One model's predictions before they are read: the table, the columns of its score and decision, its threshold.

    The threshold is the configured one in the score's type. ``probabilities`` is the column of each class, by its name.
    """

    role: str
    table: Table
    key: TableColumn | None
    score: TableColumn | None
    decision: TableColumn | None
    threshold: float
    probabilities: Mapping[str, TableColumn] = field(default_factory=dict)

    @property
    def is_scored(self) -> bool:
        """Whether it has scores or probabilities, so that equal decisions may be unequal predictions."""
        return self.score is not None or bool(self.probabilities)

    @property
    def columns(self) -> tuple[TableColumn, ...]:
        """All columns with predictions."""
        return (*(column for column in (self.score, self.decision) if column), *self.probabilities.values())


@dataclass(frozen=True)
class BoundJob:
    """A job with its tables open and its columns found."""

    connection: duckdb.DuckDBPyConnection
    job: Job
    table: Table
    key: TableColumn | None
    label: TableColumn
    bases: tuple[tuple[SliceColumn, TableColumn], ...]
    models: tuple[BoundPredictions, ...]
    cluster: TableColumn | None = None
    weight: TableColumn | None = None
    query: TableColumn | None = None

    @cached_property
    def prediction_columns(self) -> frozenset[str]:
        """The evaluation table's columns that contain only predictions."""
        own = [model for model in self.models if not self.is_joined(model)]
        predicted = {column.name for model in own for column in model.columns}
        kept = {self.label.name, *(column.name for _, column in self.bases)}
        kept |= {column.name for column in (self.key, self.query, self.cluster, self.weight) if column is not None}
        return frozenset(predicted - kept)

    @property
    def both_score(self) -> bool:
        """Whether two models have scores, so that equal decisions are not equal predictions."""
        return len(self.models) == 2 and all(model.is_scored for model in self.models)

    @property
    def one_scores(self) -> bool:
        """Whether only one of two models has scores, so that no row's predictions are known to be equal."""
        return len({model.is_scored for model in self.models}) == 2

    def is_joined(self, model: BoundPredictions) -> bool:
        """Return whether a model's predictions are in another table than the evaluation set."""
        return model.table is not self.table

    def place(self, model: BoundPredictions | None = None) -> CellLocation:
        """Return the table in which to locate invalid cells: that of a model's predictions, or the evaluation set."""
        if model is None:
            return CellLocation(self.connection, self.table, self.key)
        return CellLocation(self.connection, model.table, model.key)


class _Collector:
    """Opens tables and finds columns; collects problems until all are known."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, job: Job, open_path: Callable[[str], Table]) -> None:
        self._connection, self._job, self._open_path = connection, job, open_path
        self._known = {name for name in (job.key, job.label) if name}
        self._tables: dict[tuple[str, str | None], Table] = {}
        self._problems = ProblemCollector()

    def open(self, path: str, setting: tuple[str, ...]) -> Table | None:
        name = (str(path) if "://" in path else os.path.normpath(path)), table_of(path)
        if name not in self._tables:
            try:
                self._tables[name] = self._open_path(path)
            except InputError as error:
                self._problems.add(*([missing_file(path, setting)] if is_missing(path) else error.problems))
        return self._tables.get(name)

    def find(
        self,
        table: Table,
        name: str | None,
        role: str,
        setting: tuple[str, ...],
        *,
        number: bool = False,
        other: str | None = None,
    ) -> TableColumn | None:
        """Return a column; a missing one is a problem of the configuration's entry ``setting``.

        ``other`` is the model's other column, its score or its decision, which is not proposed.
        """
        column = None if name is None else next((column for column in table.columns if column.name == name), None)
        if column is None:
            if name is not None:
                message = f"has no column {name!r}; {self._suggest_columns(name, table.names, setting, other)}"
                self._problems.add(Problem(message, table.path, setting=setting))
            return None
        if not (column.may_be_number if number else not column.is_nested):
            wanted = _number_of(column) if number else "numbers, texts or dates"
            message = f"column {column.name!r} is {column.stored}, which can't be a {role}; write it as {wanted}"
            self.add(message, table.path)
        return column

    def find_probabilities(self, table: Table, source: Source, setting: tuple[str, ...]) -> dict[str, TableColumn]:
        """Return the column with the probability of each class, by the class's name."""
        if message := describe_same_class(name for name, _ in source.probabilities):
            if setting[0] == "candidate" or source.probabilities != self._job.candidate.probabilities:
                self.add(message, table.path, setting)
            return {}
        found = {}
        for name, column_name in source.probabilities:
            column = self.find(table, column_name, f"probability of {name}", setting, number=True)
            if column is not None:
                found[cell_values.cell_text(cell_values.parse_cell(name))] = column
        return found

    def find_key(self, table: Table, name: str | None, keyed: Table | None = None) -> TableColumn | None:
        """Return the key's column; predictions without it have a problem if the evaluation set has it."""
        if name is not None and keyed is not None and name in keyed.names and name not in table.names:
            self._problems.add(Problem(_missing_key_remedy(name, table, keyed), table.path, setting=_KEY))
            return None
        return self.find(table, name, "key", _KEY)

    def _suggest_columns(self, name: str, names: tuple[str, ...], setting: tuple[str, ...], other: str | None) -> str:
        """Return the columns of a file, with the line to write if one of them was probably meant."""
        meant = names if setting[0] == "evaluation" else tuple(item for item in names if item not in self._known)
        if (near := _nearest_name(name, meant)) is not None:
            line = "" if setting[1] == "probabilities" else f" Write `{_configuration_line(near, setting)}`"
            return f"did you mean {near!r}?{line}"
        others = [item for item in names if item not in self._known | {other}]
        is_alone = len(others) == 1 and setting[1] in {"score", "decision"}
        if any(_VALUE.fullmatch(item) for item in names):
            return f"its header is {list_names(names)}; write the names of the columns in the first line"
        return f"there are {list_names(names)}" + (
            f"; write `{_configuration_line(others[0], setting)}`" if is_alone else ""
        )

    def unnamed(self, table: Table, what: str, key: str, other: str | None) -> None:
        """Add the problem of metrics that need a column of predictions without a name in the configuration."""
        setting = (what, key)
        self.add(
            f"needs the column of a {key}, as `{key}: …`; {self._suggest_columns('', table.names, setting, other)}",
            table.path,
            setting,
        )

    def share(self, job: Job, table: Table, source: Source, predictions: Table) -> None:
        """Add the problem of predictions in another table without a key that can't be joined by position."""
        mine = {job.label, *source.names}
        shared = [name for name in predictions.names if name in table.names and name not in mine]
        key = next((name for name in shared if _names_rows(self._connection, table, name)), None)
        if key is not None:
            remedy = f"join rows by it: write `key: {yaml_value(key)}` under `evaluation`"
            self.add(f"shares column {key!r} with {table.path}; {remedy}", source.path, _KEY)
        elif shared:
            kept = json.dumps([name for name in predictions.names if name in mine])
            remedy = f"keep the order of rows and write the predictions alone: `df[{kept}]`"
            message = f"shares columns with {table.path} that identify no row: {list_names(shared)}"
            self.add(f"{message}; add a key to both files, or {remedy}", source.path, _KEY)
        elif predictions.rows != table.rows:
            rows = f"has {count_noun(predictions.rows, 'row')} and {table.path} {table.rows:,}"
            message = f"{rows}; without a column that both have, named by `key: …`, they can't be joined"
            self.add(message, source.path, _KEY)

    def add(self, message: str, path: str, setting: tuple[str, ...] = ()) -> None:
        self._problems.add(Problem(message, path, setting=setting))

    def stop(self) -> None:
        self._problems.stop()


def describe_same_class(names: Iterable[str]) -> str | None:
    """Return the message for two names of classes that are one number; ``None`` if all are different."""
    same = cell_values.find_same(names)
    return _SAME_CLASS.format(*same) if same else None


def missing_file(path: str, setting: tuple[str, ...]) -> Problem:
    """Return the problem of a missing file, with a similar file in its folder, or with its usual source."""
    folder = Path(path).parent
    beside = sorted(item.name for item in folder.iterdir() if item.is_file()) if folder.is_dir() else []
    stems = {Path(item).stem: item for item in beside}
    near = stems.get(Path(path).stem) or _nearest_name(Path(path).name, tuple(beside))
    hint = f"did you mean {near!r} in its folder?" if near else _HINTS[setting[0]]
    return Problem(f"does not exist; {hint}", path, setting=setting)


def _number_of(column: TableColumn) -> str:
    """Return the remedy for a column without numbers, in words or as a line to paste."""
    if column.logical != "duration":
        return "numbers"
    cell = f"df[{json.dumps(column.name)}]"
    return f"a number of seconds: `{cell} = {cell}.dt.total_seconds()`"


def _names_rows(connection: duckdb.DuckDBPyConnection, table: Table, name: str) -> bool:
    """Return whether a column has a different value in every row."""
    ref = table.column(name).ref
    distinct = sql.first_row(connection, sql.select(f"count(DISTINCT {ref})", table.relation))
    return distinct is not None and distinct[0] == table.rows


def _nearest_name(name: str, names: tuple[str, ...]) -> str | None:
    plain = {item.strip().casefold(): item for item in names}
    same = plain.get(name.strip().casefold())
    return same or next(iter(difflib.get_close_matches(name, names, n=1)), None)


def _configuration_line(value: str, setting: tuple[str, ...]) -> str:
    """Return a name as an entry of the configuration is written; a slice is an item of a list."""
    return yaml_value(value) if setting[1] == "slices" else f"{setting[1]}: {yaml_value(value)}"


def _missing_key_remedy(name: str, table: Table, keyed: Table) -> str:
    """Return the remedy for predictions without the key of the evaluation set."""
    near = _nearest_name(name, table.names)
    message = f"has no column {name!r} to join {keyed.path} by; "
    if near is not None and near not in keyed.names:
        columns = "{" + f"{json.dumps(near)}: {json.dumps(name)}" + "}"
        return f"{message}it has {near!r}: rename it, in pandas `df = df.rename(columns={columns})`"
    column = f"[{json.dumps(name)}]"
    return f"{message}write it beside each prediction, in pandas `df{column} = rows{column}` with `rows` of that set"


def bind_job(connection: duckdb.DuckDBPyConnection, job: Job, scratch: Path) -> BoundJob:
    """Open a job's tables and find its columns.

    Raises:
        InputError: if columns are missing; the message names all of them.
    """
    return bind_tables(connection, job, lambda path: open_table(connection, path, scratch))


def bind_tables(connection: duckdb.DuckDBPyConnection, job: Job, open_path: Callable[[str], Table]) -> BoundJob:
    """Find a job's columns in the tables that ``open_path`` opens.

    Raises:
        InputError: if columns are missing; the message names all of them.
    """
    collector = _Collector(connection, job, open_path)
    sources = [("candidate", job.candidate)] + ([("baseline", job.baseline)] if job.baseline else [])
    beside = [name for _, source in sources if source.path == job.data for name in source.names]
    bases = [base.column for spec in job.slices for base in spec.columns]
    own = [job.key, job.label, job.query, job.cluster, job.weight, *bases, *beside]
    table = collector.open(with_columns(job.data, own), ("evaluation", "data"))
    opened = [
        (what, source, collector.open(with_columns(source.path, [job.key, *source.names]), (what, "file")))
        for what, source in sources
    ]
    collector.stop()
    if table is None:
        raise AssertionError(job.data)  # stop() raised an error
    label = collector.find(table, job.label, "label", ("evaluation", "label"), number=job.labels_are_numbers)
    key = collector.find_key(table, job.key)
    cluster = collector.find(table, job.cluster, "cluster", ("evaluation", "cluster"))
    weight = collector.find(table, job.weight, "weight", ("evaluation", "weight"), number=True)
    query = collector.find(table, job.query, "query", ("evaluation", "query"))
    sliced = [
        (base, collector.find(table, base.column, "slice", (*_SLICES, base.column), number=base.cut is not None))
        for base in dict.fromkeys(column for spec in job.slices for column in spec.columns)
    ]
    models = [
        _bind(collector, job, table, what, source, predictions)
        for what, source, predictions in opened
        if predictions is not None
    ]
    collector.stop()
    if label is None:
        raise AssertionError(job.label)
    found_bases = tuple((base, column) for base, column in sliced if column is not None)
    bound = BoundJob(connection, job, table, key, label, found_bases, tuple(models), cluster, weight, query)
    return _read_alike(bound)


def _read_alike(bound: BoundJob) -> BoundJob:
    """Read keys as one logical type, and decisions as that of the label.

    Raises:
        InputError: if a file has no values of the type that another file has.
    """
    problems = ProblemCollector()
    tables = [(bound.table, bound.key), *((model.table, model.key) for model in bound.models)]
    keyed = {
        table.path: ColumnCells(CellLocation(bound.connection, table, None), key)
        for table, key in tables
        if key is not None
    }
    keys = dict(zip(keyed, read_alike(list(keyed.values()), "key", problems), strict=True))
    label, models = ColumnCells(bound.place(), bound.label), []
    for model in bound.models:
        decision = model.decision and read_as_label(label, ColumnCells(bound.place(model), model.decision), problems)
        models.append(replace(model, key=keys.get(model.table.path), decision=decision))
    problems.stop()
    return replace(bound, key=keys.get(bound.table.path), models=tuple(models))


def _bind(
    collector: _Collector, job: Job, table: Table, what: str, source: Source, predictions: Table
) -> BoundPredictions:
    score = collector.find(predictions, source.score, "score", (what, "score"), number=True, other=source.decision)
    decision = None
    if _lacks_candidate_decision(job, source, predictions, what):
        collector.add(_describe_lacking_decision(source), predictions.path, (what, "decision"))
    else:
        decision = collector.find(predictions, source.decision, "decision", (what, "decision"), other=source.score)
    if source.score is None and needs_score(job, source):
        collector.unnamed(predictions, what, "score", source.decision)
    if job.task == "multiclass" and not source.probabilities:
        if source.decision is None and needs_decision(job):
            collector.unnamed(predictions, what, "decision", source.score)
        if _needs_values(job) and what == "candidate":
            collector.add(_UNNAMED_PROBABILITIES, predictions.path, (what, "probabilities"))
    probabilities = collector.find_probabilities(predictions, source, (what, "probabilities"))
    key = collector.find_key(predictions, job.key, table) if job.key else None
    if predictions is not table and job.key is None:
        collector.share(job, table, source, predictions)
    threshold = job.threshold if source.threshold is None else source.threshold
    threshold = threshold if score is None else score.nearest(threshold)
    return BoundPredictions(what, predictions, key, score, decision, threshold, probabilities)


def _lacks_candidate_decision(job: Job, source: Source, predictions: Table, what: str) -> bool:
    """Return whether a baseline has all columns of the candidate but its decision, and none of a similar name."""
    same = (source.score, source.decision, source.probabilities) == (
        job.candidate.score,
        job.candidate.decision,
        job.candidate.probabilities,
    )
    rest = {name for name in source.names if name != source.decision}
    if what != "baseline" or not same or source.decision is None or not rest:
        return False
    others = tuple(name for name in predictions.names if name not in rest | {job.key, job.label})
    return rest <= set(predictions.names) and _nearest_name(source.decision, others) is None


def _describe_lacking_decision(source: Source) -> str:
    """Return the problem of a baseline without the candidate's decisions, with the line that leaves them out."""
    names = [f"{yaml_value(name)}: {yaml_value(column)}" for name, column in source.probabilities]
    listed = ", ".join(names[:_MOST_LISTED]) + (", …" if len(names) > _MOST_LISTED else "")
    score = "" if source.score is None else f", score: {yaml_value(source.score)}"
    own = score + (f", probabilities: {{{listed}}}" if names else "")
    return (
        f"has no column {source.decision!r}; `baseline` takes `decision` from `predict` unless it names columns of its "
        f"own. If the file has no decisions, write `baseline: {{file: {yaml_value(str(source.path))}{own}}}`"
    )


def needs_decision(job: Job) -> bool:
    """Return whether a job needs decisions."""
    return not job.labels_are_numbers and (job.decisions or any(metric.on != "score" for metric in job.row_metrics))


def needs_values(job: Job) -> bool:
    """Return whether a job needs scores, beyond the threshold; a function of rows may need them."""
    return _needs_values(job) or any(metric.on is None for metric in job.row_metrics)


def _needs_values(job: Job) -> bool:
    asked = job.scores or job.calibration or bool(job.losses) or bool(job.class_ranks)
    return asked or any(metric.on == "score" for metric in job.row_metrics)


def needs_score(job: Job, source: Source) -> bool:
    """Return whether a model's score column has to be read; classes have probabilities instead."""
    if job.task == "multiclass":
        return any(metric.on == "score" for metric in job.row_metrics)
    thresholded = job.task == "binary" and needs_decision(job) and source.decision is None
    return _needs_values(job) or thresholded or job.labels_are_numbers
