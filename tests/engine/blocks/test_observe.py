"""Jobs in blocks, against the same jobs in memory: results, notes, fingerprints and errors."""

from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mlci.engine.blocks.arrow_stream import ArrowStream
from mlci.engine.blocks.loose_scopes import BOUND
from mlci.engine.interface import Job, Source
from mlci.errors import InputError
from tests.engine.blocks.tables import assert_close
from tests.engine.oracles import auc
from tests.engine.tables import everything, job, observe, people, same, slices, write

ROWS = 1500


def joined(folder, frame, **more):
    """The job over three files, each in another order."""
    paths = [
        write(frame.sample(frac=1, random_state=number)[columns], folder, f"t{number}", "parquet")
        for number, columns in enumerate((["id", "region", "sex", "age", "label"], ["id", "score"], ["id", "old"]))
    ]
    candidate, baseline = Source(path=paths[1], score="score"), Source(path=paths[2], score="old")
    return job(paths[0], key="id", candidate=candidate, baseline=baseline, **more)


def both_ways(asked: Job):
    return observe(asked, exact_rows=0), observe(asked)


def refused(asked: Job, **engine):
    with pytest.raises(InputError) as error:
        observe(asked, **engine)
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize("more", [everything(), {"losses": ("squared",), "probabilities": True}, {}])
def test_observe_blocks__three_files(tmp_path, more):
    blocks, memory = both_ways(joined(tmp_path, people(ROWS), **more))
    assert_close(blocks.statistics, memory.statistics)
    assert (blocks.rows, blocks.fingerprint) == (memory.rows, memory.fingerprint)
    assert blocks.notes[: len(memory.notes)] == memory.notes


def test_observe_blocks__one_file_without_other_columns(tmp_path):
    frame = people(ROWS).drop(columns=["id", "age"])
    path = write(frame, tmp_path, "t", "parquet")
    blocks, memory = both_ways(job(path, **everything(slices=slices("region", "sex"))))
    assert_close(blocks.statistics, memory.statistics)
    assert blocks.fingerprint == memory.fingerprint


def test_observe_blocks__decisions_in_the_evaluation_set(tmp_path):
    frame = people(ROWS).assign(chosen=lambda rows: np.where(rows.score > 0.6, "1", "0"), old=lambda rows: rows.label)
    path = write(frame, tmp_path, "t", "csv")
    columns = {"candidate": Source(path=path, decision="chosen"), "baseline": Source(path=path, decision="old")}
    blocks, memory = both_ways(job(path, key="id", **columns))
    assert_close(blocks.statistics, memory.statistics)


def test_observe_blocks__order_row_groups_and_threads(tmp_path):
    frame = people(ROWS)
    ways = [(frame, ROWS, 1), (frame.sample(frac=1, random_state=1), 400, 2), (frame.sort_values("score"), 300, 3)]
    found = []
    for number, (ordered, size, threads) in enumerate(ways):
        path = tmp_path / f"{number}.parquet"
        ordered.to_parquet(path, index=False, row_group_size=size)
        found.append(observe(job(str(path), **everything()), exact_rows=0, threads=threads).statistics)
    assert same(found[0], found[1])
    assert same(found[0], found[2])


def test_observe_blocks__group_that_bins_do_not_resolve(tmp_path):
    frame = people(8000).assign(part="wide")
    frame.loc[:700, "part"] = "narrow"
    frame.loc[:700, "score"] = 0.5 + frame.score[:701] / 10_000
    path = write(frame, tmp_path, "t", "parquet")
    whole, narrow, wide = observe(job(path, scores=True, slices=slices("part")), exact_rows=0, threads=2).statistics
    for one, rows in ((whole, frame), (narrow, frame[frame.part == "narrow"]), (wide, frame[frame.part == "wide"])):
        assert auc(one.scores.candidate) == pytest.approx(roc_auc_score(rows.label, rows.score), abs=BOUND)
        assert one.scores.joint[:, 2:].sum() == len(rows) == one.rows


KEYS = {
    "missing": lambda frame: frame.assign(id=frame.id.where(frame.index != 7)),
    "repeated": lambda frame: frame.assign(id=frame.id.where(frame.index != 7, "k00003")),
    "other": lambda frame: frame.assign(id=frame.id.where(frame.index != 7, "z")),
    "fewer": lambda frame: frame.iloc[1:],
    "more": lambda frame: pd.concat([frame, frame.iloc[:1]]),
}


@pytest.mark.parametrize("where", [0, 1])
@pytest.mark.parametrize("wrong", KEYS)
def test_observe_blocks__keys_that_do_not_match(tmp_path, wrong, where):
    frame = people(60)
    asked = joined(tmp_path, frame)
    path, columns = ((asked.data, ["id", "region", "sex", "age", "label"]), (asked.candidate.path, ["id", "score"]))[
        where
    ]
    KEYS[wrong](frame)[columns].to_parquet(path, index=False)
    assert refused(asked, exact_rows=0) == refused(asked)


def test_observe_blocks__keys_repeated_in_both_tables(tmp_path):
    """Two tables in which the same key is repeated join to more rows than they have."""
    frame = KEYS["repeated"](people(60))
    asked = joined(tmp_path, frame)
    assert refused(asked, exact_rows=0) == refused(asked)
    alone = job(write(frame, tmp_path, "t", "parquet"), key="id")
    assert refused(alone, exact_rows=0) == refused(alone)


@pytest.mark.parametrize("value", [None, np.nan, np.inf, 1.5])
def test_observe_blocks__invalid_scores(tmp_path, value):
    frame = people(60)
    asked = joined(tmp_path, frame, **everything())
    scores = frame.score.astype(object).where(frame.index != 5, value)
    frame.assign(score=pd.Series(scores, dtype="Float64"))[["id", "score"]].to_parquet(
        asked.candidate.path, index=False
    )
    for more in ({}, {"scores": False}):
        assert refused(replace(asked, **more), exact_rows=0) == refused(replace(asked, **more))


def test_arrow_stream__nulls_and_batches():
    rows = "SELECT (i % 200)::UTINYINT, CASE WHEN i % 3 > 0 THEN i / 7.0 END::DOUBLE, i FROM range(300000) AS t(i)"
    stream, batches = ArrowStream(duckdb.connect(), rows), []
    while (batch := stream.next()) is not None:
        batches.append(batch)
    small, numbers, whole = (np.ma.concatenate([batch[column] for batch in batches]) for column in range(3))
    assert len(batches) > 1
    assert sorted(whole.tolist()) == list(range(300_000))
    assert (small == whole % 200).all()
    assert (np.ma.getmaskarray(numbers) == (whole % 3 == 0)).all()
    np.testing.assert_array_equal(numbers.compressed(), (whole / 7)[whole % 3 > 0])
