"""A job's names bound to tables and columns; everything that is missing is reported at once."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb

from mlci.engine.columns import Column
from mlci.engine.interface import Job, SliceColumn, Source
from mlci.engine.offences import Place, Problems
from mlci.engine.tables import Table, open_table
from mlci.engine.words import counted
from mlci.errors import InputError, Problem, yaml_value


@dataclass(frozen=True)
class Side:
    """One model's predictions before they are read: the table, the columns of its score and decision, its threshold.

    The threshold is the number that the score's own type has for the configured one.
    """

    what: str
    table: Table
    key: Column | None
    score: Column | None
    decision: Column | None
    threshold: float


@dataclass(frozen=True)
class Bound:
    """A job with its tables open and its columns found."""

    connection: duckdb.DuckDBPyConnection
    job: Job
    table: Table
    key: Column | None
    label: Column
    bases: tuple[tuple[SliceColumn, Column], ...]
    sides: tuple[Side, ...]

    @cached_property
    def prediction_columns(self) -> frozenset[str]:
        """The evaluation table's columns that hold predictions and nothing else."""
        own = [side for side in self.sides if not self.joined(side)]
        predicted = {column.name for side in own for column in (side.score, side.decision) if column is not None}
        kept = {self.label.name, *(column.name for _, column in self.bases)} | ({self.key.name} if self.key else set())
        return frozenset(predicted - kept)

    @property
    def both_score(self) -> bool:
        """Whether there are two models and both have scores, so that equal decisions are not equal predictions."""
        return len(self.sides) == 2 and all(side.score is not None for side in self.sides)

    @property
    def one_scores(self) -> bool:
        """Whether there are two models and one alone has scores, so that no row's predictions are known to be equal."""
        return len({side.score is None for side in self.sides}) == 2

    def joined(self, side: Side) -> bool:
        """Tell whether a side's rows stand in another table than the evaluation set."""
        return side.table is not self.table

    def place(self, side: Side | None = None) -> Place:
        """Return where to look for offending cells: a side's table, or the evaluation set."""
        if side is None:
            return Place(self.connection, self.table, self.key)
        return Place(self.connection, side.table, side.key)


class _Collector:
    """Opens and finds, and keeps what went wrong until all of it is known."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, scratch: Path) -> None:
        self._connection, self._scratch = connection, scratch
        self._tables: dict[str, Table] = {}
        self._problems = Problems()

    def open(self, path: str) -> Table | None:
        name = path if "://" in path else os.path.normpath(path)
        if name not in self._tables:
            try:
                self._tables[name] = open_table(self._connection, path, self._scratch)
            except InputError as error:
                self._problems.add(*error.problems)
        return self._tables.get(name)

    def find(self, table: Table, name: str | None, role: str, *, number: bool = False) -> Column | None:
        try:
            column = None if name is None else table.column(name)
        except InputError as error:
            self._problems.add(*error.problems)
            return None
        if column is not None and not (column.may_be_number if number else not column.is_nested):
            wanted = "numbers" if number else "numbers, texts or dates"
            said = f"column {column.name!r} is {column.stored}, which can't be a {role}; write it as {wanted}"
            self.say(said, table.path)
        return column

    def say(self, message: str, path: str) -> None:
        self._problems.add(Problem(message, path))

    def stop(self) -> None:
        self._problems.stop()


def bind(connection: duckdb.DuckDBPyConnection, job: Job, scratch: Path) -> Bound:
    """Open a job's tables and find its columns.

    Raises:
        InputError: With everything that is missing.
    """
    collector = _Collector(connection, scratch)
    sources = [("candidate", job.candidate)] + ([("baseline", job.baseline)] if job.baseline else [])
    table = collector.open(job.data)
    opened = [(what, source, collector.open(source.path)) for what, source in sources]
    collector.stop()
    if table is None:
        raise AssertionError(job.data)  # stop() has raised
    label = collector.find(table, job.label, "label", number=job.task == "regression")
    key = collector.find(table, job.key, "key")
    bases = [(base, collector.find(table, base.column, "slice", number=base.cut is not None)) for base in _bases(job)]
    sides = [_side(collector, job, table, what, source, found) for what, source, found in opened if found is not None]
    collector.stop()
    if label is None:
        raise AssertionError(job.label)
    return Bound(connection, job, table, key, label, tuple((b, c) for b, c in bases if c is not None), tuple(sides))


def _bases(job: Job) -> list[SliceColumn]:
    return list(dict.fromkeys(column for spec in job.slices for column in spec.columns))


def _side(collector: _Collector, job: Job, table: Table, what: str, source: Source, found: Table) -> Side:
    score = collector.find(found, source.score, "score", number=True)
    decision = collector.find(found, source.decision, "decision")
    if source.score is None and needs_score(job, source):
        collector.say(f"the {what}'s metrics need a score: name its column in `predict.score`", source.path)
    if source.decision is None and job.task == "multiclass" and needs_decision(job):
        collector.say(f"the {what}'s metrics need a decision: name its column in `predict.decision`", source.path)
    key = collector.find(found, job.key, "key") if job.key else None
    if found is not table and job.key is None:
        _may_join_by_position(collector, job, table, source, found)
    threshold = job.threshold if source.threshold is None else source.threshold
    return Side(what, found, key, score, decision, threshold if score is None else score.nearest(threshold))


def needs_decision(job: Job) -> bool:
    """Tell whether a job looks at decided classes."""
    return job.task != "regression" and (job.decisions or any(metric.on != "score" for metric in job.row_metrics))


def needs_values(job: Job) -> bool:
    """Tell whether a job looks at scores themselves, beyond the threshold; a function of rows perhaps does."""
    return _needs_values(job) or any(metric.on is None for metric in job.row_metrics)


def _needs_values(job: Job) -> bool:
    asked = job.scores or job.calibration or bool(job.losses)
    return asked or any(metric.on == "score" for metric in job.row_metrics)


def needs_score(job: Job, source: Source) -> bool:
    """Tell whether a model's score column has to be read."""
    thresholded = job.task == "binary" and needs_decision(job) and source.decision is None
    return _needs_values(job) or thresholded or job.task == "regression"


def _may_join_by_position(collector: _Collector, job: Job, table: Table, source: Source, found: Table) -> None:
    mine = {job.label, source.score, source.decision}
    shared = [name for name in found.names if name in table.names and name not in mine]
    if shared:
        remedy = f"join rows by it: set `evaluation.key: {yaml_value(shared[0])}`"
        said = f"shares column {shared[0]!r} with {table.path}; {remedy}"
        collector.say(said, source.path)
    elif found.rows != table.rows:
        rows = f"has {counted(found.rows, 'row')} and {table.path} {table.rows:,}"
        said = f"{rows}; without `evaluation.key` they can't be joined"
        collector.say(said, source.path)
