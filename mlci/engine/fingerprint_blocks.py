"""Fingerprint of a table whose rows are read in parts: sums that add up, and how cells are read in all of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.encode.dictionary import DictionaryColumn, KnownValues
from mlci.engine.fingerprint import (
    FingerprintReader,
    WideColumn,
    add_column,
    add_up_rows,
    close_fingerprint,
    pack_columns,
    read_wide_column,
)
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.table import Table


@dataclass(frozen=True, kw_only=True)
class FingerprintSums:
    """Sums over some rows.

    Attributes:
        rows: Number of rows.
        sums: Both sums, modulo 2**64.
        moved: Names of columns in which scheme 1 reads some cells as other values.
    """

    rows: int = 0
    sums: tuple[int, int] = (0, 0)
    moved: frozenset[str] = frozenset()

    def __add__(self, other: "FingerprintSums") -> "FingerprintSums":
        """Return the sums over the rows of both."""
        low, high = ((mine + theirs) % 2**64 for mine, theirs in zip(self.sums, other.sums, strict=True))
        return FingerprintSums(rows=self.rows + other.rows, sums=(low, high), moved=self.moved | other.moved)


@dataclass(frozen=True)
class PlannedColumn:
    """One column: its dictionary, or how its many values are read."""

    column: TableColumn
    coded: DictionaryColumn | None
    wide: WideColumn | None


@dataclass(frozen=True)
class FingerprintPlan:
    """How all parts of a table are read; ``rounded`` as in scheme 1.

    Attributes:
        columns: The columns.
        moved: Names of columns of few values that scheme 1 reads as other values.
        rounded: Whether this is scheme 1.
    """

    columns: tuple[PlannedColumn, ...]
    moved: frozenset[str] = frozenset()
    rounded: bool = False

    @property
    def expressions(self) -> list[str]:
        """SQL of all cells that are read."""
        coded = [one.coded.expression for one in self.columns if one.coded]
        wide = [text for one in self.columns if one.wide for text in (one.wide.number or one.wide.text, one.column.ref)]
        return [*coded, *wide, *(one.column.raw for one in self.columns if one.wide)]

    def add_up(self, connection: duckdb.DuckDBPyConnection, part: Table) -> FingerprintSums:
        """Return the sums over a part of the table."""
        coded = [(one.column.name, one.coded) for one in self.columns if one.coded]
        fetched = sql.fetch_arrays(connection, [one.expression for _, one in coded], part.relation) if coded else []
        kept = {name: KnownValues(one, one.final(raw)) for (name, one), raw in zip(coded, fetched, strict=True)}
        state, moved = np.zeros(part.rows, np.uint64), set(self.moved)
        for codes, states in pack_columns(kept):
            state += states.take(codes)
        for one in self.columns:
            if one.wide is not None:
                has_odd = add_column(connection, part, one.column, state, 1, rounded=self.rounded, known=one.wide)
                if has_odd or one.column.was_rounded:
                    moved.add(one.column.name)
        return FingerprintSums(rows=part.rows, sums=add_up_rows(state, None), moved=frozenset(moved))

    def close(self, sums: FingerprintSums) -> str:
        """Return the fingerprint, from the sums over all rows."""
        return close_fingerprint([one.column.name for one in self.columns], sums.rows, sums.sums)


def plan_fingerprint(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: Iterable[TableColumn], *, rounded: bool = False
) -> FingerprintPlan:
    """Decide by all rows of a table how each column is read."""
    reader = FingerprintReader(connection, table, 1, rounded=rounded)
    planned, moved = [], set()
    for column in columns:
        coded = reader.code(column)
        read = column.as_scheme_1(1) if rounded else column
        wide = None if coded.whole else read_wide_column(connection, table, read, rounded=rounded)
        planned.append(PlannedColumn(read, coded if coded.whole else None, wide))
        if coded.whole and reader.is_moved(column, coded):
            moved.add(column.name)
    return FingerprintPlan(tuple(planned), frozenset(moved), rounded)
