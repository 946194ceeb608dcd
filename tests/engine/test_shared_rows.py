"""Rows that two evaluation sets have in common, against pandas' merge."""

import numpy as np
import pandas as pd
import pytest

from mlci.engine.interface import Job, Source
from mlci.engine.row_comparison import row_digests, share_rows
from mlci.errors import InputError


def table(generator, ids):
    return pd.DataFrame({"id": ids, "x": ids % 7, "y": (ids * 13 % 5 > 2).astype(int)}).sample(
        frac=1, random_state=int(generator.integers(1 << 30))
    )


def restrict_job(folder, mine, theirs, *, key="id", suffix="csv", in_own_order=False):
    """Restrict a job whose models score each row by its id, the baseline's by a thousand more."""
    paths = {}
    for name, frame, plus in (("candidate", mine, 0), ("baseline", theirs, 1000)):
        scored = pd.DataFrame({"id": frame["id"], "s": frame["id"] + plus})
        columns = {"holdout": frame if key else frame.drop(columns="id"), "scores": scored if key else scored[["s"]]}
        for kind, written in columns.items():
            paths[name, kind] = str(folder / f"{name}-{kind}.{suffix}")
            write = written.to_csv if suffix == "csv" else written.to_parquet
            write(paths[name, kind], index=False)
    sources = {name: Source(path=paths[name, "scores"], score="s") for name in ("candidate", "baseline")}
    job = Job(task="regression", data=paths["candidate", "holdout"], key=key, label="y", **sources)
    own = row_digests(paths["baseline", "holdout"], key, "y", in_order=True)
    return share_rows(job, own, folder / "shared", in_own_order=in_own_order)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_share_rows__by_key(tmp_path, suffix):
    generator = np.random.default_rng(5)
    mine = table(generator, generator.choice(500, 200, replace=False))
    theirs = table(generator, generator.choice(500, 150, replace=False))
    found = restrict_job(tmp_path, mine, theirs, suffix=suffix)
    merged = mine.merge(theirs, on="id")
    assert (found.rows, found.added, found.removed) == (len(merged), 200 - len(merged), 150 - len(merged))
    assert found.changed == 0
    data, *scores = (pd.read_parquet(source) for source in (found.job.data, *paths(found.job)))
    assert data["id"].astype(int).tolist() == merged["id"].tolist()  # in the candidate's order
    for frame, plus in zip(scores, (0, 1000), strict=True):
        assert set(frame["s"].astype(int) - plus) == set(merged["id"])
        assert (frame["s"].astype(int) - plus == frame["id"].astype(int)).all()


def test_share_rows__by_content_in_order(tmp_path):
    """Without a key, predictions follow their rows, and rows that repeat in one of the sets are dropped."""
    mine = pd.DataFrame({"id": [0, 1, 2, 3, 4, 5], "x": [5, 5, 6, 7, 8, 2], "y": [1, 1, 0, 1, 0, 0]})
    theirs = pd.DataFrame({"id": [9, 8, 7, 6, 4, 3], "x": [8, 6, 5, 9, 2, 2], "y": [0, 0, 1, 1, 0, 0]})
    found = restrict_job(tmp_path, mine, theirs, key=None, in_own_order=True)
    assert (found.rows, found.added, found.removed, found.repeated) == (2, 1, 1, 3)  # x is 5 twice here, 2 twice there
    data, *scores = (pd.read_parquet(source) for source in (found.job.data, *paths(found.job)))
    assert data["y"].astype(int).tolist() == [0, 0]
    assert [frame["s"].astype(int).tolist() for frame in scores] == [[2, 4], [1008, 1009]]


def test_share_rows__only_labels(tmp_path):
    mine = pd.DataFrame({"id": range(80), "x": 0, "y": [0, 1] * 40})
    found = restrict_job(tmp_path, mine, mine.sample(frac=1, random_state=1), key=None, in_own_order=True)
    assert (found.rows, found.added, found.removed, found.repeated) == (0, 0, 0, 80)


def test_share_rows__keys_that_repeat(tmp_path):
    mine = pd.DataFrame({"id": [1, 2, 3], "x": [1, 2, 3], "y": [0, 1, 0]})
    with pytest.raises(InputError, match="1 row of the baseline's own evaluation set repeat a value of `id`"):
        restrict_job(tmp_path, mine, mine.assign(id=[1, 1, 3]))


def test_share_rows__other_values(tmp_path):
    mine = pd.DataFrame({"id": [1, 2, 3], "x": [1, 2, 3], "y": [0, 1, 0]})
    assert restrict_job(tmp_path, mine, mine.assign(x=[1, 5, 6])).changed == 2


@pytest.mark.parametrize("key", ["id", None])
def test_share_rows__other_labels(tmp_path, key):
    mine = pd.DataFrame({"id": [11, 12, 13], "x": [1, 2, 3], "y": [0, 1, 0]})
    with pytest.raises(InputError, match="`y` differs from the baseline's own evaluation set in 1 row of both"):
        restrict_job(tmp_path, mine, mine.assign(y=[0, 0, 0]), key=key)


def test_share_rows__other_labels_without_a_key(tmp_path):
    """Two rows of equal columns may be two rows: the error gives that reason too."""
    mine = pd.DataFrame({"id": [1, 2], "x": [1, 2], "y": [0, 1]})
    with pytest.raises(InputError, match=r"(?s)If these are different rows, name the column.*key: id"):
        restrict_job(tmp_path, mine, mine.assign(y=[0, 0]), key=None)


def test_share_rows__nothing_in_common(tmp_path):
    mine = pd.DataFrame({"id": [1, 2], "x": [1, 2], "y": [0, 1]})
    found = restrict_job(tmp_path, mine, mine.assign(id=[3, 4]))
    assert (found.rows, found.added, found.removed) == (0, 2, 2)


def paths(job):
    return job.candidate.path, job.baseline.path
