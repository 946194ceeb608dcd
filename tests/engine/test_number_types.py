"""Numbers of every type of Parquet, CSV and JSON Lines as scores, thresholds and keys: read exactly, or refused."""

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mlci.engine.interface import Job, Source
from mlci.engine.row_comparison import count_disagreements
from tests.engine.parquet import arrow
from tests.engine.tables import observe, refusal, slices, text, write

TENTHS = np.arange(0, 1.01, 0.01).round(2)


def decimals(numbers):
    return pa.array([Decimal(int(number)) for number in numbers], pa.decimal128(38, 0))


def count_decided(path, threshold):
    candidate = Source(path=path, score="s")
    given = Job(task="binary", data=path, label="y", candidate=candidate, threshold=threshold)
    decisions = observe(given).statistics[0].decisions
    return decisions.count[decisions.candidate == 1].sum()


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7, 0.9, 0.05, 0.299999999])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_threshold__in_the_type_of_the_scores(tmp_path, dtype, threshold):
    scores = TENTHS.astype(dtype)
    labels = pa.array([i % 2 for i in range(len(scores))])
    expected = int((scores >= threshold).sum())
    path = arrow(tmp_path, "t.parquet", y=labels, s=pa.array(scores))
    assert count_decided(path, threshold) == expected
    keyed = arrow(tmp_path, "k.parquet", y=labels, s=pa.array(scores), x=pa.array(np.arange(len(scores)) / 7))
    assert count_decided(keyed, threshold) == expected  # a column of features: rows are read, not counted


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threshold__same_decisions_in_csv_and_parquet(tmp_path, dtype):
    frame = pd.DataFrame({"id": range(len(TENTHS)), "y": np.arange(len(TENTHS)) % 2, "s": TENTHS})
    data = write(frame[["id", "y"]], tmp_path, "e", "csv")
    candidate = write(frame[["id", "s"]].astype({"s": dtype}), tmp_path, "p", "parquet")
    baseline = write(frame[["id", "s"]], tmp_path, "p", "csv")
    for threshold in (0.07, 0.1, 0.35, 0.7):
        given = Job(
            task="binary", data=data, key="id", label="y", threshold=float(threshold), scores=True,
            candidate=Source(path=candidate, score="s"), baseline=Source(path=baseline, score="s"),
        )  # fmt: skip
        found = observe(given).statistics[0]
        assert (found.decisions.candidate == found.decisions.baseline).all()
        assert found.scores.differing == 0
        assert count_disagreements(given.candidate, given.baseline, "id", float(threshold)) == (0, ())


def test_threshold__of_one_source(tmp_path):
    scores = pa.array(np.array([0.1, 0.7, 0.9], np.float32))
    path = arrow(tmp_path, "t.parquet", y=pa.array([0, 1, 1]), s=scores)
    candidate = Source(path=path, score="s", threshold=0.7)
    decisions = observe(Job(task="binary", data=path, label="y", candidate=candidate)).statistics[0].decisions
    assert decisions.count[decisions.candidate == 1].sum() == 2


def test_float16__shortest_decimal_of_numpy(tmp_path):
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    path = arrow(tmp_path, "t.parquet", y=pa.array(np.zeros(len(halves))), s=pa.array(halves))
    given = Job(task="regression", data=path, label="y", candidate=Source(path=path, score="s"), losses=("squared",))
    shortest = np.array([float(str(half)) for half in halves])
    found = observe(given).statistics[0].moments["squared"]
    assert found.sums[0] == pytest.approx(np.square(shortest).sum(), rel=1e-12)


def test_cut__in_the_type_of_the_column(tmp_path):
    values = pa.array(np.array([0.1, 0.3, 0.7], np.float32))
    path = arrow(tmp_path, "t.parquet", y=pa.array([0, 1, 1]), x=values, s=pa.array([0.1, 0.2, 0.9]))
    given = Job(
        task="binary", data=path, label="y", candidate=Source(path=path, score="s"), slices=slices((["x", (0.3, 0.7)],))
    )
    assert [(one.scope.group, one.rows) for one in observe(given).statistics[1:]] == [
        ("< 0.3", 1), ("0.3–0.7", 1), ("≥ 0.7", 1)
    ]  # fmt: skip


IDS = {
    "uint64": pa.array(np.arange(2**63, 2**63 + 40, dtype=np.uint64)),
    "sentinel": pa.array(np.array([2**64 - 1, *range(39)], np.uint64)),
    "decimal38": pa.array([Decimal(10**37 + i) for i in range(40)], pa.decimal128(38, 0)),
    "decimal20": pa.array([Decimal(2**53 + i) for i in range(40)], pa.decimal128(20, 0)),
    "decimal with a fraction": pa.array([Decimal(10**25 + i) / 100 for i in range(40)], pa.decimal128(38, 2)),
    "int64": pa.array(2**53 + np.arange(40)),
    "negative": pa.array(-(2**62) + np.arange(40)),
    "hash": pa.array(np.random.default_rng(5).integers(0, 2**64, 40, dtype=np.uint64)),
}
LABELS = np.arange(40) % 2
SCORES = np.where(LABELS == 1, 0.9, 0.1)


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize("other", ["parquet", "csv", "jsonl", "decimal"])
def test_keys__exact_in_any_type(tmp_path, kind, other):
    ids = IDS[kind]
    data = arrow(tmp_path, "e.parquet", id=ids, y=pa.array(LABELS))
    order = np.random.default_rng(1).permutation(40)
    spelled = [str(ids[int(i)].as_py()) for i in order]
    if other == "csv":
        predictions = text(tmp_path, "p.csv", "id,s\n" + "".join(
            f"{key},{score}\n" for key, score in zip(spelled, SCORES[order], strict=True)
        ))  # fmt: skip
    elif other == "jsonl" and "." not in spelled[0]:
        predictions = text(tmp_path, "p.jsonl", "".join(
            f'{{"id": {key}, "s": {score}}}\n' for key, score in zip(spelled, SCORES[order], strict=True)
        ))  # fmt: skip
    else:
        taken = ids.take(pa.array(order))
        if other == "decimal":
            taken = pa.array([Decimal(key) for key in spelled], pa.decimal128(38, 2 if "." in spelled[0] else 0))
        predictions = arrow(tmp_path, "p.parquet", id=taken, s=pa.array(SCORES[order]))
    candidate = Source(path=predictions, score="s")
    found = observe(Job(task="binary", data=data, key="id", label="y", candidate=candidate))
    decisions = found.statistics[0].decisions
    assert (decisions.label == decisions.candidate).all()


def test_keys__decimal_neighbours_are_different_keys(tmp_path):
    ids = [10**37 + i for i in range(5)]
    data = arrow(tmp_path, "e.parquet", id=decimals(ids[:4]), y=pa.array([0, 1, 0, 1]))
    path = arrow(tmp_path, "p.parquet", id=decimals([*ids[:3], ids[4]]), s=pa.array([0.1] * 4))
    given = Job(task="binary", data=data, key="id", label="y", candidate=Source(path=path, score="s"))
    assert refusal(given) == [
        f"{path}: 1 row of {data} has no candidate prediction: key '{ids[3]}'",
        f"{path}: 1 key is not in {data}: key '{ids[4]}'",
    ]


@pytest.mark.parametrize(
    ("dtype", "start", "name"),
    [(np.float64, 2**53, "float64 beyond 2^53"), (np.float32, 2**24, "float32 beyond 2^24")],
)
@pytest.mark.parametrize("form", ["parquet", "csv", "decimal"])
def test_keys__floats_that_merge_neighbours_name_their_file(tmp_path, form, dtype, start, name):
    ids = start + np.arange(8)
    columns = {"id": pa.array(ids), "y": pa.array([0, 1] * 4)}
    if form == "decimal":
        columns["id"] = decimals(ids)
    data = arrow(tmp_path, "e.parquet", **columns)
    if form == "csv":
        data = text(tmp_path, "e.csv", "id,y\n" + "".join(f"{key},{key % 2}\n" for key in ids))
    path = arrow(tmp_path, "p.parquet", id=pa.array(ids.astype(dtype)), s=pa.array([0.5] * 8))
    given = Job(task="binary", data=data, key="id", label="y", candidate=Source(path=path, score="s"))
    assert refusal(given) == [
        f"{path}: 'id' in row 3: key is {name}, so neighbouring keys are one number; write it as an integer"
    ]


def test_keys__floats_beside_floats(tmp_path):
    ids = np.array([1e17, 3e17, 5e17])
    data = arrow(tmp_path, "e.parquet", id=pa.array(ids), y=pa.array([0, 1, 1]))
    path = arrow(tmp_path, "p.parquet", id=pa.array(ids[::-1]), s=pa.array([0.9, 0.8, 0.1]))
    given = Job(task="binary", data=data, key="id", label="y", candidate=Source(path=path, score="s"))
    assert observe(given).rows == 3
    again = arrow(tmp_path, "q.parquet", id=pa.array([1e17, 1e17, 5e17]), s=pa.array([0.9, 0.8, 0.1]))
    assert "float64 beyond 2^53" in refusal(Job(**vars(given) | {"candidate": Source(path=again, score="s")}))[0]


def test_keys__whole_floats_match_integers(tmp_path):
    data = arrow(tmp_path, "e.parquet", id=pa.array([1, 2, 3]), y=pa.array([0, 1, 1]))
    path = arrow(tmp_path, "p.parquet", id=pa.array([3.0, 2.0, 1.0]), s=pa.array([0.9, 0.8, 0.1]))
    given = Job(task="binary", data=data, key="id", label="y", candidate=Source(path=path, score="s"))
    assert observe(given).statistics[0].decisions.count.tolist() == [1, 2]
    half = arrow(tmp_path, "q.parquet", id=pa.array([3.0, 2.0, 0.5]), s=pa.array([0.9, 0.8, 0.1]))
    assert refusal(Job(**vars(given) | {"candidate": Source(path=half, score="s")})) == [
        f"{half}: 1 row of {data} has no candidate prediction: key '1'",
        f"{half}: 1 key is not in {data}: key '0.5'",
    ]


def test_keys__unicode_forms_are_named(tmp_path):
    data = text(tmp_path, "e.csv", "id,y\nZo\u00eb,1\nAnna,0\n")
    path = text(tmp_path, "p.csv", "id,s\nZoe\u0308,0.9\nAnna,0.1\n")
    given = Job(task="binary", data=data, key="id", label="y", candidate=Source(path=path, score="s"))
    assert refusal(given)[-1] == (
        f"{path}: keys match but for their Unicode normal form (NFC, NFD): written as `Zoe\\u0308` in row 1 here and "
        f'`Zo\\xeb` in row 1 of {data}; write them alike: `df["id"] = df["id"].str.normalize("NFC")` before each '
        "file is written"
    )


@pytest.mark.parametrize(
    "ids", [[2**63, -5], [2**64 - 1, 1], [2**70, 2**70 + 1], [10**40, 10**40 + 1], [2**53 + 1, 0.5]]
)
def test_json__integers_of_any_size(tmp_path, ids):
    data = text(tmp_path, "e.jsonl", "".join(json.dumps({"id": one, "y": i}) + "\n" for i, one in enumerate(ids)))
    path = text(tmp_path, "p.csv", f"id,s\n{ids[1]},0.9\n{ids[0]},0.1\n")
    given = Job(task="binary", data=data, key="id", label="y", candidate=Source(path=path, score="s"))
    decisions = observe(given).statistics[0].decisions
    assert (decisions.label == decisions.candidate).all()


@pytest.mark.parametrize("values", [[2**64 - 1] * 4, [2**63, 2**63 + 1, 2**64 - 1, 0]])
def test_uint64__beyond_63_bits(tmp_path, values):
    cells = pa.array(np.array(values, np.uint64))
    path = arrow(tmp_path, "t.parquet", y=pa.array([0, 1, 0, 1]), g=cells, s=pa.array([0.1, 0.2, 0.8, 0.9]))
    found = observe(
        Job(task="binary", data=path, label="y", candidate=Source(path=path, score="s"), slices=slices("g"))
    )
    assert [one.scope.group for one in found.statistics[1:]] == [str(one) for one in sorted(set(values))]


def test_decimal__too_many_digits(tmp_path):
    path = arrow(
        tmp_path, "t.parquet", y=pa.array([0, 1]), s=pa.array([0.1, 0.2]),
        big=pa.array([Decimal(1), Decimal(2)], pa.decimal256(60, 0)),
    )  # fmt: skip
    assert refusal(Job(task="binary", data=path, label="y", candidate=Source(path=path, score="s"))) == [
        f"{path}: column 'big' is a decimal of 60 digits; more than 38 can't be read exactly: write the column as text"
    ]
