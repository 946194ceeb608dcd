"""The evaluation set for a prediction step: everything except the label, unchanged."""

import contextlib
import datetime as dt
import decimal
import gzip
import json
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.engine.export.features import write_features
from mlci.engine.tables import files, parquet_metadata
from mlci.errors import InputError
from tests.engine.tables import people, text, write

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


def frame_of_types(rows: int = 40) -> pd.DataFrame:
    """A frame with the types that pandas' users have, and with a custom index."""
    n = np.arange(rows)
    frame = pd.DataFrame({
        "x": n * 0.1,
        "X": n,
        "y": n % 2,
        "category": pd.Categorical([["b", "a", "c"][i % 3] for i in n], categories=["b", "a", "c", "z"], ordered=True),
        "nullable": pd.array([None if i % 5 == 0 else i for i in n], dtype="Int64"),
        "boolean": pd.array([None if i % 7 == 0 else i % 2 == 0 for i in n], dtype="boolean"),
        "string": pd.array([None if i % 4 == 0 else f"é{i}" for i in n], dtype="string"),
        "zoned": pd.date_range("2026-03-28", periods=rows, freq="37min", tz="Europe/Berlin"),
        "naive": pd.date_range("2026-03-28", periods=rows, freq="1s"),
        "small": n.astype("float32") / np.float32(3),
    })  # fmt: skip
    return frame.set_index(pd.Index([f"row-{i}" for i in n], name="key"))


def table_of_types(rows: int = 50) -> pa.Table:
    """An Arrow table with nested and exact types beside the label ``y``."""
    n = range(rows)
    return pa.table({
        "before": pa.array([{"a": i, "b": [str(i)] * (i % 3)} for i in n]),
        "y": pa.array([i % 2 for i in n], pa.int8()),
        "half": pa.array(np.arange(rows, dtype=np.float16)),
        "unsigned": pa.array([2**64 - 1 - i for i in n], pa.uint64()),
        "exact": pa.array([decimal.Decimal(10) ** 37 + i for i in n], pa.decimal128(38, 0)),
        "day": pa.array([dt.date(2026, 1, 1) + dt.timedelta(i) for i in n]),
        "time": pa.array([dt.time(1, 2, 3, i) for i in n], pa.time64("us")),
        "nanoseconds": pa.array(list(n), pa.timestamp("ns", "America/New_York")),
        "seconds": pa.array(list(n), pa.duration("ms")),
        "dictionary": pa.array([f"d{i % 4}" for i in n]).dictionary_encode(),
        "large": pa.array([f"{i}" for i in n], pa.large_string()),
        "binary": pa.array([bytes([i]) for i in n], pa.binary(1)),
        "id": pa.array([uuid.UUID(int=i).bytes for i in n], pa.uuid()),
        "map": pa.array([[("k", i)] for i in n], pa.map_(pa.string(), pa.int64())),
        "nothing": pa.nulls(rows),
    }).replace_schema_metadata({"team": "risk"})  # fmt: skip


def test_write_features__csv_keeps_every_other_byte(tmp_path):
    path = text(tmp_path, "t.csv", 'id,y,"a ""b""",z\n007,1,"x, y",\n8,0,"",1.50\n')
    out = write_features(path, "y", tmp_path / "out")
    assert out == tmp_path / "out" / "features.csv"
    assert out.read_text() == 'id,"a ""b""",z\n007,"x, y",\n8,"",1.50\n'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("\ufeffid;y;z\r\n1;0;a,b\r\n", "\ufeffid;z\r\n1;a,b\r\n"),
        ('y,id\n1,"a\nb"\n0,c', 'id\n"a\nb"\nc'),
        ("id,y\n1,0\n\n2,1\n", "id\n1\n\n2\n"),
        ("y,z\n1,\n0,x\n", 'z\n""\nx\n'),
        ("x,X,y\n1,2,0\n", "x,X\n1,2\n"),
    ],
    ids=["delimiter, mark, line ends", "quoted line break", "blank line", "one column left", "names by case"],
)
def test_write_features__csv_as_users_write_it(tmp_path, source, expected):
    (tmp_path / "t.csv").write_bytes(source.encode())
    assert write_features(str(tmp_path / "t.csv"), "y", tmp_path / "out").read_bytes() == expected.encode()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5), st.integers(0, 2))
def test_write_features__csv_reads_back_as_the_other_columns(tmp_path_factory, rows, at):
    folder = tmp_path_factory.mktemp("csv")
    names = ["a", "b", "c"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "t.csv", index=False, quoting=1)
    found = pd.read_csv(
        write_features(str(folder / "t.csv"), names[at], folder / "out"), dtype=str, keep_default_na=False
    )
    assert found.to_dict("list") == {name: [row[i] for row in rows] for i, name in enumerate(names) if i != at}


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("t.jsonl", '{"id": 1, "y": 0, "big": 123456789012345678901}\n{"y": 1, "id": 2.50}\n',
         '{"id": 1, "big": 123456789012345678901}\n{"id": 2.50}\n'),
        ("t.ndjson", '{"a":{"y":1},"y":[1,{"y":2}],"b":"\\u007d"}\n\n{"a":null,"b":1e-3,"y":"}"}',
         '{"a":{"y":1},"b":"\\u007d"}\n\n{"a":null,"b":1e-3}\n'),
        ("t.json", '[\n  {"id": 1, "y": 0},\n  {"y": 1, "id": 2}\n]\n', '[\n  {"id": 1},\n  {"id": 2}\n]\n'),
    ],
    ids=["lines", "nested, escaped, blank, no last line end", "array"],
)  # fmt: skip
def test_write_features__json_keeps_every_other_byte(tmp_path, name, source, expected):
    out = write_features(text(tmp_path, name, source), "y", tmp_path / "out")
    assert (out.name, out.read_text()) == (f"features{Path(name).suffix}", expected)


@pytest.mark.parametrize("form", ["parquet", "shards", "jsonl", "json", "csv", "csv.gz", "tsv"])
def test_write_features__keeps_the_format(tmp_path, form):
    frame = people(30)
    out = write_features(write(frame, tmp_path, "t", form), "label", tmp_path)
    assert out.name == f"features.{'parquet' if form == 'shards' else form}"
    readers = {
        "parquet": pd.read_parquet,
        "jsonl": lambda path: pd.read_json(path, lines=True),
        "json": pd.read_json,
        "tsv": lambda path: pd.read_csv(path, sep="\t"),
    }
    found = readers.get(out.name.removeprefix("features."), pd.read_csv)(out)
    assert list(found) == list(frame.drop(columns="label"))
    assert found.id.tolist() == frame.id.tolist()
    assert found.score.tolist() == pytest.approx(frame.score.tolist())


def test_write_features__text_in_several_files(tmp_path):
    text(tmp_path, "a.csv", "id;y\n1;0\n")
    text(tmp_path, "b.csv", 'id,y\n"2;3",1\n4;5,1\n')
    assert write_features(str(tmp_path / "[ab].csv"), "y", tmp_path / "o").read_text() == 'id\n1\n"2;3"\n"4;5"\n'
    text(tmp_path, "c.json", '[{"id": 1, "y": 0}]')
    text(tmp_path, "d.json", '[{"id": 2, "y": 0}]')
    assert json.loads(write_features(str(tmp_path / "[cd].json"), "y", tmp_path / "o").read_text()) == [
        {"id": 1},
        {"id": 2},
    ]


def test_write_features__lines_and_an_array(tmp_path):
    text(tmp_path, "a.json", '[{"id": 1, "y": 0}]')
    text(tmp_path, "b.json", '{"id": 2, "y": 0}\n')
    with pytest.raises(InputError, match="mixes JSON Lines and arrays"):
        write_features(str(tmp_path / "*.json"), "y", tmp_path)


def test_write_features__parquet_by_pandas(tmp_path):
    frame = frame_of_types()
    frame.to_parquet(tmp_path / "t.parquet")
    found = pd.read_parquet(write_features(str(tmp_path / "t.parquet"), "y", tmp_path / "out"))
    pd.testing.assert_frame_equal(found, frame.drop(columns="y"))


@pytest.mark.parametrize("compression", ["snappy", "zstd", "none"])
def test_write_features__parquet_of_all_types(tmp_path, compression):
    table = table_of_types()
    options = {"compression": compression, "row_group_size": 17, "write_page_index": True, "data_page_size": 64}
    sorting = [pq.SortingColumn(2), pq.SortingColumn(1), pq.SortingColumn(0)]
    pq.write_table(table, tmp_path / "t.parquet", **options, sorting_columns=sorting)
    out = write_features(str(tmp_path / "t.parquet"), "y", tmp_path / "out")
    found = pq.read_table(out)
    assert found.equals(pq.read_table(tmp_path / "t.parquet").drop_columns("y"), check_metadata=True)
    assert out.read_bytes().count(b"\0" * 8) > (tmp_path / "t.parquet").read_bytes().count(b"\0" * 8)
    groups = pq.ParquetFile(out).metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [17, 17, 16]


def test_write_features__parquet_holds_nothing_of_the_label(tmp_path):
    labels = [f"secret-{i:06}" for i in range(300)]
    table = pa.table({"x": range(300), "y": labels, "z": range(300)})
    pq.write_table(table, tmp_path / "t.parquet", compression="none", bloom_filter_options={"y": True})
    assert (tmp_path / "t.parquet").read_bytes().count(b"secret-") > 300
    out = write_features(str(tmp_path / "t.parquet"), "y", tmp_path / "out")
    assert b"secret-" not in out.read_bytes()
    assert pq.read_table(out).equals(table.drop_columns("y"))


def test_write_features__parquet_in_several_files(tmp_path):
    parts = [frame_of_types(40).iloc[:25], frame_of_types(40).iloc[25:]]
    for number, part in enumerate(parts):
        part.to_parquet(tmp_path / f"part-{number}.parquet")
    found = pd.read_parquet(write_features(str(tmp_path / "part-*.parquet"), "y", tmp_path / "out"))
    pd.testing.assert_frame_equal(found, pd.concat(parts).drop(columns="y"), check_freq=False)


def test_write_features__parquet_with_nulls_allowed_in_one_file_only(tmp_path):
    for number, nullable in enumerate((True, False)):
        schema = pa.schema([pa.field("id", pa.int64(), nullable=nullable), pa.field("y", pa.int64())])
        pq.write_table(pa.table({"id": [number], "y": [0]}, schema=schema), tmp_path / f"{number}.parquet")
    found = pd.read_parquet(write_features(str(tmp_path / "?.parquet"), "y", tmp_path / "out"))
    assert found.to_dict("list") == {"id": [0, 1]}


def test_thrift__footer_round_trip(tmp_path):
    pq.write_table(table_of_types(), tmp_path / "t.parquet")
    data = (tmp_path / "t.parquet").read_bytes()
    footer = data[-8 - int.from_bytes(data[-8:-4], "little") : -8]
    assert parquet_metadata.dump_struct(parquet_metadata.parse_struct(footer)) == footer


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_thrift__other_bytes(data):
    with contextlib.suppress(parquet_metadata.ThriftError):
        assert isinstance(parquet_metadata.parse_struct(data), parquet_metadata.Struct)


def test_write_features__label_not_found(tmp_path):
    path = text(tmp_path, "t.csv", "id,target\n1,2\n")
    with pytest.raises(InputError, match=r"t\.csv: has no column 'targt'; did you mean 'target'\?"):
        write_features(path, "targt", tmp_path)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (",y\n0,1\n", "the first column has no name, as pandas writes its index; leave it out: "),
        ('"",y\n0,1\n', "the first column has no name"),
        ("id,y,\n0,1,\n", "column 3 has no name; give it one, or remove the delimiter that begins it"),
        (f"id,y,{'x' * 140_000}\n0,1,2\n", "a column name is longer than 131,072 characters"),
        (f'id,y,"{"x" * 140_000}\n0,1,2\n', "a column name is longer than 131,072 characters; is a quote not closed?"),
    ],
    ids=["index", "quoted", "last", "long", "not closed"],
)
def test_header__without_a_usable_name(tmp_path, header, says):
    with pytest.raises(InputError, match=r"t\.csv:1: ") as caught:
        write_features(text(tmp_path, "t.csv", header), "y", tmp_path)
    assert says in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_header__in_another_encoding(tmp_path, encoding):
    (tmp_path / "t.csv").write_bytes("id,region,y\n1,süd,0\n".encode(encoding))
    with pytest.raises(InputError, match=rf"t\.csv: is {encoding[:6].upper()}; save it as UTF-8"):
        write_features(str(tmp_path / "t.csv"), "y", tmp_path)


def test_inflate__stops_at_its_bound(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"id,y\n" + b"1,0\n" * 100_000))
    with pytest.raises(InputError, match=r"t\.csv\.gz: is larger than 1,000 bytes when it is unpacked"):
        files.inflate("t.csv.gz", tmp_path / "t.csv.gz", tmp_path / "out", limit=1000)


def test_inflate__truncated_file(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"id,y\n" + b"1,0\n" * 1000)[:-20])
    with pytest.raises(InputError, match=r"t\.csv\.gz: can't be unpacked, it seems cut short or damaged"):
        write_features(str(tmp_path / "t.csv.gz"), "y", tmp_path)
