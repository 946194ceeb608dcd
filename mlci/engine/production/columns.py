"""Distributions of one column: by window in the log, and in the evaluation set, on all rows and by group of a slice.

Numbers are counted by value. A column with more than :data:`MOST_VALUES` distinct numbers is counted in bins between
quantiles of the evaluation set, so that memory is bounded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.interface import SliceSpec
from mlci.engine.production.tables import NamedRelation
from mlci.engine.sql import Array
from mlci.engine.tables import cell_values
from mlci.engine.tables.column_types import TableColumn

MOST_VALUES = 200_000
"""Distinct numbers of the evaluation set up to which they are counted exactly."""
EDGES = 2_000
MOST_CATEGORIES = 100
"""Distinct values up to which a column of texts has categories; beyond, it identifies rows."""
FEW_NUMBERS = 12
"""Distinct numbers up to which they are categories, such as months or flags."""
GROUP_BINS = 20
Kind = Literal["number", "category"]
Numbers = tuple[Array, Array]
Counts = Numbers | Mapping[str, int]


@dataclass(frozen=True)
class Watched:
    """A column that is watched.

    Attributes:
        name: Its name in the log.
        kind: Whether it has numbers or categories.
        edges: Upper edges of bins; ``None`` counts values.
        group_edges: Upper edges of the bins in which groups are counted.
    """

    name: str
    kind: Kind
    edges: Array | None = None
    group_edges: tuple[float, ...] = ()


@dataclass(frozen=True)
class CountedCells:
    """Counts of one column's cells: by value, and those without one."""

    counts: Counts
    rows: int
    nulls: int
    invalid: int


def watch_column(connection: duckdb.DuckDBPyConnection, table: NamedRelation, name: str) -> Watched | str:
    """Return how a column is counted, or why it is not watched."""
    column = table.columns[name]
    if column.is_nested or column.logical is not None:
        return "not numbers, texts or flags"
    present, number = f"count({column.ref})", _number(column)
    asked = [present, f"approx_count_distinct({column.ref})"]
    asked += [f"count({number})", f"approx_count_distinct({number})"] if column.may_be_number else ["0", "0"]
    row = sql.first_row(connection, sql.select(asked, table.relation))
    cells, distinct, numbers, values = row or (0, 0, 0, 0)
    if not cells:
        return "empty in the evaluation set"
    numeric = column.type != "BOOLEAN" and numbers == cells and values > FEW_NUMBERS
    if not numeric:
        return Watched(name, "category") if distinct <= MOST_CATEGORIES else "a value of its own in most rows"
    return Watched(
        name,
        "number",
        _quantiles(connection, table, number, EDGES) if values > MOST_VALUES else None,
        tuple(_quantiles(connection, table, number, GROUP_BINS)[:-1]),
    )


def _quantiles(connection: duckdb.DuckDBPyConnection, table: NamedRelation, number: str, parts: int) -> Array:
    shares = ", ".join(repr(part / parts) for part in range(1, parts + 1))
    row = sql.first_row(connection, sql.select(f"quantile_disc({number}, [{shares}])", table.relation))
    return np.unique(np.array(row[0] if row else [], dtype=np.float64))


def _number(column: TableColumn) -> str:
    """SQL for a cell as a finite number; null for any other."""
    value = column.as_float()
    return f"CASE WHEN isfinite({value}) THEN {value} END"


def count_by_window(
    connection: duckdb.DuckDBPyConnection, table: NamedRelation, watched: Watched
) -> dict[str, CountedCells]:
    """Return the cells of a column of the log, by window."""
    return dict(_count(connection, table, watched, by="w"))


def count_all(connection: duckdb.DuckDBPyConnection, table: NamedRelation, watched: Watched) -> CountedCells:
    """Return the cells of a column of the evaluation set."""
    found = dict(_count(connection, table, watched, by="'all'"))
    return found["all"]


def _count(
    connection: duckdb.DuckDBPyConnection, table: NamedRelation, watched: Watched, *, by: str
) -> Iterator[tuple[str, CountedCells]]:
    column = table.columns[watched.name]
    value = _number(column) if watched.kind == "number" else f"{column.ref}::VARCHAR"
    present = f"({column.ref} IS NOT NULL" + (f" AND NOT {sql.is_nan(column.ref)})" if column.type == "DOUBLE" else ")")
    inner = [f"{by} AS w", f"{value} AS v", f"{present} AS present"]
    relation = f"({sql.select(inner, table.relation)})"
    if watched.edges is not None:
        relation = _in_bins(connection, relation, watched)
    listed = ["w", "v", "count(*) FILTER (present)", "count(*) FILTER (NOT present)"]
    rows = connection.execute(sql.select(listed, relation, group_by="w, v")).fetchall()
    by_window: dict[str, list[tuple[object, int, int]]] = {}
    for window, found, filled, empty in rows:
        by_window.setdefault(window, []).append((found, filled, empty))
    return ((window, _cells(counted, watched.kind)) for window, counted in by_window.items())


def _in_bins(connection: duckdb.DuckDBPyConnection, relation: str, watched: Watched) -> str:
    """Replace each number by the edge at or above it; beyond the last edge, by the next float."""
    edges = np.append(watched.edges, np.inf) if watched.edges is not None else np.array([np.inf])
    name = sql.quote_name(f"edges of {watched.name}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT unnest(?::DOUBLE[]) AS e", [edges.tolist()])
    top = sql.float_literal(float(np.nextafter(edges[-2], np.inf)))
    matched = f"{relation} AS d ASOF LEFT JOIN {name} AS b ON d.v <= b.e"
    cell = f"CASE WHEN d.v IS NULL THEN NULL WHEN isinf(b.e) THEN {top} ELSE b.e END AS v"
    return f"({sql.select(['d.w AS w', cell, 'd.present AS present'], matched)})"


def _cells(counted: list[tuple[object, int, int]], kind: Kind) -> CountedCells:
    filled = sum(row[1] for row in counted)
    nulls = sum(row[2] for row in counted)
    if kind == "category":
        names: dict[str, int] = {}
        for value, rows, _ in counted:
            if rows:
                name = cell_values.cell_text(cell_values.parse_cell(value))
                names[name] = names.get(name, 0) + rows
        return CountedCells(names, filled + nulls, nulls, 0)
    numbers = sorted((float(str(value)), rows) for value, rows, _ in counted if value is not None and rows)
    values, counts = (np.array([item[part] for item in numbers], dtype=np.float64) for part in (0, 1))
    return CountedCells((values, counts), filled + nulls, nulls, filled - int(counts.sum()))


def count_groups(
    connection: duckdb.DuckDBPyConnection, table: NamedRelation, watched: Watched, spec: SliceSpec, *, by: str = "w"
) -> dict[tuple[str, str], Counts]:
    """Return the counts of a column by window and group of a slice; of numbers in few bins, named by their number."""
    column = table.columns[watched.name]
    value = f"{column.ref}::VARCHAR" if watched.kind == "category" else _bin_code(_number(column), watched.group_edges)
    groups = [_group_sql(table, part.column, part.cut) for part in spec.columns]
    parts = len(groups)
    listed = [f"{by} AS w", *(f"{group} AS g{index}" for index, group in enumerate(groups)), f"{value} AS v"]
    names = ", ".join(["w", *(f"g{index}" for index in range(parts)), "v"])
    query = sql.select(
        f"{names}, count(*)", f"({sql.select(listed, table.relation)})", where="v IS NOT NULL", group_by=names
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for window, *cells, rows in connection.execute(query).fetchall():
        group = cell_values.SEPARATOR.join(
            str(cell) if part.cut else cell_values.group_name(cell_values.parse_cell(cell))
            for cell, part in zip(cells[:parts], spec.columns, strict=True)
        )
        name = str(cells[-1]) if watched.kind == "number" else cell_values.cell_text(cell_values.parse_cell(cells[-1]))
        counts = found.setdefault((window, group), {})
        counts[name] = counts.get(name, 0) + rows
    if watched.kind == "category":
        return dict(found)
    return {key: _codes(counts) for key, counts in found.items()}


def _codes(counts: Mapping[str, int]) -> Numbers:
    items = sorted((int(code), rows) for code, rows in counts.items())
    return (
        np.array([item[0] for item in items], dtype=np.float64),
        np.array([item[1] for item in items], dtype=np.float64),
    )


def _bin_code(number: str, edges: tuple[float, ...]) -> str:
    cases = " ".join(f"WHEN {number} <= {sql.float_literal(edge)} THEN {code}" for code, edge in enumerate(edges))
    return f"CASE WHEN {number} IS NULL THEN NULL {cases} ELSE {len(edges)} END"


def _group_sql(table: NamedRelation, name: str, cut: tuple[float, ...] | None) -> str:
    """SQL for a row's group in one column: the cell's text, or the name of its bin."""
    column = table.columns[name]
    if cut is None:
        return f"{column.ref}::VARCHAR"
    value = column.as_float()
    shown = [cell_values.cell_text(cell_values.as_number(float(edge))) for edge in cut]
    names = (f"< {shown[0]}", *(f"{low}–{high}" for low, high in pairwise(shown)))
    cases = " ".join(
        f"WHEN {value} < {sql.float_literal(column.nearest(edge))} THEN {sql.quote_text(bin_name)}"
        for edge, bin_name in zip(cut, names, strict=True)
    )
    null = sql.quote_text(cell_values.NULL_GROUP)
    return (
        f"CASE WHEN {value} IS NULL OR isnan({value}) THEN {null} {cases} ELSE {sql.quote_text(f'≥ {shown[-1]}')} END"
    )
