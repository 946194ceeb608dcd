"""Errors of cells, with the count, and the row, key and value of the first one."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.interface import Job
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table
from mlci.errors import InputError, Problem, count_noun, shorten_cell

Kind = Literal["score", "probability", "number"]
"""Requirement of finite scores: none, to be in [0, 1], or to be small enough for their powers."""

_FRACTION = '.str.rstrip("%").astype(float) / 100'
_LARGEST = 1e70
_EXACT = 2**53
_BOUNDS: dict[Kind, tuple[float, float]] = {
    "score": (-math.inf, math.inf),
    "probability": (0, 1),
    "number": (-_LARGEST, _LARGEST),  # moments sum fourth powers over rows: 16 × 1e280 × rows stays below 1.8e308
}
_OUTSIDE: dict[Kind, str] = {
    "probability": "outside [0, 1], where probabilities are needed",
    "number": "which is too large: beyond ±1e70 squares of squared errors overflow; rescale the target",
}


class ProblemCollector:
    """Collector of problems, so that all are reported at once."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, *problems: Problem) -> None:
        """Add problems."""
        self._found.extend(problems)

    @property
    def found(self) -> tuple[Problem, ...]:
        """The collected problems."""
        return tuple(self._found)

    def stop(self) -> None:
        """Raise the error for the collected problems.

        Raises:
            InputError: if there are problems; the message has each of them once.
        """
        if self._found:
            raise InputError.of(dict.fromkeys(self._found))


@dataclass(frozen=True)
class CellLocation:
    """A table whose cells are checked, and the key that names its rows."""

    connection: duckdb.DuckDBPyConnection
    table: Table
    key: TableColumn | None

    def problem(self, column: TableColumn, condition: str, message: str, *, hint: str = "") -> Problem:
        """Describe the rows that meet ``condition``.

        ``{value}`` in ``message`` becomes the first one's cell, ``{value!r}`` the same in quotes. Other braces are
        kept, because names of columns and classes may have them.
        """
        key = f"{self.key.ref}::VARCHAR" if self.key else "NULL"
        first = self.table.first_row(self.connection, [f"{column.ref}::VARCHAR", key], condition)
        if first is None:
            return Problem(_with_cell(message, "?"), self.table.path)
        value, name = first.cells
        shown = self.table.path if first.position is None else self.table.place(first.position)[0]
        where = self.table.row_name(first.position) + (f" (key {shorten_cell(name)!r})" if name is not None else "")
        more = f", and in {count_noun(first.count - 1, 'more row')}" if first.count > 1 else ""
        return Problem(f"{_with_cell(message, value)} in {where}{more}{hint}", shown)

    def exists(self, condition: str) -> bool:
        """Return whether any row meets a condition."""
        return self.table.exists(self.connection, condition)

    def first_positions(self, code: str) -> dict[int, int]:
        """Return the first position in the whole table of each value of an SQL expression."""
        return self.table.first_positions(self.connection, code)

    def row(self, position: int) -> str:
        """Return the name of a row, with its file if the table has several."""
        return self.table.row_name(position, with_file=True)


def _with_cell(message: str, value: str | None) -> str:
    cell = shorten_cell(str(value))
    return message.replace("{value!r}", repr(cell)).replace("{value}", cell)


def kind_of_score(job: Job) -> Kind:
    """Return the requirement of a job's scores; it also holds for the labels of a regression."""
    if job.task == "regression":
        return "number"
    return "probability" if job.probabilities else "score"


def is_fine(low: float, high: float, kind: Kind) -> bool:
    """Return whether all scores are finite and of their kind, by their minimum and maximum."""
    least, most = _BOUNDS[kind]
    return bool(np.isfinite(low) and np.isfinite(high)) and least <= low and high <= most


def check_scores(
    fetched: Array, column: TableColumn, place: CellLocation, problems: ProblemCollector, kind: Kind
) -> Array:
    """Return fetched scores as plain float64; any that is null, not finite or out of range is a problem."""
    score = sql.without_mask(fetched)
    low, high = score.min(), score.max()
    if sql.null_mask(fetched) is not None or not is_fine(low, high, kind) or is_rounded(column, place, low, high):
        problems.add(*bad_scores(column, place, kind))
    return score


SUM_TOLERANCE = 1e-3
"""Largest distance of a row's probabilities from 1: that of ten probabilities with four digits, twice."""


def check_probabilities(
    fetched: Sequence[Array], columns: Sequence[TableColumn], place: CellLocation, problems: ProblemCollector
) -> list[Array]:
    """Return the fetched probabilities of all classes as plain float64, each row with a sum of 1.

    Any that is null, not finite or outside [0, 1] is a problem; without those, a row with another sum is one.
    """
    found = ProblemCollector()
    checked = [
        check_scores(one, column, place, found, "probability") for one, column in zip(fetched, columns, strict=True)
    ]
    if not found.found and (np.abs(np.sum(checked, axis=0) - 1.0) > SUM_TOLERANCE).any():
        total = " + ".join(column.as_float() for column in columns)
        message = "probabilities of all classes sum to {value}"
        summed = replace(columns[0], ref=f"round({total}, 6)")
        hint = "; they must sum to 1: `p = p / p.sum(axis=1, keepdims=True)`, or for logits `scipy.special.softmax`"
        found.add(place.problem(summed, f"abs({total} - 1) > {SUM_TOLERANCE}", message, hint=hint))
    problems.add(*found.found)
    return checked


def is_rounded(column: TableColumn, place: CellLocation, low: float, high: float) -> bool:
    """Return whether a column between ``low`` and ``high`` has integers that float64 can't represent."""
    if column.type == "DOUBLE" or max(-low, high) < _EXACT:
        return False
    return place.exists(_rounded_sql(column))


def _rounded_sql(column: TableColumn) -> str:
    """SQL condition for integers that float64 can't represent."""
    text = f"{column.ref}::VARCHAR"
    whole = f"TRY_CAST(CASE WHEN regexp_full_match({text}, '-?[0-9]+') THEN {text} END AS HUGEINT)"
    return f"abs({column.as_float()}) >= {_EXACT} AND {whole} <> TRY_CAST({column.as_float()} AS HUGEINT)"


def bad_scores(column: TableColumn, place: CellLocation, kind: Kind) -> list[Problem]:
    """Describe every kind of bad score in a column that has some, each by its first row."""
    found = find_bad_scores(column, place, kind)
    return found or [Problem(f"{column.name!r} has scores that are null, NaN, infinite or too large", place.table.path)]


def find_bad_scores(column: TableColumn, place: CellLocation, kind: Kind) -> list[Problem]:
    """Describe every kind of bad score in a column, each by its first row; nothing if there are none."""
    return [
        place.problem(column, condition, message)
        for condition, message in _bad_score_checks(column, kind)
        if place.exists(condition)
    ]


def _not_number_checks(column: TableColumn, condition: str) -> list[tuple[str, str]]:
    """Return conditions and messages for cells that are not numbers, with the line of Python for two common forms."""
    cell, message = f"df[{json.dumps(column.name)}]", f"{column.name!r} is not a number: {{value!r}}"
    text = f"{column.ref}::VARCHAR"
    comma, share = (f"regexp_full_match({text}, '{form}')" for form in ("-?[0-9]*,[0-9]+", "-?[0-9.]+ ?%"))
    return [
        (f"{condition} AND {comma}", f'{message} (write a decimal point: `df.to_csv(path, decimal=".", index=False)`)'),
        (f"{condition} AND {share}", f"{message} (write a fraction: `{cell} = {cell}{_FRACTION}`)"),
        (f"{condition} AND NOT {comma} AND NOT {share}", message),
    ]


def _bad_score_checks(column: TableColumn, kind: Kind) -> list[tuple[str, str]]:
    """Return pairs of (SQL condition, message) for invalid scores."""
    value = column.as_float()
    least, most = map(sql.float_literal, _BOUNDS[kind])
    checks = [
        (f"{column.ref} IS NULL", f"{column.name!r} is null"),
        *_not_number_checks(column, f"{column.ref} IS NOT NULL AND {value} IS NULL"),
        (sql.is_nan(value), f"{column.name!r} is NaN"),
        (f"isinf({value})", f"{column.name!r} is infinite"),
    ]
    if column.type != "DOUBLE":
        lost = "which float64 can't represent exactly; scale the numbers down"
        checks.append((_rounded_sql(column), f"{column.name!r} is {{value}}, {lost}"))
    if kind != "score":
        outside = f"isfinite({value}) AND ({value} < {least} OR {value} > {most})"
        checks.append((outside, f"{column.name!r} is {{value}}, {_OUTSIDE[kind]}"))
    return checks
