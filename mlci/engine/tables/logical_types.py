"""Logical types: texts of one file read as the type (timestamp, UUID, …) of the other file's column.

A CSV spells an instant in any zone, with any number of zeros; Parquet stores the instant. Each text is read strictly
and exactly, never rounded, and every value of one type has one text, by which both sides are compared.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlci.engine import sql
from mlci.engine.cell_errors import CellLocation, ProblemCollector
from mlci.engine.tables.column_types import Logical, TableColumn
from mlci.errors import Problem

_DAY = "[0-9]{4,6}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
_OFFSET = "(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9](?::?[0-5][0-9])?)?)"
_UUID = "[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
_SHORT_CLOCK = r"(?:[01]?[0-9]|2[0-3]):[0-5]?[0-9]:[0-5]?[0-9](?:\.[0-9]+)?"
_DURATION = rf"-?[0-9]{{1,15}} days?(?:,? \+?{_SHORT_CLOCK})?|{_SHORT_CLOCK}"
_ISO_DURATION = r"^P(-?[0-9]+)DT([0-9]+H[0-9]+M[0-9.]+)S$"

_NAMES: dict[Logical, str] = {
    "date": "a date",
    "timestamp": "a timestamp without an offset from UTC",
    "timestamptz": "a timestamp with its offset from UTC",
    "time": "a time of day",
    "uuid": "a UUID",
    "duration": "a duration",
}
_REMEDIES: dict[Logical, str] = {
    "date": 'pd.to_datetime({cell}).dt.strftime("%Y-%m-%d")',
    "timestamp": "pd.to_datetime({cell}).astype(str)",
    "timestamptz": "pd.to_datetime({cell}, utc=True).astype(str)",
    "time": "{cell}.astype(str)",
    "uuid": "{cell}.astype(str)",
    "duration": "pd.to_timedelta({cell}).astype(str)",
}
_LOCALIZED = 'pd.to_datetime({cell}).dt.tz_localize("UTC")'
_NAIVE = "pd.to_datetime({cell}).dt.tz_localize(None)"
_MOST_LABELS = 1002


@dataclass(frozen=True)
class ColumnCells:
    """A column that is compared with others, and the location of its rows."""

    place: CellLocation
    column: TableColumn


def read_alike(cells: Sequence[ColumnCells], what: str, problems: ProblemCollector) -> list[TableColumn]:
    """Return columns that are compared as texts, all read as the logical type of the first that has one.

    Args:
        cells: The evaluation set's column first.
        what: The column's role, for errors.
        problems: Collector for columns that can't be read alike.
    """
    typed = next((one for one in cells if one.column.logical is not None), None)
    if typed is None:
        return [one.column for one in cells]
    read = [_read_as(one, typed, what) for one in cells]
    problems.add(*(one for one in read if isinstance(one, Problem)))
    return [mine.column if isinstance(one, Problem) else one for mine, one in zip(cells, read, strict=True)]


def read_as_label(label: ColumnCells, decision: ColumnCells, problems: ProblemCollector) -> TableColumn:
    """Return a column of decisions, read as the type of the labels, or written as the labels are if they are texts."""
    if label.column.logical is not None:
        return read_alike([label, decision], "decision", problems)[1]
    logical = decision.column.logical
    if logical is None or not label.column.is_text:
        return decision.column
    ref, place = label.column.ref, label.place
    cells = f"{ref}, {canonical_sql(ref, logical)}"
    spellings = [row for row in place.table.distinct(place.connection, cells, _MOST_LABELS) if row[0] is not None]
    texts, spelled = [row[0] for row in spellings], [row[1] for row in spellings]
    if None in spelled or len(set(spelled)) < len(spelled):
        return decision.column
    cell = f"{decision.column.ref}::VARCHAR"
    as_label = f"list_extract({sql.quote_list(texts)}, list_position({sql.quote_list(spelled)}, {cell}))"
    return replace(decision.column, ref=f"coalesce({as_label}, {cell})")


def _read_as(cells: ColumnCells, typed: ColumnCells, what: str) -> TableColumn | Problem:
    column, wanted = cells.column, typed.column
    if wanted.logical is None:
        raise AssertionError(wanted)  # only called with a logical type
    if column.logical is not None and column.logical != wanted.logical:
        column_as = _date_or_timestamp(column, wanted)
        return column_as or _other_type(cells, typed, what)
    if column.logical is not None:
        return column
    if not column.is_text:
        return _other_type(cells, typed, what)
    spelled = canonical_sql(f"({column.ref})", wanted.logical)
    wrong = f"{column.ref} IS NOT NULL AND {spelled} IS NULL"
    if cells.place.exists(wrong):
        return _not_spelled(cells, typed, what, wrong)
    return replace(column, ref=f"({spelled})", type=wanted.type)


def _date_or_timestamp(column: TableColumn, wanted: TableColumn) -> TableColumn | None:
    """Read dates as timestamps at midnight, or timestamps at midnight as dates; other columns are unchanged."""
    if {column.logical, wanted.logical} != {"date", "timestamp"}:
        return None
    text = (
        f"{column.ref}::TIMESTAMP::VARCHAR" if column.logical == "date" else _day_at_midnight(f"{column.ref}::VARCHAR")
    )
    return replace(column, ref=f"({text})", type=wanted.type)


def _day_at_midnight(text: str) -> str:
    return f"regexp_replace({text}, ' 00:00:00$', '')"


def canonical_sql(text: str, logical: Logical) -> str:
    """SQL for the canonical text of the value that a text spells; null if it spells none."""
    if logical == "uuid":
        return (
            f"TRY_CAST(CASE WHEN regexp_full_match({text}, {sql.quote_text(_UUID)}) THEN {text} END AS UUID)::VARCHAR"
        )
    if logical == "duration":
        return _duration(text)
    if logical == "time":
        padded = f"left({text}, 8) || substr('00:00:00', length({text}) + 1)"
        return f"CASE WHEN regexp_full_match({text}, {sql.quote_text(_CLOCK)}) THEN {padded} END || {_fraction(text)}"
    if logical == "timestamptz":
        whole = f"{_moment(text, f'{_DAY}[ T]{_CLOCK}{_OFFSET}')} - to_seconds({_offset(text)})"
        return f"({whole})::VARCHAR || {_fraction(text)} || '+00'"
    moment = f"{_moment(text, f'{_DAY}(?:[ T]{_CLOCK})?')}::VARCHAR || {_fraction(text)}"
    if logical == "timestamp":
        return moment
    return f"CASE WHEN {moment} LIKE '% 00:00:00' THEN {_day_at_midnight(moment)} END"


def _moment(text: str, pattern: str) -> str:
    """SQL for the date and the whole seconds of a text."""
    day, clock = f"regexp_extract({text}, '^[0-9]+-[0-9]+-[0-9]+')", f"regexp_extract({text}, '[ T]([0-9:]+)', 1)"
    padded = f"{day} || ' ' || {clock} || substr('00:00:00', length({clock}) + 1)"
    return f"TRY_CAST(CASE WHEN regexp_full_match({text}, {sql.quote_text(pattern)}) THEN {padded} END AS TIMESTAMP)"


def _fraction(text: str) -> str:
    """SQL for the digits after the second, of any number, without zeros at the end."""
    digits = rf"rtrim(regexp_extract({text}, '\.([0-9]+)', 1), '0')"
    return f"CASE {digits} WHEN '' THEN '' ELSE '.' || {digits} END"


def _offset(text: str) -> str:
    """SQL for the seconds that a text's clock is ahead of UTC."""
    offset = f"regexp_extract({text}, '(Z|[+-][0-9:]+)$')"
    digits = f"rpad(replace(substr({offset}, 2), ':', ''), 6, '0')"
    parts = [f"TRY_CAST(substr({digits}, {at}, 2) AS BIGINT) * {size}" for at, size in ((1, 3600), (3, 60), (5, 1))]
    return f"CASE WHEN starts_with({offset}, '-') THEN -1 ELSE 1 END * ({' + '.join(parts)})"


def _duration(text: str) -> str:
    """SQL for a duration in the form of :func:`~mlci.engine.tables.column_types.read_column`."""
    iso = f"regexp_replace({text}, '{_ISO_DURATION}', '\\1 days \\2')"
    plain = f"replace(replace({iso}, 'H', ':'), 'M', ':')"
    days = f"CASE WHEN contains({plain}, 'day') THEN regexp_extract({plain}, '^-?[0-9]+') ELSE '0' END"
    clock = f"regexp_extract({plain}, '([0-9]+:[0-9]+:[0-9]+)', 1)"
    parts = " || ':' || ".join(f"lpad(split_part({clock}, ':', {part}), 2, '0')" for part in (1, 2, 3))
    valid = f"CASE WHEN regexp_full_match({plain}, {sql.quote_text(_DURATION)}) THEN {days} END::BIGINT"
    joint = f"CASE WHEN {valid} < 0 THEN ' days +' ELSE ' days ' END"
    return f"{valid} || {joint} || CASE {clock} WHEN '' THEN '00:00:00' ELSE {parts} END || {_fraction(plain)}"


def _other_type(cells: ColumnCells, typed: ColumnCells, what: str) -> Problem:
    column, wanted = cells.column, typed.column
    message = f"{what} {column.name!r} is {column.stored} where {typed.place.table.path} has {wanted.stored}"
    if {column.logical, wanted.logical} == {"timestamp", "timestamptz"}:
        return Problem(f"{message}; {_zone(cells, wanted)}", cells.place.table.path)
    if column.is_number and wanted.logical in {"date", "timestamp", "timestamptz"}:
        line = 'df.to_json(path, orient="records", lines=True, date_format="iso", date_unit="ns")'
        return Problem(f"{message}; write it as that type, in Parquet or in JSON: `{line}`", cells.place.table.path)
    return Problem(f"{message}; write both files with one type, as Parquet", cells.place.table.path)


def _not_spelled(cells: ColumnCells, typed: ColumnCells, what: str, wrong: str) -> Problem:
    """Return the problem of the first text that does not spell a value of the other file's type."""
    column, wanted = cells.column, typed.column
    if wanted.logical is None:
        raise AssertionError(wanted)  # only called with a logical type
    name, path = _NAMES[wanted.logical], typed.place.table.path
    message = f"{what} {column.name!r} is not {name}, as it is in {path}: {{value!r}}"
    zones: dict[Logical, Logical] = {"timestamptz": "timestamp", "timestamp": "timestamptz", "date": "timestamptz"}
    other = zones.get(wanted.logical)
    spelled = other and f"{wrong} AND {canonical_sql(f'({column.ref})', other)} IS NOT NULL"
    if spelled and cells.place.exists(spelled):
        return cells.place.problem(column, spelled, message, hint=f"; {_zone(cells, wanted)}")
    cell = f"df[{json.dumps(column.name)}]"
    line = f"{cell} = {_REMEDIES[wanted.logical].format(cell=cell)}"
    return cells.place.problem(
        column, wrong, message, hint=f"; write this file as Parquet, or before it is written: `{line}`"
    )


def _zone(cells: ColumnCells, wanted: TableColumn) -> str:
    """Return the line that adds a zone to timestamps, or removes it."""
    cell = f"df[{json.dumps(cells.column.name)}]"
    if wanted.logical == "timestamptz":
        return f"write it with the zone that it is in: `{cell} = {_LOCALIZED.format(cell=cell)}`"
    return f"write it without a zone: `{cell} = {_NAIVE.format(cell=cell)}`"
