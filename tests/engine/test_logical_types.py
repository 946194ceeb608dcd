"""Keys and decisions of one type in Parquet and as text in another file, against pandas' merge."""

import datetime as dt
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from mlci.engine import sql
from mlci.engine.cell_errors import CellLocation, ProblemCollector
from mlci.engine.fingerprint import fingerprint
from mlci.engine.interface import Job, Source
from mlci.engine.row_comparison import row_digests, share_rows
from mlci.engine.tables.labelled_tables import open_table
from mlci.engine.tables.logical_types import ColumnCells, read_alike
from tests.engine.tables import observe, refusal, same

N = 24
TICKS = np.arange(N) * 7_777_777_777_777_777 - 50_000_000_000_000_001
ZONES = pd.Series(pd.date_range("2024-10-27", periods=N, freq="10min", tz="Europe/Berlin"))
NAIVE = pd.Series(pd.to_datetime(TICKS))
TYPES = {
    "timestamp ns": NAIVE,
    "timestamp of neighbours": pd.Series(pd.to_datetime(np.arange(N))),
    "timestamp ms": NAIVE.dt.floor("100ms").dt.as_unit("ms"),
    "timestamp at midnight": pd.Series(pd.date_range("1960-01-01", periods=N)),
    "instants over a change of clocks": ZONES,
    "instants ns": NAIVE.dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata"),
    "date": pd.Series([dt.date(1 + 400 * i, 3, 1) for i in range(N)]),
    "time": pd.Series([dt.time(i % 24, 5, 0, i * 10_000) for i in range(N)]),
    "uuid": pd.Series([uuid.UUID(int=i * 2**120 + 0xABCDEF) for i in range(N)]),
    "duration ns": pd.Series(pd.to_timedelta(TICKS)),
    "duration s": pd.Series(pd.to_timedelta(np.arange(-5, N - 5) * 9_999, unit="s").as_unit("s")),
}  # fmt: skip


def iso(one):
    return one.hex if isinstance(one, uuid.UUID) else one.isoformat()


def capitals_and_utc(one):
    if isinstance(one, uuid.UUID):
        return str(one).upper()
    return str(one.astimezone(dt.UTC) if getattr(one, "tzinfo", None) else one)


def frames(keys):
    """Return an evaluation set and predictions in another order, with a score for each key."""
    draw = np.random.default_rng(3)
    data = pd.DataFrame({"k": keys, "y": draw.integers(0, 2, len(keys))})
    scores = pd.DataFrame({"k": keys, "score": draw.random(len(keys)).round(3)})
    return data, scores.sample(frac=1, random_state=1).reset_index(drop=True)


def to_parquet(frame, path):
    cells = {
        name: pa.array([key.bytes for key in column], pa.uuid())
        if isinstance(column.iloc[0], uuid.UUID)
        else pa.array(column)
        for name, column in frame.items()
    }
    parquet.write_table(pa.table(cells), path)


def job(data, predictions, **more):
    source = Source(path=str(predictions), score="score")
    return Job(**{"task": "binary", "data": str(data), "key": "k", "label": "y", "candidate": source} | more)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Statistics of what pandas merges, whatever the type of keys."""
    path = tmp_path_factory.mktemp("merged") / "merged.csv"
    data, scores = frames(np.arange(N))
    data.merge(scores, on="k").to_csv(path, index=False)
    return observe(job(path, path, key=None)).statistics


def write_text(form, frame, folder):
    """Write a frame in a form that pandas or Python gives its values; return the file's name and its columns."""
    if form == "json":
        kinds = ["timestamp ns", "timestamp at midnight", "instants over a change of clocks", "time", "duration ns"]
        frame[kinds].to_json(folder / "text.jsonl", orient="records", lines=True, date_format="iso", date_unit="ns")
        return "text.jsonl", kinds
    spelled = frame if form == "csv" else pd.DataFrame({name: frame[name].map(form) for name in frame})
    spelled.to_csv(folder / "text.csv", index=False)
    return "text.csv", list(frame)


def rows_by_text(place, column):
    query = sql.select(f"{column.ref}::VARCHAR AS k", place.table.relation)
    return place.connection.execute(query).df().reset_index()


@pytest.mark.parametrize("form", ["csv", "json", str, iso, capitals_and_utc])
def test_read_alike__pairs_what_pandas_merges(tmp_path, form):
    frame = pd.DataFrame(TYPES)
    mixed = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    to_parquet(frame, tmp_path / "typed.parquet")
    written, kinds = write_text(form, mixed, tmp_path)
    with sql.session() as (connection, scratch):
        tables = [open_table(connection, str(tmp_path / name), scratch) for name in ("typed.parquet", written)]
        places = [CellLocation(connection, table, None) for table in tables]
        for name in kinds:
            cells, problems = [ColumnCells(place, place.table.column(name)) for place in places], ProblemCollector()
            typed, text = map(rows_by_text, places, read_alike(cells, "key", problems))
            problems.stop()
            expected = frame[[name]].reset_index().merge(mixed[[name]].reset_index(), on=name)
            assert len(expected) == N
            assert typed.merge(text, on="k")[["index_x", "index_y"]].equals(expected[["index_x", "index_y"]])


@pytest.mark.parametrize("kind", ["timestamp ms", "instants over a change of clocks", "duration ns"])
def test_key__of_one_type_in_parquet_and_csv(tmp_path, expected, kind):
    data, scores = frames(TYPES[kind])
    for mine, other in ((data, scores), (scores, data)):
        to_parquet(mine, tmp_path / "typed.parquet")
        other.to_csv(tmp_path / "text.csv", index=False)
        paths = [tmp_path / "typed.parquet", tmp_path / "text.csv"]
        assert same(observe(job(*(paths if mine is data else paths[::-1]))).statistics, expected)


PAIRS = {
    "timestamp ms, ns": (TYPES["timestamp ms"], TYPES["timestamp ms"].dt.as_unit("ns")),
    "date, timestamp": (TYPES["timestamp at midnight"].dt.date, TYPES["timestamp at midnight"]),
    "timestamp, date": (TYPES["timestamp at midnight"], TYPES["timestamp at midnight"].dt.date),
    "duration s, ns": (TYPES["duration s"], TYPES["duration s"].dt.as_unit("ns")),
    "instants of two zones": (ZONES, ZONES.dt.tz_convert("Asia/Tokyo")),
}  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_key__of_two_types_in_parquet(tmp_path, expected, pair):
    one, other = PAIRS[pair]
    to_parquet(frames(one)[0], tmp_path / "data.parquet")
    to_parquet(frames(other)[1], tmp_path / "scores.parquet")
    assert same(observe(job(tmp_path / "data.parquet", tmp_path / "scores.parquet")).statistics, expected)


def test_key__durations_of_equal_numbers_in_two_units_do_not_pair(tmp_path):
    for name, (unit, part) in {"data": ("ns", 0), "scores": ("s", 1)}.items():
        keys = pd.Series(np.arange(N).astype(f"m8[{unit}]"))
        to_parquet(frames(keys)[part], tmp_path / f"{name}.parquet")
    lines = refusal(job(tmp_path / "data.parquet", tmp_path / "scores.parquet"))
    assert any("23 rows of" in line and "have no candidate prediction" in line for line in lines)


AT = TYPES["timestamp ms"]
REFUSED = {
    "naive text for instants": (ZONES, ZONES.dt.tz_localize(None), 'pd.to_datetime(df["k"]).dt.tz_localize("UTC")'),
    "instants in text for naive": (AT, AT.dt.tz_localize("UTC"), 'pd.to_datetime(df["k"]).dt.tz_localize(None)'),
    "times for dates": (AT.dt.date, AT, 'pd.to_datetime(df["k"]).dt.strftime("%Y-%m-%d")'),
    "one that is none": (AT, AT.astype(str).where(AT.index > 0, "n/a"), 'pd.to_datetime(df["k"]).astype(str)'),
    "a day that there is not": (AT, AT.astype(str).where(AT.index > 0, "2023-02-29"), "'2023-02-29' in row"),
    "hour 24": (AT, AT.astype(str).where(AT.index > 0, "2023-02-28 24:00:00"), "'2023-02-28 24:00:00' in row"),
    "blanks": (AT, " " + AT.astype(str), "is not a timestamp without an offset from UTC"),
    "numbers": (AT, AT.astype("int64"), "is not a timestamp without an offset from UTC"),
    "no UUID": (TYPES["uuid"], TYPES["uuid"].map(str).str[1:], "is not a UUID"),
    "no duration": (TYPES["duration s"], TYPES["duration s"].dt.total_seconds(), 'pd.to_timedelta(df["k"])'),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_key__text_does_not_match_the_type_in_parquet(tmp_path, kind):
    keys, spelled, words = REFUSED[kind]
    to_parquet(frames(keys)[0], tmp_path / "data.parquet")
    frames(spelled)[1].to_csv(tmp_path / "scores.csv", index=False)
    (line,) = refusal(job(tmp_path / "data.parquet", tmp_path / "scores.csv"))
    assert line.startswith(f"{tmp_path}/scores.csv: key 'k' is not a ")
    assert words in line


@pytest.mark.parametrize(("here", "there", "words"), [
    ("2024-03-31 00:00:00.100", "2024-03-31T00:00:00.1", "as timestamps: written as `2024-03-31 00:00:00.100` in"),
    ("2024-03-31 01:00+01:00", "2024-03-31T00:00:00Z", 'df["k"] = pd.to_datetime(df["k"], utc=True).astype(str)`'),
])  # fmt: skip
def test_key__of_timestamps_in_two_texts(tmp_path, here, there, words):
    frames([there, "b"])[0].to_csv(tmp_path / "data.csv", index=False)
    frames([here, "b"])[1][::-1].to_csv(tmp_path / "scores.csv", index=False)
    *_, line = refusal(job(tmp_path / "data.csv", tmp_path / "scores.csv"))
    assert "keys match as " in line
    assert words in line


@pytest.mark.parametrize(("keys", "words"), [
    (AT.dt.tz_localize("UTC"), "dt.tz_localize(None)`"),
    (AT.astype("int64"), 'date_format="iso", date_unit="ns")`'),
    (AT.dt.time, "key 'k' is TIME where"),
])  # fmt: skip
def test_key__of_another_type_in_parquet(tmp_path, keys, words):
    to_parquet(frames(AT)[0], tmp_path / "data.parquet")
    to_parquet(frames(keys)[1], tmp_path / "scores.parquet")
    (line,) = refusal(job(tmp_path / "data.parquet", tmp_path / "scores.parquet"))
    assert words in line


@pytest.mark.parametrize(("kind", "rows"), [("instants ns", 9), ("duration ns", 9), ("date", 1100)])
def test_decision__in_text_of_labels_with_a_type(tmp_path, kind, rows):
    labels = TYPES[kind][:3].sample(rows, replace=True, random_state=2).reset_index(drop=True)
    decided = labels.where(labels.index % 3 > 0, labels[0])
    to_parquet(pd.DataFrame({"y": labels, "id": range(rows)}), tmp_path / "data.parquet")
    pd.DataFrame({"id": range(rows), "d": decided}).to_csv(tmp_path / "out.csv", index=False)
    source = Source(path=str(tmp_path / "out.csv"), decision="d")
    found = observe(job(tmp_path / "data.parquet", "", key="id", task="multiclass", candidate=source))
    decisions = found.statistics[0].decisions
    wrong = decisions.count[decisions.label != decisions.candidate].sum()
    assert wrong == (labels != decided).sum()


@pytest.mark.parametrize(
    ("labels", "decided", "classes"),
    [
        (["2024-02-29", "2024-03-01"], pd.to_datetime(["2024-02-29", "2024-03-01"]), ("2024-02-29", "2024-03-01")),
        (
            ["2024-02-29T00:00+01:00", "2024-02-29T00:00Z"],
            pd.to_datetime(["2024-02-28 23:00", "2024-02-29 00:00"]).tz_localize("UTC"),
            ("2024-02-29T00:00+01:00", "2024-02-29T00:00Z"),
        ),
    ],
)
def test_decision__of_a_type_beside_labels_in_text(tmp_path, labels, decided, classes):
    """Decisions get the class names of the labels' file."""
    pd.DataFrame({"y": [*labels, labels[0]], "id": range(3)}).to_csv(tmp_path / "data.csv", index=False)
    to_parquet(pd.DataFrame({"id": range(3), "d": decided[[0, 1, 1]]}), tmp_path / "out.parquet")
    source = Source(path=str(tmp_path / "out.parquet"), decision="d")
    found = observe(job(tmp_path / "data.csv", "", key="id", task="multiclass", candidate=source))
    decisions = found.statistics[0].decisions
    assert decisions.classes == classes
    assert decisions.count[decisions.label != decisions.candidate].tolist() == [1]
    assert found.fingerprint == fingerprint(str(tmp_path / "data.csv"))


def test_share_rows__of_keys_in_parquet_and_text(tmp_path):
    data, scores = frames(TYPES["duration s"])
    to_parquet(data, tmp_path / "data.parquet")
    scores.to_csv(tmp_path / "scores.csv", index=False)
    to_parquet(data[4:], tmp_path / "own.parquet")
    own = row_digests(str(tmp_path / "own.parquet"), "k", "y", in_order=True)
    shared = job(tmp_path / "data.parquet", tmp_path / "scores.csv")
    found = share_rows(shared, own, tmp_path / "shared", in_own_order=False)
    assert (found.rows, found.added, found.changed) == (N - 4, 4, 0)
    data[4:].merge(scores, on="k").to_csv(tmp_path / "merged.csv", index=False)
    merged = observe(job(tmp_path / "merged.csv", tmp_path / "merged.csv", key=None))
    assert same(observe(found.job).statistics, merged.statistics)


def test_score__duration_is_refused_with_seconds_to_write(tmp_path):
    cells = pa.table({"y": [0, 1], "score": pa.array([1, 2], pa.duration("s"))})
    parquet.write_table(cells, tmp_path / "data.parquet")
    (line,) = refusal(job(tmp_path / "data.parquet", tmp_path / "data.parquet", key=None))
    assert '`df["score"] = df["score"].dt.total_seconds()`' in line
