"""Disagreement: rows on which the decisions of two prediction files differ."""

from pathlib import Path

import duckdb

from mlci.engine import sql
from mlci.engine.interface import Source
from mlci.engine.tables.table import Table, open_table

MOST = 10
"""Number of keys that are named."""


def count_disagreements(one: Source, other: Source, key: str, threshold: float | None) -> tuple[int, tuple[str, ...]]:
    """Count rows with different decisions, and name the first of them, by key.

    Args:
        one: Predictions of the same rows.
        other: Other predictions of these rows.
        key: The key column of both.
        threshold: A score at or above it decides for the positive class; ``None`` for a regression, where every other
            score is another decision.

    Raises:
        InputError: if a table can't be read.
    """
    with sql.session() as (connection, scratch), sql.reading(one.path, other.path):
        return _count(connection, (one, other), key, threshold, scratch)


def _count(
    connection: duckdb.DuckDBPyConnection,
    sources: tuple[Source, Source],
    key: str,
    threshold: float | None,
    scratch: Path,
) -> tuple[int, tuple[str, ...]]:
    parts = []
    for name, source in zip("ab", sources, strict=True):
        table = open_table(connection, source.path, scratch)
        cells = [f"{table.column(key).ref}::VARCHAR AS k", f"{_decision_sql(table, source, threshold)} AS d"]
        parts.append(f"({sql.select(cells, table.relation)}) AS {name}")
    joined = f"{parts[0]} JOIN {parts[1]} ON a.k = b.k"
    other = "a.d IS DISTINCT FROM b.d"
    count = sql.first_row(connection, sql.select("count(*)", joined, where=other))
    named = connection.execute(sql.select("a.k", joined, where=other, order_by="a.k", limit=MOST)).fetchall()
    return int(count[0]) if count else 0, tuple(str(row[0]) for row in named)


def _decision_sql(table: Table, source: Source, threshold: float | None) -> str:
    """SQL for a row's decision."""
    if source.decision is not None:
        return f"{table.column(source.decision).ref}::VARCHAR"
    score = table.column(source.score or "")
    if threshold is None:
        return score.as_float()
    own = score.nearest(source.threshold if source.threshold is not None else threshold)
    return f"{score.as_float()} >= {sql.float_literal(own)}"
