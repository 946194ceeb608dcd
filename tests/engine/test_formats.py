"""The same table in another format, order, number of files or threads gives the same statistics."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from mlci.engine.interface import Job, Source
from tests.engine.tables import FORMATS, everything, job, observe, people, same, scopes, slices, text, write


@pytest.fixture(scope="module")
def frame():
    return people(500)


@pytest.fixture(scope="module")
def reference(frame, tmp_path_factory):
    return observe(job(write(frame, tmp_path_factory.mktemp("reference"), "t", "parquet"), **everything()))


@pytest.mark.parametrize("form", FORMATS)
def test_observe__formats_agree_to_the_last_bit(frame, reference, tmp_path, form):
    observed = observe(job(write(frame, tmp_path, "t", form), **everything()))
    assert same(observed.statistics, reference.statistics)
    assert observed.fingerprint == reference.fingerprint


@pytest.mark.parametrize("form", ["csv", "parquet", "shards"])
def test_observe__three_files_joined_by_key(frame, reference, tmp_path, form):
    observed = observe(three(frame, tmp_path, form))
    assert same(observed.statistics, reference.statistics)
    assert observed.notes == ()


def three(frame, folder, form="parquet", **more):
    """An evaluation set and two shuffled files of predictions."""
    evaluation = frame.drop(columns=["score", "old"])
    return job(
        write(evaluation, folder, "evaluation", form),
        key="id",
        candidate=Source(
            path=write(frame[["id", "score"]].sample(frac=1, random_state=1), folder, "new", form), score="score"
        ),
        baseline=Source(
            path=write(frame[["old", "id"]].sample(frac=1, random_state=2), folder, "old", form), score="old"
        ),
        **everything(**more),
    )


@pytest.mark.parametrize("key", ["text", "dense", "sparse", "float"])
def test_observe__threads_and_order_of_predictions(frame, reference, tmp_path, key):
    numbers = np.random.default_rng(1).permutation(len(frame))
    keyed = frame.assign(
        id={"text": frame.id, "dense": numbers, "sparse": numbers * 10**12 - 7, "float": numbers / 4}[key]
    )
    given = three(keyed, tmp_path)
    for threads in (1, 2):
        assert same(observe(given, threads=threads).statistics, reference.statistics)


def test_observe__threads_with_many_rows(tmp_path):
    some = people(10_000, seed=3)
    path = write(pd.concat([some] * 27), tmp_path, "t", "parquet")  # more than one block of each size
    found = [observe(job(path, **everything()), threads=t, exact_rows=1000) for t in (1, 2)]
    assert same(found[0].statistics, found[1].statistics)
    assert found[0].fingerprint == found[1].fingerprint
    assert found[0].notes[0].startswith("scores ranked in 4,096 bins; the AUC is off by at most ")


def test_key__number_in_any_format(frame, reference, tmp_path):
    keyed = frame.assign(id=range(len(frame)))
    given = three(keyed, tmp_path)
    predictions = keyed[["id", "score"]].assign(id=keyed.id.astype(float))
    path = write(predictions, tmp_path, "other", "csv")  # 0.0, 1.0, …
    assert same(
        observe(dataclasses.replace(given, candidate=Source(path=path, score="score"))).statistics, reference.statistics
    )


def test_key__text_with_leading_zeros(tmp_path):
    evaluation = text(tmp_path, "e.csv", "id,y\n007,1\n7,0\n")
    predictions = text(tmp_path, "p.csv", "id,s\n7,0.1\n007,0.9\n")
    observed = observe(
        Job(task="binary", data=evaluation, key="id", label="y", candidate=Source(path=predictions, score="s"))
    )
    assert observed.statistics[0].decisions.candidate.tolist() == [0, 1]
    assert observed.statistics[0].decisions.label.tolist() == [0, 1]


def test_observe__by_position_without_a_key(frame, reference, tmp_path):
    evaluation = write(frame.drop(columns=["score", "old"]), tmp_path, "evaluation", "csv")
    new = write(frame[["score"]], tmp_path, "new", "jsonl")
    old = write(frame[["old"]], tmp_path, "old", "parquet")
    observed = observe(
        job(
            evaluation,
            candidate=Source(path=new, score="score"),
            baseline=Source(path=old, score="old"),
            **everything(),
        )
    )
    assert same(observed.statistics, reference.statistics)
    assert observed.notes == (
        "candidate joined by position: neither table has a key",
        "baseline joined by position: neither table has a key",
    )


@pytest.mark.parametrize(
    ("positive", "negative", "configured"),
    [
        (1, 0, None),
        ("yes", "no", "yes"),
        (True, False, None),
        (True, False, True),
        (2, 1, 2),
        (1.0, 0.0, 1),
        ("1", "0", 1),
    ],
)
def test_observe__labels_and_decisions_are_values(tmp_path, positive, negative, configured):
    frame = pd.DataFrame({"y": [positive, negative, positive, negative], "d": [positive, positive, positive, negative]})
    typed, text_ = write(frame, tmp_path, "t", "parquet"), write(frame, tmp_path, "t", "csv")
    given = Job(task="binary", data=typed, label="y", positive=configured, candidate=Source(path=text_, decision="d"))
    decisions = observe(given).statistics[0].decisions
    assert list(zip(decisions.label, decisions.candidate, decisions.count, strict=True)) == [
        (0, 0, 1),
        (0, 1, 1),
        (1, 1, 2),
    ]


def test_observe__class_names_are_text(tmp_path):
    path = text(tmp_path, "t.csv", "y,d\n0,1.0\n1,0.0\n")
    found = observe(Job(task="binary", data=path, label="y", candidate=Source(path=path, decision="d")))
    assert found.statistics[0].decisions.classes == ("0", "1")


@pytest.mark.parametrize(
    ("column", "names"), [("1,1", ("0", "1")), ("0,0", ("0", "1")), ("true,true", ("false", "true"))]
)
def test_observe__single_class(tmp_path, column, names):
    first, second = column.split(",")
    path = text(tmp_path, "t.csv", f"y,s\n{first},0.2\n{second},0.7\n")
    found = observe(Job(task="binary", data=path, label="y", candidate=Source(path=path, score="s"), scores=True))
    assert found.statistics[0].decisions.classes == names
    assert found.statistics[0].decisions.count.tolist() == [1, 1]


def test_csv__quotes_newlines_and_semicolons(tmp_path):
    path = text(tmp_path, "t.csv", 'y;g;s\r\n1;"a ""b""\nc;d";0.5\r\n0;;0.25\r\n0;"";0.75\r\n')
    observed = observe(
        Job(task="binary", data=path, label="y", candidate=Source(path=path, score="s"), slices=slices("g"))
    )
    assert scopes(observed) == ["", 'g=""', 'g=a "b"\nc;d', "g=(null)"]


HOSTILE = ['a"b', "a b", "sé×lect", "x; DROP TABLE t; --", "'", "c0", "file_row_number", "COUNT(*)", "${x}", "[0]", "*"]


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_observe__hostile_column_names(tmp_path, form):
    frame = pd.DataFrame(
        {name: ["u", "v", "v"] for name in HOSTILE} | {"id": [1, 2, 3], "y": [1, 0, 1], "s": [0.1, 0.2, 0.7]}
    )
    path = write(frame, tmp_path, "t", form)
    given = Job(
        task="binary", data=path, key="id", label="y", candidate=Source(path=path, score="s"), slices=slices(*HOSTILE)
    )
    observed = observe(given)
    assert [one.rows for one in observed.statistics[1:]] == [1, 2] * len(HOSTILE)


@pytest.mark.parametrize("name", ["it's [1] {x} *?.csv", "ünï.csv", "a;b--.csv"])
def test_observe__hostile_file_names(tmp_path, name):
    path = text(tmp_path, name, "y,s\n1,0.3\n0,0.6\n")
    assert observe(Job(task="binary", data=path, label="y", candidate=Source(path=path, score="s"))).rows == 2


def test_observe__hostile_values(tmp_path):
    values = ["'); DROP TABLE t; --", 'a"b', "(null)", "", "\\", "%s", "{x}"]
    frame = pd.DataFrame({"g": values, "y": [1, 0, 1, 0, 1, 0, 1], "s": 0.5})
    path = write(frame, tmp_path, "t", "parquet")
    found = observe(
        Job(task="binary", data=path, label="y", candidate=Source(path=path, score="s"), slices=slices("g"))
    )
    quoted = {"(null)": '"(null)"', "": '""'}
    assert [one.scope.group for one in found.statistics[1:]] == [quoted.get(v, v) for v in sorted(values)]
