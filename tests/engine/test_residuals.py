"""Residuals by prediction, against pandas' quantile bins."""

import numpy as np
import pandas as pd
import pytest

from mlci.engine.interface import Source
from mlci.inference.plots import residuals
from tests.engine.tables import job, observe, slices, write


def measured(frame, folder, **more):
    path = write(frame, folder, "p", "parquet")
    sources = {"candidate": Source(path=path, score="new"), "baseline": Source(path=path, score="old")}
    given = {"task": "regression", "slices": slices("g"), "decisions": False, "losses": ("absolute",), **sources}
    return observe(job(path, **(given | more)))


def people(rows=600):
    draw = np.random.default_rng(5)
    label = draw.gamma(2.0, 50.0, rows)
    old, groups = np.round(label, -2), draw.choice(["a", "b"], rows)
    return pd.DataFrame({"label": label, "new": label + draw.normal(3, 10, rows), "old": old, "g": groups})


def test_residuals__bins_of_equal_size(tmp_path):
    frame = people()
    observed = measured(frame, tmp_path)
    found = residuals(observed.statistics[0])
    residual = (frame["label"] - frame["new"]).groupby(pd.qcut(frame["new"], 15), observed=True)
    predicted = frame["new"].groupby(pd.qcut(frame["new"], 15), observed=True).mean()
    for name, expected in (("predicted", predicted), ("residual", residual.mean()), ("spread", residual.std(ddof=0))):
        assert [getattr(one, name) for one in found.candidate] == pytest.approx(expected.tolist(), rel=1e-5)
    assert {one.rows for one in found.candidate} == {40}
    assert [residuals(group) for group in observed.statistics[1:]] == [None, None]


def test_residuals__equal_predictions_share_a_bin(tmp_path):
    frame = people()
    bins = residuals(measured(frame, tmp_path).statistics[0]).baseline
    assert [one.predicted for one in bins][:3] == [0.0, 100.0, 200.0]
    assert sum(one.rows for one in bins) == 600
    mean = (frame["label"] - frame["old"]).groupby(frame["old"]).mean()
    assert bins[0].residual == pytest.approx(mean.iloc[0], rel=1e-5)


def test_residuals__one_row_and_no_baseline(tmp_path):
    found = residuals(measured(people(1), tmp_path, baseline=None).statistics[0])
    assert [(one.rows, one.spread) for one in found.candidate] == [(1, 0.0)]
    assert found.baseline is None
