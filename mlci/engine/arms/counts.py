"""Read a table of counts or moments: one row for each metric, arm, period and group."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime

from mlci.engine import sql
from mlci.engine.tables.table import Table, open_files
from mlci.errors import InputError, Problem
from mlci.metrics.arm_moments import WHOLE_SET, ArmMoments, ArmSums

MOST_ROWS = 100_000
_NAMES = ("arm", "metric", "units")
_NUMBERS = ("units", "events", "mean", "variance", "covariate_mean", "covariate_variance", "covariance")
_TEXTS = ("time", "slice", "group")
_EXAMPLE = "such as `arm,metric,units,events` or `arm,metric,units,mean,variance`"


@dataclass(frozen=True)
class _Row:
    """Cells of one row as texts, without empty ones; where it is."""

    cells: Mapping[str, str]
    shown: str
    number: int

    def refuse(self, message: str) -> InputError:
        return InputError(Problem(f"row {self.number}: {message}", self.shown))

    def amount(self, name: str) -> float:
        """Return a number.

        Raises:
            InputError: if the cell is empty or not a finite number.
        """
        text = self.cells.get(name)
        if text is None:
            raise self.refuse(f"`{name}` is empty")
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.refuse(f"`{name}` is {text!r}, which is not a number")
        return value

    def whole(self, name: str) -> int:
        """Return a count.

        Raises:
            InputError: if it is negative or not whole.
        """
        value = self.amount(name)
        if value < 0 or value != int(value):
            raise self.refuse(f"`{name}` is {self.cells[name]}, and a count must be a whole number from 0 on")
        return int(value)

    def spread(self, name: str) -> float:
        """Return a variance.

        Raises:
            InputError: if it is negative.
        """
        value = self.amount(name)
        if value < 0:
            raise self.refuse(f"`{name}` is {self.cells[name]}, and a variance cannot be negative")
        return value


def read_arm_counts(
    path: str, arms: tuple[str, str], metrics: Mapping[str, bool], rates: AbstractSet[str] = frozenset()
) -> tuple[ArmSums, ...]:
    """Read and check the table.

    Args:
        path: CSV, Parquet or JSON: a path, a glob or a URL.
        arms: Names of control and treatment.
        metrics: Names of the metrics, each with whether it needs a covariate.
        rates: Those that are rates.

    Raises:
        InputError: if a column is missing, a cell is invalid, or a row repeats another; the message has the row.
    """
    with sql.session() as (connection, scratch), sql.reading(path):
        table = open_files(connection, path, scratch)
        _check_columns(table)
        named = [column for column in table.columns if column.name in {*_NAMES, *_NUMBERS, *_TEXTS}]
        query = sql.select([f"{column.ref}::VARCHAR" for column in named], table.relation, limit=MOST_ROWS)
        cells = connection.execute(query).fetchall()
    names = [column.name for column in named]
    found = list(_read_rows(cells, names, table, arms, metrics, rates))
    _check_complete(found, arms, metrics, path)
    _check_groups(found, path)
    return tuple(found)


def _check_columns(table: Table) -> None:
    missing = [f"`{name}`" for name in _NAMES if name not in table.names]
    if missing:
        raise InputError(
            Problem(f"has no column {' and no column '.join(missing)}; it needs columns {_EXAMPLE}", table.path)
        )
    if table.rows > MOST_ROWS:
        raise InputError(Problem(f"has {table.rows:,} rows of counts, and {MOST_ROWS:,} are the most", table.path))


def _read_rows(
    cells: Sequence[Sequence[str | None]],
    names: Sequence[str],
    table: Table,
    arms: tuple[str, str],
    metrics: Mapping[str, bool],
    rates: AbstractSet[str],
) -> Iterator[ArmSums]:
    seen: dict[tuple[str, ...], int] = {}
    for position, values in enumerate(cells):
        shown, number = table.place(position)
        row = _Row({name: value for name, value in zip(names, values, strict=True) if value}, shown, number)
        one = _read_row(row, arms, metrics)
        if one is None:
            continue
        if one.metric in rates and not 0 <= one.moments.mean <= 1:
            what = f"`mean` is {row.cells['mean']}, and a rate is between 0 and 1"
            raise row.refuse(f"{what}; write how many of the units have {one.metric!r} as `events`")
        key = (one.arm, one.metric, one.period, one.slice, one.group)
        if key in seen:
            raise row.refuse(f"repeats row {seen[key]}: the same arm, metric, time, slice and group; add them up")
        seen[key] = number
        yield one


def _read_row(row: _Row, arms: tuple[str, str], metrics: Mapping[str, bool]) -> ArmSums | None:
    """Return one row; ``None`` for a metric that the experiment does not use."""
    metric, arm = row.cells.get("metric", ""), row.cells.get("arm", "")
    if metric not in metrics:
        return None
    if arm not in arms:
        raise row.refuse(f"arm is {arm!r}; the arms are {arms[0]!r} and {arms[1]!r}")
    return ArmSums(
        arm=arm,
        metric=metric,
        moments=_moments(row, has_covariate=metrics[metric]),
        period=_period(row),
        slice=row.cells.get("slice", WHOLE_SET),
        group=row.cells.get("group", ""),
    )


def _period(row: _Row) -> str:
    """Return the start of the period in UTC, in one form for all rows; empty without one."""
    text = row.cells.get("time", "")
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise row.refuse(f"`time` is {text!r}, which is not a date or a time such as 2026-11-30T18:00:00") from None
    if at is not None and at.tzinfo is not None:
        at = at.astimezone(UTC).replace(tzinfo=None)
    return "" if at is None else at.isoformat()


def _moments(row: _Row, *, has_covariate: bool) -> ArmMoments:
    units = row.whole("units")
    rest = max(units - 1, 0)
    if "events" in row.cells:
        events = row.whole("events")
        if events > units:
            raise row.refuse(f"{events:,} events of {units:,} units; a unit has at most one")
        mean, squares = (events / units, events * (1 - events / units)) if units else (0.0, 0.0)
    else:
        mean, squares = row.amount("mean"), row.spread("variance") * rest
    if not has_covariate:
        return ArmMoments(units=units, mean=mean, squares=squares)
    covariate, together = row.spread("covariate_variance") * rest, row.amount("covariance") * rest
    if together**2 > covariate * squares * (1 + 1e-9):
        raise row.refuse("`covariance` is larger than both variances allow")
    return ArmMoments(
        units=units,
        mean=mean,
        squares=squares,
        covariate_mean=row.amount("covariate_mean"),
        covariate_squares=covariate,
        products=together,
    )


def _check_complete(found: Sequence[ArmSums], arms: tuple[str, str], metrics: Mapping[str, bool], path: str) -> None:
    """Refuse a table without a metric in one of the arms, or with a time in some of its rows only."""
    timed = {bool(one.period) for one in found if one.slice == WHOLE_SET}
    if len(timed) > 1:
        raise InputError(
            Problem("has a `time` in some rows and none in others; each row counts the units of a time", path)
        )
    known = {(one.metric, one.arm) for one in found if one.slice == WHOLE_SET}
    missing = [f"`{metric}` in arm {arm!r}" for metric in metrics for arm in arms if (metric, arm) not in known]
    if missing:
        raise InputError(Problem(f"has no row of {', '.join(missing)}; it needs columns {_EXAMPLE}", path))


def _check_groups(found: Sequence[ArmSums], path: str) -> None:
    """Refuse a group with more units than the whole set: then one of them is counted by another rule."""
    units: Counter[tuple[str, str, str, str]] = Counter()
    for one in found:
        units[one.arm, one.metric, one.slice, one.group] += one.moments.units
    for (arm, metric, name, group), count in units.items():
        whole = units[arm, metric, WHOLE_SET, ""]
        if name != WHOLE_SET and count > whole:
            message = (
                f"has {count:,} units of {metric!r} in arm {arm!r} for {name}={group}, and {whole:,} in the whole set "
                "(its rows without `slice`); a group is a part of it: export both from the same units"
            )
            raise InputError(Problem(message, path))
