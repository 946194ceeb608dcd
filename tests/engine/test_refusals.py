"""Invalid tables, and the message for each."""

import gzip
import itertools
import json
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlci.config.loader import parse_config
from mlci.engine.interface import Job, Source
from tests.engine.tables import observe, refusal, text, write

DROPPED = '; leave such rows out: `df = df.dropna(subset=["y"])`'
CONFIG = """model: m
task: binary
evaluation: {{data: d.csv, label: y, positive: {}}}
predict: {{file: d.csv, score: s}}
gates:
  - {{metric: accuracy, min: 0.1}}
"""


def one(path, **more):
    given = {"task": "binary", "data": path, "label": "y", "candidate": Source(path=path, score="s")}
    return Job(**(given | more))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "{path}: the file is empty"),
        ("y,s\n", "{path}: has a header but no rows"),
        ("y,s\n1,0.5,7\n", "{path}:2: the row has 3 fields where the header has 2"),
        ("y,s\n1,0.5\n0\n", "{path}:3: the row has 1 field where the header has 2"),
        ("y,s,y\n1,0.5,1\n", "{path}:1: column names occur twice: 'y'"),
        ("\n1,0.5\n", "{path}:1: has no header with column names"),
        ('y,s\n1,"0.5\n', "{path}:2: a quoted field is not closed, or text follows its closing quote"),
        (
            "y,s\r\n1,0.5\r\n0,0.5\n1,0.5\n",
            "{path}:3: ends in another way than the lines before, \\r\\n or \\n; save the file with one",
        ),
        (f"y,s\n1,{'5' * 2_000_001}\n", "{path}:2: the line is longer than 2,000,000 bytes; is its end missing?"),
        ("y,s\n1,nan\n0,0.5\n", "{path}: 's' is NaN in row 1"),
        ("y,s\n1,0.1\n0,inf\n0,-inf\n", "{path}: 's' is infinite in row 2, and in 1 more row"),
        ("y,s\n1,0.1\n0,\n", "{path}: 's' is null in row 2"),
        ("y,s\n1,0.1\n0,high\n", "{path}: 's' is not a number: 'high' in row 2"),
        ("y,s\n1,0.1\n0,1.5\n", "{path}: 's' is 1.5, outside [0, 1], where probabilities are needed in row 2"),
        ("y,s\n1,0.1\n,0.5\n", "{path}: label 'y' is null in row 2" + DROPPED),
        ("y,s\n,0.1\n,0.5\n", "{path}: label 'y' is null in row 1, and in 1 more row" + DROPPED),
        (
            "y,s\n1,0.1\n1,0.1\n2,0.5\n0,0.5\n2,0.5\n",
            "{path}: label 'y' has 3 values ('0' in row 4, '1' in row 1, '2' in row 3); a binary task has two",
        ),
        ("Y,s\n1,0.1\n", "{path}: has no column 'y'; did you mean 'Y'? Write `label: Y`"),
        ("y,scores\n1,0.1\n", "{path}: has no column 's'; there are 'y', 'scores'; write `score: scores`"),
        ("y,p,q\n1,0.1,0.2\n", "{path}: has no column 's'; there are 'y', 'p', 'q'"),
    ],
)
def test_csv__broken(tmp_path, content, expected):
    path = text(tmp_path, "t.csv", content)
    assert refusal(one(path, probabilities=True)) == [expected.format(path=path)]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("t.csv", ",".join(f"c{i}" for i in range(10_001)), "{path}:1: has 10,001 columns, and 10,000 are the most"),
        ("t.jsonl", json.dumps({f"c{i}": i for i in range(1_001)}), "{path}: has 1,001 keys, and 1,000 are the most"),
    ],
    ids=["csv", "json"],
)
def test_table__too_wide(tmp_path, name, content, expected):
    path = text(tmp_path, name, f"{content}\n")
    (found,) = refusal(one(path))
    assert found.startswith(expected.format(path=path))


@pytest.mark.parametrize(("before", "end"), [("y,s\n", ""), ("y,s\n1,0.1\n0,0.2\n3,", "\n\n")])
@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_csv__last_line_beyond_the_buffer(tmp_path, before, end, suffix):
    """DuckDB drops such a line without an error."""
    path = tmp_path / f"t.{suffix}"
    with gzip.open(path, "wb", compresslevel=1) if suffix == "csv.gz" else path.open("wb") as file:
        file.write(before.encode())
        file.writelines(itertools.repeat(b"5" * 1_000_000, 33))
        file.write(end.encode())
    line = before.count("\n") + 1
    assert refusal(one(str(path))) == [f"{path}:{line}: the line is longer than 2,000,000 bytes; is its end missing?"]


def test_columns__without_a_name_in_parquet_and_json(tmp_path):
    frame = pd.DataFrame({"y": [0, 1], "": [1, 2], "s": [0.1, 0.2]})
    path = write(frame, tmp_path, "t", "parquet")
    (said,) = refusal(one(path))
    assert said.startswith(f"{path}: column 2 has the name '', which is empty")
    assert "`frame.rename(columns={'': 'id'}).to_parquet(path)`" in said
    (said,) = refusal(one(write(frame, tmp_path, "t", "jsonl")))
    assert said.endswith('t.jsonl: a key is empty: ""; give it a name, such as "id"')


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ("y,s\n1,0.1\n 1,0.1\n0,0.1\n", '; without the blanks: `df["y"] = df["y"].str.strip()`'),
        ("0,0.1\n1,0.2\n", "; its header is '0', '0.1'; write the names of the columns in the first line"),
        ("y,s\n1,0.1\n0,98 %\n", 'a fraction: `df["s"] = df["s"].str.rstrip("%").astype(float) / 100`) in row 2'),
        ('y,s\n1,0.1\n0,"0,5"\n', 'a decimal point: `df.to_csv(path, decimal=".", index=False)`) in row 2'),
    ],
)
def test_csv__remedy_names_the_setting(tmp_path, content, remedy):
    assert refusal(one(text(tmp_path, "t.csv", content)))[0].endswith(remedy)


def test_messages__braces_in_names(tmp_path):
    path = text(tmp_path, "t.csv", "y,s{0},d\n{a},x,b\n{a},0.5,{a}\n")
    given = one(path, task="multiclass", candidate=Source(path=path, decision="d"), classes=("{a}",))
    said = "which is none of the classes '{a}' in row 1; if it may occur, write `classes: [\"{a}\", b]`"
    assert refusal(given) == [f"{path}: decision 'd' is 'b', {said} under `evaluation`"]
    given = one(path, positive="{a}", candidate=Source(path=path, score="s{0}"))
    assert refusal(given) == [f"{path}: 's{{0}}' is not a number: 'x' in row 1"]


def test_messages__long_cells_are_cut(tmp_path):
    long = "x" * 5000
    path = text(tmp_path, "t.csv", f"id,y,s\na,1,0.5\n{long},0,{long}\nb,{long},0.5\n")
    cut = "x" * 80 + "…"
    (said,) = refusal(one(path, key="id", classes=(0, 1)))
    assert f"('0' in row 2, '1' in row 1, '{cut}' in row 3)" in said
    (said,) = refusal(one(path, key="id", label="s", task="regression"))
    assert said == f"{path}: 's' is not a number: '{cut}' in row 2 (key '{cut}')"


def test_labels__all_null(tmp_path):
    path = text(tmp_path, "t.csv", "y,d\n,a\n,b\n")
    expected = [f"{path}: label 'y' is null in row 1, and in 1 more row" + DROPPED]
    assert refusal(one(path, candidate=Source(path=path, decision="d"))) == expected
    assert refusal(one(path, task="multiclass", candidate=Source(path=path, decision="d"))) == expected


def test_labels__third_value_in_another_file(tmp_path):
    text(tmp_path, "a.csv", "y,s\n1,0.1\n0,0.5\n")
    text(tmp_path, "b.csv", "y,s\n1,0.1\n 1,0.5\n")
    (said,) = refusal(one(str(tmp_path / "*.csv")))
    assert f"(' 1' in row 2 of {tmp_path}/b.csv, '0' in row 2 of {tmp_path}/a.csv, '1' in row 1 of" in said


def test_observe__several_problems_at_once(tmp_path):
    path = text(tmp_path, "t.csv", "id,y,s,d\na,1,nan,1\nb,0,0.5,maybe\nc,0,,0\n")
    given = one(path, key="id", baseline=Source(path=path, decision="d"), scores=False)
    assert refusal(given) == [
        f"{path}: decision 'd' is 'maybe', which is none of the classes '0', '1' in row 2 (key 'b')"
    ]
    assert refusal(one(path, key="id")) == [
        f"{path}: 's' is null in row 3 (key 'c')",
        f"{path}: 's' is NaN in row 1 (key 'a')",
    ]


@pytest.mark.parametrize(
    ("labels", "positive", "written"),
    [
        (("no", "yes"), "Yes", ['"yes"']),
        ((" <=50K", " >50K"), "50K", ['" >50K"']),
        ((" <=50K", " >50K"), ">50K", ['" >50K"']),
        (("<=50K", ">50K"), "<50K", ['"<=50K"']),
        (("\u00a0>50K", "<=50K"), ">50K", ['"\\u00a0>50K"']),
        (("bad", "good"), 1, ["bad", "good"]),
        (("N", "Y"), True, ["Y"]),
        (("N", "Y"), None, ["Y"]),
        (("*x", "~"), "x", ['"*x"']),
        (("007", "008"), 7, ['"007"', '"008"']),
        (("nan", "inf"), "-inf", ['"inf"']),
    ],
)
def test_positive__not_a_label(tmp_path, labels, positive, written):
    path = text(tmp_path, "t.csv", f"y,s\n{labels[0]},0.1\n{labels[1]},0.5\n")
    (said,) = refusal(one(path, positive=positive))
    remedy = " or ".join(f"`positive: {value}`" for value in written)
    assert said.endswith((f"`evaluation`: {remedy}", f"; write {remedy}"))
    for value in written:  # pasted, it is read
        pasted = parse_config(CONFIG.format(value), path="m").config.evaluation
        assert not observe(one(path, positive=pasted.positive)).notes


def test_positive__single_label_in_another_spelling(tmp_path):
    path = text(tmp_path, "t.csv", "y,s\n >50K,0.1\n")
    assert refusal(one(path, positive=">50K")) == [
        f"{path}: has ' >50K' as labels in 'y', never '>50K'; write `positive: \" >50K\"`"
    ]
    observe(one(path, positive="<=50K"))


@pytest.mark.parametrize("labels", [["1", "0"], ["1", "-1"], ["true", "false"], ["1", "1"], ["0", "0"]])
def test_positive__not_configured(tmp_path, labels):
    path = text(tmp_path, "t.csv", f"y,s\n{labels[0]},0.1\n{labels[1]},0.5\n")
    assert observe(one(path)).notes == ()
    assert observe(one(path, positive=labels[0])).notes == ()


@pytest.mark.parametrize("labels", [["1", "2"], ["2", "1"], ["1", "no"]])
def test_positive__not_configured_beside_another_label_than_0(tmp_path, labels):
    path = text(tmp_path, "t.csv", f"y,s\n{labels[0]},0.1\n{labels[1]},0.5\n")
    assert "name the positive one under `evaluation`" in refusal(one(path))[0]
    assert observe(one(path, positive=labels[0])).notes == ()


def test_labels__outside_the_classes(tmp_path):
    path = text(tmp_path, "t.csv", "y,d\na,a\nb,a\nz,b\n")
    given = one(path, task="multiclass", classes=("a", "b"), candidate=Source(path=path, decision="d"))
    said = "which is none of the classes 'a', 'b' in row 3; if it may occur, write `classes: [a, b, z]`"
    assert refusal(given) == [f"{path}: label 'y' is 'z', {said} under `evaluation`"]


@pytest.mark.parametrize(
    ("decided", "remedy"),
    [
        ("0,1", "`df[\"d\"] = df[\"d\"].map({0: 'no', 1: 'yes'})`"),
        (" yes,no", '`df["d"] = df["d"].str.strip()`'),
    ],
)
def test_decision__classes_in_another_spelling(tmp_path, decided, remedy):
    one_, other = decided.split(",")
    path = text(tmp_path, "t.csv", f"y,d\nyes,{one_}\nno,{other}\n")
    for task in ("binary", "multiclass"):
        positive = "yes" if task == "binary" else None
        (said,) = refusal(one(path, task=task, positive=positive, candidate=Source(path=path, decision="d")))
        assert said.endswith(remedy)


def test_decision__class_without_labelled_rows(tmp_path):
    path = text(tmp_path, "t.csv", "y,d\na,a\nb,rare\n")
    given = one(path, task="multiclass", candidate=Source(path=path, decision="d"))
    expected = (
        "which is none of the classes 'a', 'b' in row 2; "
        "if it may occur, write `classes: [a, b, rare]` under `evaluation`"
    )
    assert refusal(given) == [f"{path}: decision 'd' is 'rare', {expected}"]
    observe(one(path, task="multiclass", candidate=Source(path=path, decision="d"), classes=("a", "b", "rare")))


def test_score__missing_column(tmp_path):
    path = text(tmp_path, "t.csv", "y,d\n1,1\n0,0\n")
    assert refusal(one(path, candidate=Source(path=path, decision="d"), scores=True)) == [
        f"{path}: needs the column of a score, as `score: …`; there are 'y', 'd'"
    ]


def test_files__missing_and_unknown_format(tmp_path):
    both = refusal(one(str(tmp_path / "no.csv")))
    assert [line.partition("; ")[0] for line in both] == [f"{tmp_path}/no.csv: does not exist"] * 2
    assert both[0].endswith("commit it, or let `train.run` write it")
    text(tmp_path, "no.parquet", "y,s\n1,0.1\n")
    assert "; did you mean 'no.parquet' in its folder?" in refusal(one(str(tmp_path / "no.csv")))[0]
    assert refusal(one(str(tmp_path / "*.csv"))) == [f"{tmp_path}/*.csv: no file matches this glob"]
    said = "tables are read from files or s3://, gs://, https://; copy this one to a file first"
    assert refusal(one("ftp://host/no.csv")) == [f"ftp://host/no.csv: {said}"]
    assert refusal(one(str(tmp_path))) == [
        f"{tmp_path}: is a folder; name its files by a glob, e.g. {tmp_path}/*.parquet"
    ]
    os.mkfifo(tmp_path / "t.csv")
    said = "is a pipe or a device, not a file; write the table to a file first"
    assert refusal(one(str(tmp_path / "t.csv"))) == [f"{tmp_path}/t.csv: {said}"]
    path = text(tmp_path, "t.xlsx", "x")
    assert refusal(one(path)) == [
        (
            f"{path}: can't tell the format from the suffix '.xlsx'; "
            "mlci reads .arrow, .csv, .db, .ddb, .duckdb, .feather, .json, .jsonl, .ndjson, .npy, .npz, .parquet, .pq, "
            ".sqlite, .sqlite3, .tsv, .txt"
        )
    ]


@pytest.mark.parametrize("keep", [10, 200, -5, -200])
def test_parquet__truncated(tmp_path, keep):
    path = write(pd.DataFrame({"y": [0, 1] * 500, "s": [i / 1000 for i in range(1000)]}), tmp_path, "t", "parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(content[:keep])
    (line,) = refusal(one(path))
    assert line.startswith(f"{path}: is not a complete Parquet file (was the write interrupted?): ")


def test_parquet__damaged_pages(tmp_path):
    path = write(pd.DataFrame({"y": [0, 1] * 5000, "s": [i / 10000 for i in range(10000)]}), tmp_path, "t", "parquet")
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[4:2000] = bytes(1996)
    (tmp_path / "t.parquet").write_bytes(content)
    (line,) = refusal(one(path))
    assert line.startswith(f"{path}: can't be read to its end, it seems damaged: ")
    whole = text(tmp_path, "p.csv", "s\n" + "0.5\n" * 10000)
    (line,) = refusal(one(path, candidate=Source(path=whole, score="s")))
    assert line.startswith(f"{path}: can't be read to its end, it seems damaged: ")


def test_files__of_a_glob_with_other_columns(tmp_path):
    write(pd.DataFrame({"y": [0, 1], "s": [0.1, 0.2]}), tmp_path, "t-1", "parquet")
    write(pd.DataFrame({"y": [0, 1], "z": [0.1, 0.2]}), tmp_path, "t-2", "parquet")
    (line,) = refusal(one(str(tmp_path / "t-*.parquet")))
    assert line == (
        f"{tmp_path}/t-2.parquet: shards have different columns: 'z' (DOUBLE) stands where {tmp_path}/t-1.parquet "
        "has 's' (DOUBLE)"
    )


def test_files__row_of_a_later_one_is_named(tmp_path):
    write(pd.DataFrame({"y": [0, 1], "s": [0.1, 0.2]}), tmp_path, "t-1", "parquet")
    write(pd.DataFrame({"y": [0, 1], "s": [0.1, float("inf")]}), tmp_path, "t-2", "parquet")
    assert refusal(one(str(tmp_path / "t-*.parquet"))) == [f"{tmp_path}/t-2.parquet: 's' is infinite in row 2"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"y": 1, "s": 0.5}\n[1]\n', "t.jsonl:2: the line is not a JSON object"),
        ('{"y": 1, "y": 0, "s": 0.5}\n', "t.jsonl:1: the line names a key twice"),
        ('{"y": 1, "s": 0.5}\n{"y": 1, "s"', "t.jsonl:2: is not JSON Lines: unexpected end of data, at byte 13"),
        ('\n{"y": 1, "s"\n{"y": 0, "s": 0.5}', "t.jsonl:2: is not JSON Lines: unexpected end of data, at byte 13"),
        ('{"y": 1, "s": 0.5}\n\n[1]\n', "t.jsonl:3: the line is not a JSON object"),
        ('[{"y": 1, "s": 0.5}, 7]\n', "t.jsonl: value 2 is not a JSON object"),
        ('[{"y": 1, "s": 0.5}, {"y"\n', "t.jsonl: is not JSON: "),
        ('{"y": 1, "s": NaN}\n', "'s' is NaN in row 1"),
    ],
)
def test_json_lines__broken(tmp_path, content, said):
    (line,) = refusal(one(text(tmp_path, "t.jsonl", content)))
    assert said in line


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("rows", [1, 200_000])
def test_text__not_utf8(tmp_path, suffix, rows):
    good, bad = ("1,0.5\n", "\xe9,0.5\n") if suffix == "csv" else ('{"y": 1, "s": 0.5}\n', '{"y": "\xe9"}\n')
    (tmp_path / f"t.{suffix}").write_bytes(("y,s\n" * (suffix == "csv") + good * rows + bad).encode("latin1"))
    line = rows + 1 + (suffix == "csv")
    path = str(tmp_path / f"t.{suffix}")
    assert refusal(one(path)) == [f"{path}:{line}: byte 0xe9 is not UTF-8; save the file as UTF-8"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_files__git_lfs_pointer(tmp_path, suffix):
    path = text(tmp_path, f"t.{suffix}", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    (line,) = refusal(one(path))
    assert line.startswith(f"{path}: is a pointer of Git LFS; fetch the data first: `git lfs pull`, or `lfs: true`")


def test_text__utf16(tmp_path):
    (tmp_path / "t.csv").write_bytes("y,s\n1,0.5\n".encode("utf-16"))
    assert refusal(one(str(tmp_path / "t.csv"))) == [f"{tmp_path}/t.csv: is UTF-16; save it as UTF-8"]


def test_json_lines__missing_key_is_null(tmp_path):
    path = text(tmp_path, "t.jsonl", '{"y": 1, "s": 0.5}\n{"y": 1}\n')
    assert refusal(one(path)) == [f"{path}: 's' is null in row 2"]


@pytest.mark.parametrize(
    ("cell", "said"), [("", "is null"), ("nan", "is NaN"), ("inf", "is infinite"), ("tall", "is not a number: 'tall'")]
)
def test_regression__label_is_not_a_number(tmp_path, cell, said):
    path = text(tmp_path, "t.csv", f"y,s\n1.5,0.5\n{cell},0.5\n")
    assert refusal(one(path, task="regression", losses=("squared",))) == [f"{path}: 'y' {said} in row 2"]


HUGE = "which is too large: beyond ±1e70 squares of squared errors overflow; rescale the target"


def regression(path):
    return one(path, task="regression", key="id", losses=("squared", "percentage", "variance"))


def test_regression__numbers_too_large_to_square(tmp_path):
    path = text(tmp_path, "t.csv", "id,y,s\na,1.5,0.5\nb,1e200,0.5\nc,1,-2e70\n")
    assert refusal(regression(path)) == [
        f"{path}: 's' is -2e70, {HUGE} in row 3 (key 'c')",
        f"{path}: 'y' is 1e200, {HUGE} in row 2 (key 'b')",
    ]


def test_regression__largest_numbers_do_not_overflow(tmp_path):
    path = text(tmp_path, "t.csv", "id,y,s\na,1e70,-1e70\nb,-1e70,1e70\nc,0,1e70\n")
    moments = observe(regression(path)).statistics[0].moments
    assert all(np.isfinite(one.products).all() for one in moments.values())


def test_labels__too_many_classes(tmp_path):
    path = write(pd.DataFrame({"y": [i / 7 for i in range(1500)], "s": 0.5}), tmp_path, "t", "parquet")
    assert refusal(one(path)) == [f"{path}: 'y' has more than 1,000 different values; classes are expected here"]


def with_nan(path, **columns):
    table = {name: np.array(values, float) for name, values in columns.items()}
    pq.write_table(pa.table(table), path)
    return str(path)


def test_refusal__nan_score_beside_ranges_in_parquet(tmp_path):
    path = with_nan(tmp_path / "t.parquet", y=[0, 1, 1], s=[0.2, np.nan, 0.7])
    assert refusal(one(path, scores=True)) == [f"{path}: 's' is NaN in row 2"]


def test_refusal__nan_label_beside_ranges_in_parquet(tmp_path):
    path = with_nan(tmp_path / "t.parquet", y=[0, np.nan, 1], s=[0.2, 0.4, 0.7])
    assert refusal(one(path, scores=True)) == [f"{path}: label 'y' is null in row 2{DROPPED}"]
