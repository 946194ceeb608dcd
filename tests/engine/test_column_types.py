"""Column types of Parquet, read in both ways: columns of few values and of many; others are refused."""

import datetime as dt
import math
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mlci.engine import fingerprint as prints
from mlci.engine.fingerprint import fingerprint
from mlci.engine.interface import Job, Source
from mlci.engine.row_comparison import row_digests
from mlci.lineage.rows import is_recorded, spellings
from tests.engine.parquet import arrow
from tests.engine.tables import observe, refusal, slices, text

DAY = dt.date(2024, 2, 29)
UTC = dt.datetime(2024, 2, 29, 12, 0, 0, 250_000, tzinfo=dt.UTC)
NOON = UTC.replace(tzinfo=None)
SECONDS, UNITS = "2024-02-29 12:00:00.25", ("ms", "us", "ns")
SPANS = [dt.timedelta(milliseconds=-250), dt.timedelta(days=3, hours=4), None]
IDS = [uuid.UUID(int=number) for number in (1, 2**127)]


def decimals(kind, *numbers):
    return pa.array([None if one is None else Decimal(one) for one in numbers], kind)


TYPES = {
    **{f"int{n}": (pa.array([-3, 5, None], getattr(pa, f"int{n}")()), ["-3", "5"]) for n in (8, 16, 32, 64)},
    **{f"uint{n}": (pa.array([3, 5, None], getattr(pa, f"uint{n}")()), ["3", "5"]) for n in (8, 16, 32)},
    "uint64": (pa.array([2**64 - 1, 5, None], pa.uint64()), ["5", "18446744073709551615"]),
    "int64 wide": (pa.array([2**53 + 1, 2**53, -(2**63)]), [str(-(2**63)), str(2**53), str(2**53 + 1)]),
    "float16": (pa.array(np.array([0.1, -2, np.nan], np.float16)), ["-2", "0.1"]),
    "float32": (pa.array(np.array([0.1, -2, np.nan], np.float32)), ["-2", "0.1"]),
    "float64": (pa.array([0.1, -2.0, float("nan")]), ["-2", "0.1"]),
    "decimal32": (decimals(pa.decimal32(5, 2), "0.10", "2.00", None), ["0.1", "2"]),
    "decimal64": (decimals(pa.decimal64(17, 3), "0.100", "12345678901234.567", None), ["0.1", "12345678901234.567"]),
    "decimal128": (
        decimals(pa.decimal128(38, 10), "0.1", "1234567890123456789.0000000001", None),
        ["0.1", "1234567890123456789.0000000001"],
    ),
    "decimal128 whole": (
        decimals(pa.decimal128(38, 0), "1", "10000000000000000000000000000000000001", None),
        ["1", "10000000000000000000000000000000000001"],
    ),
    "decimal256": (decimals(pa.decimal256(38, 1), "0.1", "2.0", None), ["0.1", "2"]),
    "bool": (pa.array([True, False, None]), ["false", "true"]),
    "string": (pa.array(["b", "\u00e4", None]), ["b", "\u00e4"]),
    "numbers as string": (pa.array(["1.50", "2", None]), ["1.5", "2"]),
    "long numbers as string": (pa.array(["0.12345678901234567890", "2", None]), ["0.1234567890123456789", "2"]),
    "long integers as string": (pa.array(["1" + "0" * 45, "2", None]), ["2", "1" + "0" * 45]),
    "beyond float64": (pa.array(["1e999", "2", None]), ["1e999", "2"]),
    "below float64": (pa.array(["1e-999", "2", None]), ["1e-999", "2"]),
    "truth as string": (pa.array(["True", "FALSE", None]), ["false", "true"]),
    "large string": (pa.array(["b", "c", None], pa.large_string()), ["b", "c"]),
    "string view": (pa.array(["b", "c", None], pa.string_view()), ["b", "c"]),
    "dictionary": (pa.array(["b", "c", None]).dictionary_encode(), ["b", "c"]),
    "dictionary of numbers": (pa.array([7, 8, None]).dictionary_encode(), ["7", "8"]),
    "binary": (pa.array([b"12", b"13", None]), ["12", "13"]),
    "binary of any bytes": (pa.array([b"\xff\x00", b"x", None]), ["\\xFF\\x00", "x"]),
    "fixed-size binary": (pa.array([b"ab", b"cd", None], pa.binary(2)), ["ab", "cd"]),
    "json": (pa.array(["1", "2", None], pa.json_()), ["1", "2"]),
    "uuid": (pa.array([one.bytes for one in IDS], pa.uuid()), [str(one) for one in IDS]),
    "date32": (pa.array([DAY, None], pa.date32()), ["2024-02-29"]),
    "date64": (pa.array([DAY, None], pa.date64()), ["2024-02-29"]),
    "time32": (pa.array([NOON.time(), None], pa.time32("ms")), ["12:00:00.25"]),
    "time64": (pa.array([NOON.time(), None], pa.time64("us")), ["12:00:00.25"]),
    "time64 ns": (pa.array([NOON.time(), None], pa.time64("ns")), ["12:00:00.25"]),
    **{f"timestamp {u}": (pa.array([NOON, None], pa.timestamp(u)), [SECONDS]) for u in UNITS},
    **{f"instant {u}": (pa.array([UTC, None], pa.timestamp(u, "Asia/Tokyo")), [f"{SECONDS}+00"]) for u in UNITS},
    **{f"duration {u}": (pa.array(SPANS, pa.duration(u)), ["-1 days +23:59:59.75", "3 days 04:00:00"]) for u in UNITS},
    "duration s": (pa.array([90, None], pa.duration("s")), ["0 days 00:01:30"]),
    "null": (pa.array([None, None], pa.null()), []),
}  # fmt: skip
NESTED = {
    "list": pa.array([[1], [2], None]),
    "struct": pa.array([{"a": 1}, {"a": 2}, None]),
    "map": pa.array([[("a", 1)], [("a", 2)], None], pa.map_(pa.string(), pa.int32())),
    "fixed-size list": pa.array([[1, 2], [3, 4], None], pa.list_(pa.int32(), 2)),
}


def evaluation(folder, name, cells):
    """Write a table with a column ``x`` of some type beside labels and scores."""
    rows = len(cells)
    return arrow(folder, name, x=cells, y=pa.array([i % 2 for i in range(rows)]), s=pa.array(np.linspace(0, 1, rows)))


def job(path, **more):
    return Job(**{"task": "binary", "data": path, "label": "y", "candidate": Source(path=path, score="s")} | more)


def of_many_values(path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(prints, "MOST_CODED", 0)
        return fingerprint(path, exclude=("s",))


@pytest.mark.parametrize("kind", TYPES)
def test_type__values_names_and_fingerprints(tmp_path, monkeypatch, kind):
    cells, names = TYPES[kind]
    path = evaluation(tmp_path, "t.parquet", cells)
    observed = observe(job(path, slices=slices("x")))
    null = ["(null)"] if any(one is None or one != one for one in cells.to_pylist()) else []  # noqa: PLR0124 - NaN
    assert [one.scope.group for one in observed.statistics[1:]] == [*names, *null]
    assert sum(one.rows for one in observed.statistics[1:]) == len(cells)
    assert observed.fingerprint == of_many_values(path, monkeypatch)


@pytest.mark.parametrize("kind", TYPES)
def test_type__same_fingerprint_and_rows_as_text(tmp_path, kind):
    cells, names = TYPES[kind]
    path = evaluation(tmp_path, "t.parquet", cells)
    spelled = {}
    for row, one in enumerate(cells.to_pylist()):
        null = one is None or one != one  # noqa: PLR0124 - NaN
        spelled[row] = "" if null else next(name for name in names if same_value(one, name))
    lines = "".join(f"{spelled[row]},{row % 2},{score}\n" for row, score in enumerate(np.linspace(0, 1, len(cells))))
    written = text(tmp_path, "t.csv", "x,y,s\n" + lines)
    assert fingerprint(path) == fingerprint(written)
    left, right = row_digests(path, None, "y"), row_digests(written, None, "y")
    assert (left.contents == right.contents).all()


def same_value(value, name):  # noqa: PLR0911 - a case for each type
    """Tell whether a name that a report uses is that of a value."""
    if isinstance(value, bool):
        return name == str(value).lower()
    if isinstance(value, bytes):
        return name == value.decode("ascii", "backslashreplace").replace("\x00", "\\x00").replace("\\xff", "\\xFF")
    if isinstance(value, dt.timedelta):
        return pd.Timedelta(name) == value
    if isinstance(value, dt.datetime | dt.date | dt.time | pd.Timestamp):
        return True
    if isinstance(value, float):
        return math.isclose(float(name), value, rel_tol=1e-3)
    if isinstance(value, str):
        return name in {value, value.lower(), value.rstrip("0")}
    return Decimal(name) == Decimal(str(value)) if not isinstance(value, uuid.UUID) else name == str(value)


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("role", ["key", "label", "slice", "score", "decision"])
def test_nested__refused_in_a_role(tmp_path, kind, role):
    path = evaluation(tmp_path, "t.parquet", NESTED[kind])
    roles = {
        "key": {"key": "x"},
        "label": {"label": "x"},
        "slice": {"slices": slices("x")},
        "score": {"candidate": Source(path=path, score="x")},
        "decision": {"candidate": Source(path=path, decision="x")},
    }
    (line,) = refusal(job(path, **roles[role]))
    assert line.startswith(f"{path}: column 'x' is ")
    assert f"can't be a {role}" in line


@pytest.mark.parametrize("kind", NESTED)
def test_nested__unused_columns_are_in_the_fingerprint(tmp_path, monkeypatch, kind):
    path = evaluation(tmp_path, "t.parquet", NESTED[kind])
    assert observe(job(path)).fingerprint == of_many_values(path, monkeypatch)


@pytest.mark.parametrize("kind", ["date32", "time64", "timestamp us", "instant us", "uuid", "duration s"])
def test_score__of_a_type_that_is_not_a_number(tmp_path, kind):
    path = evaluation(tmp_path, "t.parquet", TYPES[kind][0])
    (line,) = refusal(job(path, candidate=Source(path=path, score="x")))
    assert line.startswith(f"{path}: column 'x' is ")
    assert "can't be a score" in line


def test_score__integers_that_float64_does_not_have(tmp_path):
    path = arrow(tmp_path, "t.parquet", y=pa.array([0, 1]), s=pa.array([2**53 + 1, 5]))
    (line,) = refusal(job(path))
    assert "'s' is 9007199254740993, which float64 can't represent exactly" in line
    assert "row 1" in line


@pytest.mark.parametrize("rows", [900, 3000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fingerprint__of_floats_in_csv_and_parquet(tmp_path, rows, dtype):
    values = np.round(np.arange(rows) / 7, 3)
    path = arrow(tmp_path, "t.parquet", x=pa.array(values.astype(dtype)), n=pa.array(values.astype(dtype) // 1))
    written = text(tmp_path, "t.csv", "x,n\n" + "".join(f"{one!r},{one // 1}\n" for one in values.tolist()))
    assert fingerprint(path) == fingerprint(written)


@pytest.mark.parametrize("name", ["few", "many"])
def test_label__of_float32_is_called_by_its_decimal(tmp_path, name):
    labels = np.array([0.1, 0.9] * (2 if name == "few" else 600), np.float32)
    path = arrow(tmp_path, "t.parquet", y=pa.array(labels), s=pa.array(np.where(labels > 0.5, 0.8, 0.2)))
    for positive in (0.9, "0.9"):
        decisions = observe(job(path, positive=positive)).statistics[0].decisions
        assert decisions.classes == ("0.1", "0.9")
        assert (decisions.label == decisions.candidate).all()
    found = observe(job(path, task="multiclass", classes=(0.1, 0.9), candidate=Source(path=path, decision="y")))
    assert found.statistics[0].decisions.classes == ("0.1", "0.9")


FORMER = {
    "float32 few": (pa.array(np.array([0.1, 0.2, 0.1], np.float32)), "fd0da146bde13b9d"),
    "float32 many": (pa.array((np.arange(1500) / 7).astype(np.float32)), "d634f9adb7b44cee"),
    "float16 few": (pa.array(np.array([0.1, 0.2, 0.1], np.float16)), "bb7b0670383863c7"),
    "float16 many": (pa.array((np.arange(1500) / 1500).astype(np.float16)), "da60846e4e9c9093"),
    "decimal few": (decimals(pa.decimal128(38, 18), "0.1", "1234567890123456789.5"), "7519fbffc8fe6759"),
    "decimal many": (
        decimals(pa.decimal128(38, 18), *(Decimal(10**15) + Decimal(i) / 1000 for i in range(1500))), "be9ebf1606cb8478"
    ),
    "decimal whole few": (decimals(pa.decimal128(38, 0), 10**18 + 1, 3), "87c50d0f0cab7033"),
    "decimal whole many": (decimals(pa.decimal128(38, 0), *(10**17 + i for i in range(1500))), "39c7ae8e2be968be"),
    "duration few": (pa.array([1, 2, None], pa.duration("us")), "768c0d4b61f2c7f3"),
    "duration many": (pa.array(range(1500), pa.duration("ns")), "de83548c7a87b225"),
    "texts": (pa.array(["0.12345678901234567890", "2"]), "4f2018ef39620107"),
}  # fmt: skip
"""Tables of one column, with the first 16 digits of their fingerprints as mlci at commit 73617a1 took them."""


@pytest.mark.parametrize("kind", FORMER)
def test_fingerprint__of_scheme_1_is_recomputed(tmp_path, kind):
    cells, former = FORMER[kind]
    columns = {"x": cells} | ({"y": pa.array([0, 1, 1])} if kind == "float32 few" else {})
    found = fingerprint(arrow(tmp_path, "t.parquet", **columns))
    assert f"sha256:{former}" in {spelling[:23] for spelling in spellings(found)}
    assert (found.former is None) == (kind == "float32 many")


def test_fingerprint__of_other_rows_is_not_recorded(tmp_path):
    few = np.array([0.1, 0.2, 0.1], np.float32)
    one = fingerprint(arrow(tmp_path, "a.parquet", x=pa.array(few)))
    other = fingerprint(arrow(tmp_path, "b.parquet", x=pa.array(few + np.float32(0.1))))
    assert is_recorded(one.former, one)
    assert is_recorded(str(one), one)
    assert not is_recorded(one.former, other)
    assert not is_recorded(str(one), other)
