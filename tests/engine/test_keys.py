"""Rows whose keys do not match."""

import pandas as pd
import pytest

from mlci.engine.interface import Job, Source
from tests.engine.tables import refusal, text, write

EVALUATION = pd.DataFrame({"id": ["a", "b", "c", "d"], "y": [0, 1, 0, 1]})
PREDICTIONS = pd.DataFrame({"id": ["d", "c", "b", "a"], "s": [0.1, 0.2, 0.3, 0.4]})


def join_job(folder, evaluation, predictions, form="csv", **more):
    path = write(evaluation, folder, "e", form)
    candidate = Source(path=write(predictions, folder, "p", form), score="s")
    return Job(**({"task": "binary", "data": path, "key": "id", "label": "y", "candidate": candidate} | more))


def alike(how, here, there, remedy):
    return f"keys match {how}: written as `{here}` in row 1 here and `{there}` in row 1 of <e>; {remedy}"


def whole(file):
    return f'write whole numbers: `df["id"] = df["id"].astype("Int64")` before {file} is written'


def zeros(file):
    read = '`pd.read_csv(…, dtype={"id": str})`'
    return f"zeros are lost if keys are read as numbers; read texts before {file} is written: {read}"


def each(method):
    return f'write them alike: `df["id"] = df["id"].{method}` before each file is written'


def edit(frame, row, value):
    changed = frame.copy()
    changed.loc[row, "id"] = value
    return changed


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("evaluation", "predictions", "expected"),
    [
        (EVALUATION, PREDICTIONS[:2], ["p: 2 rows of {e} have no candidate prediction: keys 'a', 'b'"]),
        (EVALUATION, PREDICTIONS[3:], ["p: 3 rows of {e} have no candidate prediction: keys 'b', 'c', 'd'"]),
        (EVALUATION[:2], PREDICTIONS, ["p: 2 keys are not in {e}: keys 'd', 'c'"]),
        (
            EVALUATION.assign(id=None),
            PREDICTIONS,
            ["e: key 'id' is null in 4 rows, first rows 1, 2, 3",
             "p: 4 keys are not in {e}: first keys 'd', 'c', 'b'"],
        ),
        (
            EVALUATION.assign(id=["a", "a", "b", "b"]),
            PREDICTIONS,
            ["e: 2 keys of 'id' occur more than once: 'a' in rows 1, 2; 'b' in rows 3, 4",
             "p: 2 keys are not in {e}: keys 'd', 'c'"],
        ),
        (EVALUATION[:3], PREDICTIONS, ["p: 1 key is not in {e}: key 'd'"]),
        (
            EVALUATION,
            edit(PREDICTIONS, 0, "z"),
            [
                "p: 1 row of {e} has no candidate prediction: key 'd'",
                "p: 1 key is not in {e}: key 'z'",
            ],
        ),
        (
            EVALUATION,
            edit(PREDICTIONS, 0, "a"),
            ["p: 1 key of 'id' occurs more than once: 'a' in rows 1, 4",
             "p: 1 row of {e} has no candidate prediction: key 'd'"],
        ),
        (
            edit(EVALUATION, 3, "b"),
            PREDICTIONS,
            ["e: 1 key of 'id' occurs more than once: 'b' in rows 2, 4", "p: 1 key is not in {e}: key 'd'"],
        ),
        (
            edit(EVALUATION, 1, None),
            PREDICTIONS,
            ["e: key 'id' is null in row 2", "p: 1 key is not in {e}: key 'b'"],
        ),
        (
            EVALUATION,
            edit(PREDICTIONS, 2, None),
            ["p: key 'id' is null in row 3",
             "p: 1 row of {e} has no candidate prediction: key 'b'"],
        ),
    ],
)  # fmt: skip
def test_keys__unmatched(tmp_path, evaluation, predictions, expected, form):
    lines = refusal(join_job(tmp_path, evaluation, predictions, form))
    paths = {name: f"{tmp_path}/{name}.{form}" for name in "ep"}
    assert lines == [paths[line[0]] + line[1:].format(**paths) for line in expected]


@pytest.mark.parametrize("scale", [1, 10**10])
def test_keys__unmatched_integers(tmp_path, scale):
    numbers = {"a": 1, "b": 2, "c": 3, "d": 4, "z": 99}
    evaluation = EVALUATION.assign(id=EVALUATION.id.map(numbers) * scale)
    predictions = PREDICTIONS.assign(id=[4 * scale, 3 * scale, 99 * scale, scale])
    given = join_job(tmp_path, evaluation, predictions, "parquet")
    assert refusal(given) == [
        f"{tmp_path}/p.parquet: 1 row of {given.data} has no candidate prediction: key '{2 * scale}'",
        f"{tmp_path}/p.parquet: 1 key is not in {given.data}: key '{99 * scale}'",
    ]


def test_keys__not_a_number(tmp_path):
    evaluation = write(EVALUATION.assign(id=range(4)), tmp_path, "e", "parquet")
    path = text(tmp_path, "p.csv", "id,s\n0,0.1\n1,0.1\n2,0.1\nthree,0.1\n")
    given = Job(task="binary", data=evaluation, key="id", label="y", candidate=Source(path=path, score="s"))
    assert refusal(given) == [
        f"{path}: key 'id' is not a number ('three') in row 4",
        f"{path}: 1 row of {evaluation} has no candidate prediction: key '3'",
    ]


@pytest.mark.parametrize(
    ("here", "there", "hint"),
    [
        ("{}.0", "{}", alike("as numbers", "0.0", "0", whole("this file"))),
        ("{}", "{}.0", alike("as numbers", "0", "0.0", whole("<e>"))),
        ("+{}", "{}.0", alike("as numbers", "+0", "0.0", whole("each file"))),
        ("{}", "{:04}", alike("as numbers", "0", "0000", zeros("this file"))),
        ("{:04}", "{}", alike("as numbers", "0000", "0", zeros("<e>"))),
        ("{}.5", "{}", None),
        ("k{}", "{}", None),
        ("9007199254740993{}", "9007199254740993{}.0", None),
        (
            "k{} ",
            "k{}",
            alike("but for blanks around them", "k0 ", "k0", each("str.strip()")),
        ),
        (
            "k{}",
            "K{}",
            alike("but for upper and lower case", "k0", "K0", each("str.lower()")),
        ),
    ],
)
def test_keys__other_spelling(tmp_path, here, there, hint):
    evaluation = pd.DataFrame({"id": [there.format(i) for i in range(300)], "y": [0, 1] * 150})
    predictions = pd.DataFrame({"id": [here.format(i) for i in range(300)], "s": 0.5})
    given = join_job(tmp_path, evaluation, predictions)
    samples = [", ".join(repr(one.format(i)) for i in range(3)) for one in (there, here)]
    assert refusal(given) == [
        f"{tmp_path}/p.csv: 300 rows of {given.data} have no candidate prediction: first keys {samples[0]}",
        f"{tmp_path}/p.csv: 300 keys are not in {given.data}: first keys {samples[1]}",
        *([f"{tmp_path}/p.csv: {hint.replace('<e>', given.data)}"] if hint else []),
    ]


def test_keys__no_hint_at_spelling_for_a_missing_key(tmp_path):
    evaluation = EVALUATION.assign(id=["1", "2", "3", "x"])
    predictions = PREDICTIONS.assign(id=["1", "2", "3", "4"])
    assert len(refusal(join_job(tmp_path, evaluation, predictions))) == 2
    evaluation = EVALUATION.assign(id=["1", "01", "3", "x"])
    predictions = PREDICTIONS.assign(id=["01", "1", "3", "4"])
    assert len(refusal(join_job(tmp_path, evaluation, predictions))) == 2


def test_keys__one_key_in_every_row(tmp_path):
    rows = 30_000
    evaluation = pd.DataFrame({"id": ["a"] * rows, "y": [0, 1] * (rows // 2)})
    predictions = pd.DataFrame({"id": ["a"] * rows, "s": 0.5})
    lines = refusal(join_job(tmp_path, evaluation, predictions, "parquet"))
    assert lines == [
        f"{tmp_path}/{name}.parquet: 1 key of 'id' occurs more than once: 'a' in rows 1, 2, 3" for name in "ep"
    ]


def test_keys__single_file(tmp_path):
    path = text(tmp_path, "t.csv", "id,y,s\na,1,0.5\na,0,0.5\n")
    given = Job(task="binary", data=path, key="id", label="y", candidate=Source(path=path, score="s"))
    assert refusal(given) == [f"{path}: 1 key of 'id' occurs more than once: 'a' in rows 1, 2"]


def test_keys__shared_column_is_suggested(tmp_path):
    given = join_job(tmp_path, EVALUATION, PREDICTIONS, key=None)
    (said,) = refusal(given)
    assert said.startswith(f"{tmp_path}/p.csv: shares column 'id' with {tmp_path}/e.csv; ")
    assert said.endswith("join rows by it: write `key: id` under `evaluation`")


def test_keys__by_position_needs_equal_rows(tmp_path):
    given = join_job(tmp_path, EVALUATION, PREDICTIONS[["s"]][:3], key=None)
    (said,) = refusal(given)
    assert said.startswith(f"{tmp_path}/p.csv: has 3 rows and {tmp_path}/e.csv 4; without a column that both have")


def test_keys__column_not_in_the_predictions(tmp_path):
    given = join_job(tmp_path, EVALUATION, PREDICTIONS.rename(columns={"id": "ids"}))
    (said,) = refusal(given)
    assert said.startswith(f"{tmp_path}/p.csv: has no column 'id' to join {tmp_path}/e.csv by; it has 'ids'")
    assert said.endswith('in pandas `df = df.rename(columns={"ids": "id"})`')
    (said,) = refusal(join_job(tmp_path, EVALUATION, PREDICTIONS[["s"]]))
    assert said.endswith('in pandas `df["id"] = rows["id"]` with `rows` of that set')
    both = refusal(join_job(tmp_path, EVALUATION, PREDICTIONS, key="ID"))
    assert [line.partition(": ")[2] for line in both] == ["has no column 'ID'; did you mean 'id'? Write `key: id`"] * 2


def test_keys__repeated_shared_column_is_not_suggested(tmp_path):
    sexes = {"sex": ["m", "f", "m", "f"]}
    given = join_job(tmp_path, EVALUATION.assign(**sexes), PREDICTIONS[["s"]].assign(**sexes), key=None)
    (said,) = refusal(given)
    assert "that identify no row: 'sex'; add a key to both files" in said
    assert said.endswith('`df[["s"]]`')


def test_keys__repeated_in_two_files_of_a_glob(tmp_path):
    evaluation = EVALUATION.assign(id=["a", "b", "c", "a"])
    given = join_job(tmp_path, evaluation, PREDICTIONS, "shards")
    assert f"'a' in row 1 of {tmp_path}/e-1.parquet, row 3 of {tmp_path}/e-2.parquet" in refusal(given)[0]
