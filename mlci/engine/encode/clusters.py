"""Columns of clusters and weights: read, checked, and joined with the predictions and losses of each row."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mlci.engine import join_keys, sql
from mlci.engine.cell_errors import ProblemCollector, find_bad_scores
from mlci.engine.encode.binder import BoundJob
from mlci.engine.encode.grouping import Key, Partition
from mlci.engine.sql import Array
from mlci.errors import Problem
from mlci.metrics.clustered_rows import ClusteredRows, RowTable

_FEWEST = 2


@dataclass(frozen=True, eq=False)
class Clustering:
    """Cluster and weight of each row.

    Attributes:
        clusters: Number of each row's cluster, from 0 on.
        weights: Weight of each row.
        cluster, weight: Names of the columns; ``None`` without one.
    """

    clusters: Array
    weights: Array
    cluster: str | None
    weight: str | None

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the report."""
        if self.weight is None:
            return ()
        return (f"rows count by their weight `{self.weight}`; plots and counts of rows ignore weights",)


def read_clustering(bound: BoundJob) -> Clustering | None:
    """Read the columns of clusters and weights; ``None`` if the job has neither.

    Raises:
        InputError: if a cluster is missing, all rows are in one, or a weight is not a positive number; with the row.
    """
    if bound.cluster is None and bound.weight is None:
        return None
    rows, problems = bound.table.rows, ProblemCollector()
    problems.add(*_bad_clusters(bound), *_bad_weights(bound))
    problems.stop()
    clusters, weights = np.arange(rows), np.ones(rows)
    if bound.cluster is not None:
        parts = join_keys.key_parts(bound.cluster, join_keys.kind_of([bound.cluster]))
        clusters = _number(sql.fetch_arrays(bound.connection, parts, bound.table.relation))
    if bound.weight is not None:
        weights = sql.without_mask(
            sql.fetch_arrays(bound.connection, [bound.weight.as_float()], bound.table.relation)[0]
        ).astype(np.float64)
    if bound.cluster is not None and rows and int(clusters.max()) + 1 < _FEWEST:
        message = (
            f"all rows have the same {bound.cluster.name!r}, so they are one cluster, and {_FEWEST} are needed; name "
            "the column that says which rows belong together, or remove `cluster`"
        )
        problems.add(Problem(message, bound.table.path, setting=("evaluation", "cluster")))
    problems.stop()
    names = [None if column is None else column.name for column in (bound.cluster, bound.weight)]
    return Clustering(clusters, weights, names[0], names[1])


def _bad_clusters(bound: BoundJob) -> Iterator[Problem]:
    column, place = bound.cluster, bound.place()
    if column is None:
        return
    missing = f"{column.ref} IS NULL" + (f" OR {sql.is_nan(column.as_float())}" if column.is_number else "")
    if place.exists(missing):
        hint = "; give each row without one a value of its own if it belongs to no other row"
        yield place.problem(column, missing, f"cluster {column.name!r} is null", hint=hint)


def _bad_weights(bound: BoundJob) -> Iterator[Problem]:
    column, place = bound.weight, bound.place()
    if column is None:
        return
    yield from find_bad_scores(column, place, "number")
    if place.exists(too_small := f"{column.as_float()} <= 0"):
        hint = "; weights are positive: leave out the rows that must not count"
        yield place.problem(column, too_small, f"weight {column.name!r} is {{value}}", hint=hint)


def _number(parts: list[Array]) -> Array:
    """Number the distinct values of a column from 0 on."""
    codes: Array = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        inner = np.unique(sql.without_mask(part), return_inverse=True)[1].astype(np.int64)
        codes = np.unique(codes * (int(inner.max()) + 1 if len(inner) else 1) + inner, return_inverse=True)[1]
    return codes.astype(np.int64)


def clustered_scopes(table: RowTable, partition: Partition) -> Mapping[Key, ClusteredRows]:
    """Return the rows of the whole set, and of each group of each slice."""
    found: dict[Key, ClusteredRows] = {(None, 0): ClusteredRows(table, np.arange(len(table.labels)))}
    for index, names in enumerate(partition.groups):
        codes = partition.codes(index)
        order = np.argsort(codes, kind="stable")
        edges = np.searchsorted(codes[order], np.arange(len(names) + 1))
        for group in range(len(names)):
            found[index, group] = ClusteredRows(table, order[edges[group] : edges[group + 1]])
    return found
