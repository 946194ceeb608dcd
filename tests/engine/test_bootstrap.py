"""Metrics that are only known as functions of rows."""

import dataclasses
import sys
import warnings

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from mlci.engine.interface import Job, RowMetric, Source
from tests.engine.tables import job, observe, people, same, slices, text, write


def auc(labels, scores):
    """A quick AUC for scores without ties between classes; rows drawn twice tie with themselves only."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    positives = labels.sum()
    return (ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))


def accuracy(labels, decisions):
    return float((labels == decisions).mean())


def test_values_draws_and_pairing(tmp_path):
    frame = people(300)
    path = write(frame, tmp_path, "t", "parquet")
    metrics = (
        RowMetric(name="auc", function=auc, on="score"),
        RowMetric(name="accuracy", function=accuracy, on="decision"),
    )
    given = job(path, row_metrics=metrics, replicates=40, slices=slices("sex"))
    observed = observe(given)
    for one, mine in zip(observed.statistics, [frame, frame[frame.sex == "F"], frame[frame.sex == "M"]], strict=True):
        found = one.replicates["auc"]
        assert found.candidate == pytest.approx(roc_auc_score(mine.label, mine.score), abs=1e-12)
        assert found.baseline == pytest.approx(roc_auc_score(mine.label, mine.old), abs=1e-12)
        assert found.candidate_draws.shape == found.baseline_draws.shape == (40,)
        assert found.differing == len(mine)
        assert found.reason is None
        spread = np.sqrt(found.candidate * (1 - found.candidate) / len(mine))
        assert abs(found.candidate_draws.mean() - found.candidate) < spread
        assert one.replicates["accuracy"].candidate == pytest.approx(((mine.score >= 0.5) == mine.label).mean())
    assert same(observed.statistics, observe(given, threads=1).statistics)
    other = observe(dataclasses.replace(given, seed=8))
    assert not same(observed.statistics, other.statistics)


def test_identical_models_draw_identical_rows(tmp_path):
    path = write(people(100), tmp_path, "t", "parquet")
    given = job(
        path, baseline=Source(path=path, score="score"), row_metrics=(RowMetric(name="auc", function=auc, on="score"),)
    )
    found = observe(dataclasses.replace(given, replicates=20)).statistics[0].replicates["auc"]
    assert found.candidate_draws.tolist() == found.baseline_draws.tolist()
    assert found.differing == 0


def warns(labels, scores):
    warnings.warn("nothing was predicted", UserWarning, stacklevel=1)
    return 0.0


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda _y, _p: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda _y, _p: sys.exit(0), "SystemExit: 0"),
        (warns, "UserWarning: nothing was predicted"),
        (lambda _y, _p: float("inf"), "the metric returned inf"),
        (lambda _y, _p: np.float64(0) / np.float64(0), "RuntimeWarning: invalid value encountered in scalar divide"),
        (lambda _y, _p: [1, 2], "TypeError: float() argument must be a string or a real number, not 'list'"),
    ],
)
def test_a_metric_that_fails_is_undefined_with_a_reason(tmp_path, function, reason):
    path = write(people(50), tmp_path, "t", "parquet")
    metrics = (RowMetric(name="bad", function=function, on="score"),)
    found = observe(job(path, row_metrics=metrics, replicates=3)).statistics[0].replicates["bad"]
    assert np.isnan(found.candidate)
    assert np.isnan(found.candidate_draws).all()
    assert found.reason == reason


def test_draws_that_fail_are_nan(tmp_path):
    path = text(tmp_path, "t.csv", "y,s\n1,0.9\n0,0.2\n0,0.4\n")
    metrics = (RowMetric(name="log_loss", function=log_loss, on="score"),)
    given = Job(
        task="binary", data=path, label="y", candidate=Source(path=path, score="s"), row_metrics=metrics, replicates=50
    )
    found = observe(given).statistics[0].replicates["log_loss"]
    assert np.isfinite(found.candidate)
    assert found.baseline is None
    assert np.isnan(found.candidate_draws).any()
    assert np.isfinite(found.candidate_draws).any()


def test_raw_values_and_indices(tmp_path):
    path = text(tmp_path, "t.csv", "y,d,n\nb,a,2\na,a,1\n")
    seen = {}

    def look(labels, decisions):
        seen[labels.dtype.kind] = (labels.tolist(), decisions.tolist())
        return 0.0

    for raw in (False, True):
        metrics = (RowMetric(name="look", function=look, on="decision", raw=raw),)
        candidate = Source(path=path, decision="d")
        observe(Job(task="multiclass", data=path, label="y", candidate=candidate, row_metrics=metrics, replicates=0))
    assert seen == {"i": ([1, 0], [0, 0]), "U": (["b", "a"], ["a", "a"])}
