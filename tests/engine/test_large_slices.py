"""Slices with more groups than are measured in full."""

import numpy as np

from mlci.inference import evaluate as inference
from mlci.inference.evaluate import Question, evaluate
from tests.engine.tables import job, observe, people, slices, write


def measured(tmp_path, named):
    """Evaluate a slice with few groups and one with many; return the result and all measured (metric, slice) pairs."""
    frame = people(900).assign(shop=np.arange(900) % 12)
    path = write(frame, tmp_path, "t", "parquet")
    observed = observe(job(path, scores=True, slices=slices("region", "shop")))
    spreads = tuple((f"{metric}_difference", name) for metric in ("recall", "accuracy") for name in ("region", "shop"))
    question = Question(task="binary", metrics=("recall", "roc_auc"), baseline=True, disparities=spreads, named=named)
    result = evaluate(observed.statistics, question, fingerprint="", notes=())
    return result, {(one.metric, one.scope.slice) for one in result.comparisons}


def test_evaluate__slice_with_more_groups_than_are_measured_in_full(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "MOST_GROUPS_IN_FULL", 11)
    named = {"shop": frozenset({"roc_auc", "recall_difference"}), "region": frozenset()}
    result, pairs = measured(tmp_path, named)
    everywhere = {(metric, name) for metric in ("recall", "roc_auc") for name in (None, "region")}
    assert pairs == {*everywhere, ("roc_auc", "shop")}
    found = [(one.metric, one.across) for one in result.disparities]
    assert found == [("recall_difference", "region"), ("recall_difference", "shop"), ("accuracy_difference", "region")]
    assert len(result.disparities[1].groups) == 12
    assert [note for note in result.notes if "slice 'shop' has 12 groups" in note]


def test_evaluate__slice_that_is_not_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "MOST_GROUPS_IN_FULL", 12)
    result, pairs = measured(tmp_path, {})
    assert {name for _, name in pairs} == {None, "region", "shop"}
    assert (len(result.disparities), result.notes) == (4, ())
