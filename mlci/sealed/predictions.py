"""Bounded CSV parser for predictions from a job that anyone may have written.

It accepts what `mlci sealed predict` writes and nothing else: UTF-8, lines that end with a line feed, the expected
header, and in each row as many cells. Each cell has a limit, each number is finite and written in decimal.
"""

import codecs
import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlci.errors import list_names
from mlci.sealed.artifact import UntrustedArtifactError
from mlci.util.bounds import PREDICTION_CELL, PREDICTION_COLUMNS, PREDICTION_ROWS

_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")
_FORBIDDEN = re.compile("[\x00\r]")


@dataclass(frozen=True, kw_only=True)
class SealedColumns:
    """Columns of the predictions.

    Attributes:
        key: Column that rows are joined by.
        names: All columns in their order, the key first.
        numbers: Columns with numbers.
    """

    key: str
    names: tuple[str, ...]
    numbers: frozenset[str]


def parse_predictions(
    pieces: Iterable[bytes], choices: Iterable[SealedColumns], *, rows: int
) -> Iterator[tuple[str, ...]]:
    """Yield the header, then each checked row.

    Args:
        pieces: The bytes of the file, in pieces.
        choices: The possible columns; the header decides between them.
        rows: Rows of the evaluation set, the most that there may be.

    Raises:
        UntrustedArtifactError: if anything is not in that form; the message names the line.
    """
    reader = csv.reader(_lines(pieces), strict=True)
    try:
        columns = _header(next(reader, []), tuple(choices))
        yield columns.names
        numbers = [at for at, name in enumerate(columns.names) if name in columns.numbers]
        for count, row in enumerate(reader, 1):
            if count > min(rows, PREDICTION_ROWS.value):
                raise UntrustedArtifactError(f"predictions.csv has more rows than the evaluation set's {rows:,}")
            _check_row(row, columns, numbers, reader.line_num)
            yield tuple(row)
    except csv.Error as error:
        raise UntrustedArtifactError(f"predictions.csv, line {reader.line_num}: {error}") from None


def _header(found: list[str], choices: tuple[SealedColumns, ...]) -> SealedColumns:
    for columns in choices:
        if tuple(found) == columns.names:
            return columns
    expected = " or ".join(",".join(columns.names) for columns in choices)
    shown = list_names(found[: PREDICTION_COLUMNS.value])
    raise UntrustedArtifactError(f"predictions.csv has the columns {shown or 'of an empty file'}, expected {expected}")


def _check_row(row: list[str], columns: SealedColumns, numbers: list[int], line: int) -> None:
    if len(row) != len(columns.names):
        words = f"predictions.csv, line {line}: {len(row)} cells, expected {len(columns.names)}"
        raise UntrustedArtifactError(words)
    for name, cell in zip(columns.names, row, strict=True):
        if len(cell) > PREDICTION_CELL.value or len(cell.encode()) > PREDICTION_CELL.value:
            words = f"predictions.csv, line {line}: {name!r} has more than {PREDICTION_CELL}"
            raise UntrustedArtifactError(words)
        if not cell:
            raise UntrustedArtifactError(f"predictions.csv, line {line}: {name!r} is empty")
    for at in numbers:
        if not _NUMBER.fullmatch(row[at]) or not math.isfinite(float(row[at])):
            words = f"predictions.csv, line {line}: {columns.names[at]!r} is not a finite number: {row[at][:40]!r}"
            raise UntrustedArtifactError(words)


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Decode and split into lines of bounded length."""
    decoder, most = codecs.getincrementaldecoder("utf-8")("strict"), PREDICTION_COLUMNS.value * PREDICTION_CELL.value
    left, count = "", 0
    try:
        for piece in pieces:
            *whole, left = (left + decoder.decode(piece)).split("\n")
            for line in whole:
                count += 1
                yield _checked(line, count, most) + "\n"
            _checked(left, count + 1, most)
        left += decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise UntrustedArtifactError(f"predictions.csv is not UTF-8 after line {count:,}") from None
    if left:
        yield _checked(left, count + 1, most)


def _checked(line: str, number: int, most: int) -> str:
    if len(line) > most:
        raise UntrustedArtifactError(f"predictions.csv, line {number}: more than {most:,} characters")
    if _FORBIDDEN.search(line):
        raise UntrustedArtifactError(f"predictions.csv, line {number}: a carriage return or a null character")
    return line
