"""Both engines on the same tables: equal counts, estimates, fingerprints and notes."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlci.engine.interface import Job, Source
from mlci.engine.spark.executors import map_merge
from tests.engine.spark.e2e.tables import (
    ROWS,
    SLICES,
    binary_job,
    check_alike,
    evaluation_set,
    picked,
    refusal,
    sliced,
    write_files,
)


def test_engine__scores_joined_by_key(engine, tmp_path):
    observed = check_alike(engine, binary_job(tmp_path / "with space"))
    assert observed.rows == ROWS
    assert 0 < engine.collected < 10_000_000


def test_engine__decisions_of_one_table(engine, tmp_path):
    rng = np.random.default_rng(2)
    table = evaluation_set(rng).set_column(1, "y", pa.array(picked(rng, ["yes", "no"])))
    for name in ("new", "old"):
        table = table.append_column(name, pa.array(picked(rng, ["yes", "no"])))
    path = write_files(table, tmp_path, "eval")
    candidate, baseline = (Source(path=path, decision=name) for name in ("new", "old"))
    job = Job(
        task="binary", data=path, label="y", positive="yes", candidate=candidate, baseline=baseline, slices=SLICES
    )
    check_alike(engine, job)


def test_engine__classes_and_texts_as_keys(engine, tmp_path):
    rng = np.random.default_rng(3)
    names = ["cat", "dog", "7"]
    keys = [f"{number:05d}" for number in rng.permutation(ROWS)]
    table = pa.table({"id": keys, "y": picked(rng, names), "site": picked(rng, ["a", "b", None])})
    order = rng.permutation(ROWS)
    decided = pa.table({"id": [keys[i] for i in order], "d": picked(rng, names)})
    candidate = Source(path=write_files(decided, tmp_path, "new"), decision="d")
    data = write_files(table, tmp_path, "eval")
    check_alike(
        engine,
        Job(task="multiclass", data=data, label="y", key="id", candidate=candidate, slices=(sliced("site"),)),
    )


def test_engine__regression(engine, tmp_path):
    rng = np.random.default_rng(4)
    label = rng.normal(50, 20, ROWS)
    table = pa.table(
        {
            "id": rng.permutation(ROWS),
            "y": label,
            "site": picked(rng, ["a", "b", None]),
            "new": label + rng.normal(0, 3, ROWS),
            "old": (label + rng.normal(0, 4, ROWS)).astype(np.float32),
        }
    )
    path = write_files(table, tmp_path, "eval")
    candidate, baseline = (Source(path=path, score=name) for name in ("new", "old"))
    losses = ("squared", "absolute", "signed", "percentage", "pinball", "variance")
    job = Job(
        task="regression",
        data=path,
        label="y",
        key="id",
        candidate=candidate,
        baseline=baseline,
        slices=(sliced("site"),),
        decisions=False,
        losses=losses,
    )
    check_alike(engine, job)


def test_engine__table_of_a_catalog(engine, session, tmp_path):
    job = binary_job(tmp_path)
    for name, source in (("eval_rows", job.data), ("new_rows", job.candidate.path)):
        session.sql(f"DROP TABLE IF EXISTS {name}")
        session.read.parquet(source).write.saveAsTable(name)
    named = replace(job, data="table://eval_rows", candidate=Source(path="table://new_rows", score="p"))
    here, there = engine.observe(job), engine.observe(named)
    assert there.fingerprint == here.fingerprint
    assert [one.rows for one in there.statistics] == [one.rows for one in here.statistics]
    assert there.statistics[0].moments["log"].sums.tolist() == here.statistics[0].moments["log"].sums.tolist()
    wrong = replace(named, baseline=replace(job.baseline, path="table://none.such"))
    assert "Spark finds no such table" in refusal(engine, wrong)[0]


def test_engine__merges_in_several_levels(engine, tmp_path, monkeypatch):
    job = binary_job(tmp_path, scores=False, slices=SLICES[:1])
    table = pa.concat_tables(pq.read_table(path) for path in sorted(tmp_path.glob("eval*.parquet")))
    few = engine.observe(job)
    monkeypatch.setattr(map_merge, "FAN_IN", 2)
    many = engine.observe(replace(job, data=write_files(table, tmp_path / "many", "eval", 7)))
    assert many.fingerprint == few.fingerprint
    for mine, theirs in zip(many.statistics, few.statistics, strict=True):
        assert mine.moments["log"].sums.tolist() == theirs.moments["log"].sums.tolist()
