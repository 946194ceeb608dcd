"""The bounded CSV parser: what `mlci sealed predict` writes is read cell by cell, and nothing else."""

import csv
import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.sealed.artifact import UntrustedArtifactError
from mlci.sealed.predictions import SealedColumns, parse_predictions
from mlci.util.bounds import PREDICTION_CELL

COLUMNS = SealedColumns(key="id", names=("id", "score", "decision"), numbers=frozenset({"score"}))
HEADER = b"id,score,decision\n"


def parse(data, *, rows=3, size=7):
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return list(parse_predictions(pieces, (COLUMNS,), rows=rows))[1:]


def test_parse_predictions__honest():
    data = HEADER + b'7,0.25,yes\n"a,""b""\nc",-1e-07,no\n\xc3\xa4,3,no'
    assert parse(data) == [("7", "0.25", "yes"), ('a,"b"\nc', "-1e-07", "no"), ("ä", "3", "no")]


LONG = b"x" * (PREDICTION_CELL.value + 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "columns of an empty file"),
        (b"id,score\n", "has the columns 'id', 'score', expected id,score,decision"),
        (b"\xef\xbb\xbf" + HEADER, "has the columns"),
        (b"id,score,decision,decision\n", "has the columns"),
        (b"PK\x03\x04", "has the columns"),
        (HEADER + b"1,0.5\n", "line 2: 2 cells, expected 3"),
        (HEADER + b"1,0.5,yes,9\n", "line 2: 4 cells"),
        (HEADER + b"\n", "line 2: 0 cells"),
        (HEADER + b"1,nan,yes\n", "not a finite number: 'nan'"),
        (HEADER + b"1,inf,yes\n", "not a finite number"),
        (HEADER + b"1,1e999,yes\n", "not a finite number"),
        (HEADER + b"1,0x10,yes\n", "not a finite number"),
        (HEADER + b"1,1_000,yes\n", "not a finite number"),
        (HEADER + "1,١,yes\n".encode(), "not a finite number"),
        (HEADER + b"1, 1,yes\n", "not a finite number"),
        (HEADER + b"1,,yes\n", "'score' is empty"),
        (HEADER + b",1,yes\n", "'id' is empty"),
        (HEADER + b"1,1," + LONG + b"\n", "'decision' has more than 1,024 bytes"),
        (HEADER + b"1,1," + "ä".encode() * 600 + b"\n", "'decision' has more than 1,024 bytes"),
        (HEADER + b"1,1,\xff\n", "not UTF-8"),
        (HEADER + b"1,1,\xc3", "not UTF-8"),
        (HEADER + b"1,1,y\x00\n", "null character"),
        (HEADER + b"1,1,y\r\n", "carriage return"),
        (HEADER + b'1,1,"y\n', "unexpected end of data"),
        (HEADER + b'1,1,"y"x\n', "expected after"),
        (HEADER + b"1,1,y\n" * 4, "more rows than the evaluation set's 3"),
        (HEADER + b"1" * 120_000, "more than"),
        (HEADER + b'"' + b"a\n" * 80_000, "field larger than field limit"),
    ],
)
def test_parse_predictions__hostile(data, message):
    with pytest.raises(UntrustedArtifactError, match=message):
        parse(data, size=4096)


@given(st.binary(max_size=300), st.integers(1, 50))
def test_parse_predictions__any_bytes(noise, size):
    for data in (noise, HEADER + noise):
        try:
            rows = parse(data, size=size, rows=1_000)
        except UntrustedArtifactError:
            continue
        assert all(len(row) == 3 and math.isfinite(float(row[1])) for row in rows)
        assert rows == parse(data, size=1, rows=1_000)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1, max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(repr)


@given(st.lists(st.tuples(TEXTS, NUMBERS, TEXTS), max_size=10), st.integers(1, 50))
def test_parse_predictions__what_the_writer_writes(rows, size):
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows([COLUMNS.names, *rows])
    assert parse(written.getvalue().encode(), rows=10, size=size) == rows
