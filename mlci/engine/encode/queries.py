"""Queries of a ranking: which query each row belongs to, and the metrics of each query by scope."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlci.engine import sql
from mlci.engine.cell_errors import ProblemCollector
from mlci.engine.encode.binder import BoundJob
from mlci.engine.encode.dictionary import DictionaryColumn, code_column
from mlci.engine.encode.grouping import Key, Partition
from mlci.engine.sql import Array
from mlci.engine.tables import cell_values
from mlci.errors import InputError, Problem, shorten_cell
from mlci.metrics.rankings.names import RankingMetric, parse_ranking_metric
from mlci.metrics.rankings.queries import RankedDocuments
from mlci.metrics.statistics import QueryValues

MOST_QUERIES = 5_000_000
_LARGEST_EXPONENT = 500
"""Largest label of an exponential gain: sums of 2 to this power are far from the largest float64."""
_NAMED = 5
_SLICES = ("evaluation", "slices")


@dataclass(frozen=True)
class Queries:
    """Queries of an evaluation set, in their natural order.

    Attributes:
        codes: Number of each row's query, shape (rows,).
        coded: Their values.
    """

    codes: Array
    coded: DictionaryColumn

    def name(self, code: int) -> str:
        """Return a query's value as text."""
        return shorten_cell(cell_values.cell_text(self.coded.values[code]))


def read_queries(bound: BoundJob, labels: Array, partition: Partition) -> Queries | None:
    """Read each row's query, and check labels and slices; ``None`` for other tasks.

    Raises:
        InputError: if a query is missing, a label is negative, or a slice divides a query; the message has the row.
    """
    column = bound.query
    if column is None:
        return None
    problems = ProblemCollector()
    coded = code_column(bound.connection, bound.table, column, most=MOST_QUERIES)
    if not coded.whole:
        raise InputError(Problem(f"{column.name!r} has more than {MOST_QUERIES:,} queries", bound.table.path))
    if coded.has_null:
        missing = f"{column.ref} IS NULL" + (f" OR {sql.is_nan(column.as_float())}" if column.is_number else "")
        hint = "; every row needs the query that its document belongs to"
        problems.add(bound.place().problem(column, missing, f"query {column.name!r} is missing", hint=hint))
    problems.add(*_label_problems(bound, labels))
    problems.stop()
    codes = coded.final(sql.fetch_arrays(bound.connection, [coded.expression], bound.table.relation)[0])
    queries = Queries(codes.astype(np.int64), coded)
    problems.add(*_divided(bound, queries, partition))
    problems.stop()
    return queries


def _label_problems(bound: BoundJob, labels: Array) -> list[Problem]:
    value, name, found = bound.label.as_float(), bound.label.name, []
    if bool((labels < 0).any()):
        hint = "; relevance is 0 for a document that is not relevant, and larger for a more relevant one"
        found.append(bound.place().problem(bound.label, f"{value} < 0", f"label {name!r} is {{value}}", hint=hint))
    exponential = any(metric.measure == "ndcg_burges" for metric in _metrics(bound))
    if exponential and bool((labels > _LARGEST_EXPONENT).any()):
        hint = ", which is too large for an exponential gain; use `gain: linear`"
        condition = f"{value} > {_LARGEST_EXPONENT}"
        found.append(bound.place().problem(bound.label, condition, f"label {name!r} is {{value}}", hint=hint))
    return found


def _metrics(bound: BoundJob) -> list[RankingMetric]:
    return [metric for name in bound.job.rankings if (metric := parse_ranking_metric(name)) is not None]


def _divided(bound: BoundJob, queries: Queries, partition: Partition) -> list[Problem]:
    """Return a problem for each slice that divides a query, which would be ranked without some of its documents."""
    found = []
    first = _first_rows(queries.codes)
    for index, spec in enumerate(bound.job.slices):
        groups = partition.codes(index)
        other = np.flatnonzero(groups != groups[first][queries.codes])
        if len(other):
            row = int(other[0])
            start = int(first[queries.codes[row]])
            names = partition.groups[index]
            message = (
                f"slice {spec.name!r} divides query {queries.name(int(queries.codes[row]))!r}: it is "
                f"{names[int(groups[start])]!r} in {bound.table.row_name(start)} and {names[int(groups[row])]!r} in "
                f"{bound.table.row_name(row)}; a slice of a ranking has one value for all documents of a query"
            )
            found.append(Problem(message, bound.table.path, setting=(*_SLICES, spec.columns[0].column)))
    return found


def _first_rows(codes: Array) -> Array:
    """Return the first row of each query."""
    first = np.full(int(codes.max()) + 1 if len(codes) else 0, len(codes))
    np.minimum.at(first, codes, np.arange(len(codes)))
    return first


def values_by_query(
    queries: Queries, partition: Partition, labels: Array, scores: Sequence[Array], names: Sequence[str]
) -> tuple[dict[Key, Mapping[str, QueryValues]], tuple[str, ...]]:
    """Return the metrics of the queries of every scope, and a note about queries without a relevant document.

    Args:
        queries: Each row's query.
        partition: The slices.
        labels: Relevance of each row.
        scores: The candidate's scores, then the baseline's.
        names: Names of the metrics.
    """
    ranked = [RankedDocuments.of(queries.codes, labels, each) for each in scores]
    kept = ranked[0].relevant > 0
    columns = {name: [one.values(metric) for one in ranked] for name in names if (metric := parse_ranking_metric(name))}
    members = dict(_members(queries, partition))
    values: dict[Key, Mapping[str, QueryValues]] = {
        key: {name: QueryValues(*(each[chosen & kept] for each in column)) for name, column in columns.items()}
        for key, chosen in members.items()
    }
    return values, _empty_note(queries, kept)


def _members(queries: Queries, partition: Partition) -> list[tuple[Key, Array]]:
    """Return which queries are in each scope."""
    first = _first_rows(queries.codes)
    found: list[tuple[Key, Array]] = [((None, 0), np.ones(len(first), bool))]
    for index, groups in enumerate(partition.groups):
        codes = partition.codes(index)[first]
        found += [((index, group), codes == group) for group in range(len(groups))]
    return found


def _empty_note(queries: Queries, kept: Array) -> tuple[str, ...]:
    empty = np.flatnonzero(~kept)
    if not len(empty):
        return ()
    named = ", ".join(queries.name(int(code)) for code in empty[:_NAMED])
    more = f" and {len(empty) - _NAMED:,} more" if len(empty) > _NAMED else ""
    one = len(empty) == 1
    counted = (
        "1 query has no relevant document and is"
        if one
        else f"{len(empty):,} queries have no relevant document and are"
    )
    why = "left out of every metric, as with empty_target_action='skip' of torchmetrics"
    return (f"{counted} {why}: {named}{more}",)
