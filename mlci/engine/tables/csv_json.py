"""CSV and JSON files to Parquet: strict conversion; CSV cells stay text, and an invalid row is an error.

After staging, all readers use one format with row numbers.
"""

import codecs
import csv
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import duckdb

from mlci.engine import sql
from mlci.engine.tables.files import LocalFile
from mlci.errors import InputError, Problem, count_noun
from mlci.util.bounds import TABLE_COLUMNS, TABLE_HEADER_BYTES, TABLE_KEYS, TABLE_LINE_BYTES

_DELIMITERS = ",;\t|"
_HEADER_LIMIT = TABLE_HEADER_BYTES.value
_LONGEST_LINE = TABLE_LINE_BYTES.value
_WIDEST = {"csv": TABLE_COLUMNS, "json": TABLE_KEYS}
_JSON_NUMBERS = {"UBIGINT", "BIGINT", "DOUBLE"}
_DIGITS_OF_DOUBLE, _DIGITS_OF_BIGINT, _DIGITS_OF_DECIMAL = 15, 18, 38


def stage_csv(connection: duckdb.DuckDBPyConnection, file: LocalFile, target: Path) -> tuple[list[str], int]:
    """Copy one CSV file to Parquet with columns ``c0…``, all text; returns the header's names and the number of rows.

    An unquoted empty field is null, a quoted one is an empty text.

    Raises:
        InputError: if the header is invalid, or a row has too many or too few fields.
    """
    names, delimiter = read_header(file)
    _refuse_long_last_line(file)
    columns = "{" + ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(names))) + "}"
    query = (
        f"COPY (FROM read_csv({sql.quote_text(str(file.path))}, auto_detect = false, header = true, "
        f"columns = {columns}, delim = {sql.quote_text(delimiter)}, quote = '\"', escape = '\"', nullstr = '', "
        f"compression = 'none', allow_quoted_nulls = false, strict_mode = true, "
        f"null_padding = false, ignore_errors = false)) TO {sql.quote_text(str(target))} (FORMAT parquet)"
    )
    try:
        rows = sql.copied_rows(connection, query)
    except duckdb.Error as error:
        raise InputError(_csv_problem(str(error), file, len(names))) from error
    return names, rows


def read_header(file: LocalFile) -> tuple[list[str], str]:
    """Return the names of a CSV file's columns, and its delimiter.

    Raises:
        InputError: if it is not UTF-8 text, or its header is invalid.
    """
    try:
        with file.path.open(encoding="utf-8-sig", newline="") as lines:
            start = lines.read(_HEADER_LIMIT)
    except UnicodeDecodeError as error:
        raise InputError(_not_text(file)) from error
    except (OSError, EOFError) as error:
        raise InputError(Problem(f"can't be read: {error}", file.shown)) from error
    if "\0" in start:
        raise InputError(_not_text(file))
    line = next((line for line in start.splitlines() if line), "")
    delimiter = "\t" if file.suffix == ".tsv" else _delimiter(line)
    try:
        names = next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter), [])
    except csv.Error as error:  # the limit of the csv module
        message = f"a column name is longer than {csv.field_size_limit():,} characters; is a quote not closed?"
        raise InputError(Problem(message, file.shown, 1)) from error
    check_names(names, file.shown, form="csv")
    return names, delimiter


def _refuse_long_last_line(file: LocalFile) -> None:
    """Refuse a last line that DuckDB would leave out without an error because it is longer than its buffer."""
    with file.path.open("rb") as lines:
        lines.seek(max(0, lines.seek(0, io.SEEK_END) - _LONGEST_LINE - 3))
        end = lines.read().rstrip(b"\r\n")
    if len(end) > _LONGEST_LINE and not re.search(rb"[\r\n]", end):
        raise InputError(_too_long(file.shown, _find_long_line(file)))


def _find_long_line(file: LocalFile) -> int | None:
    """Return the first line that is too long, without reading it whole."""
    with file.path.open("rb") as lines:
        parts = iter(lambda: lines.readline(_LONGEST_LINE + 3), b"")
        return next((at for at, part in enumerate(parts, 1) if len(part.rstrip(b"\r\n")) > _LONGEST_LINE), None)


def _too_long(shown: str, line: int | None) -> Problem:
    return Problem(f"the line is longer than {_LONGEST_LINE:,} bytes; is its end missing?", shown, line)


def _not_text(file: LocalFile) -> Problem:
    """Return the problem of the first line that is not UTF-8."""
    with file.path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if number == 1 and (other := _other_encoding(line)):
                return Problem(f"is {other}; save it as UTF-8", file.shown)
            if b"\0" in line:
                return Problem("a byte of value 0 is not text; save the file as UTF-8", file.shown, number)
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return Problem(
                    f"byte 0x{line[error.start]:02x} is not UTF-8; save the file as UTF-8", file.shown, number
                )
    return Problem("is not UTF-8 text", file.shown)


def _other_encoding(line: bytes) -> str | None:
    """Return the encoding by a first line's byte-order mark or zero bytes: one in two or three in four for ASCII."""
    if line.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) or line.count(0) * 5 > len(line) * 3:
        return "UTF-32"
    is_utf16 = line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or line.count(0) * 5 > len(line)
    return "UTF-16" if is_utf16 else None


def _delimiter(line: str) -> str:
    bare = Counter(re.sub(r'"[^"]*"', "", line))
    return max(_DELIMITERS, key=lambda character: bare[character])  # ties go to the comma


def check_names(names: Iterable[str], shown: str, *, form: str) -> None:
    """Refuse a table with too many columns, or whose names are missing or not unique.

    Args:
        names: Names of the columns.
        shown: The table in messages.
        form: ``csv``, ``json`` or ``parquet``.

    Raises:
        InputError: if they are.
    """
    listed, line = list(names), 1 if form == "csv" else None
    most = _WIDEST.get(form)
    if most is not None and len(listed) > most.value:
        remedy = "leave out those that are not needed, or write the table as Parquet"
        raise InputError(
            Problem(f"has {len(listed):,} {most.unit}, and {most.value:,} are the most; {remedy}", shown, line)
        )
    if not any(listed) and (form == "csv" or not listed):
        raise InputError(Problem("has no header with column names" if form == "csv" else "has no columns", shown, line))
    for position, name in enumerate(listed):
        if not name.strip():
            raise InputError(Problem(_nameless(name, position, form), shown, line))
    twice = [name for name, count in Counter(listed).items() if count > 1]
    if twice:
        raise InputError(Problem(f"column names occur twice: {', '.join(map(repr, twice))}", shown, line))


def _nameless(name: str, position: int, form: str) -> str:
    if form == "json":
        return f'a key is empty: {json.dumps(name)}; give it a name, such as "id"'
    if form == "parquet":
        renamed = f"`frame.rename(columns={{{name!r}: 'id'}}).to_parquet(path)`"
        return f"column {position + 1} has the name {name!r}, which is empty; give it another one: {renamed}"
    if position == 0:
        how = '`to_csv(path, index=False)`, or name it: `to_csv(path, index_label="id")`'
        return f"the first column has no name, as pandas writes its index; leave it out: {how}"
    return f"column {position + 1} has no name; give it one, or remove the delimiter that begins it in every line"


def _csv_problem(message: str, file: LocalFile, columns: int) -> Problem:
    line = re.search(r"CSV Error on Line: (\d+)", message)
    at = int(line.group(1)) if line else None
    fields = re.search(r"Expected Number of Columns: \d+ Found: (\d+)", message)
    if fields:
        return Problem(
            f"the row has {count_noun(int(fields.group(1)), 'field')} where the header has {columns}", file.shown, at
        )
    if "not utf-8 encoded" in message:
        return _not_text(file)
    if "unterminated quote" in message:
        return Problem("a quoted field is not closed, or text follows its closing quote", file.shown, at)
    if "invalid state" in message and (other := _other_ending(file)):
        return Problem(
            "ends in another way than the lines before, \\r\\n or \\n; save the file with one", file.shown, other
        )
    if long := at if "Maximum line size of" in message else _find_long_line(file):
        return _too_long(file.shown, long)
    return Problem(f"can't be read as CSV: {message.splitlines()[0]}", file.shown, at)


def _other_ending(file: LocalFile) -> int | None:
    """Return the first line that ends in another way than the first one."""
    with file.path.open("rb") as lines:
        endings = ((number, line.endswith(b"\r\n")) for number, line in enumerate(lines, 1) if line.endswith(b"\n"))
        _, first = next(endings, (0, False))
        return next((number for number, ending in endings if ending != first), None)


def stage_json(connection: duckdb.DuckDBPyConnection, file: LocalFile, target: Path) -> tuple[list[str], int]:
    """Copy one JSON Lines file (or a JSON array of objects) to Parquet with columns ``c0…``.

    Returns the names and the number of rows.

    A key that a line lacks is null. A column is numeric or boolean if all its values are, or else text.

    Raises:
        InputError: if a line is not a JSON object, or names a key twice.
    """
    form = "array" if is_json_array(file.path) else "newline_delimited"
    objects = f"read_json_objects({sql.quote_text(str(file.path))}, format = '{form}', compression = 'none') AS t(o)"
    try:
        names = _json_names(connection, objects, file, lined=form != "array")
        fields = [_field(connection, objects, name, index) for index, name in enumerate(names)]
        query = f"COPY ({sql.select(fields, objects)}) TO {sql.quote_text(str(target))} (FORMAT parquet)"
        rows = sql.copied_rows(connection, query)
    except duckdb.Error as error:
        raise InputError(_json_problem(str(error), file)) from error
    return names, rows


def is_json_array(path: Path) -> bool:
    """Return whether a JSON file contains one array instead of lines."""
    with path.open("rb") as start:
        return start.read(1024).removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"[")


def _json_names(connection: duckdb.DuckDBPyConnection, objects: str, file: LocalFile, *, lined: bool) -> list[str]:
    lines = sql.select("row_number() OVER () AS r, json_type(o) AS k, json_keys(o) AS n", objects)
    broken = "k <> 'OBJECT' OR len(n) <> len(list_distinct(n))"
    first = sql.first_row(connection, sql.select("r, k", f"({lines})", where=broken, order_by="r", limit=1))
    if first:
        message = "names a key twice" if first[1] == "OBJECT" else "is not a JSON object"
        if lined:
            raise InputError(Problem(f"the line {message}", file.shown, _line_of(file, first[0])))
        raise InputError(Problem(f"value {first[0]} {message}", file.shown))
    query = sql.select("DISTINCT unnest(json_keys(o)) AS name", objects, order_by="name")
    names = [row[0] for row in connection.execute(query).fetchall()]
    check_names(names, file.shown, form="json")
    return names


def _field(connection: duckdb.DuckDBPyConnection, objects: str, name: str, index: int) -> str:
    pointer = sql.quote_text("/" + name.replace("~", "~0").replace("/", "~1"))
    query = sql.select(f"DISTINCT json_type(o, {pointer})", objects)
    kinds = {row[0] for row in connection.execute(query).fetchall()} - {None, "NULL"}
    value = f"json_extract_string(o, {pointer})"
    if kinds == {"BOOLEAN"}:
        return f"{value}::BOOLEAN AS c{index}"
    kind = _json_number(connection, objects, value) if kinds and kinds <= _JSON_NUMBERS else "VARCHAR"
    return f"{value}::{kind} AS c{index}"


def _json_number(connection: duckdb.DuckDBPyConnection, objects: str, value: str) -> str:
    """Return a type that represents every number of a JSON column, integers of any size exactly; text without one.

    DuckDB types an integer beyond 64 bits as a double but keeps its digits, and writes HUGEINT as DOUBLE.
    """
    whole = f"regexp_full_match({value}, '-?[0-9]+')"
    longest = f"max(length(ltrim({value}, '-'))) FILTER (WHERE {whole})"
    expressions = [f"count({value}) FILTER (WHERE NOT {whole})", longest]
    found = sql.first_row(connection, sql.select(expressions, objects)) or (0, 0)
    fractions, digits = found[0], found[1] or 0
    if fractions:
        return "DOUBLE" if digits <= _DIGITS_OF_DOUBLE else "VARCHAR"
    if digits <= _DIGITS_OF_BIGINT:
        return "BIGINT"
    return f"DECIMAL({_DIGITS_OF_DECIMAL}, 0)" if digits <= _DIGITS_OF_DECIMAL else "VARCHAR"


def _json_problem(message: str, file: LocalFile) -> Problem:
    """Return the problem of invalid JSON with its line; DuckDB counts one too many, and skips empty lines."""
    if "utf-8" in message.lower() or "unicode" in message.lower():
        return _not_text(file)
    place = re.search(r"at byte (\d+) in (line|record/value) (\d+): ([^\n]*)", message)
    if place is None:
        detail = message.split("\n", maxsplit=1)[0].replace(str(file.path), file.shown)
        return Problem(f"is not JSON Lines: {detail}", file.shown)
    byte, unit, number, what = place.groups()
    problem = f"is not JSON{' Lines' if unit == 'line' else ''}: {what.strip().rstrip('.')}, at byte {byte}"
    if unit == "line":
        return Problem(problem, file.shown, _line_of(file, int(number) - 1))
    return Problem(f"{problem} of value {int(number) - 1}", file.shown)


def _line_of(file: LocalFile, record: int) -> int:
    """Return the line of a record of JSON Lines, both counted from 1; empty lines are not records."""
    with file.path.open("rb") as lines:
        filled = (number for number, line in enumerate(lines, 1) if line.strip())
        return next(itertools.islice(filled, record - 1, None), record)
