"""Join keys: exactly one prediction for each row of the evaluation set, or an error that names keys.

Matching runs on 64-bit integers in NumPy: with a table of slots if integer keys are dense, or by sorting both
sides. It works by blocks of rows, because the first access to memory costs more than the computation. Texts, and
numbers that no machine type represents exactly, are matched by the two halves of their MD5, which are equal only for
equal texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlci.engine import sql
from mlci.engine.chunks import each_block
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table

Kind = Literal["text", "integer", "exact", "float", "double"]
"""Comparison of keys: as texts, 64-bit integers, decimals of any length, float64 beside texts, or float64 alone."""

_INTEGER_TEXT = r"[+-]?[0-9]{1,19}(\.0*)?"
_DECIMAL_TEXT = r"[+-]?[0-9]+(\.[0-9]*)?"


@dataclass(frozen=True)
class Keyed:
    """One table with its key column."""

    table: Table
    column: TableColumn


def kind_of(columns: list[TableColumn]) -> Kind:
    """Return a comparison of keys under which different keys stay different."""
    numbers = [column for column in columns if column.is_number]
    if not numbers:
        return "text"
    if any(column.is_wide or column.is_decimal for column in numbers):
        return "exact"
    if any(column.is_integer for column in numbers):
        return "integer"
    return "float" if len(numbers) < len(columns) else "double"


def comparable(column: TableColumn, kind: Kind) -> str:
    """SQL for a key in the common form of both tables; null if it has none."""
    if kind == "text":
        return f"{column.ref}::VARCHAR"
    if kind == "integer":
        return _integer_sql(column)
    if kind == "exact":
        return _exact_sql(column)
    value = f"TRY_CAST({column.ref} AS DOUBLE)"
    limit = f" AND abs({value}) <= {column.float_limit}" if kind == "float" else ""
    return f"CASE WHEN isfinite({value}){limit} THEN {value} + 0.0 END"


def _integer_sql(column: TableColumn) -> str:
    if column.is_integer:
        return f"{column.ref}::BIGINT"
    if column.type == "DOUBLE":
        whole = f"abs({column.ref}) <= {column.float_limit} AND {column.ref} = trunc({column.ref})"
        return f"CASE WHEN {whole} THEN {column.ref}::BIGINT END"
    spelled = f"regexp_full_match({column.ref}::VARCHAR, '{_INTEGER_TEXT}')"
    return f"TRY_CAST(CASE WHEN {spelled} THEN split_part({column.ref}::VARCHAR, '.', 1) END AS BIGINT)"


def _exact_sql(column: TableColumn) -> str:
    """SQL for a number as the shortest text of its decimal, for numbers that no machine type represents."""
    value = column.ref
    if column.is_integer:
        return f"{value}::VARCHAR"
    if column.type == "DOUBLE":
        whole = f"CASE WHEN {value} = trunc({value}) THEN ({value}::BIGINT)::VARCHAR ELSE {value}::VARCHAR END"
        return f"CASE WHEN abs({value}) <= {column.float_limit} THEN {whole} END"
    text = f"{value}::VARCHAR"
    short = f"CASE WHEN contains({text}, '.') THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
    short = f"regexp_replace(ltrim({short}, '+'), '^(-?)0+([0-9])', '\\1\\2')"
    spelled = f"regexp_full_match({text}, '{_DECIMAL_TEXT}')"
    return f"CASE WHEN {spelled} THEN CASE {short} WHEN '-0' THEN '0' ELSE {short} END END"


def key_parts(column: TableColumn, kind: Kind) -> tuple[str, ...]:
    """SQL for one or two numbers by which keys are matched."""
    value = comparable(column, kind)
    if kind in {"text", "exact"}:
        return f"md5_number_lower({value})", f"md5_number_upper({value})"
    return (value,)


class KeyIndex:
    """Index of the evaluation set's keys, for look-ups from other tables."""

    def __init__(self, parts: Sequence[Array], *, threads: int | None = 1) -> None:
        """Build the index of fetched :func:`key_parts`; ``unique`` is whether all keys are present and unique."""
        self._key, *self._checks = parts
        self._threads = threads
        self._order: Array | None = None
        self.unique = sql.null_mask(self._key) is None and self._build()

    def _build(self) -> bool:
        key = self._key = sql.without_mask(self._key)
        self._low, self._span = int(key.min()), int(key.max()) - int(key.min()) + 1
        if key.dtype == np.int64 and self._span < 4 * len(key) + 1024:
            seen = np.zeros(self._span, bool)

            def mark(part: slice) -> None:
                seen[key[part] - self._low] = True

            each_block(len(key), mark, threads=1)
            return int(np.count_nonzero(seen)) == len(key)
        self._order = np.argsort(key)
        self._sorted = key[self._order]
        return bool((self._sorted[1:] > self._sorted[:-1]).all())

    def rows(self, parts: Sequence[Array]) -> Array | None:
        """Return another table's row for each row of the evaluation set, or ``None`` if they do not match.

        The evaluation set's keys are unique; if each is found in a table with the same number of rows, every row
        matches.
        """
        key, *checks = parts
        if len(key) != len(self._key) or sql.null_mask(key) is not None:
            return None
        key = sql.without_mask(key)
        rows = self._by_slot(key) if self._order is None else self._by_order(key)
        if rows is None:
            return None
        alike = (np.array_equal(mine, theirs[rows]) for mine, theirs in zip(self._checks, checks, strict=True))
        return rows if all(alike) else None

    def _by_slot(self, key: Array) -> Array | None:
        if key.dtype != np.int64 or int(key.min()) != self._low or int(key.max()) - self._low >= self._span:
            return None
        small = np.int32 if len(key) < 1 << 31 else np.int64
        slots = np.full(self._span, -1, small)
        rows = np.empty(len(key), small)

        def place(part: slice) -> None:
            slots[key[part] - self._low] = np.arange(part.start, part.stop, dtype=small)

        def find(part: slice) -> int:
            slots.take(self._key[part] - self._low, out=rows[part], mode="clip")
            return int(rows[part].min())

        each_block(len(key), place, threads=1)
        return rows if min(each_block(len(key), find, self._threads)) >= 0 else None

    def _by_order(self, key: Array) -> Array | None:
        order = np.argsort(key)
        if self._order is None or not np.array_equal(key[order], self._sorted):
            return None
        rows = np.empty(len(key), np.int64)
        rows[self._order] = order
        return rows
