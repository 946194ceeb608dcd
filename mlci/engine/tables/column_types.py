"""Column types: each column is read by SQL as a type that represents its values exactly.

float32 and float16 are read as the float64 of their shortest decimal, so that 0.1 is 0.1 in every format; whole
decimals are read as integers. The original type of a column is kept for fingerprints of older schemes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import duckdb
import numpy as np

from mlci.engine import sql

_INTEGERS = frozenset({
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
    "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
})  # fmt: skip
_WIDE = frozenset({"HUGEINT", "UBIGINT", "UHUGEINT"})
_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT", "GEOMETRY")
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_DIGITS_OF_BIGINT = 18
_EXACT_DIGITS = 15
"""Digits up to which decimals are distinct float64 values and print unchanged."""
_LOGICAL: dict[str, "Logical"] = {
    "DATE": "date",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "timestamp"),
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"), "timestamptz"),
    **dict.fromkeys(("TIME", "TIME_NS"), "time"),
    "UUID": "uuid",
    "DURATION": "duration",
}
_TICKS = {"duration[s]": 0, "duration[ms]": 3, "duration[us]": 6, "duration[ns]": 9}
"""Digits that a duration in each of Arrow's units has after the second."""
_DAYS_OF_INT64 = 2**47
"""More days than 64 bits count seconds of."""
_LIMITS = {"DOUBLE": 2**53, "FLOAT": 2**24, "HALF": 2**11}
_NAMES = {"DOUBLE": "float64", "FLOAT": "float32", "HALF": "float16"}

Logical = Literal["date", "timestamp", "timestamptz", "time", "uuid", "duration"]
"""Types of values that text files can only spell; DuckDB's or mlci's text of each value is unique."""


@dataclass(frozen=True)
class TableColumn:
    """One column of a table.

    Attributes:
        name: Its name in the file.
        ref: SQL for a cell, read exactly: the safe name ``c<position>``.
        type: DuckDB's type of ``ref``.
        stored: The type in the file: DuckDB's, ``HALF`` for float16, or Arrow's for durations.
        raw: SQL for a cell in the file's type.
        reading: SQL that converts ``raw`` to ``ref``; ``None`` if they are the same.
        former: SQL for a cell in fingerprints of scheme 1, in columns of few values and of many; ``None`` if it is
        ``ref``.
    """

    name: str
    ref: str
    type: str
    stored: str
    raw: str
    reading: str | None = None
    former: tuple[str, str] | None = None

    @property
    def is_integer(self) -> bool:
        """Whether the file's type is an integer."""
        return self.type in _INTEGERS

    @property
    def is_wide(self) -> bool:
        """Whether these are integers that may exceed signed 64 bits."""
        return self.type in _WIDE

    @property
    def is_decimal(self) -> bool:
        """Whether these are decimals with more digits than a float64."""
        return self.type.startswith("DECIMAL")

    @property
    def is_number(self) -> bool:
        """Whether the file's type is numeric (never in a CSV)."""
        return self.is_integer or self.type == "DOUBLE" or self.is_decimal

    @property
    def is_text(self) -> bool:
        """Whether cells are texts, which may still be numbers."""
        return self.type == "VARCHAR"

    @property
    def logical(self) -> Logical | None:
        """Logical type of the cells by the file's own type, beyond numbers, booleans and texts."""
        return _LOGICAL.get(self.type)

    @property
    def is_nested(self) -> bool:
        """Whether a cell contains several values."""
        return self.type.endswith("]") or self.type.startswith(_NESTED)

    @property
    def may_be_number(self) -> bool:
        """Whether cells are numbers or may be read as numbers."""
        return self.is_number or self.is_text or self.type == "BOOLEAN"

    @property
    def float_name(self) -> str:
        """NumPy's name of a floating-point column's type."""
        return _NAMES.get(self.stored, _NAMES["DOUBLE"])

    @property
    def float_limit(self) -> int:
        """The greatest number up to which every integer is a distinct value of a floating-point column."""
        return _LIMITS.get(self.stored, _LIMITS["DOUBLE"])

    def as_scheme_1(self, many: Literal[0, 1]) -> "TableColumn":
        """Return the column as fingerprints of scheme 1 read it: 0 with few values, 1 with many."""
        if self.former is None or self.former[many] == self.reading:
            return self
        former = "BIGINT" if self.logical == "duration" else "DOUBLE"
        return replace(self, ref=self.former[many], type=former, former=None)

    @property
    def was_rounded(self) -> bool:
        """Whether fingerprints of scheme 1 rounded many values of this type."""
        return self.is_wide or (self.reading is not None and self.as_scheme_1(1) != self)

    def as_float(self) -> str:
        """SQL for the cell as the nearest float64; null if a text is not a number."""
        if self.type == "DOUBLE":
            return self.ref
        return f"TRY_CAST({self.ref}{'::VARCHAR' if self.is_decimal or self.is_wide else ''} AS DOUBLE)"

    def nearest(self, value: float) -> float:
        """Return ``value`` in the column's type, as NumPy does to compare float32 with 0.7."""
        if self.stored == "FLOAT":
            with np.errstate(over="ignore"):
                return float(str(np.float32(value)))
        if self.stored == "HALF":
            with np.errstate(over="ignore"):
                return float(str(np.float16(value)))
        return value


def read_column(name: str, position: int, stored: str) -> TableColumn:
    """Return a column of the file's type ``stored``, with the type and the SQL for reading it."""
    raw = f"r{position}"
    widened, spelled = f"{raw}::DOUBLE", f"{raw}::VARCHAR::DOUBLE"
    decimal = _DECIMAL.fullmatch(stored)
    digits, scale = (int(decimal[1]), int(decimal[2])) if decimal else (0, 0)
    read: dict[str, tuple[str, str, tuple[str, str] | None]] = {
        "FLOAT": ("DOUBLE", spelled, (widened, spelled)),
        "HALF": ("DOUBLE", _half(raw), (widened, spelled)),
        "BLOB": ("VARCHAR", f"{raw}::VARCHAR", None),
        "JSON": ("VARCHAR", f"{raw}::VARCHAR", None),
        "NULL": ("VARCHAR", "NULL::VARCHAR", None),
    }
    if stored in _TICKS:
        read[stored] = ("DURATION", _duration(raw, _TICKS[stored]), (raw, raw))
    if decimal and not scale and digits <= _DIGITS_OF_BIGINT:
        read[stored] = ("BIGINT", f"{raw}::BIGINT", None)
    elif decimal and not scale:
        read[stored] = ("HUGEINT", f"{raw}::HUGEINT", (widened, f"{raw}::HUGEINT"))
    elif decimal and digits <= _EXACT_DIGITS:
        read[stored] = ("DOUBLE", widened, None)
    if stored not in read:
        former = (f"c{position}::DOUBLE", f"c{position}::DOUBLE") if decimal else None
        return TableColumn(name, f"c{position}", stored, stored, f"c{position}", None, former)
    kind, reading, former = read[stored]
    return TableColumn(name, f"c{position}", kind, stored, raw, reading, former)


def _half(raw: str) -> str:
    """SQL for the shortest decimal of a float16, looked up by its 15 bits without the sign."""
    size = f"abs({raw}::DOUBLE)"
    exponent = f"floor(log2({size}))"
    bits = f"({exponent} + 14) * 1024 + {size} * 2.0**(10 - {exponent})"
    index = f"(CASE WHEN {size} < {2.0**-14!r} THEN {size} * {2**24} ELSE {bits} END)::BIGINT + 1"
    return f"CASE WHEN isfinite({raw}) THEN sign({raw}) * getvariable('halves')[{index}] ELSE {raw}::DOUBLE END"


def _duration(raw: str, digits: int) -> str:
    """SQL for a duration as pandas writes it, ``-1 days +23:59:59.5``, without zeros at the end."""
    second = 10**digits
    day = 86_400 * second
    positive = f"({raw}::HUGEINT + {_DAYS_OF_INT64 * day})"  # division rounds down for these
    days, of_day = f"({positive} // {day} - {_DAYS_OF_INT64})", f"({positive} % {day})"
    clock = f"(TIME '00:00:00' + to_seconds(({of_day} // {second})::BIGINT))::VARCHAR"
    part = f"rtrim(rtrim('.' || lpad(({of_day} % {second})::VARCHAR, {digits}, '0'), '0'), '.')" if digits else "''"
    return f"{days} || CASE WHEN {days} < 0 THEN ' days +' ELSE ' days ' END || {clock} || {part}"


def relation(connection: duckdb.DuckDBPyConnection, columns: Sequence[TableColumn], paths: Sequence[str]) -> str:
    """Return the FROM clause to read columns ``c0``, ``c1``, … and their raw cells from Parquet files."""
    if any(column.stored == "HALF" for column in columns):
        halves = np.arange(31 << 10, dtype=np.uint16).view(np.float16)
        connection.execute("SET VARIABLE halves = ?::DOUBLE[]", [[float(str(half)) for half in halves]])
    files = f"read_parquet({sql.quote_list(paths)}) AS t({', '.join(column.raw for column in columns)})"
    if not any(column.reading for column in columns):
        return files
    read = [f"{column.reading} AS {column.ref}" for column in columns if column.reading]
    listed = [*(column.raw for column in columns), *read, "file_row_number", "file_index"]
    return f"({sql.select(listed, files)}) AS t"
