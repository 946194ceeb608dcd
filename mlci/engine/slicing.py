"""Slice columns: the SQL that turns a cell into a small code, and the names of the codes."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise

from mlci.engine import sql, values
from mlci.engine.bind import Bound
from mlci.engine.coding import Coded, code_column
from mlci.engine.columns import Column
from mlci.engine.interface import SliceColumn
from mlci.engine.offences import Problems
from mlci.engine.sql import Array
from mlci.errors import Problem, yaml_value


@dataclass(frozen=True)
class Bins:
    """One slice column: SQL for a cell's code, the codes' names, and the dictionary of a column that is not cut."""

    expression: str
    names: tuple[str, ...]
    coded: Coded | None

    def final(self, raw: Array) -> Array:
        """Turn fetched codes into indices of ``names``."""
        return sql.plain(raw) if self.coded is None else self.coded.final(raw)


def bins_of(bound: Bound, base: SliceColumn, column: Column, problems: Problems) -> Bins:
    """Find out how a column partitions the rows; what stands against it goes to ``problems``."""
    if base.cut is not None:
        return _cut(bound, column, base.cut, problems)
    most = bound.job.max_groups
    coded = code_column(bound.connection, bound.table, column, most=most)
    if not coded.whole:
        said = f"slice column {column.name!r} has more than {most:,} groups; {_fewer(bound, column)}"
        problems.add(Problem(said, bound.table.path, remedy=("evaluation", "slices", column.name)))
    names = [values.group(value) for value in coded.values] + [values.NULL_GROUP] * coded.has_null
    return Bins(coded.expression, tuple(names), coded)


def _fewer(bound: Bound, column: Column) -> str:
    """Return the remedy for too many groups: edges at the quartiles of a number, else another limit."""
    value = column.as_float()
    asked = [f"quantile_disc({value}, [0.25, 0.5, 0.75])", f"count(*) = count({value})"]
    found = sql.first(bound.connection, sql.select(asked, bound.table.relation, where=f"{column.ref} IS NOT NULL"))
    edges = sorted(set(found[0] or ())) if found and found[1] else []
    if not edges or not all(map(math.isfinite, edges)):
        return "drop the slice, or raise `max_groups` under `evaluation`"
    listed = ", ".join(values.form(values.number(float(edge))) for edge in edges)
    return f"bin the number, such as `{{column: {yaml_value(column.name)}, cut: [{listed}]}}`, or raise `max_groups`"


def _cut(bound: Bound, column: Column, edges: tuple[float, ...], problems: Problems) -> Bins:
    """Bin a number: a bin takes its lower edge, NaN and null share a group."""
    value = column.as_float()
    if not column.is_number:
        wrong = f"{column.ref} IS NOT NULL AND {value} IS NULL"
        if sql.exists(bound.connection, bound.table.relation, wrong):
            said = f"{column.name!r} can't be cut: {{value!r}} is not a number"
            hint = f"; write `{yaml_value(column.name)}` without `cut`"
            found = bound.place().problem(column, wrong, said, hint=hint)
            problems.add(replace(found, remedy=("evaluation", "slices", column.name)))
    own = [sql.number(column.nearest(edge)) for edge in edges]
    cases = " ".join(f"WHEN {value} < {edge} THEN {code}" for code, edge in enumerate(own))
    last = len(edges)
    code = f"(CASE WHEN {value} IS NULL OR isnan({value}) THEN {last + 1} {cases} ELSE {last} END)::USMALLINT"
    shown = [values.form(values.number(float(edge))) for edge in edges]
    between = [f"{low}–{high}" for low, high in pairwise(shown)]
    return Bins(code, (f"< {shown[0]}", *between, f"≥ {shown[-1]}", values.NULL_GROUP), None)
