"""Minimum numbers of rows for a metric, and causes of missing values."""

import numpy as np
import pytest

from mlci.inference import minimums
from mlci.inference.evaluate import Question, evaluate
from mlci.inference.evidence import Cause
from mlci.inference.minimums import MissingRows
from mlci.inference.serialization import dump_evaluation, parse_evaluation
from mlci.metrics.statistics import WHOLE, Statistics
from tests.support.tables import by_group, decisions, moments, scores, statistics


def measure(metric, label, baseline, candidate, *, classes=("0", "1"), **more):
    """Evaluate one metric on the whole set."""
    found = statistics(label, baseline, candidate, classes=classes, **more)
    task = "binary" if classes == ("0", "1") else "multiclass"
    asked = Question(task=task, metrics=(metric,), baseline=baseline is not None)
    return evaluate([found], asked, fingerprint="", notes=()).comparisons[0]


@pytest.mark.parametrize(
    ("metric", "carried", "words"),
    [
        (
            "roc_auc",
            {"labelled positives": 40, "labelled negatives": 0},
            "no labelled negatives; ROC AUC needs both classes",
        ),
        (
            "auc",
            {"labelled positives": 0, "labelled negatives": 9},
            "no labelled positives; ROC AUC needs both classes",
        ),
        (
            "average_precision",
            {"labelled positives": 4, "labelled negatives": 0},
            "no labelled negatives; Average precision needs both classes",
        ),
        ("roc_auc", {"labelled positives": 1, "labelled negatives": 1}, None),
        ("recall", {"labelled positives": 0, "rows": 9}, "no labelled positives; 3 are needed"),
    ],
)
def test_undefined_by_labels__one_class(metric, carried, words):
    assert minimums.undefined_by_labels(metric, carried) == words


@pytest.mark.parametrize(
    ("metric", "carried", "lack"),
    [
        ("recall", {"labelled positives": 2, "rows": 90}, "2 labelled positives; 3 are needed"),
        ("sensitivity", {"labelled positives": 1, "rows": 90}, "1 labelled positive; 3 are needed"),
        ("false_positive_rate", {"labelled negatives": 0, "rows": 9}, "no labelled negatives; 3 are needed"),
        ("roc_auc", {"labelled positives": 50, "labelled negatives": 2}, "2 labelled negatives; 3 are needed"),
        ("average_precision", {"labelled positives": 4, "labelled negatives": 9}, "4 labelled positives; 5 are needed"),
        ("log_loss", {"labelled positives": 1, "labelled negatives": 9}, "1 labelled positive; 2 are needed"),
        ("precision", {"labelled positives": 9, "predicted positives": 2}, "2 predicted positives; 3 are needed"),
        ("f1[b]", {"rows labelled b": 1, "rows": 40}, "1 row labelled b; 3 are needed"),
        ("mean_absolute_error", {"rows": 1}, "1 row; 2 are needed"),
        ("balanced_accuracy", {"labelled classes": 1, "rows": 40}, "1 labelled class; 2 are needed"),
    ],
)
def test_lack__one_row_short(metric, carried, lack):
    assert str(minimums.missing_rows(metric, carried)) == lack
    enough = {unit: count + 10 for unit, count in carried.items()}
    assert minimums.missing_rows(metric, enough) is None


def test_lack__regression_counts_rows_that_affect_the_metric():
    carried = {"labelled positives": 29, "rows": 5000}
    assert minimums.missing_rows("recall", carried) is None
    assert minimums.missing_rows("recall", carried, proving=True) == MissingRows(29, "labelled positives", 30)
    assert minimums.missing_rows("accuracy", {"rows": 5000}, proving=True) is None


def test_carriers__from_decisions_or_scores():
    label, before, now = [1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 1, 1, 1, 0]
    found = statistics(label, before, now)
    assert minimums.carriers("precision", found) == {
        "labelled positives": 2,
        "labelled negatives": 3,
        "predicted positives": 4,
        "rows": 5,
    }
    assert minimums.carriers("precision", found, baseline=True)["predicted positives"] == 2
    only_scores = Statistics(WHOLE, 5, scores=scores(label, None, [0.1, 0.2, 0.3, 0.4, 0.5]))
    assert minimums.carriers("roc_auc", only_scores) == {"labelled positives": 2, "labelled negatives": 3, "rows": 5}


@pytest.mark.parametrize("metric", ["precision", "cohen_kappa_score", "negative_predictive_value"])
def test_cause__labels_fix_the_value(metric):
    found = measure(metric, [1] * 60, [1, 0] * 30, [1, 1, 0] * 20)
    assert (found.candidate.value, found.change.cause) == (0.0 if metric != "precision" else 1.0, Cause.LABELS)
    assert minimums.missing_rows(metric, found.carriers) is not None


@pytest.mark.parametrize("metric", ["recall", "balanced_accuracy", "precision", "f1", "matthews_corrcoef"])
def test_cause__labels_alone(metric):
    found = measure(metric, [0] * 40, [0] * 40, [0] * 40)
    assert [part.value for part in (found.candidate, found.baseline, found.change)] == [None] * 3
    assert {part.cause for part in (found.candidate, found.baseline, found.change)} == {Cause.LABELS}


@pytest.mark.parametrize(("only", "metric"), [(1, "roc_auc"), (0, "roc_auc"), (1, "average_precision")])
def test_cause__ranks_with_one_class(only, metric):
    label, rng = [only] * 50, np.random.default_rng(3)
    ranks = scores(label, rng.random(50), rng.random(50))
    found = measure(metric, label, [0] * 50, [1] * 50, scores=ranks)
    assert {part.cause for part in (found.candidate, found.baseline, found.change)} == {Cause.LABELS}
    assert found.candidate.reason.startswith("no labelled ")


@pytest.mark.parametrize(
    ("baseline", "candidate", "causes"),
    [
        ([1, 1, 0, 0] * 10, [0] * 40, (Cause.CANDIDATE, None, Cause.CANDIDATE)),
        ([0] * 40, [1, 1, 0, 0] * 10, (None, Cause.BASELINE, Cause.BASELINE)),
        ([0] * 40, [0] * 40, (Cause.CANDIDATE, Cause.BASELINE, Cause.BOTH)),
    ],
)
def test_cause__model_never_predicts_a_positive(baseline, candidate, causes):
    found = measure("precision", [1, 0, 1, 0] * 10, baseline, candidate)
    parts = (found.candidate, found.baseline, found.change)
    assert tuple(getattr(part, "cause", None) for part in parts) == causes


def test_cause__class_not_found_or_never_decided():
    label, decided = [0, 1, 2] * 20, [0, 1, 0] * 20
    classes = ("a", "b", "c")
    unknown = measure("recall[C]", label, decided, decided, classes=classes)
    assert {unknown.candidate.cause, unknown.baseline.cause, unknown.change.cause} == {Cause.NAME}
    assert unknown.candidate.reason == "no class is called 'C'; there are a, b, c"
    never = measure("recall[c]", label, decided, decided, classes=classes)
    assert (never.candidate.value, never.change.value) == (0.0, 0.0)
    assert measure("precision[c]", label, decided, decided, classes=classes).change.cause is Cause.BOTH


def test_multiclass__one_class():
    found = measure("accuracy", [0] * 40, [0] * 40, [0] * 40, classes=("a",))
    assert (found.candidate.value, found.change.value) == (1.0, 0.0)
    assert measure("balanced_accuracy", [0] * 40, [0] * 40, [0] * 40, classes=("a",)).change.cause is Cause.LABELS


def test_constant_scores__roc_auc_of_one_half_with_an_interval():
    label, rng = [1, 0] * 30, np.random.default_rng(5)
    found = measure("roc_auc", label, None, [1] * 60, scores=scores(label, None, np.full(60, 0.5)))
    low, high = found.candidate.interval(0.95)
    assert found.candidate.value == 0.5
    assert 0.3 < low < 0.5 < high < 0.7
    ranked = scores(label, rng.random(60) + 0.5 * np.array(label), np.full(60, 0.5))
    assert measure("roc_auc", label, label, [1] * 60, scores=ranked).change.interval(0.95)[1] < 0


def test_cause__group_without_labelled_positives():
    label, group = [1, 0] * 30 + [0] * 40, ["a"] * 60 + ["b"] * 40
    asked = Question(task="binary", metrics=(), baseline=True, disparities=(("recall_difference", "g"),))
    (found,) = evaluate(by_group(label, label, label, group), asked, fingerprint="", notes=()).disparities
    assert (found.candidate.cause, found.change.cause) == (Cause.LABELS, Cause.LABELS)
    assert found.candidate.reason == "b has no labelled positives; 3 are needed"
    assert [rate.shortage for rate in found.groups] == [None, "no labelled positives; 3 are needed"]


def test_disagreements__rows_that_affect_the_metric():
    label = [1] * 10 + [0] * 90
    before = [1] * 10 + [0] * 90
    now = [0] * 2 + [1] * 8 + [1] * 30 + [0] * 60
    found = {metric: measure(metric, label, before, now).disagreements for metric in ("recall", "accuracy", "f1")}
    assert found == {"recall": 2, "accuracy": 32, "f1": 32}


@pytest.mark.parametrize("loss", ["mean_absolute_error", "root_mean_squared_error", "mean_error"])
def test_single_row__no_interval(loss):
    names = {"mean_absolute_error": "absolute", "root_mean_squared_error": "squared", "mean_error": "signed"}
    one = moments(baseline=np.array([9.0]), candidate=np.array([4.0]))
    found = Statistics(WHOLE, 1, moments={names[loss]: one})
    asked = Question(task="regression", metrics=(loss,), baseline=True)
    item = evaluate([found], asked, fingerprint="", notes=()).comparisons[0]
    root = loss.startswith("root")
    assert (item.candidate.value, item.change.value) == ((2.0, -1.0) if root else (4.0, -5.0))
    assert item.candidate.interval(0.95) is item.change.interval(0.95) is None


def test_cause__survives_serialization():
    found = Statistics(WHOLE, 60, decisions([0] * 60, [0] * 60, [1] * 60))
    result = evaluate(
        [found], Question(task="binary", metrics=("recall", "precision"), baseline=True), fingerprint="", notes=()
    )
    again = parse_evaluation(dump_evaluation(result), path="evaluation.json")
    assert [item.candidate for item in again.comparisons] == [item.candidate for item in result.comparisons]
    assert again.comparisons[0].carriers == {"labelled positives": 0, "rows": 60}
