"""Errors about cells: how many, in which row, under which key, with which value."""

from dataclasses import dataclass

import duckdb

from mlci.engine.tables import Column, Table
from mlci.errors import Problem


@dataclass(frozen=True)
class Place:
    """A table whose cells are checked, and the key that its rows are called by."""

    connection: duckdb.DuckDBPyConnection
    table: Table
    key: Column | None

    def problem(self, column: Column, condition: str, said: str) -> Problem:
        """Describe the rows where ``condition`` holds; ``{value}`` in ``said`` becomes the first one's cell."""
        number = self.table.row_number
        key = f"{self.key.ref}::VARCHAR" if self.key else "NULL"
        found = self.connection.execute(
            f"SELECT {number}, {column.ref}::VARCHAR, {key}, count(*) OVER () FROM {self.table.relation} "  # noqa: S608 - quoted
            f"WHERE {condition} ORDER BY 1 LIMIT 1"
        ).fetchone()
        if found is None:
            return Problem(said.format(value="?"), self.table.path)
        position, value, name, count = found
        shown, row = self.table.place(position)
        where = f"row {row}" + (f" (key {name!r})" if name is not None else "")
        more = f", and in {count - 1:,} more row(s)" if count > 1 else ""
        return Problem(f"{said.format(value=value)} in {where}{more}", shown)


def bad_score(column: Column, *, probabilities: bool) -> list[tuple[str, str]]:
    """Return pairs of (SQL condition, words) for all that a score must not be."""
    value = column.as_float()
    checks = [
        (f"{column.ref} IS NULL", f"{column.name!r} is null"),
        (f"{column.ref} IS NOT NULL AND {value} IS NULL", f"{column.name!r} is not a number: {{value!r}}"),
        (f"isnan({value})", f"{column.name!r} is NaN"),
        (f"isinf({value})", f"{column.name!r} is infinite"),
    ]
    if probabilities:
        outside = f"isfinite({value}) AND ({value} < 0 OR {value} > 1)"
        checks.append((outside, f"{column.name!r} is {{value}}, outside [0, 1], where probabilities are needed"))
    return checks
