"""Rows matched by key: exactly one prediction for each row of the evaluation set, or an error that names keys.

Matching runs on 64-bit integers in NumPy: through a table of slots where integer keys are dense, else by sorting both
sides. Texts stand for themselves as the two halves of their MD5, equal on both sides only for equal texts.
"""

from dataclasses import dataclass

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.blocks import each_block
from mlci.engine.sql import Array
from mlci.engine.tables import Column, Table
from mlci.errors import InputError, Problem

_WIDE = frozenset({"HUGEINT", "UBIGINT", "UHUGEINT"})
_INTEGER_TEXT = r"[+-]?[0-9]{1,19}(\.0*)?"
_SHOWN = 3


@dataclass(frozen=True)
class Keyed:
    """One table with the column that its rows are joined by."""

    table: Table
    column: Column


def kind_of(columns: list[Column]) -> str:
    """Return how keys are compared: ``integer`` or ``float`` where a file says they are numbers, else ``text``."""
    numbers = [column for column in columns if column.is_number]
    if not numbers or any(column.type in _WIDE for column in numbers):
        return "text"
    return "integer" if all(column.is_integer for column in numbers) else "float"


def comparable(column: Column, kind: str) -> str:
    """SQL for a key in the form that both sides are compared in; null where it has none."""
    if kind == "text":
        return f"{column.ref}::VARCHAR"
    if kind == "integer":
        if column.is_number:
            return f"{column.ref}::BIGINT"
        spelled = f"regexp_full_match({column.ref}::VARCHAR, '{_INTEGER_TEXT}')"
        return f"TRY_CAST(CASE WHEN {spelled} THEN split_part({column.ref}::VARCHAR, '.', 1) END AS BIGINT)"
    value = f"TRY_CAST({column.ref} AS DOUBLE)"
    return f"CASE WHEN isfinite({value}) THEN {value} + 0.0 END"


def columns_sql(column: Column, kind: str) -> str:
    """SQL for the one or two columns ``k0``, ``k1`` to fetch for matching."""
    value = comparable(column, kind)
    if kind == "text":
        return f"md5_number_lower({value}) AS k0, md5_number_upper({value}) AS k1"
    return f"{value} AS k0"


class Index:
    """The evaluation set's keys, ready to be found in other tables."""

    def __init__(self, fetched: dict[str, Array], *, threads: int | None = 1) -> None:
        """Check that keys are there and unique; ``unique`` says so."""
        self._key, self._check, self._threads = fetched["k0"], fetched.get("k1"), threads
        self._order: Array | None = None
        self.unique = sql.nulls(self._key) is None and self._build()

    def _build(self) -> bool:
        key = self._key = sql.plain(self._key)
        self._low, self._span = int(key.min()), int(key.max()) - int(key.min()) + 1
        if key.dtype == np.int64 and self._span < 4 * len(key) + 1024:
            seen = np.zeros(self._span, bool)
            seen[key - self._low] = True
            return int(np.count_nonzero(seen)) == len(key)
        self._order = np.argsort(key)
        self._sorted = key[self._order]
        return bool((self._sorted[1:] > self._sorted[:-1]).all())

    def rows(self, fetched: dict[str, Array]) -> Array | None:
        """Return another table's row for each row of the evaluation set, or ``None`` if they don't pair off.

        The evaluation set's keys are unique; if each is found in a table of as many rows, all of those rows are hit.
        """
        key = fetched["k0"]
        if len(key) != len(self._key) or sql.nulls(key) is not None:
            return None
        key = sql.plain(key)
        rows = self._by_slot(key) if self._order is None else self._by_order(key)
        if rows is not None and self._check is not None:
            return rows if np.array_equal(self._check, fetched["k1"][rows]) else None
        return rows

    def _by_slot(self, key: Array) -> Array | None:
        if key.dtype != np.int64 or int(key.min()) != self._low or int(key.max()) - self._low >= self._span:
            return None
        small = np.int32 if len(key) < 1 << 31 else np.int64
        slots = np.full(self._span, -1, small)
        slots[key - self._low] = np.arange(len(key), dtype=small)
        rows = np.empty(len(key), small)

        def find(part: slice) -> int:
            slots.take(self._key[part] - self._low, out=rows[part], mode="clip")
            return int(rows[part].min())

        return rows if min(each_block(len(key), find, self._threads)) >= 0 else None

    def _by_order(self, key: Array) -> Array | None:
        order = np.argsort(key)
        if self._order is None or not np.array_equal(key[order], self._sorted):
            return None
        rows = np.empty(len(key), np.int64)
        rows[self._order] = order
        return rows


def diagnose(
    connection: duckdb.DuckDBPyConnection, evaluation: Keyed, others: list[tuple[str, Keyed]], kind: str
) -> InputError:
    """Find out, in SQL and without haste, why rows don't pair off."""
    problems = _alone(connection, evaluation, kind)
    for _, other in others:
        problems += _alone(connection, other, kind)
    for what, other in others:
        problems += _against(connection, evaluation, other, kind, what)
    return InputError.of(problems or [Problem("keys don't pair off", evaluation.table.path)])


def _alone(connection: duckdb.DuckDBPyConnection, keyed: Keyed, kind: str) -> list[Problem]:
    problems = []
    table, column = keyed.table, keyed.column
    number, value = table.row_number, comparable(column, kind)
    bare = connection.execute(
        f"SELECT {number}, {column.ref}::VARCHAR, count(*) OVER () FROM {table.relation} WHERE {value} IS NULL "  # noqa: S608 - quoted
        f"ORDER BY {number} LIMIT {_SHOWN}"
    ).fetchall()
    if bare:
        rows = ", ".join(str(table.place(row[0])[1]) for row in bare)
        if bare[0][1] is None:
            said = f"key {column.name!r} is null in {bare[0][2]:,} row(s), first: row {rows}"
        else:
            said = f"key {column.name!r} is not a number ({bare[0][1]!r}) in {bare[0][2]:,} row(s), first: row {rows}"
        problems.append(Problem(said, table.place(bare[0][0])[0]))
    twice = connection.execute(
        f"SELECT {value}::VARCHAR, list_sort(list({number}))[:{_SHOWN}], count(*) OVER () FROM {table.relation} "  # noqa: S608 - quoted
        f"WHERE {value} IS NOT NULL GROUP BY {value} HAVING count(*) > 1 ORDER BY min({number}) LIMIT {_SHOWN}"
    ).fetchall()
    if twice:
        listed = "; ".join(
            f"{key!r} in rows {', '.join(str(table.place(at)[1]) for at in ats)}" for key, ats, _ in twice
        )
        problems.append(
            Problem(f"{twice[0][2]:,} key(s) of {column.name!r} occur more than once: {listed}", table.path)
        )
    return problems


def _against(
    connection: duckdb.DuckDBPyConnection, evaluation: Keyed, other: Keyed, kind: str, what: str
) -> list[Problem]:
    problems = []
    missing = _unmatched(connection, evaluation, other, kind)
    if missing:
        said = f"{missing[0][1]:,} row(s) of {evaluation.table.path} have no {what}; first keys: {_keys(missing)}"
        problems.append(Problem(said, other.table.path))
    extra = _unmatched(connection, other, evaluation, kind)
    if extra:
        said = f"{extra[0][1]:,} key(s) are not in {evaluation.table.path}; first: {_keys(extra)}"
        problems.append(Problem(said, other.table.path))
    return problems


def _keys(found: list[tuple[str, int]]) -> str:
    return ", ".join(repr(key) for key, _ in found)


def _unmatched(connection: duckdb.DuckDBPyConnection, left: Keyed, right: Keyed, kind: str) -> list[tuple[str, int]]:
    mine = f"SELECT {left.table.row_number} AS r, {comparable(left.column, kind)} AS k FROM {left.table.relation}"  # noqa: S608 - quoted
    theirs = f"SELECT {comparable(right.column, kind)} AS k FROM {right.table.relation}"  # noqa: S608 - quoted
    return connection.execute(
        f"SELECT k::VARCHAR, count(*) OVER () FROM ({mine}) AS l ANTI JOIN ({theirs}) AS r USING (k) "  # noqa: S608 - quoted
        f"WHERE k IS NOT NULL ORDER BY r LIMIT {_SHOWN}"
    ).fetchall()
