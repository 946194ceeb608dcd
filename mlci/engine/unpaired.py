"""Why rows don't pair off: keys that are missing, repeated, or in one table only, named by a few of them."""

import duckdb

from mlci.engine import sql
from mlci.engine.keys import Keyed, comparable
from mlci.errors import InputError, Problem

_SHOWN = 3


def diagnose(
    connection: duckdb.DuckDBPyConnection, evaluation: Keyed, others: list[tuple[str, Keyed]], kind: str
) -> InputError:
    """Find out, in SQL and without haste, why rows don't pair off."""
    problems = _alone(connection, evaluation, kind)
    for _, other in others:
        problems += _alone(connection, other, kind)
    for what, other in others:
        problems += _against(connection, evaluation, other, kind, what)
    return InputError.of(problems or [Problem("keys don't pair off", evaluation.table.path)])


def _alone(connection: duckdb.DuckDBPyConnection, keyed: Keyed, kind: str) -> list[Problem]:
    """Say what is wrong with one table's keys: missing ones, repeated ones."""
    return [*_missing(connection, keyed, kind), *_repeated(connection, keyed, kind)]


def _missing(connection: duckdb.DuckDBPyConnection, keyed: Keyed, kind: str) -> list[Problem]:
    table, column, number = keyed.table, keyed.column, keyed.table.row_number
    asked, condition = [number, f"{column.ref}::VARCHAR", "count(*) OVER ()"], f"{comparable(column, kind)} IS NULL"
    found = connection.execute(
        sql.select(asked, table.relation, where=condition, order_by=number, limit=_SHOWN)
    ).fetchall()
    if not found:
        return []
    rows = ", ".join(str(table.place(row[0])[1]) for row in found)
    position, cell, count = found[0]
    what = "null" if cell is None else f"not a number ({cell!r})"
    said = f"key {column.name!r} is {what} in {count:,} row(s), first: row {rows}"
    return [Problem(said, table.place(position)[0])]


def _repeated(connection: duckdb.DuckDBPyConnection, keyed: Keyed, kind: str) -> list[Problem]:
    table, number, value = keyed.table, keyed.table.row_number, comparable(keyed.column, kind)
    query = sql.select(
        [f"{value}::VARCHAR", f"list_sort(list({number}))[:{_SHOWN}]", "count(*) OVER ()"],
        table.relation,
        where=f"{value} IS NOT NULL",
        group_by=value,
        having="count(*) > 1",
        order_by=f"min({number})",
        limit=_SHOWN,
    )
    found = connection.execute(query).fetchall()
    if not found:
        return []
    listed = "; ".join(f"{key!r} in rows {', '.join(str(table.place(at)[1]) for at in ats)}" for key, ats, _ in found)
    return [Problem(f"{found[0][2]:,} key(s) of {keyed.column.name!r} occur more than once: {listed}", table.path)]


def _against(
    connection: duckdb.DuckDBPyConnection, evaluation: Keyed, other: Keyed, kind: str, what: str
) -> list[Problem]:
    problems = []
    missing = _unmatched(connection, evaluation, other, kind)
    if missing:
        said = f"{missing[0][1]:,} row(s) of {evaluation.table.path} have no {what}; first keys: {_keys(missing)}"
        problems.append(Problem(said, other.table.path))
    extra = _unmatched(connection, other, evaluation, kind)
    if extra:
        said = f"{extra[0][1]:,} key(s) are not in {evaluation.table.path}; first: {_keys(extra)}"
        problems.append(Problem(said, other.table.path))
    return problems


def _keys(found: list[tuple[str, int]]) -> str:
    return ", ".join(repr(key) for key, _ in found)


def _unmatched(connection: duckdb.DuckDBPyConnection, left: Keyed, right: Keyed, kind: str) -> list[tuple[str, int]]:
    numbered = [f"{left.table.row_number} AS r", f"{comparable(left.column, kind)} AS k"]
    mine = sql.select(numbered, left.table.relation)
    theirs = sql.select(f"{comparable(right.column, kind)} AS k", right.table.relation)
    both = f"({mine}) AS l ANTI JOIN ({theirs}) AS r USING (k)"
    query = sql.select("k::VARCHAR, count(*) OVER ()", both, where="k IS NOT NULL", order_by="r", limit=_SHOWN)
    return connection.execute(query).fetchall()
