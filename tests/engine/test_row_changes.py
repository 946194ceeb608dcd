"""Rows that changed most, against a sort of all rows by hand."""

import numpy as np
import pandas as pd
import pytest

from mlci.engine.interface import Source
from tests.engine.tables import SLICES, everything, job, observe, people, same, slices, write


def changes(path, **more):
    return observe(job(path, **({"row_changes": 5} | more))).row_changes


@pytest.mark.parametrize("form", ["csv", "shards"])
def test_row_changes__probabilities(tmp_path, form):
    frame = people(500, seed=3)
    found = changes(write(frame, tmp_path, "p", form), key="id", row_changes=7, **everything())
    change = (frame["score"] - frame["label"]) ** 2 - (frame["old"] - frame["label"]) ** 2
    expected = change[change.abs().nlargest(7).index].sort_values(ascending=False)
    assert found.loss == "squared error"
    assert [row.key for row in found.rows] == frame["id"][expected.index].tolist()
    assert [row.row - 1 for row in found.rows] == expected.index.tolist()
    assert [row.change for row in found.rows] == pytest.approx(expected.tolist(), abs=1e-12)
    first, mine = found.rows[0], frame.loc[expected.index[0]]
    assert (first.baseline_score, first.candidate_score) == (mine["old"], mine["score"])
    assert (first.label, first.slices["sex × region" if "sex × region" in first.slices else "region × sex"]) == (
        str(mine["label"]),
        f"{'(null)' if pd.isna(mine['region']) else mine['region']} × {mine['sex']}",
    )


def test_row_changes__statistics_are_the_same(tmp_path):
    path = write(people(400, ties=8), tmp_path, "p", "parquet")
    plain, named = (observe(job(path, key="id", row_changes=rows, **everything())) for rows in (0, 3))
    assert plain.row_changes is None
    assert same(plain.statistics, named.statistics)
    assert (plain.fingerprint, plain.notes) == (named.fingerprint, named.notes)


def test_row_changes__probabilities_of_classes(tmp_path):
    """Log loss: a label that loses half of its probability counts, although the decision stays."""
    frame = pd.DataFrame(
        {
            "label": list("abca"),
            "a": [0.8, 0.1, 0.2, 0.5],
            "b": [0.1, 0.8, 0.2, 0.3],
            "c": [0.1, 0.1, 0.6, 0.2],
            "x": [0.8, 0.2, 0.3, 0.1],
            "y": [0.1, 0.4, 0.3, 0.7],
            "z": [0.1, 0.4, 0.4, 0.2],
        }
    )
    path = write(frame, tmp_path, "p", "csv")
    new, old = (Source(path=path, probabilities=tuple(zip("abc", names, strict=True))) for names in ("xyz", "abc"))
    found = changes(path, task="multiclass", slices=(), candidate=new, baseline=old)
    assert found.loss == "log loss"
    assert [(row.row, row.baseline_score, row.candidate_score) for row in found.rows] == [
        (4, 0.5, 0.1),
        (2, 0.8, 0.4),
        (3, 0.6, 0.4),
    ]
    assert [row.change for row in found.rows] == pytest.approx([np.log(5), np.log(2), np.log(1.5)])


def test_row_changes__decisions_without_a_key(tmp_path):
    frame = pd.DataFrame({"label": list("abcab"), "old": list("abbba"), "new": list("aacab"), "g": [1, 1, 2, 2, 2]})
    path = write(frame, tmp_path, "p", "csv")
    sources = {"candidate": Source(path=path, decision="new"), "baseline": Source(path=path, decision="old")}
    found = changes(path, task="multiclass", slices=slices("g"), **sources)
    assert found.loss == "wrong decision"
    assert [(row.row, row.key, row.label, row.baseline_decision, row.candidate_decision) for row in found.rows] == [
        (2, None, "b", "b", "a"),
        (3, None, "c", "b", "c"),
        (4, None, "a", "b", "a"),
        (5, None, "b", "a", "b"),
    ]
    assert [row.change for row in found.rows] == [1, -1, -1, -1]
    assert found.rows[0].slices == {"g": "1"}


def test_row_changes__regression(tmp_path):
    labels = np.array([1.0, 2.5, -3.0, 4.0])
    frame = pd.DataFrame(
        {
            "id": [9, 8, 7, 6],
            "label": labels,
            "old": labels + np.array([0, 1, -2, 1]),
            "new": labels + np.array([3, 0, 2, 1]),
        }
    )
    path = write(frame, tmp_path, "p", "parquet")
    sources = {"candidate": Source(path=path, score="new"), "baseline": Source(path=path, score="old")}
    found = changes(path, task="regression", key="id", slices=(), decisions=False, losses=("absolute",), **sources)
    assert found.loss == "absolute error"
    assert [(row.key, row.label, row.change) for row in found.rows] == [("9", "1", 3.0), ("8", "2.5", -1.0)]


def test_row_changes__scores_that_are_no_probabilities(tmp_path):
    frame = people(60).assign(score=lambda rows: 10 * rows["score"])
    path = write(frame, tmp_path, "p", "csv")
    assert changes(path, threshold=0.5, scores=True).loss == "wrong decision"


def test_row_changes__no_baseline(tmp_path):
    assert changes(write(people(30), tmp_path, "p", "csv"), baseline=None) is None


def test_row_changes__equal_models(tmp_path):
    path = write(people(30), tmp_path, "p", "csv")
    found = changes(path, baseline=Source(path=path, score="score"), slices=SLICES)
    assert found.rows == ()
