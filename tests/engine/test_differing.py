"""Rows on which two models' predictions differ, in every scope: they decide if a comparison is an exact tie."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.characteristics.draws import context
from mlci.engine.interface import Job, Source
from mlci.inference.evidence import Tie
from mlci.inference.measure import measure_metric
from mlci.metrics.resampling import MetricCall, Plan, resample
from mlci.metrics.row_metrics import RowMetric, RowValues
from tests.engine.tables import job, observe, slices, write

RATES = ("accuracy", "recall", "precision", "f1", "balanced_accuracy", "matthews_corrcoef", "selection_rate")


def alike(rows=120, seed=0):
    """Decisions are equal everywhere, scores only in group b."""
    draw = np.random.default_rng(seed)
    label = draw.integers(0, 2, rows)
    old = np.round(np.clip(0.5 * label + 0.6 * draw.random(rows), 0, 1), 2)
    group = draw.choice(["a", "b"], rows)
    score = np.where(group == "a", np.where(old >= 0.5, np.minimum(old + 0.01, 1), old * 0.99), old)
    return pd.DataFrame({"g": group, "label": label, "score": score, "old": old})


class Accuracy:
    """Evaluates the share of right decisions in this process."""

    def evaluate(self, metrics, sample, *, draws, seed, timeout):  # noqa: ARG002 (an evaluator's signature)
        call = MetricCall(lambda y, p: float((y == p).mean()), sample.labels, sample.decisions)
        values, reasons = resample(Plan([call], sample.scopes, 2, draws, seed))
        return RowValues(values=values, methods=("row bootstrap",), reasons=reasons, on=("decision",), notes=())


def measure_change(given, *metrics):
    whole, *groups = observe(given, row_metrics=Accuracy()).statistics
    asked = context(whole)
    return {(name, one.scope.group): measure_metric(name, one, asked) for name in metrics for one in (whole, *groups)}


@pytest.mark.parametrize("more", [{}, {"scores": True}, {"losses": ("log",)}], ids=["counted", "ranked", "losses"])
def test_differing__counts_rows_with_unequal_scores(tmp_path, more):
    frame = alike()
    path = write(frame, tmp_path, "t", "parquet")
    unequal = frame.score != frame.old
    found = observe(job(path, slices=slices("g"), **more)).statistics
    expected = [unequal.sum(), unequal[frame.g == "a"].sum(), 0]
    assert [one.differing for one in found] == expected
    assert all(one.moments["log"].differing == one.differing for one in found if one.moments)
    assert observe(job(path, slices=slices("g"), baseline=None, **more)).statistics[0].differing is None


def test_differing__keyed_tables_are_compared_row_by_row(tmp_path):
    frame = alike().assign(id=range(120))
    data = write(frame, tmp_path, "t", "parquet")
    shuffled = write(frame.sample(frac=1, random_state=1), tmp_path, "p", "csv")
    given = job(data, key="id", slices=slices("g"), candidate=Source(path=shuffled, score="score"))
    assert [one.differing for one in observe(given).statistics][1:] == [int((frame.score != frame.old).sum()), 0]


def test_differing__decisions_count_if_there_are_no_scores(tmp_path):
    frame = alike().assign(now=lambda t: (t.score >= 0.5).astype(int), before=lambda t: (t.old >= 0.5).astype(int))
    frame.loc[[3, 5], "now"] = 1 - frame.loc[[3, 5], "before"]
    path = write(frame, tmp_path, "t", "parquet")
    sources = {"candidate": Source(path=path, decision="now"), "baseline": Source(path=path, decision="before")}
    assert observe(job(path, slices=(), **sources)).statistics[0].differing == 2
    both = {"candidate": Source(path=path, decision="now", score="score")}
    assert observe(job(path, slices=(), **(sources | both))).statistics[0].differing == 120


def test_change__equal_decisions_of_unequal_scores_are_not_a_tie(tmp_path):
    path = write(alike(), tmp_path, "t", "parquet")
    given = job(path, slices=slices("g"), scores=True, losses=("squared",))
    for (name, group), seen in measure_change(given, *RATES, "roc_auc", "brier_score_loss").items():
        if group == "b":
            assert isinstance(seen.change, Tie), name
            continue
        assert not isinstance(seen.change, Tie), name
        low, high = seen.change.interval(0.95) or (-1, 1)
        assert low < seen.change.value < high, name
    seen = measure_change(given, "accuracy")["accuracy", "a"]
    z, n = 1.959963984540054, seen.rows
    assert seen.change.interval(0.95) == pytest.approx((-(z**2) / (n + z**2), z**2 / (n + z**2)), abs=1e-9)


def test_change__equal_losses_of_unequal_predictions_are_not_a_tie(tmp_path):
    y = np.arange(50.0)
    path = write(pd.DataFrame({"y": y, "p": y + 1, "q": y - 1}), tmp_path, "t", "csv")
    sources = {"candidate": Source(path=path, score="p"), "baseline": Source(path=path, score="q")}
    given = Job(task="regression", data=path, label="y", losses=("absolute",), **sources)
    assert observe(given).statistics[0].moments["absolute"].differing == 50


def test_row_metric__equal_decisions_of_unequal_scores_have_no_interval(tmp_path):
    path = write(alike(), tmp_path, "t", "parquet")
    metric = RowMetric(name="own", function="module:accuracy", on="decision")
    given = job(path, slices=slices("g"), row_metrics=(metric,), replicates=50)
    found = measure_change(given, "own")
    assert isinstance(found["own", "b"].change, Tie)
    change = found["own", "a"].change
    assert (change.value, change.method, change.interval(0.95)) == (0.0, "too few", None)
