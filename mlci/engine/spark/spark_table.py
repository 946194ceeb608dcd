"""Tables of Spark behind the interface of the embedded engine's: the same SQL, evaluated on the executors."""

import pickle
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import duckdb

from mlci.engine.blocks.score_range import ScoreSurvey
from mlci.engine.spark.address import Address, read_address, shown_files
from mlci.engine.spark.executors import map_merge
from mlci.engine.spark.executors.batches import FILE, FILE_ROWS, INDEX, POSITION, BatchSource, with_enums
from mlci.engine.spark.executors.row_queries import (
    FirstPositionsQuery,
    FirstRowQuery,
    merge_first_positions,
    merge_first_rows,
)
from mlci.engine.spark.executors.table_survey import (
    SurveyQuestions,
    TableSurvey,
    Values,
    merge_table_surveys,
    read_survey,
    survey_work,
)
from mlci.engine.spark.failures import spark_failures
from mlci.engine.spark.stored_types import stored_type
from mlci.engine.tables.column_types import read_column
from mlci.engine.tables.csv_json import check_names
from mlci.engine.tables.table import EmptyTableError, FirstRow, Table
from mlci.errors import Problem

_REFERENCE = re.compile(r"\b[cr](\d+)\b")


@dataclass(frozen=True)
class Selection:
    """Data frame with some of a table's columns, and their description for executors."""

    frame: Any
    source: BatchSource


@dataclass
class Known:
    """Answers about a table so far.

    Attributes:
        rows: Number of rows; 0 before a survey.
        versions: mlci's versions on the executors.
        distinct: Different values of a cell, and the most that were collected.
        met: Whether some row meets a condition.
        scores: Surveys of scores.
        sums: Sums of scores.
    """

    rows: int = 0
    versions: set[str] = field(default_factory=set)
    distinct: dict[str, tuple[Values, int]] = field(default_factory=dict)
    met: dict[str, bool] = field(default_factory=dict)
    scores: dict[str, ScoreSurvey] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, survey: TableSurvey) -> None:
        """Add the answers of a survey."""
        self.rows = survey.rows
        self.versions |= survey.versions
        self.distinct |= {cell: (values, survey.limit) for cell, values in survey.distinct.items()}
        self.met |= survey.met
        self.scores |= survey.scores
        self.sums |= survey.sums


@dataclass(frozen=True)
class SparkTable(Table):
    """Table that Spark reads.

    Attributes:
        frame: The data frame, with the columns of the file.
        urls: Its files in the order of rows; empty if rows have no positions.
        known: Answers of surveys so far.
    """

    frame: Any = field(kw_only=True)
    urls: tuple[str, ...] = field(default=(), kw_only=True)
    has_statistics: ClassVar[bool] = False
    known: Known = field(default_factory=Known, kw_only=True, compare=False)

    @property
    def rows(self) -> int:
        """Rows, once the table was surveyed."""
        return self.known.rows

    @property
    def row_number(self) -> str:
        """SQL for a row's position; null if rows have none."""
        return POSITION if self.urls else "NULL::BIGINT"

    def select(self, expressions: Iterable[str], *, positions: bool = False) -> Selection:
        """Return the columns that SQL expressions name, with positions of rows if they have any and are wanted."""
        wanted = {int(number) for text in expressions for number in _REFERENCE.findall(text)}
        columns = tuple(column for index, column in enumerate(self.columns) if index in wanted) or self.columns[:1]
        listed = [self.frame[_quoted(column.name)].alias(column.raw) for column in columns]
        files = self.urls if positions else ()
        if files:
            listed += [self.frame["_metadata.file_path"].alias(FILE), self.frame["_metadata.row_index"].alias(INDEX)]
        return Selection(self.frame.select(*listed), BatchSource(columns, files))

    def select_with(self, connection: duckdb.DuckDBPyConnection, expressions: Iterable[str]) -> Selection:
        """Return the columns that SQL expressions name; they may use the ENUM types of the connection."""
        selection = self.select(expressions)
        return Selection(selection.frame, with_enums(selection.source, connection))

    def survey(self, connection: duckdb.DuckDBPyConnection, questions: SurveyQuestions) -> TableSurvey:
        """Answer questions in one scan, and keep the answers."""
        survey = self.ask(connection, questions)
        self.known.add(survey)
        return survey

    def ask(self, connection: duckdb.DuckDBPyConnection, questions: SurveyQuestions) -> TableSurvey:
        """Answer questions in one scan."""
        selection = self.select((*questions.distinct, *questions.conditions, *questions.scores))
        work = survey_work(with_enums(selection.source, connection), questions)
        with spark_failures(self.path):
            payload = map_merge.collect_merged(selection.frame, work, merge_table_surveys)
        return questions.start() if payload is None else read_survey(payload)

    def exists(self, connection: duckdb.DuckDBPyConnection, condition: str) -> bool:
        """Return whether any row meets a condition."""
        if condition not in self.known.met:
            self.survey(connection, SurveyQuestions(conditions=(condition,)))
        return self.known.met[condition]

    def distinct(self, connection: duckdb.DuckDBPyConnection, cell: str, limit: int) -> list[tuple[Any, ...]]:
        """Return the different values of an expression, at most ``limit`` of them."""
        values, most = self.known.distinct.get(cell, (set(), 0))
        if len(values) == most < limit:
            values = self.survey(connection, SurveyQuestions(distinct=(cell,), limit=limit)).distinct[cell]
        return sorted(values, key=str)[:limit]

    def has_many(self, cell: str) -> bool:
        """Return whether a surveyed expression has more different values than were collected."""
        values, most = self.known.distinct.get(cell, (set(), 0))
        return len(values) == most

    def quartiles(self, connection: duckdb.DuckDBPyConnection, value: str, present: str) -> list[float] | None:
        """Return nothing: exact quartiles would take a sort of the whole column."""
        del connection, value, present
        return None

    def first_row(self, connection: duckdb.DuckDBPyConnection, cells: list[str], condition: str) -> FirstRow | None:
        """Return the first row that meets a condition, with the values of expressions in it."""
        selection = self.select((*cells, condition), positions=True)
        query = FirstRowQuery(with_enums(selection.source, connection), tuple(cells), condition)
        with spark_failures(self.path):
            payload = map_merge.collect_merged(selection.frame, query, merge_first_rows)
        first: FirstRow | None = pickle.loads(payload) if payload else None  # noqa: S301 - from the job's own executors
        return first

    def first_positions(self, connection: duckdb.DuckDBPyConnection, code: str) -> dict[int, int]:
        """Return the first position of each value of an expression for whole numbers."""
        selection = self.select((code,), positions=True)
        query = FirstPositionsQuery(with_enums(selection.source, connection), code)
        with spark_failures(self.path):
            payload = map_merge.collect_merged(selection.frame, query, merge_first_positions)
        found: dict[int, int] = pickle.loads(payload) if payload else {}  # noqa: S301 - from the job's own executors
        return found


def open_spark_table(session: Any, path: str) -> SparkTable:  # noqa: ANN401 - pyspark is optional
    """Open a table.

    Raises:
        InputError: if it does not exist, or Spark can't read it.
    """
    address = read_address(path)
    with spark_failures(path):
        frame = _load(session, address)
        fields = [(entry.name, entry.dataType.simpleString()) for entry in frame.schema.fields]
        urls = frame.inputFiles() if address.format == "parquet" else []
    check_names([name for name, _ in fields], path, form="parquet")
    columns = tuple(read_column(name, index, stored_type(simple)) for index, (name, simple) in enumerate(fields))
    shown = shown_files(address.place, urls)
    shards = tuple((name, FILE_ROWS) for name in shown.values())
    return SparkTable(path, columns, "", shards, frame=frame, urls=tuple(shown))


def spark_table(table: object) -> SparkTable:
    """Return a table of a job of Spark as what it is."""
    if not isinstance(table, SparkTable):
        raise TypeError(table)  # the engine opens no others
    return table


def check_filled(table: SparkTable) -> None:
    """Refuse a surveyed table without rows.

    Raises:
        EmptyTableError: if it has none.
    """
    if not table.rows:
        raise EmptyTableError(Problem("has a header but no rows", table.path))


def _load(session: Any, address: Address) -> Any:  # noqa: ANN401 - pyspark is optional
    if address.format == "table":
        return session.read.table(address.place)
    if address.format == "iceberg" and address.is_local:
        return session.read.format("iceberg").load(str(address.place))
    return session.read.format(address.format).load(address.place)


def _quoted(name: str) -> str:
    """Quote a column's name as one part, whatever characters it has."""
    return "`" + name.replace("`", "``") + "`"
