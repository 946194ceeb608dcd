"""Fingerprint of a table in Spark: how cells are read is decided by the whole table, sums come from the executors."""

import pickle
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from mlci.engine.fingerprint import text_conditions
from mlci.engine.fingerprint_blocks import FingerprintPlan, FingerprintSums, plan_fingerprint
from mlci.engine.spark.executors import map_merge
from mlci.engine.spark.executors.batches import BatchSource, open_reader
from mlci.engine.spark.executors.table_survey import SurveyQuestions
from mlci.engine.spark.failures import spark_failures
from mlci.engine.spark.spark_table import SparkTable
from mlci.engine.tables.table import Table
from mlci.errors import InputError, Problem
from mlci.lineage.rows import Fingerprint


@dataclass(frozen=True)
class FingerprintWork:
    """Work for executors: the sums of a partition."""

    source: BatchSource
    plan: FingerprintPlan

    def __call__(self, batches: Iterator[Any]) -> bytes:
        """Return the sums over a partition's rows."""
        total = FingerprintSums()
        with open_reader(replace(self.source, numbered=True)) as reader:
            for table in reader.each(batches):
                part = Table("", self.source.columns, reader.source.relation, (("", table.num_rows),))
                total += self.plan.add_up(reader.connection, part)
        return pickle.dumps(total)


def merge_sums(first: bytes, second: bytes) -> bytes:
    """Return the sums over both partitions' rows."""
    return pickle.dumps(_read(first) + _read(second))


def _read(payload: bytes) -> FingerprintSums:
    sums: FingerprintSums = pickle.loads(payload)  # noqa: S301 - from the job's own executors
    return sums


def fingerprint_spark(
    connection: duckdb.DuckDBPyConnection, table: SparkTable, exclude: Collection[str] = ()
) -> Fingerprint:
    """Return the fingerprint of a surveyed table without the columns in ``exclude``: that of the embedded engine.

    Raises:
        InputError: if it has no other columns.
    """
    columns = [column for column in table.columns if column.name not in exclude]
    if not columns:
        raise InputError(Problem("has no columns besides predictions to take a fingerprint of", table.path))
    _ask_for_texts(connection, table, exclude)
    plan = plan_fingerprint(connection, table, columns)
    sums = _add_up(connection, table, plan)
    if not sums.moved:
        return Fingerprint(plan.close(sums))
    former = plan_fingerprint(connection, table, columns, rounded=True)
    return Fingerprint(plan.close(sums), former.close(_add_up(connection, table, former)))


def _ask_for_texts(connection: duckdb.DuckDBPyConnection, table: SparkTable, exclude: Collection[str]) -> None:
    """Ask in one scan how all columns with many texts are read."""
    texts = [column for column in table.columns if column.is_text and column.name not in exclude]
    many = [column for column in texts if table.has_many(column.ref)]
    conditions = tuple(condition for column in many for condition in text_conditions(column))
    if conditions:
        table.survey(connection, SurveyQuestions(conditions=conditions))


def _add_up(connection: duckdb.DuckDBPyConnection, table: SparkTable, plan: FingerprintPlan) -> FingerprintSums:
    selection = table.select_with(connection, plan.expressions)
    with spark_failures(table.path):
        payload = map_merge.collect_merged(selection.frame, FingerprintWork(selection.source, plan), merge_sums)
    return FingerprintSums() if payload is None else _read(payload)
