"""A hash of what an evaluation set says, not of how its files say it.

It does not change with the order of rows or columns, the file format, compression, sharding, or DuckDB's version, and
it covers every cell: 1, 1.0 and a CSV's ``1`` are one value, null and NaN are one value.

Each cell becomes 64 bits (the bits of the float64, or half the MD5 of a text), cells are mixed with their column's
name by SplitMix64 (Steele, Lea & Flood 2014, OOPSLA) and added up over the row; mixed again with two seeds, rows are
added up modulo 2**64, so that repeated rows count. SHA-256 closes over both sums, the number of rows and the columns'
names. Two different tables agree by accident with a chance of about 2**-64 for each pair of differing rows; this is a
name for content, not a defence against somebody who searches for collisions.
"""

import hashlib
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from mlci.engine import sql, values
from mlci.engine.blocks import each_block
from mlci.engine.coding import Coded, Known, code_column
from mlci.engine.columns import Column
from mlci.engine.sql import Array
from mlci.engine.tables import Table, open_table
from mlci.engine.tally import count
from mlci.errors import InputError, Problem

_CODED = 1000
_PACKED = 1 << 20
_NULL = 0x6E756C6C00000000
_TEXT = 0x7465787400000000
_NUMBER = 0x6E756D0000000000
_RESIDUAL = 0x9E3779B97F4A7C15  # odd: what an integer has beyond its nearest float64 must not look like the next one
_SEEDS = (0x243F6A8885A308D3, 0x13198A2E03707344)  # digits of pi
_NUMBER_RE = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"


def fingerprint(path: str, exclude: Collection[str] = ()) -> str:
    """Return ``sha256:…`` of a table's content, leaving out the columns named in ``exclude``.

    Raises:
        InputError: The table can't be read, or has no other columns.
    """
    with tempfile.TemporaryDirectory(prefix="mlci-", ignore_cleanup_errors=True) as scratch:
        connection = sql.connect(scratch=scratch)
        try:
            with sql.reading(path):
                return of_table(connection, open_table(connection, path, Path(scratch)), exclude)
        finally:
            connection.close()


def of_table(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    exclude: Collection[str] = (),
    *,
    known: Mapping[str, Known] | None = None,
    weights: Array | None = None,
    threads: int | None = None,
) -> str:
    """Return the fingerprint of an open table.

    Args:
        connection: Where the table is open.
        table: The evaluation set.
        exclude: Names of columns to leave out.
        known: By name, columns fetched already, in the table's order or as cells with ``weights``.
        weights: Rows that each element of ``known`` stands for; they must then cover all columns.
        threads: For NumPy; the result does not depend on it.
    """
    columns = [column for column in table.columns if column.name not in exclude]
    if not columns:
        raise InputError(Problem("has no columns besides predictions to take a fingerprint of", table.path))
    found = dict(known or {})
    rest = [column for column in columns if column.name not in found]
    if weights is not None and rest:
        found, weights, rest = {}, None, columns
    kept = {column.name: found[column.name] for column in columns if column.name in found}
    codings = {column.name: code_column(connection, table, column, most=_CODED) for column in rest}
    fetched = [column for column in rest if codings[column.name].whole]
    if fetched:
        listed = [f"{codings[column.name].expression} AS {column.ref}" for column in fetched]
        arrays = sql.fetch(connection, sql.select(listed, table.relation))
        for column in fetched:
            coded = codings[column.name]
            kept[column.name] = Known(coded, coded.final(arrays.pop(column.ref)))
    wide = [column for column in rest if not codings[column.name].whole]
    sums = _sums(connection, table, kept, wide, weights, threads)
    return _close([column.name for column in columns], table.rows, sums)


def _close(names: list[str], rows: int, sums: tuple[int, int]) -> str:
    listed = "".join(f"{len(name)}:{name}," for name in sorted(names))
    content = f"mlci/fingerprint/1 {rows} {sums[0]:016x} {sums[1]:016x} {listed}"
    return "sha256:" + hashlib.sha256(content.encode()).hexdigest()


def _sums(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    kept: dict[str, Known],
    wide: list[Column],
    weights: Array | None,
    threads: int | None,
) -> tuple[int, int]:
    packs = list(_pack(kept))
    if not wide and len(packs) == 1:
        codes, states = packs[0]
        return _total(states, count(codes, len(states), weights, threads))
    rows = table.rows if weights is None else len(weights)
    state = np.zeros(rows, np.uint64)
    for codes, states in packs:
        each_block(rows, _Adder(state, codes, states).coded, threads)
    for column in wide:
        add_column(connection, table, column, state, threads)
    totals = each_block(rows, lambda part: _total(state[part], None if weights is None else weights[part]), threads)
    return sum(low for low, _ in totals) % 2**64, sum(high for _, high in totals) % 2**64


def _pack(kept: dict[str, Known]) -> Iterator[tuple[Array, Array]]:
    """Combine coded columns: codes of their combinations, and the state of each combination."""
    codes: Array | None = None
    states = np.zeros(1, np.uint64)
    for name in sorted(kept):
        known = kept[name]
        cells = _mix(_coded_cells(known.coded) + _seed(name))
        if codes is not None and len(states) * len(cells) > _PACKED:
            yield codes, states
            codes, states = None, np.zeros(1, np.uint64)
        mine = known.codes
        codes = mine if codes is None else codes.astype(np.int32, copy=False) * np.int32(len(cells)) + mine
        states = (states[:, None] + cells[None, :]).ravel()
    if codes is not None:
        yield codes, states


def _coded_cells(coded: Coded) -> Array:
    """Return the 64 bits of each value, null's last."""
    return np.array([_cell(value) for value in (*coded.values, None)], np.uint64)


def _cell(value: values.Value) -> int:
    if value is None:
        return _NULL
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number_cell(value)
    digest = hashlib.md5(values.form(value).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") ^ _TEXT


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


def _total(states: Array, counts: Array | None) -> tuple[int, int]:
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
    """Adds one column, or one pack of columns, to the state of a block of rows."""

    state: Array
    cells: Array
    lut: Array | None = None
    seed: np.uint64 | None = None
    residual: Array | None = None
    null: Array | None = None

    def coded(self, part: slice) -> None:
        if self.lut is not None:
            self.state[part] += self.lut.take(self.cells[part])

    def wide(self, part: slice) -> None:
        cells = self.cells[part]
        bits = cells ^ np.uint64(_TEXT) if cells.dtype == np.uint64 else self._number(cells, part)
        if self.null is not None:
            bits[self.null[part]] = _NULL
        self.state[part] += _mix(bits if self.seed is None else bits + self.seed)

    def _number(self, cells: Array, part: slice) -> Array:
        bits = (cells + 0.0).view(np.uint64) ^ np.uint64(_NUMBER)  # + 0.0: minus zero is zero
        if self.residual is not None:
            bits += self.residual[part].astype(np.int64).view(np.uint64) * np.uint64(_RESIDUAL)
        bits[np.isnan(cells)] = _NULL
        return bits


def add_column(
    connection: duckdb.DuckDBPyConnection, table: Table, column: Column, state: Array, threads: int | None
) -> None:
    """Add a column of many values to every row's state."""
    number = _number_sql(connection, table, column)
    listed = [f"md5_number_lower({column.ref}::VARCHAR) AS v"] if number is None else [f"{number} AS v"]
    if number is not None and _is_big(connection, table, number):
        integer = f"TRY_CAST({column.ref} AS HUGEINT)"
        listed.append(f"coalesce(TRY_CAST({integer} - TRY_CAST({number} AS HUGEINT) AS BIGINT), 0) AS r")
    fetched = sql.fetch(connection, sql.select(listed, table.relation))
    cells, null = sql.plain(fetched["v"]), sql.nulls(fetched["v"])
    adder = _Adder(state, cells, None, _seed(column.name), fetched.get("r"), null)
    each_block(len(state), adder.wide, threads)


def _number_sql(connection: duckdb.DuckDBPyConnection, table: Table, column: Column) -> str | None:
    """SQL for the column's numbers as float64; ``None`` for a column of texts."""
    if column.is_number:
        return column.as_float()
    if not column.is_text:
        return None
    odd = f"{column.ref} IS NOT NULL AND NOT regexp_full_match({column.ref}, '{_NUMBER_RE}')"
    return None if sql.exists(connection, table.relation, odd) else f"{column.ref}::DOUBLE"


def _is_big(connection: duckdb.DuckDBPyConnection, table: Table, number: str) -> bool:
    return sql.exists(connection, table.relation, f"isfinite({number}) AND abs({number}) > 9007199254740992")
