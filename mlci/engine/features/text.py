"""CSV and JSON files without one column: all other bytes stay, including delimiters, quotes and line endings.

The table was read completely before, so that its syntax is known to be valid.
"""

import contextlib
import gzip
import json
import re
from collections.abc import Callable, Iterator, Sequence
from json import decoder
from pathlib import Path
from typing import BinaryIO, cast

from mlci.engine.tables.files import LocalFile
from mlci.engine.tables.staging import is_json_array, read_header
from mlci.errors import InputError, Problem

_DECODER = json.JSONDecoder()
_scan_text: Callable[[str, int], tuple[str, int]] = vars(decoder)["scanstring"]  # not in the type stubs
_SPACE = re.compile(r"[ \t\r\n]*")


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
