"""The features file: same format, same types, without the label.

CSV and JSON keep all other bytes, including delimiters, quotes and line endings: the table was read completely before,
so that its syntax is known to be valid. Parquet keeps types and metadata, see
:mod:`mlci.engine.tables.parquet_without_column`.
"""

import contextlib
import gzip
import json
import re
import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from json import decoder
from pathlib import Path
from typing import BinaryIO, cast

import duckdb

from mlci.engine import sql
from mlci.engine.tables import parquet_without_column
from mlci.engine.tables.column_types import TableColumn
from mlci.engine.tables.csv_json import is_json_array, read_header
from mlci.engine.tables.files import LocalFile, suffix_of
from mlci.engine.tables.labelled_tables import open_features
from mlci.engine.tables.table import Table
from mlci.engine.tables.table_path import labels_of
from mlci.errors import InputError, Problem

_DECODER = json.JSONDecoder()
_scan_text: Callable[[str, int], tuple[str, int]] = vars(decoder)["scanstring"]  # not in the type stubs
_SPACE = re.compile(r"[ \t\r\n]*")


def write_features(data: str, label: str, folder: Path) -> Path:
    """Write the evaluation set without its label, as the input of a prediction step.

    Text keeps its bytes, Parquet its types and its writer's metadata (see the other modules of this package). Several
    files become one of the same format.

    Args:
        data: Path, glob or URL of the evaluation set.
        label: Column to remove.
        folder: Target folder; it is created if it does not exist.

    Returns:
        The file written: ``features`` with the suffix of the source, in ``folder``.

    Raises:
        InputError: if the evaluation set can't be read, or has no such column or no other one.
    """
    with sql.session() as (connection, scratch):
        table = open_features(connection, data, scratch)
        left_out = None if labels_of(data) else table.column(label)
        target = folder / f"features{_suffix(table.files[0])}"
        if len(table.columns) == 1 and left_out is not None:
            raise InputError(Problem(f"has no columns besides the label {label!r}", data))
        target.parent.mkdir(parents=True, exist_ok=True)
        with sql.reading(data):
            if left_out is None:
                _copy(connection, table, target)
            else:
                _write(connection, table, left_out, target)
    return target


def _suffix(file: LocalFile) -> str:
    """Return the suffix of the features: that of the source, or Parquet's for arrays, Feather and databases."""
    return suffix_of(file.shown) if file.format in {"csv", "json", "parquet"} else ".parquet"


def _copy(connection: duckdb.DuckDBPyConnection, table: Table, target: Path) -> None:
    """Copy features whose labels are in another file.

    Raises:
        InputError: if they are several files of text.
    """
    first = table.files[0]
    if target.suffix == ".parquet":
        _write_by_duckdb(connection, table, None, target, why="names differ by case only")
    elif len(table.files) > 1:
        raise InputError(Problem("is several files of text, which `labels` needs as one: write one file", table.path))
    else:
        with first.path.open("rb") as source, _create(target, first) as out:
            shutil.copyfileobj(source, out)


def _write(connection: duckdb.DuckDBPyConnection, table: Table, left_out: TableColumn, target: Path) -> None:
    form = table.files[0].format
    if form == "csv":
        write_csv_without(table.files, left_out.name, target)
    elif form == "json":
        write_json_without(table.files, left_out.name, target)
    elif form != "parquet":
        _write_by_duckdb(connection, table, left_out, target, why="names differ by case only")
    else:
        try:
            parquet_without_column.write_without([file.path for file in table.files], left_out.name, target)
        except (ValueError, TypeError, AttributeError, KeyError, struct.error) as error:
            _write_by_duckdb(connection, table, left_out, target, why=error)


def _write_by_duckdb(
    connection: duckdb.DuckDBPyConnection, table: Table, left_out: TableColumn | None, target: Path, *, why: object
) -> None:
    """Write a Parquet table with DuckDB if its footer can't be edited (files of different schemas, encryption).

    Raises:
        InputError: if column names differ by case only, which DuckDB would rename.
    """
    kept = [column for column in table.columns if column != left_out]
    if len({column.name.lower() for column in kept}) < len(kept):
        raise InputError(Problem(f"can't be copied without its label ({why}); write it as one file", table.path))
    query = sql.select((f"{column.raw} AS {sql.quote_name(column.name)}" for column in kept), table.relation)
    connection.execute(f"COPY ({query}) TO {sql.quote_text(str(target))} (FORMAT parquet)")


def write_csv_without(files: Sequence[LocalFile], column: str, target: Path) -> None:
    """Write the rows of CSV files without one column, under the first file's header and with its delimiter."""
    with _create(target, files[0]) as out:
        delimiter = b""
        for number, file in enumerate(files):
            names, own = read_header(file)
            delimiter = delimiter or own.encode()
            with file.path.open("rb") as source:
                records = _records(source)
                if number:
                    _after_header(records)
                for record in records:
                    out.write(_without_field(record, names.index(column), own.encode(), delimiter, len(names)))


def _records(source: BinaryIO) -> Iterator[bytes]:
    """Yield a CSV's records with their line endings; a quoted field may contain line breaks."""
    record = b""
    for line in _lines(source):
        record += line
        if record.count(b'"') % 2 == 0:
            yield record
            record = b""
    if record:
        yield record


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """Yield lines that end in a line feed, or in a carriage return if the file has no line feed."""
    for line in source:
        if b"\r" in line.rstrip(b"\r\n"):
            yield from re.findall(rb"[^\r]*(?:\r\n|\r)|[^\r]+", line)
        else:
            yield line


def _after_header(records: Iterator[bytes]) -> None:
    for record in records:
        if record.strip(b"\r\n"):
            return


def _without_field(record: bytes, index: int, own: bytes, wanted: bytes, width: int) -> bytes:
    body = record.rstrip(b"\r\n")
    if not body:
        return record
    fields = body.split(own, -1 if own != wanted else index + 1) if b'"' not in body else _quoted_fields(body, own)
    del fields[index]
    if own != wanted:
        fields = [b'"' + field + b'"' if wanted in field and field[:1] != b'"' else field for field in fields]
    cut = wanted.join(fields)
    if not cut and width == 2:
        cut = b'""'  # an empty line would not be a row
    return cut + record[len(body) :]


def _quoted_fields(body: bytes, delimiter: bytes) -> list[bytes]:
    field = re.compile(rb'"(?:[^"]|"")*"[^' + re.escape(delimiter) + rb"]*|[^" + re.escape(delimiter) + rb"]*")
    fields, at = [], 0
    while True:
        match = cast("re.Match[bytes]", field.match(body, at))
        fields.append(match[0])
        at = match.end() + 1
        if at > len(body):
            return fields


def write_json_without(files: Sequence[LocalFile], column: str, target: Path) -> None:
    """Write the objects of JSON Lines files, or of files with one array each, without one key.

    Raises:
        InputError: if the files mix both forms.
    """
    arrays = [is_json_array(file.path) for file in files]
    if len(set(arrays)) > 1:
        raise InputError(Problem("mixes JSON Lines and arrays; write all files one way", files[0].shown))
    with _create(target, files[0]) as out:
        if arrays[0]:
            parts = (_array_without(file, column) for file in files)
            out.write(f"[{','.join(part for part in parts if part.strip())}]\n".encode())
            return
        for file in files:
            with file.path.open("rb") as source:
                for line in source:
                    out.write(_line_without(line.decode("utf-8-sig"), column).encode())


def _line_without(line: str, column: str) -> str:
    at = _skip(line, 0)
    if at == len(line):
        return line
    cut, end = _object_without(line, at, column)
    return line[:at] + cut + (line[end:] if line.endswith("\n") else line[end:] + "\n")


def _array_without(file: LocalFile, column: str) -> str:
    """Return the text between an array's brackets."""
    with file.path.open("rb") as source:
        text = source.read().decode("utf-8-sig")
    parts: list[str] = []
    at = text.index("[") + 1
    while True:
        start = _skip(text, at)
        if text[start] == "]":
            return "".join([*parts, text[at:start]])
        if text[start] == "{":
            cut, end = _object_without(text, start, column)
            parts += [text[at:start], cut]
            at = end
        else:  # a comma
            parts.append(text[at : start + 1])
            at = start + 1


def _object_without(text: str, at: int, column: str) -> tuple[str, int]:
    """Return an object's text without a key, and the end of the object."""
    start, members = at, []
    at = _skip(text, at + 1)
    while text[at] != "}":
        begin = at
        name, at = _scan_text(text, at + 1)
        _, at = _DECODER.raw_decode(text, _skip(text, _skip(text, at) + 1))
        members.append((name, begin, at))
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at
    end = at + 1
    for number, (name, begin, stop) in enumerate(members):
        if name == column:
            if number + 1 < len(members):
                return text[start:begin] + text[members[number + 1][1] : end], end
            before = members[number - 1][2] if number else begin
            return text[start:before] + text[stop:end], end
    return text[start:end], end


def _skip(text: str, at: int) -> int:
    return cast("re.Match[str]", _SPACE.match(text, at)).end()


@contextlib.contextmanager
def _create(target: Path, like: LocalFile) -> Iterator[BinaryIO]:
    """Open a file for writing, compressed if the other one is; the same rows give the same bytes."""
    with target.open("wb") as file:
        if not like.shown.lower().endswith(".gz"):
            yield file
            return
        with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0) as packed:
            yield cast("BinaryIO", packed)
