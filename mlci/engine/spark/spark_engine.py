"""Spark's engine: the embedded engine's statistics, summed up where the rows are."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.blocks.finish import auc_bounds, finish
from mlci.engine.blocks.score_range import FINE
from mlci.engine.duckdb_engine import leave_out_percentages
from mlci.engine.encode.binder import BoundJob, bind_tables
from mlci.engine.encode.columns import encode_columns
from mlci.engine.encode.dictionary import distinct_sql
from mlci.engine.fingerprint import MOST_CODED
from mlci.engine.interface import Job, Observed
from mlci.engine.spark.executors.table_survey import SurveyQuestions
from mlci.engine.spark.fingerprint_work import fingerprint_spark
from mlci.engine.spark.first_round import PERCENTAGE, check_surveys, least_label, scored_models, survey_tables
from mlci.engine.spark.refusals import refuse_job
from mlci.engine.spark.second_round import join_tables, plan_sums, tally
from mlci.engine.spark.session import SparkSettings, open_session
from mlci.engine.spark.spark_table import check_filled, open_spark_table, spark_table
from mlci.lineage.rows import Fingerprint
from mlci.metrics.statistics import Scope


class SparkEngine:
    """Implements :class:`mlci.engine.interface.Engine` on a cluster.

    Attributes:
        collected: Bytes of results that the driver got in the last job.
    """

    def __init__(self, settings: SparkSettings, *, session: Any = None) -> None:  # noqa: ANN401 - pyspark is optional
        """Configure the engine; without a ``session``, one is found or started for each job."""
        self.settings, self._session = settings, session
        self.collected = 0

    def observe(self, job: Job) -> Observed:
        """Read, check and join the tables and reduce them.

        Raises:
            InputError: if a table or its content is invalid, or the job needs rows in one place; the message has every
                problem.
        """
        refuse_job(job)
        with self._open() as (session, connection):
            bound = bind_tables(connection, job, partial(open_spark_table, session))
            return self._observe(session, bound)

    def fingerprint(self, path: str) -> Fingerprint:
        """Return the fingerprint of a table's content.

        Raises:
            InputError: if Spark can't read it.
        """
        with self._open() as (session, connection):
            table = open_spark_table(session, path)
            cells = tuple(distinct_sql(column) for column in table.columns if not column.is_nested)
            table.survey(connection, SurveyQuestions(distinct=cells, limit=MOST_CODED + 2))
            check_filled(table)
            return fingerprint_spark(connection, table)

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[Any, duckdb.DuckDBPyConnection]]:
        """Yield the session of Spark, and a connection for reading SQL as the executors do."""
        given = contextlib.nullcontext(self._session) if self._session is not None else open_session(self.settings)
        with given as session, sql.session() as (connection, _):
            yield session, connection

    def _observe(self, session: Any, bound: BoundJob) -> Observed:  # noqa: ANN401 - pyspark is optional
        survey_tables(bound)
        encoded = encode_columns(bound)
        scored = scored_models(bound)
        found = check_surveys(bound, scored)
        bound, left_out = leave_out(bound)
        joined = join_tables(bound, encoded)
        plan = plan_sums(bound, encoded, scored, joined)
        tallied, self.collected = tally(session, bound, encoded, plan, joined)
        return Observed(
            statistics=finish(plan, tallied.sums),
            rows=tallied.sums.rows,
            fingerprint=fingerprint_spark(bound.connection, spark_table(bound.table), bound.prediction_columns),
            notes=(*encoded.notes, *found.notes, *_bin_notes(auc_bounds(plan, tallied.sums)), *left_out),
            undecided=tuple(found.undecided),
        )


def leave_out(bound: BoundJob) -> tuple[BoundJob, tuple[str, ...]]:
    """Return the job without percentages of the label if a label is 0, and a note about the omitted metric."""
    if PERCENTAGE not in bound.job.losses:
        return bound, ()
    job, notes = leave_out_percentages(bound, np.array([least_label(bound)]))
    return replace(bound, job=job), notes


def _bin_notes(bounds: Mapping[Scope, float]) -> tuple[str, ...]:
    worst = max(bounds.values(), default=0.0)
    return (f"scores ranked in {FINE:,} bins; the AUC is off by at most {worst:.1e}",) if worst else ()
