"""Fingerprint of an evaluation set: a digest of its content, independent of file format and row order.

It does not depend on the order of rows or columns, the file format, compression, sharding, or DuckDB's version, and it
covers every cell: 1, 1.0 and a CSV's ``1`` are one value, null and NaN are one value.

Each cell becomes 64 bits (the bits of the float64, or half the MD5 of a text), cells are mixed with their column's
name by SplitMix64 (Steele, Lea & Flood 2014, OOPSLA) and added up over the row; mixed again with two seeds, rows are
added up modulo 2**64, so that repeated rows count. SHA-256 closes over both sums, the number of rows and the columns'
names. Two different tables collide with a probability of about 2**-64 for each pair of differing rows; this identifies
content, and is not a defence against a deliberate search for collisions.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.chunks import count_codes, each_block
from mlci.engine.encode.dictionary import DictionaryColumn, KnownValues, code_column
from mlci.engine.sql import Array
from mlci.engine.tables import cell_values
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.labelled_tables import open_table
from mlci.engine.tables.table import Table
from mlci.errors import InputError, Problem
from mlci.lineage.rows import Fingerprint

MOST_CODED = 1000
_PACKED = 1 << 20
_NULL = 0x6E756C6C00000000
_TEXT = 0x7465787400000000
_NUMBER = 0x6E756D0000000000
_DECIMAL = 0x6465630000000000
_RESIDUAL = 0x9E3779B97F4A7C15  # odd: an integer's residual beyond float64 must not look like the next integer
_SEEDS = (0x243F6A8885A308D3, 0x13198A2E03707344)  # digits of pi
_FLOAT_LIMIT, _FLOAT_DIGITS, _HUGEINT_DIGITS, _LONG = 2**53, 15, 38, 300
_NUMBER_RE = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"


def fingerprint(path: str, exclude: Collection[str] = ()) -> Fingerprint:
    """Return ``sha256:…`` of a table's content without the columns in ``exclude``.

    Raises:
        InputError: if the table can't be read, or has no other columns.
    """
    with sql.session() as (connection, scratch), sql.reading(path):
        return fingerprint_table(connection, open_table(connection, path, scratch), exclude)


def fingerprint_table(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    exclude: Collection[str] = (),
    *,
    coded: Mapping[str, KnownValues] | None = None,
    weights: Array | None = None,
    threads: int | None = None,
) -> Fingerprint:
    """Return the fingerprint of an open table.

    Args:
        connection: Connection of the open table.
        table: The evaluation set.
        exclude: Names of columns to exclude.
        coded: Columns that are fetched already, by name, in the table's order or as cells with ``weights``.
        weights: Rows of each element of ``coded``, which must then cover all columns.
        threads: For NumPy; the result does not depend on it.
    """
    columns = [column for column in table.columns if column.name not in exclude]
    if not columns:
        raise InputError(Problem("has no columns besides predictions to take a fingerprint of", table.path))
    current, moved = FingerprintReader(connection, table, threads).read(columns, dict(coded or {}), weights)
    if not moved:
        return Fingerprint(current)
    same = {name: one for name, one in (coded or {}).items() if name not in moved} if weights is None else {}
    former, _ = FingerprintReader(connection, table, threads, rounded=True).read(columns, same, None)
    return Fingerprint(current, former)


@dataclass(frozen=True)
class FingerprintReader:
    """Reader of a table's columns for its fingerprint, by scheme 2 or, if ``rounded``, by scheme 1."""

    connection: duckdb.DuckDBPyConnection
    table: Table
    threads: int | None
    rounded: bool = False

    def read(
        self, columns: list[TableColumn], coded: dict[str, KnownValues], weights: Array | None
    ) -> tuple[str, frozenset[str]]:
        """Return the fingerprint, and the names of columns that scheme 1 reads as other values."""
        rest = [column for column in columns if column.name not in coded]
        if weights is not None and rest:
            coded, weights, rest = {}, None, columns
        kept = {column.name: coded[column.name] for column in columns if column.name in coded}
        codings = {column.name: self.code(column) for column in rest}
        kept |= self._fetch([column for column in rest if codings[column.name].whole], codings)
        wide = [column for column in rest if not codings[column.name].whole]
        moved = {
            column.name for column in columns if column.name in kept and self.is_moved(column, kept[column.name].coded)
        }
        sums = self._sums(kept, wide, weights, moved)
        return close_fingerprint([column.name for column in columns], self.table.rows, sums), frozenset(moved)

    def code(self, column: TableColumn) -> DictionaryColumn:
        """Return the dictionary of a column; not a whole one if it has many values."""
        if not self.rounded:
            return code_column(self.connection, self.table, column, most=MOST_CODED)
        before = column.as_scheme_1(0)
        return code_column(self.connection, self.table, before, most=MOST_CODED, reading=cell_values.round_cell)

    def _fetch(self, columns: list[TableColumn], codings: dict[str, DictionaryColumn]) -> dict[str, KnownValues]:
        if not columns:
            return {}
        coded = {column.name: codings[column.name] for column in columns}
        arrays = sql.fetch_arrays(self.connection, [one.expression for one in coded.values()], self.table.relation)
        return {
            name: KnownValues(one, one.final(codes)) for (name, one), codes in zip(coded.items(), arrays, strict=True)
        }

    def is_moved(self, column: TableColumn, coded: DictionaryColumn) -> bool:
        """Return whether scheme 1 reads other values in a column of few values."""
        if self.rounded:
            return False
        if column.former is None:
            exact = [value for value in coded.values if isinstance(value, int | Decimal)]
            return column.is_text and any(isinstance(one, Decimal) or not cell_values.is_exact(one) for one in exact)
        before = code_column(
            self.connection, self.table, column.as_scheme_1(0), most=MOST_CODED, reading=cell_values.round_cell
        )
        return before.values != coded.values

    def _sums(
        self, kept: dict[str, KnownValues], wide: list[TableColumn], weights: Array | None, moved: set[str]
    ) -> tuple[int, int]:
        """Add up all rows; columns that scheme 1 reads as other values are added to ``moved``."""
        packs = list(pack_columns(kept))
        if not wide and len(packs) == 1:
            codes, states = packs[0]
            return add_up_rows(states, count_codes(codes, len(states), weights, self.threads))
        rows = self.table.rows if weights is None else len(weights)
        state = np.zeros(rows, np.uint64)
        for codes, states in packs:
            each_block(rows, _Adder(state, codes, states).coded, self.threads)
        for column in wide:
            read = column.as_scheme_1(1) if self.rounded else column
            has_odd = add_column(self.connection, self.table, read, state, self.threads, rounded=self.rounded)
            if has_odd or column.was_rounded:
                moved.add(column.name)
        totals = each_block(
            rows, lambda part: add_up_rows(state[part], None if weights is None else weights[part]), self.threads
        )
        return sum(low for low, _ in totals) % 2**64, sum(high for _, high in totals) % 2**64


def close_fingerprint(names: list[str], rows: int, sums: tuple[int, int]) -> str:
    """Return the digest of a table: the names of its columns, the number of rows, and the sums over them."""
    listed = "".join(f"{len(name)}:{name}," for name in sorted(names))
    content = f"mlci/fingerprint/1 {rows} {sums[0]:016x} {sums[1]:016x} {listed}"
    return "sha256:" + hashlib.sha256(content.encode()).hexdigest()


def pack_columns(kept: dict[str, KnownValues]) -> Iterator[tuple[Array, Array]]:
    """Combine coded columns: codes of their combinations, and the state of each combination."""
    codes: Array | None = None
    states = np.zeros(1, np.uint64)
    for name in sorted(kept):
        column = kept[name]
        bits = [_cell(value) for value in (*column.coded.values, None)]
        cells = _mix(np.array(bits, np.uint64) + _seed(name))
        if codes is not None and len(states) * len(cells) > _PACKED:
            yield codes, states
            codes, states = None, np.zeros(1, np.uint64)
        mine = column.codes
        codes = mine if codes is None else codes.astype(np.int32, copy=False) * np.int32(len(cells)) + mine
        states = (states[:, None] + cells[None, :]).ravel()
    if codes is not None:
        yield codes, states


def _cell(value: cell_values.Value) -> int:
    if value is None:
        return _NULL
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number_cell(value)
    digest = hashlib.md5(cell_values.cell_text(value).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") ^ (_DECIMAL if isinstance(value, Decimal) else _TEXT)


def _number_cell(value: float) -> int:
    near = float(value)
    residual = int(value) - int(near) if isinstance(value, int) else 0
    bits = int(np.float64(near + 0.0).view(np.uint64))
    return ((bits ^ _NUMBER) + residual * _RESIDUAL) % 2**64


def _seed(name: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


def _mix(state: Array) -> Array:
    """SplitMix64's finaliser, on a copy."""
    z: Array = state ^ (state >> np.uint64(30))
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def add_up_rows(states: Array, counts: Array | None) -> tuple[int, int]:
    """Add up rows, each mixed with two seeds."""
    sums = []
    for seed in _SEEDS:
        mixed = _mix(states + np.uint64(seed))
        if counts is not None:
            mixed *= counts.astype(np.uint64)
        sums.append(int(mixed.sum(dtype=np.uint64)))
    return sums[0], sums[1]


@dataclass(frozen=True)
class _Adder:
    """Adder of one column, or of one pack of columns, to the state of a block of rows.

    ``odd`` has the rows with cells that no numeric array represents, and the bits of each.
    """

    state: Array
    cells: Array
    lut: Array | None = None
    seed: np.uint64 | None = None
    residual: Array | None = None
    null: Array | None = None
    odd: tuple[Array, Array] | None = None

    def coded(self, part: slice) -> None:
        if self.lut is not None:
            self.state[part] += self.lut.take(self.cells[part])

    def wide(self, part: slice) -> None:
        cells = self.cells[part]
        bits = cells ^ np.uint64(_TEXT) if cells.dtype == np.uint64 else self._number(cells, part)
        if self.null is not None:
            bits[self.null[part]] = _NULL
        if self.odd is not None:
            low, high = np.searchsorted(self.odd[0], [part.start, part.stop])
            bits[self.odd[0][low:high] - part.start] = self.odd[1][low:high]
        self.state[part] += _mix(bits if self.seed is None else bits + self.seed)

    def _number(self, cells: Array, part: slice) -> Array:
        bits = (cells + 0.0).view(np.uint64) ^ np.uint64(_NUMBER)  # + 0.0: minus zero is zero
        if self.residual is not None:
            bits += self.residual[part].astype(np.uint64) * np.uint64(_RESIDUAL)
        bits[np.isnan(cells)] = _NULL
        return bits


def add_column(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    column: TableColumn,
    state: Array,
    threads: int | None,
    *,
    rounded: bool = False,
    known: "WideColumn | None" = None,
) -> bool:
    """Add a column of many values to every row's state.

    Args:
        connection: Connection of the open table.
        table: The evaluation set.
        column: One of its columns.
        state: State of each row, which is updated.
        threads: For NumPy; the result does not depend on it.
        rounded: Round decimals of many digits to the nearest float64, as scheme 1 did.
        known: How to read the cells, if the table is a part of another one, which decides it.

    Returns:
        Whether scheme 1 reads some of the cells as other values.
    """
    wide = known or read_wide_column(connection, table, column, rounded=rounded)
    number = wide.number
    if number is None:
        odd, listed = None, [f"md5_number_lower({wide.text})"]
    else:
        odd = None if rounded else _odd_cells(connection, table, column, number)
        big = f"isfinite({number}) AND abs({number}) > {_FLOAT_LIMIT}"
        is_big = table.exists(connection, big)
        listed = [number, _residual_sql(column, number)] if is_big else [number]
    fetched, *residual = sql.fetch_arrays(connection, listed, table.relation)
    cells, null = sql.without_mask(fetched), sql.null_mask(fetched)
    adder = _Adder(state, cells, None, _seed(column.name), next(iter(residual), None), null, odd)
    each_block(len(state), adder.wide, threads)
    return odd is not None


@dataclass(frozen=True)
class WideColumn:
    """SQL for the cells of a column of many values: as float64, or as texts if it has other values than numbers."""

    number: str | None
    text: str = ""


def read_wide_column(
    connection: duckdb.DuckDBPyConnection, table: Table, column: TableColumn, *, rounded: bool = False
) -> WideColumn:
    """Decide by all cells of a column how they are read; ``rounded`` as in scheme 1."""
    if rounded and column.is_wide:
        return WideColumn(f"{column.raw}::DOUBLE")
    if column.is_number:
        return WideColumn(column.as_float())
    if not column.is_text:
        return WideColumn(None, f"{column.ref}::VARCHAR")
    not_number, not_truth = text_conditions(column)
    if not table.exists(connection, not_number):
        return WideColumn(column.as_float())
    return WideColumn(None, column.ref if table.exists(connection, not_truth) else f"lower({column.ref})")


def text_conditions(column: TableColumn) -> tuple[str, str]:
    """SQL for cells of a column of texts that are no numbers, and for those that are no booleans.

    Texts that are all booleans are normalized.
    """
    value = column.as_float()
    outside = f"isinf({value}) OR ({value} = 0 AND regexp_matches({column.ref}, '^[^eE]*[1-9]'))"
    long = f"(length({column.ref}) > {_LONG} OR contains(lower({column.ref}), 'e'))"
    odd = f"NOT regexp_full_match({column.ref}, '{_NUMBER_RE}') OR ({long} AND ({outside}))"
    booleans = ", ".join(map(sql.quote_text, cell_values.TRUTH))
    return f"{column.ref} IS NOT NULL AND ({odd})", f"{column.ref} IS NOT NULL AND {column.ref} NOT IN ({booleans})"


def _residual_sql(column: TableColumn, number: str) -> str:
    """SQL for an integer's difference from the nearest float64, modulo 2**64; 0 for other numbers."""
    text = f"{column.ref}::VARCHAR"
    whole = column.ref if column.is_integer else f"CASE WHEN regexp_full_match({text}, '-?[0-9]+') THEN {text} END"
    residual = f"TRY_CAST({whole} AS HUGEINT) - TRY_CAST({number} AS HUGEINT)"
    return f"coalesce((({residual}) % {2**64} + {2**64}) % {2**64}, 0)::UBIGINT"


def _odd_cells(
    connection: duckdb.DuckDBPyConnection, table: Table, column: TableColumn, number: str
) -> tuple[Array, Array] | None:
    """Return the rows of numbers that neither float64 nor integers represent, and their bits."""
    ref, text = column.ref, f"{column.ref}::VARCHAR"
    if column.is_decimal:
        odd = f"TRY_CAST(({number})::VARCHAR AS {column.type}) IS DISTINCT FROM {ref} AND {ref} IS NOT NULL"
    elif column.is_text:
        many = f"length(ltrim(replace({ref}, '.', ''), '-0')) > {_FLOAT_DIGITS} OR abs({number}) >= {_FLOAT_LIMIT}"
        point = f"contains({ref}, '.') AND NOT contains(lower({ref}), 'e') AND ({many})"
        long = f"NOT contains({ref}, '.') AND length({ref}) > {_HUGEINT_DIGITS} AND NOT contains(lower({ref}), 'e')"
        odd = f"length({ref}) > {_FLOAT_DIGITS} AND ({number})::VARCHAR <> {ref} AND ({point} OR {long})"
    else:
        return None
    cells = connection.execute(sql.select([table.row_number, text], table.relation, where=odd, order_by="1")).fetchall()
    if not cells:
        return None
    bits = {cell: _cell(cell_values.parse_cell(cell)) for _, cell in cells}
    return np.array([row for row, _ in cells]), np.array([bits[cell] for _, cell in cells], np.uint64)
