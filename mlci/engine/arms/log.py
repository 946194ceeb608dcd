"""Reduce a log of an experiment, one row a unit, to moments of each arm, period and group, in constant memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import duckdb

from mlci.engine import sql
from mlci.engine.cell_errors import CellLocation, ProblemCollector, find_bad_scores
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table, open_files
from mlci.engine.tables.timestamps import time_sql
from mlci.errors import InputError, Problem, count_noun, shorten_cell
from mlci.metrics.arm_moments import WHOLE_SET, ArmMoments, ArmSums

MOST_GROUPS = 100
_DAYS = 3
"""Days from which on periods are days; a shorter log is divided by hours."""
_NULL = "(null)"
_EVENT = "a rate needs 0 or 1: write 1 for a unit with the event, and 0 for one without"
_ONE_ROW = "write one row a unit, such as a sum over its events, and count it in the arm that it was assigned to"


@dataclass(frozen=True)
class LoggedMetric:
    """A column of the log, whether it is an event (0 or 1), and the column of its covariate."""

    column: str
    is_rate: bool
    covariate: str | None = None


@dataclass(frozen=True, kw_only=True)
class ArmLog:
    """A log and its columns.

    Attributes:
        path: Path, glob or URL.
        unit: Column that identifies a unit.
        arm: Column with the arm.
        arms: Names of control and treatment.
        metrics: Columns to reduce.
        time: Column with the time at which a unit was assigned.
        slices: Columns of groups.
    """

    path: str
    unit: str
    arm: str
    arms: tuple[str, str]
    metrics: tuple[LoggedMetric, ...]
    time: str | None = None
    slices: tuple[str, ...] = ()


def reduce_arm_log(log: ArmLog) -> tuple[ArmSums, ...]:
    """Read, check and reduce a log.

    Raises:
        InputError: if a column is missing, a cell is invalid, or a unit is counted twice; the message has the row.
    """
    with sql.session() as (connection, scratch), sql.reading(log.path):
        reader = _Reader(connection, open_files(connection, log.path, scratch), log)
        reader.check()
        return tuple(reader.sums())


@dataclass(frozen=True)
class _Reader:
    """A log's table, open, with its columns found."""

    connection: duckdb.DuckDBPyConnection
    table: Table
    log: ArmLog

    @cached_property
    def columns(self) -> dict[str, TableColumn]:
        """Columns by name, all missing ones reported at once."""
        log, problems, found = self.log, ProblemCollector(), {}
        named = [log.unit, log.arm, log.time, *log.slices]
        named += [name for metric in log.metrics for name in (metric.column, metric.covariate)]
        for name in dict.fromkeys(name for name in named if name is not None):
            try:
                found[name] = self.table.column(name)
            except InputError as error:
                problems.add(*error.problems)
        problems.stop()
        return found

    @cached_property
    def timestamp(self) -> str:
        """SQL for the time of a row, in UTC.

        Raises:
            InputError: if the column has no times.
        """
        column = self.columns[self.log.time or ""]
        return time_sql(self.connection, self.table, column, setting=("experiment", "time"))

    @property
    def place(self) -> CellLocation:
        """The table in which invalid cells are located, with the unit as key."""
        return CellLocation(self.connection, self.table, self.columns[self.log.unit])

    def check(self) -> None:
        """Check cells of all columns.

        Raises:
            InputError: if any is invalid; the message has all kinds of problems.
        """
        problems = ProblemCollector()
        problems.add(*self._bad_arms(), *self._bad_times(), *self._bad_metrics())
        problems.stop()
        problems.add(*self._repeated_units())
        problems.stop()

    def _where(self, column: TableColumn, condition: str, message: str) -> Iterator[Problem]:
        if self._any(condition):
            yield self.place.problem(column, condition, message)

    def _any(self, condition: str) -> bool:
        return sql.file_exists(self.connection, self.table.relation, condition)

    def _bad_arms(self) -> Iterator[Problem]:
        arm, unit = self.columns[self.log.arm], self.columns[self.log.unit]
        known = ", ".join(sql.quote_text(name) for name in self.log.arms)
        hint = (
            f"; the arms are {self.log.arms[0]!r} and {self.log.arms[1]!r}: leave rows of other arms out of the export"
        )
        condition = f"{arm.ref} IS NULL OR {arm.ref}::VARCHAR NOT IN ({known})"
        if self._any(condition):
            yield self.place.problem(arm, condition, f"arm {arm.name!r} is {{value!r}}", hint=hint)
        yield from self._where(unit, f"{unit.ref} IS NULL", f"unit {unit.name!r} is null")

    def _bad_times(self) -> Iterator[Problem]:
        if self.log.time is not None:
            time = self.columns[self.log.time]
            message = f"{time.name!r} is {{value!r}}, which is not a date or a time such as 2026-11-30T18:00:00"
            try:
                yield from self._where(time, f"{self.timestamp} IS NULL", message)
            except InputError as error:
                yield from error.problems

    def _bad_metrics(self) -> Iterator[Problem]:
        rates = {metric.column for metric in self.log.metrics if metric.is_rate}
        for name in dict.fromkeys(name for one in self.log.metrics for name in (one.column, one.covariate) if name):
            for problem in find_bad_scores(self.columns[name], self.place, "number"):
                hint = f"; {_EVENT}" if name in rates and "is not a number" in problem.message else ""
                yield replace(problem, message=problem.message + hint)
        for metric in self.log.metrics:
            if metric.is_rate:
                column = self.columns[metric.column]
                condition = f"{column.as_float()} NOT IN (0, 1)"
                message = f"{column.name!r} is {{value}}, and a rate needs 0 or 1"
                if self._any(condition):
                    hint = "; name the metric as `mean:` if it is a number"
                    yield self.place.problem(column, condition, message, hint=hint)

    def _repeated_units(self) -> Iterator[Problem]:
        """Yield the first unit in both arms, and the first that one arm counts twice."""
        unit, arm = self.columns[self.log.unit], self.columns[self.log.arm]
        key, number = f"{unit.ref}::VARCHAR", self.table.row_number
        arms = f"count(DISTINCT {arm.ref}::VARCHAR)"
        repeated = [f"{key} AS u", f"list_sort(list({number}))[:2] AS r", f"{arms} AS a"]
        query = sql.select(repeated, self.table.relation, group_by="1", having="count(*) > 1")
        for both, what in (("a > 1", "in both arms"), ("a = 1", "twice in one arm")):
            shown = sql.select("u, r, count(*) OVER ()", f"({query})", where=both, order_by="r[1]", limit=1)
            if (first := sql.first_row(self.connection, shown)) is not None:
                rows = " and ".join(self.place.row(position) for position in first[1])
                more = f", and {count_noun(first[2] - 1, 'more unit')}" if first[2] > 1 else ""
                message = f"unit {shorten_cell(first[0])!r} of {unit.name!r} is {what}: {rows}{more}; {_ONE_ROW}"
                yield Problem(message, self.table.path)

    def sums(self) -> Iterator[ArmSums]:
        """Yield the moments of all periods, then those of the groups of each slice."""
        period = self._period()
        for row in self._reduced(period, "''"):
            yield from self._split(row, WHOLE_SET)
        for name in self.log.slices:
            group = f"coalesce({self.columns[name].ref}::VARCHAR, {sql.quote_text(_NULL)})"
            self._refuse_many(name, group)
            for row in self._reduced("''", group):
                yield from self._split(row, name)

    def _refuse_many(self, name: str, group: str) -> None:
        count = sql.first_row(self.connection, sql.select(f"count(DISTINCT {group})", self.table.relation))
        if count is not None and count[0] > MOST_GROUPS:
            message = (
                f"slice {name!r} has {count[0]:,} groups, and {MOST_GROUPS} are the most; group its values in the log"
            )
            raise InputError(Problem(message, self.table.path))

    def _period(self) -> str:
        """SQL for the period of a row: its day, or its hour in a short log."""
        if self.log.time is None:
            return "''"
        time = self.timestamp
        ends = sql.first_row(
            self.connection, sql.select(f"date_diff('day', min({time}), max({time}))", self.table.relation)
        )
        if ends is not None and ends[0] >= _DAYS:
            return f"strftime({time}, '%Y-%m-%d')"
        return f"strftime({time}, '%Y-%m-%dT%H:00')"

    def _reduced(self, period: str, group: str) -> Sequence[tuple[object, ...]]:
        arm = f"{self.columns[self.log.arm].ref}::VARCHAR"
        listed = [f"{period} AS p", f"{group} AS g", f"{arm} AS a", "count(*)"]
        listed += [part for metric in self.log.metrics for part in self._parts(metric)]
        query = sql.select(listed, self.table.relation, group_by="p, g, a", order_by="p, g, a")
        rows: list[tuple[object, ...]] = self.connection.execute(query).fetchall()
        return rows

    def _parts(self, metric: LoggedMetric) -> tuple[str, ...]:
        value = self.columns[metric.column].as_float()
        moments = (f"avg({value})", f"var_pop({value}) * count(*)")
        if metric.covariate is None:
            return (*moments, "0.0", "0.0", "0.0")
        other = self.columns[metric.covariate].as_float()
        products = f"coalesce(covar_pop({value}, {other}), 0.0) * count(*)"
        return (*moments, f"avg({other})", f"var_pop({other}) * count(*)", products)

    def _split(self, row: Sequence[object], slice_name: str) -> Iterator[ArmSums]:
        """Yield one row's moments, metric by metric."""
        period, group, arm, units, *values = row
        for index, metric in enumerate(self.log.metrics):
            mean, squares, covariate_mean, covariate_squares, products = map(_number, values[5 * index : 5 * index + 5])
            moments = ArmMoments(
                units=int(_number(units)),
                mean=mean,
                squares=squares,
                covariate_mean=covariate_mean,
                covariate_squares=covariate_squares,
                products=products,
            )
            yield ArmSums(
                arm=str(arm),
                metric=metric.column,
                moments=moments,
                period=str(period),
                slice=slice_name,
                group=str(group),
            )


def _number(value: object) -> float:
    return float(str(value))
