"""Columns of the evaluation set that a search for the worst slices combines, as codes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mlci.engine import sql
from mlci.engine.encode.binder import BoundJob
from mlci.engine.encode.dictionary import code_column
from mlci.engine.join import Frame
from mlci.engine.sql import Array
from mlci.engine.tables import cell_values
from mlci.engine.tables.column_types import TableColumn

MOST_VALUES = 20
"""Most values of a column whose values are groups; a number with more is binned."""
MOST_COLUMNS = 20
_PREDICTION = "predictions of one of both models"
_QUANTILES = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class SearchColumn:
    """A column that is searched: its name, each row's code, and the codes' names."""

    name: str
    codes: Array
    groups: tuple[str, ...]


@dataclass(frozen=True)
class LeftOutColumn:
    """A column that is not searched, and the reason."""

    name: str
    reason: str

    def __str__(self) -> str:
        """Return name and reason in a line."""
        return f"{self.name}: {self.reason}"


def read_search_columns(
    bound: BoundJob, frame: Frame, asked: tuple[str, ...] | None
) -> tuple[tuple[SearchColumn, ...], tuple[LeftOutColumn, ...]]:
    """Return the columns to combine, and those that are left out.

    Key, label, predictions, clusters and weights are not searched, and not listed as left out.

    Raises:
        InputError: if the evaluation set lacks a column that is asked for.
    """
    kept: list[SearchColumn] = []
    left_out: list[LeftOutColumn] = []
    for column in _candidates(bound, asked):
        if len(kept) == MOST_COLUMNS:
            left_out.append(LeftOutColumn(column.name, f"beyond the first {MOST_COLUMNS} columns"))
            continue
        found = _read(bound, frame, column)
        if isinstance(found, SearchColumn):
            kept.append(found)
        else:
            left_out.append(found)
    return tuple(kept), tuple(left_out)


def _candidates(bound: BoundJob, asked: tuple[str, ...] | None) -> Iterator[TableColumn]:
    if asked is not None:
        yield from map(bound.table.column, asked)
        return
    beside = [model for model in bound.models if not bound.is_joined(model)]
    known = {bound.label.name, bound.job.cluster, bound.job.weight, *(bound.prediction_columns)}
    known |= {column.name for model in beside for column in model.columns}
    known |= {bound.key.name} if bound.key else set()
    sliced = {column.name for _, column in bound.bases}
    yield from (column for column in bound.table.columns if column.name in sliced or column.name not in known)


def _read(bound: BoundJob, frame: Frame, column: TableColumn) -> SearchColumn | LeftOutColumn:
    if column.is_nested:
        return LeftOutColumn(column.name, "cells of several values")
    coded = code_column(bound.connection, bound.table, column, most=MOST_VALUES)
    if not coded.whole:
        return _read_number(bound, frame, column)
    if coded.size < 2:
        return LeftOutColumn(column.name, "one value in every row")
    codes = coded.final(sql.fetch_arrays(bound.connection, [coded.expression], bound.table.relation)[0])
    if any(_same_partition(codes, model.decision) for model in frame.models if model.decision is not None):
        return LeftOutColumn(column.name, _PREDICTION)
    names = [cell_values.group_name(value) for value in coded.values] + [cell_values.NULL_GROUP] * coded.has_null
    return SearchColumn(column.name, codes.astype(np.uint8), tuple(names))


def _read_number(bound: BoundJob, frame: Frame, column: TableColumn) -> SearchColumn | LeftOutColumn:
    """Bin a number at its quintiles, which are values of rows, so that their order does not matter."""
    value = column.as_float()
    many = f"more than {MOST_VALUES} values that are not numbers"
    if not column.may_be_number or bound.table.exists(
        bound.connection, f"{column.ref} IS NOT NULL AND {value} IS NULL"
    ):
        return LeftOutColumn(column.name, many)
    fetched = sql.fetch_arrays(bound.connection, [value], bound.table.relation)[0]
    mask = sql.null_mask(fetched)
    numbers = sql.without_mask(fetched).astype(np.float64)
    missing = np.isnan(numbers) if mask is None else np.isnan(numbers) | mask
    if any(model.score is not None and np.array_equal(numbers, model.score) for model in frame.models):
        return LeftOutColumn(column.name, _PREDICTION)
    present = numbers[~missing]
    if _identifies_rows(present):
        return LeftOutColumn(column.name, "another whole number in every row")
    edges = _round_edges(np.unique(np.quantile(present, _QUANTILES, method="inverted_cdf")))
    codes = np.searchsorted(edges, numbers, side="right").astype(np.uint8)
    codes[missing] = len(edges) + 1
    return SearchColumn(column.name, codes, _bin_names(edges))


def _round_edges(edges: Array) -> Array:
    """Round edges to the fewest digits, three or more, that keep them apart."""
    for digits in range(3, 17):
        rounded = np.unique([float(f"{edge:.{digits}g}") for edge in edges.tolist()])
        if len(rounded) == len(edges):
            return rounded
    return edges


def _same_partition(codes: Array, decision: Array) -> bool:
    """Return whether a column has one value for each decision, as a copy of the decisions has."""
    size = int(decision.max(initial=0)) + 1
    seen = np.bincount(codes.astype(np.int64) * size + decision, minlength=(int(codes.max()) + 1) * size)
    table = seen.reshape(-1, size) > 0
    return bool((table.sum(axis=1) <= 1).all() and (table.sum(axis=0) <= 1).all())


def _identifies_rows(numbers: Array) -> bool:
    whole = bool((numbers == np.floor(numbers)).all())
    return whole and len(np.unique(numbers)) == len(numbers)


def _bin_names(edges: Array) -> tuple[str, ...]:
    shown = [cell_values.cell_text(cell_values.as_number(float(edge))) for edge in edges]
    between = [f"{low}–{high}" for low, high in pairwise(shown)]
    return (f"< {shown[0]}", *between, f"≥ {shown[-1]}", cell_values.NULL_GROUP)
