"""Rows to queries: joined tables, slices, what is refused, and on which paths."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlci.engine.interface import Job, Source
from mlci.engine.shards.rounds import refuse_whole_rows
from mlci.engine.spark.refusals import refuse_job
from mlci.errors import InputError
from tests.engine.tables import observe, refusal, slices, text, write


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"query": np.repeat([f"q{i:02d}" for i in range(30)], 7)})
    frame["id"] = [f"{query}/{i % 7}" for i, query in enumerate(frame["query"])]
    frame["language"] = np.repeat(["de", "en", "en"], 7 * 10)
    frame["relevance"] = rng.integers(0, 3, len(frame)) * (rng.random(len(frame)) < 0.5)
    frame.loc[frame.index % 7 == 3, "relevance"] = 2
    frame.loc[frame["query"] == "q03", "relevance"] = 0
    frame["new"], frame["old"] = rng.integers(0, 20, len(frame)) / 4, rng.random(len(frame))
    return frame


def job(data, candidate=None, baseline=None, **more):
    given = {
        "task": "ranking",
        "data": data,
        "label": "relevance",
        "query": "query",
        "key": "id",
        "decisions": False,
        "rankings": ("ndcg@3", "mean_average_precision"),
        "candidate": Source(path=candidate or data, score="new"),
        "baseline": Source(path=baseline or data, score="old"),
    }
    return Job(**(given | more))


def alone(path, **more):
    """Return a job of one model, whose scores are in the evaluation set."""
    job_of_one = job(path, label="y", query="q", key=None, rankings=("ndcg_burges",), **more)
    return replace(job_of_one, candidate=Source(path=path, score="s"), baseline=None)


def by_scope(observed):
    """Return every value of every scope, bit for bit."""
    return {
        (one.scope, name): (each.candidate.tobytes(), each.baseline.tobytes())
        for one in observed.statistics
        for name, each in one.rankings.items()
    }


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_observe__same_values_from_joined_files_in_any_order(table, tmp_path, form):
    whole = observe(job(write(table, tmp_path, "all", "parquet"), slices=slices("language")))
    mixed = table.sample(frac=1, random_state=3)
    data = write(mixed.drop(columns=["new", "old"]), tmp_path, "rows", form)
    new, old = (write(mixed[::-1][["id", name]], tmp_path, name, form) for name in ("new", "old"))
    apart = observe(job(data, new, old, slices=slices("language")))
    assert by_scope(apart) == by_scope(whole)
    assert apart.fingerprint == whole.fingerprint
    assert [len(one.rankings["ndcg@3"].candidate) for one in whole.statistics] == [29, 9, 20]
    assert whole.notes == apart.notes


def test_observe__names_queries_without_a_relevant_document(table, tmp_path):
    (note,) = observe(job(write(table, tmp_path, "all", "parquet"))).notes
    assert note.startswith("1 query has no relevant document")
    assert note.endswith(": q03")


def test_observe__numbers_dates_and_texts_are_queries(table, tmp_path):
    values = {}
    for name, queries in {
        "number": table["query"].str[1:].astype(int),
        "date": pd.Timestamp("2026-01-01") + pd.to_timedelta(table["query"].str[1:].astype(int), unit="D"),
        "text": table["query"],
    }.items():
        data = write(table.assign(query=queries), tmp_path, name, "parquet")
        values[name] = by_scope(observe(job(data)))
    assert values["number"] == values["date"] == values["text"]


CELLS = {
    "a,1,0.5\n,0,0.5": "query 'q' is missing in row 2; every row needs the query that its document belongs to",
    "a,1,0.5\na,-1,0.5": "label 'y' is -1 in row 2; relevance is 0 for a document that is not relevant, and "
    "larger for a more relevant one",
    "a,1,0.5\na,0,nan": "'s' is NaN in row 2",
    "a,1,0.5\na,0,": "'s' is null in row 2",
    "a,1,0.5\na,,0.5": "'y' is null in row 2",
    "a,1,0.5\na,2000,0.5": "label 'y' is 2000 in row 2, which is too large for an exponential gain; use `gain: linear`",
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), CELLS.items(), ids=CELLS)
def test_observe__refuses_cells(tmp_path, content, expected):
    path = text(tmp_path, "d.csv", f"q,y,s\n{content}\n")
    assert refusal(alone(path)) == [f"{path}: {expected}"]


def test_observe__refuses_a_slice_that_divides_a_query(tmp_path):
    path = text(tmp_path, "d.csv", "q,y,s,kind\na,1,0.5,x\nb,1,0.5,x\nb,0,0.5,z\n")
    (line,) = refusal(alone(path, slices=slices("kind")))
    assert line.startswith(f"{path}: slice 'kind' divides query 'b': it is 'x' in row 2 and 'z' in row 3; a slice of")


def test_observe__missing_column_of_queries(table, tmp_path):
    data = write(table, tmp_path, "all", "csv")
    (line,) = refusal(job(data, query="querry"))
    assert line.endswith("has no column 'querry'; did you mean 'query'? Write `query: query`")


@pytest.mark.parametrize("refuse", [refuse_job, refuse_whole_rows])
def test_refuse__spark_and_shards(refuse):
    with pytest.raises(InputError, match="needs all documents of a query in one place"):
        refuse(job("d.parquet"))
