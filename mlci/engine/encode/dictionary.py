"""Dictionary encoding of columns with few values, and composite codes of several columns."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.sql import Array
from mlci.engine.tables import cell_values
from mlci.engine.tables.cell_values import SEPARATOR
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table

_TYPES = itertools.count()
_SPAN = 1 << 16
_CASES = 16


@dataclass(frozen=True)
class DictionaryColumn:
    """A column's dictionary.

    Attributes:
        values: Values of the codes 0, 1, …, in natural order; without null.
        has_null: Whether null (or NaN) occurs.
        expression: SQL for the raw code; null if the cell is.
        lut: Raw code to final code.
        whole: Whether it has every distinct value (``False`` if there were more than ``most``).
    """

    values: tuple[cell_values.Value, ...]
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
        """Number of final codes, including null's."""
        return len(self.values) + int(self.has_null)

    def final(self, raw: Array, *, lut: Array | None = None) -> Array:
        """Convert fetched raw codes to final ones (or, with ``lut`` over final codes, to those of another coding)."""
        table = self.lut if lut is None else lut[self.lut]
        mask = sql.null_mask(raw)
        if mask is None and table.dtype == raw.dtype and np.array_equal(table, np.arange(len(table))):
            return raw
        codes = table.take(sql.without_mask(raw), mode="clip")
        if mask is not None:
            null = self.null_code if lut is None else lut[self.null_code]
            codes[mask] = null
        return codes


@dataclass(frozen=True)
class KnownValues:
    """A column with its fetched codes and their coding."""

    coded: DictionaryColumn
    codes: Array


def code_column(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    column: TableColumn,
    *,
    most: int,
    reading: Callable[[Any], cell_values.Value] = cell_values.parse_cell,
) -> DictionaryColumn:
    """Read a column's distinct values and find the cheapest SQL from a cell to its code.

    Reads at most ``most`` + 1 distinct values; with more, ``whole`` is ``False`` and the coding can't be used.
    """
    distinct = distinct_sql(column)
    two = _two_integers(connection, table, column) if table.has_statistics else None
    rows = two or table.distinct(connection, distinct, most + 2)
    raw = [row[0] for row in rows if row[0] is not None]
    meant = cell_values.unify_types(raw, reading)
    kept = sorted({value for value in meant.values() if value is not None}, key=cell_values.sort_key)
    has_null = len(raw) < len(rows) or any(value is None for value in meant.values())
    if len(rows) > most + 1:
        return DictionaryColumn(tuple(kept), has_null, "", np.zeros(0, np.uint8), whole=False)
    index = {_typed_key(value): code for code, value in enumerate(kept)}
    expression, lut = _expression(connection, column, meant, lambda value: index.get(_typed_key(value), len(kept)))
    return DictionaryColumn(tuple(kept), has_null, expression, lut)


def _two_integers(
    connection: duckdb.DuckDBPyConnection, table: Table, column: TableColumn
) -> list[tuple[int | None]] | None:
    """Derive an integer column's values from its range if it is unambiguous (0 and 1): Parquet's statistics have it."""
    if not column.is_integer:
        return None
    read_off = [f"{function}({column.ref})" for function in ("min", "max", "count")]
    row = sql.first_row(connection, sql.select(read_off, table.relation))
    if row is None or row[0] is None or row[1] - row[0] > 1:
        return None
    values: list[tuple[int | None]] = [(value,) for value in sorted({row[0], row[1]})]
    return values if row[2] == table.rows else [*values, (None,)]


def _typed_key(value: cell_values.Value) -> tuple[str, cell_values.Value]:
    """Return a key that distinguishes ``True`` from 1 in a dictionary."""
    return type(value).__name__ if isinstance(value, bool | str) else "number", value


def distinct_sql(column: TableColumn) -> str:
    """SQL for the cells whose different values are the dictionary's."""
    if column.is_text or column.is_integer or column.type in {"BOOLEAN", "DOUBLE"}:
        return column.ref
    return f"{column.ref}::VARCHAR"


Finder = Callable[[cell_values.Value], int]


def _expression(
    connection: duckdb.DuckDBPyConnection, column: TableColumn, meant: dict[Any, cell_values.Value], find: Finder
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
            f"WHEN {sql.float_literal(value)} THEN {code}::UTINYINT"
            for code, value in enumerate(raw)
            if not math.isnan(value)
        )
        numbers = [value for value in raw if not math.isnan(value)]
        lut = np.array([find(meant[value]) for value in numbers], dtype)
        return (f"CASE {column.ref} {cases} END" if cases else "NULL::UTINYINT"), lut
    return _enum(connection, column, raw, meant, find, dtype)


def _offset(column: TableColumn, low: int, kind: str) -> str:
    if low == 0 and column.type in {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}:
        return f"{column.ref}::{kind}"
    return f"({column.ref}::{'HUGEINT' if column.is_wide else 'BIGINT'} - ({low}))::{kind}"


def _enum(
    connection: duckdb.DuckDBPyConnection,
    column: TableColumn,
    raw: list[Any],
    meant: dict[Any, cell_values.Value],
    find: Finder,
    dtype: type[np.generic],
) -> tuple[str, Array]:
    """Code by an ENUM type; ``TRY_CAST`` is evaluated once per dictionary entry of a Parquet page, ``CAST`` is not."""
    if not raw:
        return "NULL::UTINYINT", np.zeros(1, dtype)
    if column.is_text:
        cell, spelled = column.ref, {value: find(meant[value]) for value in raw}
    else:
        cell = f"({distinct_sql(column)})::VARCHAR"
        spelled = _spell_values(connection, raw, meant, find)
    kind = f"e{next(_TYPES)}"
    texts = sorted(spelled)
    connection.execute(f"CREATE TYPE {kind} AS ENUM ({', '.join(map(sql.quote_text, texts))})")
    return f"enum_code(TRY_CAST({cell} AS {kind}))", np.array([spelled[word] for word in texts], dtype)


def _spell_values(
    connection: duckdb.DuckDBPyConnection, raw: list[Any], meant: dict[Any, cell_values.Value], find: Finder
) -> dict[str, int]:
    """Return each value's text as DuckDB writes it; one query returns those of all floats."""
    if raw and all(isinstance(value, float) for value in raw):
        rows = connection.execute("SELECT unnest(?::DOUBLE[])::VARCHAR", [raw]).fetchall()
        return {str(row[0]): find(meant[value]) for row, value in zip(rows, raw, strict=True)}
    return {str(value): find(meant[value]) for value in raw}  # texts and integers


_PACKED = 1 << 16
Members = tuple[int, ...]
"""Base columns of a slice, by index."""


@dataclass(frozen=True)
class CodeRange:
    """One column, or one binned number: its rows' codes and the names of the codes."""

    codes: Array
    names: tuple[str, ...]


@dataclass(frozen=True)
class CompositeKey:
    """The base columns of all slices."""

    each: tuple[CodeRange, ...]

    @property
    def all(self) -> Members:
        """Indices of all bases."""
        return tuple(range(len(self.each)))

    @cached_property
    def packs(self) -> bool:
        """Whether combinations of all bases are few enough for tables over them."""
        return self.size(self.all) <= _PACKED

    @cached_property
    def packed(self) -> Array:
        """One code for every row's combination of all bases."""
        return self.mix(self.all)

    def sizes(self, members: Members) -> list[int]:
        """Return the number of codes of each member."""
        return [len(self.each[member].names) for member in members]

    def size(self, members: Members) -> int:
        """Return the number of possible combinations of the members' codes."""
        return math.prod(self.sizes(members))

    def mix(self, members: Members) -> Array:
        """Return each row's index among all combinations of the members' codes."""
        size = self.size(members)
        dtype = np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.int64
        first, *rest = members
        codes: Array = self.each[first].codes.astype(dtype)
        for member in rest:
            np.multiply(codes, dtype(len(self.each[member].names)), out=codes)
            np.add(codes, self.each[member].codes.astype(dtype, copy=False), out=codes)
        return codes

    def unpack(self, members: Members) -> Array:
        """Return the members' mixed code of each packed code."""
        sizes = self.sizes(self.all)
        digits = np.unravel_index(np.arange(int(np.prod(sizes))), sizes)
        code = np.zeros(len(digits[0]), np.int64)
        for member in members:
            code = code * sizes[member] + digits[member]
        return code

    def digits(self, packed: Array) -> list[Array]:
        """Return each base's code of packed codes."""
        return list(np.unravel_index(packed, self.sizes(self.all))) if self.each else []

    def name(self, members: Members, code: int) -> str:
        """Return the group name of a mixed code."""
        digits = np.unravel_index(code, self.sizes(members))
        names = (self.each[member].names[int(digit)] for member, digit in zip(members, digits, strict=True))
        return SEPARATOR.join(names)
