"""Columns of few values as small integers, so that strings never leave the database."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from mlci.engine import sql, values
from mlci.engine.columns import Column
from mlci.engine.sql import Array
from mlci.engine.tables import Table

_SPAN = 1 << 16
_CASES = 16


@dataclass(frozen=True)
class Coded:
    """A column's dictionary.

    Attributes:
        values: What the codes 0, 1, … mean, in natural order; without null.
        has_null: Whether null (or NaN) occurs.
        expression: SQL for the raw code; null where the cell is.
        lut: Raw code to final code.
        whole: Whether every distinct value is known (``False`` when there were more than asked for).
    """

    values: tuple[values.Value, ...]
    has_null: bool
    expression: str
    lut: Array
    whole: bool = True

    @property
    def null_code(self) -> int:
        """The final code of null: one more than the last value's."""
        return len(self.values)

    @property
    def size(self) -> int:
        """Final codes that occur, null's included."""
        return len(self.values) + int(self.has_null)

    def final(self, raw: Array, *, lut: Array | None = None) -> Array:
        """Turn fetched raw codes into final ones (or, with ``lut`` over final codes, into those of another coding)."""
        table = self.lut if lut is None else lut[self.lut]
        mask = sql.nulls(raw)
        if mask is None and table.dtype == raw.dtype and np.array_equal(table, np.arange(len(table))):
            return raw
        codes = table.take(sql.plain(raw), mode="clip")
        if mask is not None:
            null = self.null_code if lut is None else lut[self.null_code]
            codes[mask] = null
        return codes


@dataclass(frozen=True)
class Known:
    """A column whose codes have been fetched already, with the coding they belong to."""

    coded: Coded
    codes: Array


def code_column(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    column: Column,
    *,
    most: int,
    reading: Callable[[Any], values.Value] = values.parse,
) -> Coded:
    """Read a column's distinct values and find the cheapest SQL that turns a cell into its code.

    Reads at most ``most`` + 1 distinct values; with more, ``whole`` is ``False`` and the coding can't be used.
    """
    distinct = _distinct_sql(column)
    known = _two_integers(connection, table, column)
    rows = known or connection.execute(sql.select(f"DISTINCT {distinct}", table.relation, limit=most + 2)).fetchall()
    raw = [row[0] for row in rows if row[0] is not None]
    meant = values.unify(raw, reading)
    kept = sorted({value for value in meant.values() if value is not None}, key=values.order)
    has_null = len(raw) < len(rows) or any(value is None for value in meant.values())
    if len(rows) > most + 1:
        return Coded(tuple(kept), has_null, "", np.zeros(0, np.uint8), whole=False)
    index = {_same(value): code for code, value in enumerate(kept)}
    expression, lut = _expression(connection, column, meant, lambda value: index.get(_same(value), len(kept)))
    return Coded(tuple(kept), has_null, expression, lut)


def _two_integers(
    connection: duckdb.DuckDBPyConnection, table: Table, column: Column
) -> list[tuple[int | None]] | None:
    """Read an integer column's values off its range if that leaves no doubt (0 and 1): Parquet's statistics know it."""
    if not column.is_integer:
        return None
    read_off = [f"{function}({column.ref})" for function in ("min", "max", "count")]
    row = sql.first(connection, sql.select(read_off, table.relation))
    if row is None or row[0] is None or row[1] - row[0] > 1:
        return None
    found: list[tuple[int | None]] = [(value,) for value in sorted({row[0], row[1]})]
    return found if row[2] == table.rows else [*found, (None,)]


def _same(value: values.Value) -> tuple[str, values.Value]:
    """Keep ``True`` apart from 1 in a dictionary."""
    return type(value).__name__ if isinstance(value, bool | str) else "number", value


def _distinct_sql(column: Column) -> str:
    if column.is_text or column.is_integer or column.type in {"BOOLEAN", "DOUBLE"}:
        return column.ref
    return f"{column.ref}::VARCHAR"


Finder = Callable[[values.Value], int]


def _expression(
    connection: duckdb.DuckDBPyConnection, column: Column, meant: dict[Any, values.Value], find: Finder
) -> tuple[str, Array]:
    raw = sorted(meant, key=str)
    dtype = np.uint8 if len(raw) < 255 else np.int32
    if column.type == "BOOLEAN":
        return f"{column.ref}::UTINYINT", np.array([find(False), find(True)], dtype)
    if column.is_integer and raw and max(raw) - min(raw) < _SPAN:
        low, high = min(raw), max(raw)
        lut = np.array([find(value) for value in range(low, high + 1)], dtype)
        kind = "UTINYINT" if high - low < 256 else "USMALLINT"
        return _offset(column, low, kind), lut
    if column.type == "DOUBLE" and len(raw) <= _CASES:
        cases = " ".join(
            f"WHEN {sql.number(value)} THEN {code}::UTINYINT" for code, value in enumerate(raw) if not math.isnan(value)
        )
        numbers = [value for value in raw if not math.isnan(value)]
        lut = np.array([find(meant[value]) for value in numbers], dtype)
        return (f"CASE {column.ref} {cases} END" if cases else "NULL::UTINYINT"), lut
    return _enum(connection, column, raw, meant, find, dtype)


def _offset(column: Column, low: int, kind: str) -> str:
    if low == 0 and column.type in {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}:
        return f"{column.ref}::{kind}"
    return f"({column.ref}::{'HUGEINT' if column.is_wide else 'BIGINT'} - ({low}))::{kind}"


def _enum(
    connection: duckdb.DuckDBPyConnection,
    column: Column,
    raw: list[Any],
    meant: dict[Any, values.Value],
    find: Finder,
    dtype: type[np.generic],
) -> tuple[str, Array]:
    """Code by an ENUM type; ``TRY_CAST`` is evaluated once per dictionary entry of a Parquet page, ``CAST`` is not."""
    if not raw:
        return "NULL::UTINYINT", np.zeros(1, dtype)
    if column.is_text:
        cell, spelled = column.ref, {value: find(meant[value]) for value in raw}
    else:
        cell = f"({_distinct_sql(column)})::VARCHAR"
        spelled = _spell(connection, raw, meant, find)
    taken = sql.first(connection, "SELECT count(*) FROM duckdb_types() WHERE logical_type = 'ENUM'")
    kind = f"e{taken[0] if taken else 0}"
    words = sorted(spelled)
    connection.execute(f"CREATE TYPE {kind} AS ENUM ({', '.join(map(sql.text, words))})")
    return f"enum_code(TRY_CAST({cell} AS {kind}))", np.array([spelled[word] for word in words], dtype)


def _spell(
    connection: duckdb.DuckDBPyConnection, raw: list[Any], meant: dict[Any, values.Value], find: Finder
) -> dict[str, int]:
    """Find each value's text as DuckDB writes it; it says so itself for floats, all of them in one query."""
    if raw and all(isinstance(value, float) for value in raw):
        rows = connection.execute("SELECT unnest(?::DOUBLE[])::VARCHAR", [raw]).fetchall()
        return {str(row[0]): find(meant[value]) for row, value in zip(rows, raw, strict=True)}
    return {str(value): find(meant[value]) for value in raw}  # texts and integers
