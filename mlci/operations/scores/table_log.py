"""Evaluation log in any table: a column for the item, one for each scorer, and others for slices and usage."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from mlci.engine import sql
from mlci.engine.tables.labelled_tables import open_table
from mlci.errors import InputError, Problem
from mlci.scores.formats.answers import build_item
from mlci.scores.outages import ItemAnswer, mark_empty_answers
from mlci.scores.score_log import ItemText, Scalar, ScoredItem, ScoreLog, Scorer, Usage
from mlci.util.digests import canonical_json, sha256_of

_MOST_ROWS = 1_000_000
_USAGE = ("cost_usd", "input_tokens", "output_tokens", "latency_seconds")
_OUTPUT = "output"
_TEXTS = ("input", _OUTPUT, "target")
_ERROR = "error"
_WORDS = {"true": 1.0, "false": 0.0}
_EMPTY = frozenset({None, "", "nan", "NaN"})


@dataclass(frozen=True, kw_only=True)
class TableColumns:
    """Columns of a table of scores.

    Attributes:
        key: Column with the item.
        repeat: Column with the repeat; ``None`` numbers the rows of an item.
        scores: Columns with scores.
    """

    key: str
    repeat: str | None
    scores: tuple[str, ...]


def read_table_log(path: Path, shown: str, columns: TableColumns) -> ScoreLog:
    """Read a table with a row for each answer.

    Columns named ``cost_usd``, ``input_tokens``, ``output_tokens`` and ``latency_seconds`` are usage, ``input``,
    ``output`` and ``target`` are texts, and a row with an ``error`` is errored. All others are metadata.

    Raises:
        InputError: if the table has no such columns, a key is empty, or a score is not a number.
    """
    with sql.session() as (connection, scratch), sql.reading(str(path)):
        table = open_table(connection, str(path), scratch)
        if table.rows > _MOST_ROWS:
            raise InputError(Problem(f"has {table.rows:,} rows, and {_MOST_ROWS:,} are the most", shown))
        for name in (columns.key, *([columns.repeat] if columns.repeat else []), *columns.scores):
            table.column(name)
        query = sql.select([column.ref for column in table.columns], table.relation, order_by=table.row_number)
        rows = connection.execute(query).fetchall()
    records = [dict(zip(table.names, row, strict=True)) for row in rows]
    if not records:
        raise InputError(Problem("has no rows: the run wrote nothing", shown))
    return ScoreLog(
        tool="a table",
        task=None,
        items=mark_empty_answers(_items(records, shown, columns)),
        scorers={name: Scorer() for name in columns.scores},
    )


def _items(records: Sequence[Mapping[str, Any]], shown: str, columns: TableColumns) -> list[ScoredItem]:
    items, seen = [], dict[str, int]()
    for number, record in enumerate(records, 1):
        if record[columns.key] is None:
            raise InputError(Problem(f"row {number:,} has no {columns.key}", shown))
        key = str(record[columns.key])
        seen[key] = seen.get(key, 0) + 1
        repeat = str(seen[key]) if columns.repeat is None else str(record[columns.repeat])
        items.append(_item(record, key, repeat, columns, Problem(f"row {number:,}", shown)))
    return items


def _item(record: Mapping[str, Any], key: str, repeat: str, columns: TableColumns, place: Problem) -> ScoredItem:
    scores = {name: score for name in columns.scores if (score := _score(record[name], name, place)) is not None}
    error = record.get(_ERROR)
    taken = {columns.key, columns.repeat, *columns.scores, *_USAGE, *_TEXTS, _ERROR}
    texts = {name: None if record.get(name) is None else str(record[name]) for name in _TEXTS}
    asked = [texts["input"], texts["target"]]
    usage = Usage(**{name: _number(record.get(name)) for name in _USAGE})
    item = build_item(
        (key, repeat),
        {name: scores.get(name) for name in columns.scores},
        answer=ItemAnswer(text=_answer(record), target=texts["target"], output_tokens=usage.output_tokens),
        error=None if error in _EMPTY or error is False else error,
        metadata={name: _scalar(value) for name, value in record.items() if name not in taken},
        usage=usage,
        content=None if asked == [None, None] else sha256_of(canonical_json(asked)),
    )
    return replace(item, text=ItemText(input=texts["input"], output=texts["output"], target=texts["target"]))


def _answer(record: Mapping[str, Any]) -> str | None:
    """Return the answer; an empty cell of a table with answers is an empty one. ``None`` without the column."""
    return None if _OUTPUT not in record else str(record[_OUTPUT] or "")


def _score(value: object, name: str, place: Problem) -> float | None:
    """Return a score; ``None`` for an empty cell and for NaN, which are not scored."""
    if value in _EMPTY or (isinstance(value, float) and math.isnan(value)):
        return None
    found = _number(value)
    if found is None:
        raise InputError(Problem(f"{place.message}: {name} is {value!r}, which is not a number", place.path))
    return found


def _number(value: object) -> float | None:
    """Return a number, a boolean, or the text of one in a CSV file; ``None`` for everything else."""
    if isinstance(value, str):
        value = _WORDS.get(value.lower(), value)
    if not isinstance(value, str | bool | int | float | Decimal):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _scalar(value: object) -> Scalar:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
