"""Errors about cells: how many, in which row, under which key, with which value."""

from dataclasses import dataclass

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.sql import Array
from mlci.engine.tables import Column, Table
from mlci.errors import InputError, Problem


class Problems:
    """What is wrong so far, so that all of it is said at once."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, *problems: Problem) -> None:
        """Note problems and go on."""
        self._found.extend(problems)

    def stop(self) -> None:
        """Go no further if anything is wrong.

        Raises:
            InputError: With every problem noted, each once.
        """
        if self._found:
            raise InputError.of(dict.fromkeys(self._found))


@dataclass(frozen=True)
class Place:
    """A table whose cells are checked, and the key that its rows are called by."""

    connection: duckdb.DuckDBPyConnection
    table: Table
    key: Column | None

    def problem(self, column: Column, condition: str, said: str) -> Problem:
        """Describe the rows where ``condition`` holds; ``{value}`` in ``said`` becomes the first one's cell."""
        number = self.table.row_number
        key = f"{self.key.ref}::VARCHAR" if self.key else "NULL"
        asked = [number, f"{column.ref}::VARCHAR", key, "count(*) OVER ()"]
        query = sql.select(asked, self.table.relation, where=condition, order_by="1", limit=1)
        found = sql.first(self.connection, query)
        if found is None:
            return Problem(said.format(value="?"), self.table.path)
        position, value, name, count = found
        shown, row = self.table.place(position)
        where = f"row {row}" + (f" (key {name!r})" if name is not None else "")
        more = f", and in {count - 1:,} more row(s)" if count > 1 else ""
        return Problem(f"{said.format(value=value)} in {where}{more}", shown)


def is_fine(low: float, high: float, *, probabilities: bool) -> bool:
    """Tell from the least and the greatest of all scores whether each is finite and, if need be, a probability."""
    return bool(np.isfinite(low) and np.isfinite(high)) and not (probabilities and (low < 0 or high > 1))


def checked(fetched: Array, column: Column, place: Place, problems: Problems, *, probabilities: bool) -> Array:
    """Return fetched scores as plain float64; any that is null, not finite or out of range is a problem."""
    score = sql.plain(fetched)
    if sql.nulls(fetched) is not None or not is_fine(score.min(), score.max(), probabilities=probabilities):
        problems.add(*bad_scores(column, place, probabilities=probabilities))
    return score


def bad_scores(column: Column, place: Place, *, probabilities: bool) -> list[Problem]:
    """Describe every kind of bad score in a column by its first row."""
    return [
        place.problem(column, condition, said)
        for condition, said in _bad_score(column, probabilities=probabilities)
        if sql.exists(place.connection, place.table.relation, condition)
    ]


def _bad_score(column: Column, *, probabilities: bool) -> list[tuple[str, str]]:
    """Return pairs of (SQL condition, words) for all that a score must not be."""
    value = column.as_float()
    checks = [
        (f"{column.ref} IS NULL", f"{column.name!r} is null"),
        (f"{column.ref} IS NOT NULL AND {value} IS NULL", f"{column.name!r} is not a number: {{value!r}}"),
        (f"isnan({value})", f"{column.name!r} is NaN"),
        (f"isinf({value})", f"{column.name!r} is infinite"),
    ]
    if probabilities:
        outside = f"isfinite({value}) AND ({value} < 0 OR {value} > 1)"
        checks.append((outside, f"{column.name!r} is {{value}}, outside [0, 1], where probabilities are needed"))
    return checks
