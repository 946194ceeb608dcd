"""First round: one scan of each table for values of columns, conditions and ranges of scores."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import duckdb

import mlci
from mlci.engine.blocks.score_range import ScoreCells, ScoreSurvey, crowded, resolve
from mlci.engine.cell_errors import ProblemCollector, bad_scores, is_fine, is_rounded, kind_of_score
from mlci.engine.encode.binder import BoundJob, needs_decision
from mlci.engine.encode.dictionary import distinct_sql
from mlci.engine.fingerprint import MOST_CODED
from mlci.engine.join import ScoreNotes, score_column
from mlci.engine.spark.executors.table_survey import SurveyQuestions
from mlci.engine.spark.spark_table import SparkTable, check_filled, spark_table
from mlci.engine.tables.column_types import TableColumn
from mlci.errors import InputError

PERCENTAGE = "percentage"


@dataclass(frozen=True)
class Scored:
    """One model's scores: their column, table and survey."""

    column: TableColumn
    table: SparkTable
    survey: ScoreSurvey


def survey_tables(bound: BoundJob) -> None:
    """Ask each table all questions that the job has, in one scan.

    Raises:
        InputError: if a table has no rows, or executors have another version of mlci.
    """
    tables = {id(table): table for table in (bound.table, *(model.table for model in bound.models))}
    for table in tables.values():
        spark = spark_table(table)
        spark.survey(bound.connection, _questions(bound, spark))
        check_filled(spark)
        check_versions(spark.known.versions, mlci.__version__)


def check_versions(found: Collection[str], own: str) -> None:
    """Check that executors and driver have one version of mlci, because their sums have to mean the same.

    Raises:
        InputError: if executors have another one.
    """
    if others := sorted(set(found) - {own}):
        message = f"executors have mlci {', '.join(others)}, and the driver has {own}; install one version on all nodes"
        raise InputError(f"`engine: spark`: {message}")


def _questions(bound: BoundJob, table: SparkTable) -> SurveyQuestions:
    distinct = [*_decisions(bound, table)]
    scores = [score.as_float() for i, score in _scores(bound) if bound.models[i].table is table]
    conditions: list[str] = []
    if table is bound.table:
        distinct += _coded_columns(bound)
        if bound.job.task == "regression":
            scores.append(bound.label.as_float())
            scores += [_size(bound)] if PERCENTAGE in bound.job.losses else []
    conditions += [_between(score) for score in scores]
    return SurveyQuestions(
        distinct=tuple(dict.fromkeys(distinct)),
        limit=max(bound.job.max_groups, MOST_CODED) + 2,
        conditions=tuple(dict.fromkeys(conditions)),
        scores=tuple(dict.fromkeys(scores)),
    )


def _coded_columns(bound: BoundJob) -> Iterator[str]:
    """Yield the cells of the evaluation set whose values may be few: all but predictions, for the fingerprint."""
    for column in bound.table.columns:
        if column.name not in bound.prediction_columns and not column.is_nested:
            yield distinct_sql(column)
            if column.former is not None:
                yield distinct_sql(column.as_scheme_1(0))


def _decisions(bound: BoundJob, table: SparkTable) -> Iterator[str]:
    if needs_decision(bound.job):
        yield from (distinct_sql(model.decision) for model in bound.models if model.decision and model.table is table)


def _scores(bound: BoundJob) -> Iterator[tuple[int, TableColumn]]:
    for i in range(len(bound.models)):
        if (score := score_column(bound, i)) is not None:
            yield i, score


def _between(score: str) -> str:
    """SQL for a score that does not look like a decision."""
    return f"{score} NOT IN (0, 1)"


def scored_models(bound: BoundJob) -> dict[int, Scored]:
    """Return the scores of the models that have some, by the model's position."""
    tables = {i: spark_table(bound.models[i].table) for i, _ in _scores(bound)}
    return {i: Scored(score, tables[i], tables[i].known.scores[score.as_float()]) for i, score in _scores(bound)}


def check_surveys(bound: BoundJob, scored: dict[int, Scored]) -> ScoreNotes:
    """Check all scores, and the labels of a regression, by their surveys; return notes on unusual ones.

    Raises:
        InputError: if scores are null, not finite or out of range; the message has the first row of each.
    """
    problems, notes = ProblemCollector(), ScoreNotes(bound.job)
    for i, one in scored.items():
        place, kind = bound.place(bound.models[i]), kind_of_score(bound.job)
        if not _is_fine(one, bound, i):
            problems.add(*bad_scores(one.column, place, kind))
        else:
            low, high = one.survey.lowest, one.survey.highest
            only_ends = not one.table.exists(bound.connection, _between(one.column.as_float()))
            notes.add(bound.models[i], low, high, only_ends=only_ends)
    if bound.job.task == "regression":
        label = label_survey(bound)
        if label.missing or not is_fine(label.lowest, label.highest, "number"):
            problems.add(*bad_scores(bound.label, bound.place(), "number"))
    problems.stop()
    return notes


def _is_fine(one: Scored, bound: BoundJob, model: int) -> bool:
    survey = one.survey
    if survey.missing or not is_fine(survey.lowest, survey.highest, kind_of_score(bound.job)):
        return False
    return not is_rounded(one.column, bound.place(bound.models[model]), survey.lowest, survey.highest)


def label_survey(bound: BoundJob) -> ScoreSurvey:
    """Return the survey of a regression's labels."""
    return spark_table(bound.table).known.scores[bound.label.as_float()]


def mean_label(bound: BoundJob) -> float:
    """Return the mean of a regression's labels."""
    known = spark_table(bound.table).known
    return known.sums[bound.label.as_float()] / known.rows


def least_label(bound: BoundJob) -> float:
    """Return the smallest size of a regression's labels."""
    return spark_table(bound.table).known.scores[_size(bound)].lowest


def _size(bound: BoundJob) -> str:
    return f"abs({bound.label.as_float()})"


def cells_of(connection: duckdb.DuckDBPyConnection, one: Scored) -> ScoreCells:
    """Return the occupied cells of a model's scores; crowded ones are counted once more, in finer steps."""
    cells = one.survey.cells()
    ranges = crowded(cells)
    if ranges is None:
        return cells
    score = one.column.as_float()
    finer = one.table.ask(connection, SurveyQuestions(scores=(score,), ranges=(ranges,)))
    return resolve(cells, finer.scores[score].cells())
