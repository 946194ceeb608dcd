"""Join keys: exactly one prediction for each row of the evaluation set, or an error that names keys.

Matching runs on 64-bit integers in NumPy: with a table of slots if integer keys are dense, or by sorting both
sides. It works by blocks of rows, because the first access to memory costs more than the computation. Texts, and
numbers that no machine type represents exactly, are matched by the two halves of their MD5, which are equal only for
equal texts.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.chunks import each_block
from mlci.engine.sql import Array
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.logical_types import canonical_sql
from mlci.engine.tables.table import Table
from mlci.errors import InputError, Problem, count_noun, name_first, shorten_cell

Kind = Literal["text", "integer", "exact", "float", "double"]
"""Comparison of keys: as texts, 64-bit integers, decimals of any length, float64 beside texts, or float64 alone."""

_INTEGER_TEXT = r"[+-]?[0-9]{1,19}(\.0*)?"
_DECIMAL_TEXT = r"[+-]?[0-9]+(\.[0-9]*)?"


@dataclass(frozen=True)
class Keyed:
    """One table with its key column."""

    table: Table
    column: TableColumn


def kind_of(columns: list[TableColumn]) -> Kind:
    """Return a comparison of keys under which different keys stay different."""
    numbers = [column for column in columns if column.is_number]
    if not numbers:
        return "text"
    if any(column.is_wide or column.is_decimal for column in numbers):
        return "exact"
    if any(column.is_integer for column in numbers):
        return "integer"
    return "float" if len(numbers) < len(columns) else "double"


def comparable(column: TableColumn, kind: Kind) -> str:
    """SQL for a key in the common form of both tables; null if it has none."""
    if kind == "text":
        return f"{column.ref}::VARCHAR"
    if kind == "integer":
        return _integer_sql(column)
    if kind == "exact":
        return _exact_sql(column)
    value = f"TRY_CAST({column.ref} AS DOUBLE)"
    limit = f" AND abs({value}) <= {column.float_limit}" if kind == "float" else ""
    return f"CASE WHEN isfinite({value}){limit} THEN {value} + 0.0 END"


def _integer_sql(column: TableColumn) -> str:
    if column.is_integer:
        return f"{column.ref}::BIGINT"
    if column.type == "DOUBLE":
        whole = f"abs({column.ref}) <= {column.float_limit} AND {column.ref} = trunc({column.ref})"
        return f"CASE WHEN {whole} THEN {column.ref}::BIGINT END"
    spelled = f"regexp_full_match({column.ref}::VARCHAR, '{_INTEGER_TEXT}')"
    return f"TRY_CAST(CASE WHEN {spelled} THEN split_part({column.ref}::VARCHAR, '.', 1) END AS BIGINT)"


def _exact_sql(column: TableColumn) -> str:
    """SQL for a number as the shortest text of its decimal, for numbers that no machine type represents."""
    value = column.ref
    if column.is_integer:
        return f"{value}::VARCHAR"
    if column.type == "DOUBLE":
        whole = f"CASE WHEN {value} = trunc({value}) THEN ({value}::BIGINT)::VARCHAR ELSE {value}::VARCHAR END"
        return f"CASE WHEN abs({value}) <= {column.float_limit} THEN {whole} END"
    text = f"{value}::VARCHAR"
    short = f"CASE WHEN contains({text}, '.') THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
    short = f"regexp_replace(ltrim({short}, '+'), '^(-?)0+([0-9])', '\\1\\2')"
    spelled = f"regexp_full_match({text}, '{_DECIMAL_TEXT}')"
    return f"CASE WHEN {spelled} THEN CASE {short} WHEN '-0' THEN '0' ELSE {short} END END"


def key_parts(column: TableColumn, kind: Kind) -> tuple[str, ...]:
    """SQL for one or two numbers by which keys are matched."""
    value = comparable(column, kind)
    if kind in {"text", "exact"}:
        return f"md5_number_lower({value})", f"md5_number_upper({value})"
    return (value,)


class KeyIndex:
    """Index of the evaluation set's keys, for look-ups from other tables."""

    def __init__(self, parts: Sequence[Array], *, threads: int | None = 1) -> None:
        """Build the index of fetched :func:`key_parts`; ``unique`` is whether all keys are present and unique."""
        self._key, *self._checks = parts
        self._threads = threads
        self._order: Array | None = None
        self.unique = sql.null_mask(self._key) is None and self._build()

    def _build(self) -> bool:
        key = self._key = sql.without_mask(self._key)
        self._low, self._span = int(key.min()), int(key.max()) - int(key.min()) + 1
        if key.dtype == np.int64 and self._span < 4 * len(key) + 1024:
            seen = np.zeros(self._span, bool)

            def mark(part: slice) -> None:
                seen[key[part] - self._low] = True

            each_block(len(key), mark, threads=1)
            return int(np.count_nonzero(seen)) == len(key)
        self._order = np.argsort(key)
        self._sorted = key[self._order]
        return bool((self._sorted[1:] > self._sorted[:-1]).all())

    def rows(self, parts: Sequence[Array]) -> Array | None:
        """Return another table's row for each row of the evaluation set, or ``None`` if they do not match.

        The evaluation set's keys are unique; if each is found in a table with the same number of rows, every row
        matches.
        """
        key, *checks = parts
        if len(key) != len(self._key) or sql.null_mask(key) is not None:
            return None
        key = sql.without_mask(key)
        rows = self._by_slot(key) if self._order is None else self._by_order(key)
        if rows is None:
            return None
        alike = (np.array_equal(mine, theirs[rows]) for mine, theirs in zip(self._checks, checks, strict=True))
        return rows if all(alike) else None

    def _by_slot(self, key: Array) -> Array | None:
        if key.dtype != np.int64 or int(key.min()) != self._low or int(key.max()) - self._low >= self._span:
            return None
        small = np.int32 if len(key) < 1 << 31 else np.int64
        slots = np.full(self._span, -1, small)
        rows = np.empty(len(key), small)

        def place(part: slice) -> None:
            slots[key[part] - self._low] = np.arange(part.start, part.stop, dtype=small)

        def find(part: slice) -> int:
            slots.take(self._key[part] - self._low, out=rows[part], mode="clip")
            return int(rows[part].min())

        each_block(len(key), place, threads=1)
        return rows if min(each_block(len(key), find, self._threads)) >= 0 else None

    def _by_order(self, key: Array) -> Array | None:
        order = np.argsort(key)
        if self._order is None or not np.array_equal(key[order], self._sorted):
            return None
        rows = np.empty(len(key), np.int64)
        rows[self._order] = order
        return rows


_SHOWN = 3
_NUMERIC, _BLANKS, _CASE = "as numbers", "but for blanks around them", "but for upper and lower case"
_FORM = "but for their Unicode normal form (NFC, NFD)"
_TIME, _INSTANT = "as timestamps", "as instants"
_LINES = {
    _NUMERIC: '{cell}.astype("Int64")',
    _BLANKS: "{cell}.str.strip()",
    _CASE: "{cell}.str.lower()",
    _FORM: '{cell}.str.normalize("NFC")',
    _TIME: "pd.to_datetime({cell}).astype(str)",
    _INSTANT: "pd.to_datetime({cell}, utc=True).astype(str)",
}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = r"[+-]?[0-9]+(\.[0-9]*)?"
_EXACT = 2**53
"""Limit beyond which neighbouring integers are one float64, so that a match is not meaningful."""


def diagnose_unpaired(
    connection: duckdb.DuckDBPyConnection, evaluation: Keyed, others: list[tuple[str, Keyed]], kind: Kind
) -> InputError:
    """Return why rows do not match, by SQL queries that run only for this error."""
    rounded = [_rounded_keys(connection, one, kind) for one in (evaluation, *(other for _, other in others))]
    if any(rounded):
        return InputError.of(problem for problem in rounded if problem)
    kind = "exact" if kind == "integer" else kind  # compares all numbers, including those that are not integers
    problems = _check_alone(connection, evaluation, kind)
    for _, other in others:
        problems += _check_alone(connection, other, kind)
    for what, other in others:
        problems += _compare_keys(connection, evaluation, other, kind, what)
    return InputError.of(problems or [Problem("keys do not match", evaluation.table.path)])


def _rounded_keys(connection: duckdb.DuckDBPyConnection, keyed: Keyed, kind: Kind) -> Problem | None:
    """Return the problem of floating-point keys so large that different integers are one value."""
    column, table = keyed.column, keyed.table
    if column.type != "DOUBLE":
        return None
    beyond = f"isfinite({column.ref}) AND abs({column.ref}) > {column.float_limit}"
    query = sql.select(table.row_number, table.relation, where=beyond, order_by="1", limit=1)
    first = sql.first_row(connection, query)
    if first is None or (kind == "double" and not _repeated_keys(connection, keyed, kind)):
        return None
    shown, row = table.place(first[0])
    limit = f"{column.float_name} beyond 2^{column.float_limit.bit_length() - 1}"
    message = f"key is {limit}, so neighbouring keys are one number; write it as an integer"
    return Problem(f"{column.name!r} in row {row}: {message}", shown)


def _check_alone(connection: duckdb.DuckDBPyConnection, keyed: Keyed, kind: Kind) -> list[Problem]:
    """Return the problems of one table's keys: missing and repeated ones."""
    return [*_missing_keys(connection, keyed, kind), *_repeated_keys(connection, keyed, kind)]


def _missing_keys(connection: duckdb.DuckDBPyConnection, keyed: Keyed, kind: Kind) -> list[Problem]:
    table, column, number = keyed.table, keyed.column, keyed.table.row_number
    expressions = [number, f"{column.ref}::VARCHAR", "count(*) OVER ()"]
    condition = f"{comparable(column, kind)} IS NULL"
    missing = connection.execute(
        sql.select(expressions, table.relation, where=condition, order_by=number, limit=_SHOWN)
    ).fetchall()
    if not missing:
        return []
    rows = [str(table.place(row[0])[1]) for row in missing]
    position, cell, count = missing[0]
    what = "null" if cell is None else f"not a number ({shorten_cell(cell)!r})"
    many = "" if count == 1 else f"{count:,} rows, "
    where = f"{many}{name_first(count, 'row', rows)}" if table.has_order else count_noun(count, "row")
    message = f"key {column.name!r} is {what} in {where}"
    return [Problem(message, table.place(position)[0])]


def _repeated_keys(connection: duckdb.DuckDBPyConnection, keyed: Keyed, kind: Kind) -> list[Problem]:
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
    repeated = connection.execute(query).fetchall()
    if not repeated:
        return []
    listed = "; ".join(f"{shorten_cell(key)!r} in {_rows(table, ats)}" for key, ats, _ in repeated)
    count = repeated[0][2]
    message = (
        f"{count_noun(count, 'key')} of {keyed.column.name!r} occur{'s' if count == 1 else ''} more than once: {listed}"
    )
    return [Problem(message, table.path)]


def _rows(table: Table, positions: list[int]) -> str:
    """Return the names of rows, with their files if the table has several."""
    if not table.has_order:
        return "several rows"
    places = [table.place(position) for position in positions]
    if len(table.shards) > 1:
        return ", ".join(f"row {row} of {shown}" for shown, row in places)
    return f"rows {', '.join(str(row) for _, row in places)}"


def _compare_keys(
    connection: duckdb.DuckDBPyConnection, evaluation: Keyed, other: Keyed, kind: Kind, what: str
) -> list[Problem]:
    problems = []
    missing = _find_unmatched(connection, evaluation, other, kind)
    if missing:
        count = missing[0][1]
        rows = f"{count_noun(count, 'row')} of {evaluation.table.path} {'has' if count == 1 else 'have'} no {what}"
        message = f"{rows}: {name_first(count, 'key', _keys(missing))}"
        problems.append(Problem(message, other.table.path))
    extra = _find_unmatched(connection, other, evaluation, kind)
    if extra:
        count = extra[0][1]
        keys = f"{count_noun(count, 'key')} {'is' if count == 1 else 'are'} not in {evaluation.table.path}"
        message = f"{keys}: {name_first(count, 'key', _keys(extra))}"
        problems.append(Problem(message, other.table.path))
    if missing and extra and kind == "text":
        problems += _differing_spellings(connection, evaluation, other)
    return problems


def _differing_spellings(connection: duckdb.DuckDBPyConnection, evaluation: Keyed, other: Keyed) -> list[Problem]:
    """Describe keys that only match as numbers or timestamps, without blanks, in one case or one Unicode form.

    As numbers match ``0`` and ``000``, or ``0.0`` of a column with nulls.
    """
    for how, reading in (
        (_NUMERIC, _numbers_sql),
        (_BLANKS, lambda keyed: _read_sql(keyed, "trim({}, ' \t\u00a0')")),
        (_CASE, lambda keyed: _read_sql(keyed, "lower({})")),
        (_FORM, lambda keyed: _read_sql(keyed, "nfc_normalize({})")),
        (_TIME, lambda keyed: _read_sql(keyed, canonical_sql("{}", "timestamp"))),
        (_INSTANT, lambda keyed: _read_sql(keyed, canonical_sql("{}", "timestamptz"))),
    ):
        first_rows = [reading(keyed) for keyed in (other, evaluation)]
        both = f"({first_rows[0]}) AS here JOIN ({first_rows[1]}) AS there USING (n)"
        query = sql.select(
            "here.k, there.k, here.r, there.r", both, where="here.k <> there.k", order_by="there.r, here.r", limit=1
        )
        spellings = sql.first_row(connection, query)
        if spellings is not None:
            shown = [ascii(shorten_cell(key))[1:-1] if how == _FORM else shorten_cell(key) for key in spellings[:2]]
            here = f"`{shown[0]}` in {other.table.row_name(spellings[2])} here"
            shard, row = evaluation.table.place(spellings[3])[0], evaluation.table.row_name(spellings[3])
            remedy = _alike_remedy(spellings[0], spellings[1], how, other, evaluation)
            message = f"keys match {how}: written as {here} and `{shown[1]}` in {row} of {shard}; {remedy}"
            return [Problem(message, other.table.path)]
    return []


def _alike_remedy(here: str, there: str, how: str, other: Keyed, evaluation: Keyed) -> str:
    """Return the line of Python that writes keys alike, and its file, from a key of each file."""
    if how != _NUMERIC:
        return f"write them alike: `{_line(other, how)}` before each file is written"
    whole_here, whole_there = (_WHOLE.fullmatch(key) is not None for key in (here, there))
    files = ((whole_here, there, other, "this file"), (whole_there, here, evaluation, evaluation.table.path))
    for whole, spelled, keyed, file in files:
        if whole and spelled.isdigit():  # 7 for 007
            line = f"pd.read_csv(…, dtype={{{json.dumps(keyed.column.name)}: str}})"
            return f"zeros are lost if keys are read as numbers; read texts before {file} is written: `{line}`"
    if whole_here or whole_there:
        changed, file = (other, "this file") if whole_there else (evaluation, evaluation.table.path)
        return f"write whole numbers: `{_line(changed, how)}` before {file} is written"
    return f"write whole numbers: `{_line(other, how)}` before each file is written"


def _line(keyed: Keyed, how: str) -> str:
    cell = f"df[{json.dumps(keyed.column.name)}]"
    return f"{cell} = {_LINES[how].format(cell=cell)}"


def _read_sql(keyed: Keyed, form: str) -> str:
    """SQL for texts converted to a form ``n``, with one text ``k`` of each and its first row ``r``."""
    key = comparable(keyed.column, "text")
    columns = [f"{form.replace('{}', key)} AS n", f"min({keyed.table.row_number}) AS r", f"min({key}) AS k"]
    return sql.select(columns, keyed.table.relation, group_by="n", having=f"min({key}) = max({key})")


def _numbers_sql(keyed: Keyed) -> str:
    """SQL for the numbers ``n`` with a single spelling in a table's keys, the text ``k`` and its row ``r``."""
    number, key = keyed.table.row_number, comparable(keyed.column, "text")
    spelled = f"CASE WHEN regexp_full_match({key}, '{_NUMBER}') THEN TRY_CAST({key} AS DOUBLE) END"
    columns = [f"{spelled} AS n", f"min({number}) AS r", f"min({key}) AS k"]
    plain = f"abs(n) <= {_EXACT} AND min({key}) = max({key})"
    return sql.select(columns, keyed.table.relation, group_by="n", having=plain)


def _keys(unmatched: list[tuple[str, int]]) -> list[str]:
    return [repr(shorten_cell(key)) for key, _ in unmatched]


def _find_unmatched(
    connection: duckdb.DuckDBPyConnection, left: Keyed, right: Keyed, kind: Kind
) -> list[tuple[str, int]]:
    numbered = [f"{left.table.row_number} AS r", f"{comparable(left.column, kind)} AS k"]
    mine = sql.select(numbered, left.table.relation)
    theirs = sql.select(f"{comparable(right.column, kind)} AS k", right.table.relation)
    both = f"({mine}) AS l ANTI JOIN ({theirs}) AS r USING (k)"
    query = sql.select("k::VARCHAR, count(*) OVER ()", both, where="k IS NOT NULL", order_by="r", limit=_SHOWN)
    return connection.execute(query).fetchall()
