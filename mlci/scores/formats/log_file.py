"""A file of an evaluation log: its first bytes, to tell the format by, and its content with limits.

Every format is a module with ``NAME``, ``recognises(file)``, ``read(file)`` and ``read_texts(file, wanted)``. The first
one looks at :attr:`LogFile.head` only; the others raise :class:`mlci.errors.InputError` with the place in the file.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from mlci.errors import InputError, Problem
from mlci.scores.score_log import Scalar
from mlci.util.json_text import Bounds, excess

HEAD = 1 << 16
MOST_BYTES = 2 << 30
MOST_LINE = 64 << 20
BOUNDS = Bounds(depth=200, parts=50_000_000, values=200_000_000)
_LINE = Bounds(depth=200, parts=5_000_000, values=20_000_000)
_LONGEST = 500
_MOST_METADATA = 200


@dataclass(frozen=True)
class LogFile:
    """One file, with the name by which messages call it."""

    path: Path
    shown: str

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB."""
        try:
            with self.path.open("rb") as stream:
                return stream.read(HEAD)
        except OSError as error:
            raise self.problem(f"can't be read: {error.strerror or error}") from None

    @property
    def is_zip(self) -> bool:
        """Whether it is a ZIP archive."""
        return self.head.startswith(b"PK\x03\x04")

    @property
    def is_parquet(self) -> bool:
        """Whether it is a Parquet file."""
        return self.head.startswith(b"PAR1")

    @cached_property
    def first_record(self) -> Mapping[str, Any] | None:
        """The object on the first line, if that is a whole JSON object; ``None`` if not."""
        line = self.head.lstrip().split(b"\n", 1)[0]
        try:
            found = json.loads(line) if line.startswith(b"{") else None
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def names(self, *keys: str) -> bool:
        """Return whether the first bytes have all of these as JSON keys."""
        return all(f'"{key}"'.encode() in self.head for key in keys)

    @cached_property
    def document(self) -> Any:  # noqa: ANN401 (any JSON)
        """The whole file as JSON.

        Raises:
            InputError: if it is not JSON, is truncated or too large; the message has line and column.
        """
        if self.path.stat().st_size > MOST_BYTES:
            raise self.problem(f"is larger than {MOST_BYTES >> 30} GiB, the most that is read")
        try:
            text = self.path.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.problem(f"is not UTF-8 text: byte {error.start:,}") from None
        return self.parse(text, BOUNDS)

    @cached_property
    def parquet_columns(self) -> tuple[str, ...]:
        """Names of the columns of a Parquet file; empty if it is damaged."""
        try:
            return tuple(self._parquet("*", " LIMIT 0")[0])
        except InputError:
            return ()

    def parquet_rows(self, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return the rows of a Parquet file.

        Raises:
            InputError: if it is damaged or lacks a column.
        """
        return self._parquet(", ".join(f'"{name}"' for name in columns))[1]

    def _parquet(self, columns: str, more: str = "") -> tuple[list[str], list[tuple[Any, ...]]]:
        duckdb = import_module("duckdb")
        try:
            with duckdb.connect() as connection:
                query = f"SELECT {columns} FROM read_parquet(?){more}"  # noqa: S608 (columns that a format names)
                found = connection.execute(query, [str(self.path)])
                return [column[0] for column in found.description], found.fetchall()
        except duckdb.Error:
            message = "is a damaged Parquet file: it ends early, so the run or the copy was cut off"
            raise self.problem(message) from None

    def lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the number and the object of each line that is not blank.

        Raises:
            InputError: if a line is not a JSON object; the message has its number.
        """
        number = 0
        with self.path.open("rb") as stream:
            while line := stream.readline(MOST_LINE + 1):
                number += 1
                if len(line) > MOST_LINE:
                    raise self.problem(f"has a line of more than {MOST_LINE >> 20} MiB", line=number)
                if line.strip():
                    yield number, self._object(line, number)

    def _object(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise self.problem(f"is not UTF-8 text: byte {error.start:,} of the line", line=number) from None
        record = self.parse(text, _LINE, line=number)
        if not isinstance(record, dict):
            raise self.problem("has a line that is not a JSON object", line=number)
        return record

    def parse(self, text: str, bounds: Bounds, *, line: int | None = None, of: str = "") -> Any:  # noqa: ANN401 (any JSON)
        """Return a JSON text as Python values.

        Raises:
            InputError: if it is not JSON or exceeds the bounds.
        """
        if (beyond := excess(text, bounds)) is not None:
            raise self.problem(f"{of}is {beyond}".strip(), line=line)
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            place = line if line is not None else error.lineno
            cut = "; it ends early, so the run or the copy was cut off" if error.pos >= len(text.rstrip()) - 1 else ""
            raise self.problem(f"{of}is not valid JSON: {error.msg.lower()}{cut}", line=place) from None

    def problem(self, message: str, *, line: int | None = None) -> InputError:
        """Return an error about this file."""
        return InputError(Problem(message, self.shown, line))


def number(value: object) -> float | None:
    """Return a number or a boolean as a finite float; ``None`` for everything else, NaN too."""
    if isinstance(value, bool | int | float):
        as_float = float(value)
        return as_float if math.isfinite(as_float) else None
    return None


def text(value: object) -> str | None:
    """Return a text, or the JSON of another value; ``None`` for ``None``."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def short_reason(value: object) -> str:
    """Return a reason from a log as one line of bounded length."""
    words = " ".join(str(value).split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def flattened(values: object, prefix: str) -> dict[str, Scalar]:
    """Return nested metadata by dotted name; lists and values beyond a bound are left out."""
    found: dict[str, Scalar] = {}
    waiting = [(prefix, values)]
    while waiting and len(found) < _MOST_METADATA:
        name, value = waiting.pop(0)
        if isinstance(value, Mapping):
            waiting.extend((f"{name}.{key}", one) for key, one in value.items())
        elif value is None or isinstance(value, str | bool | int | float):
            found[name] = value
    return found
