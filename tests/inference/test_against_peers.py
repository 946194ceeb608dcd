"""Values against scikit-learn and fairlearn to 1e-12, on random tables with ties, empty groups and single classes."""

import warnings

import fairlearn.metrics as fm
import numpy as np
import pytest
import sklearn.metrics as sm

from mlci.inference.evaluate import Question, evaluate
from mlci.metrics.statistics import WHOLE, Statistics
from tests.support import tables

BINARY = {
    "accuracy": sm.accuracy_score,
    "balanced_accuracy": sm.balanced_accuracy_score,
    "precision": sm.precision_score,
    "recall": sm.recall_score,
    "f1": sm.f1_score,
    "jaccard": sm.jaccard_score,
    "true_positive_rate": fm.true_positive_rate,
    "true_negative_rate": fm.true_negative_rate,
    "false_positive_rate": fm.false_positive_rate,
    "false_negative_rate": fm.false_negative_rate,
    "selection_rate": fm.selection_rate,
    "matthews_corrcoef": sm.matthews_corrcoef,
    "cohen_kappa_score": sm.cohen_kappa_score,
}
MULTICLASS = {
    "accuracy": sm.accuracy_score,
    "balanced_accuracy": sm.balanced_accuracy_score,
    "f1_macro": lambda y, p: sm.f1_score(y, p, average="macro"),
    "f1_weighted": lambda y, p: sm.f1_score(y, p, average="weighted"),
    "f1_micro": lambda y, p: sm.f1_score(y, p, average="micro"),
    "precision_macro": lambda y, p: sm.precision_score(y, p, average="macro"),
    "precision_weighted": lambda y, p: sm.precision_score(y, p, average="weighted"),
    "recall_macro": lambda y, p: sm.recall_score(y, p, average="macro"),
    "recall_weighted": lambda y, p: sm.recall_score(y, p, average="weighted"),
    "matthews_corrcoef": sm.matthews_corrcoef,
    "cohen_kappa_score": sm.cohen_kappa_score,
    "precision[2]": lambda y, p: sm.precision_score(y, p, labels=[2], average="macro"),
    "recall[2]": lambda y, p: sm.recall_score(y, p, labels=[2], average="macro"),
    "f1[2]": lambda y, p: sm.f1_score(y, p, labels=[2], average="macro"),
}


def ask(statistics, *names, task="binary", baseline=True, **more):
    question = Question(task=task, metrics=names, baseline=baseline, **more)
    return evaluate(statistics, question, fingerprint="sha256:0", notes=())


def peer(function, *args):
    """Return a peer's value; ``None`` if it warns that the value is a convention, or fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            value = float(function(*args))
        except (Warning, ValueError, ZeroDivisionError):
            return None
    return value if np.isfinite(value) else None


def close(found, expected):
    return found is not None and abs(found - expected) <= 1e-12


@pytest.mark.parametrize("seed", range(15))
def test_evaluate__binary_metrics_of_random_groups(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 120))
    label = (rng.random(n) < rng.choice([0, 0.1, 0.5, 1])).astype(int)
    baseline, candidate = (rng.random((2, n)) < 0.5).astype(int)
    group = rng.choice(["a", "b", "c"], n, p=[0.7, 0.25, 0.05])
    result = ask(tables.by_group(label, baseline, candidate, group), *BINARY)
    for item in result.comparisons:
        rows = np.ones(n, bool) if item.scope == WHOLE else group == item.scope.group
        for model, decided in (("candidate", candidate), ("baseline", baseline)):
            expected = peer(BINARY[item.metric], label[rows], decided[rows])
            found = getattr(item, model).value
            if expected is not None and found is not None:
                assert close(found, expected), (item.metric, item.scope)
            elif expected is not None:
                # fairlearn gives 0 without a warning where the rate's denominator is empty; so do kappa and MCC
                assert expected == 0 or item.metric in {"cohen_kappa_score", "matthews_corrcoef"}, (
                    item.metric,
                    expected,
                )
        if item.change.value is not None:
            assert close(item.change.value, item.candidate.value - item.baseline.value)


@pytest.mark.parametrize("seed", range(12))
def test_evaluate__multiclass_metrics(seed):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(5, 200)), 4
    label, baseline, candidate = rng.integers(0, k, (3, n))
    result = ask([tables.statistics(label, baseline, candidate, classes="0123")], *MULTICLASS, task="multiclass")
    for item in result.comparisons:
        expected = peer(MULTICLASS[item.metric], label, candidate)
        if expected is not None:
            assert close(item.candidate.value, expected), item.metric


@pytest.mark.parametrize("seed", range(20))
def test_evaluate__ranks_with_ties(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 300))
    label = (rng.random(n) < 0.4).astype(int)
    label[:2] = 0, 1
    digits = int(rng.integers(1, 4))
    baseline, candidate = np.round(rng.random((2, n)), digits)
    whole = Statistics(WHOLE, n, scores=tables.scores(label, baseline, candidate))
    for item in ask([whole], "roc_auc", "average_precision").comparisons:
        function = {"roc_auc": sm.roc_auc_score, "average_precision": sm.average_precision_score}[item.metric]
        assert close(item.candidate.value, function(label, candidate))
        assert close(item.baseline.value, function(label, baseline))


def test_evaluate__regression():
    rng = np.random.default_rng(3)
    y = rng.normal(50, 10, 400)
    p, q = y + rng.normal(0, 4, 400), y + rng.normal(1, 5, 400)
    shift = y - y.mean()
    found = {
        "squared": tables.moments(squares=True, baseline=(q - y) ** 2, candidate=(p - y) ** 2),
        "absolute": tables.moments(baseline=abs(q - y), candidate=abs(p - y)),
        "signed": tables.moments(baseline=q - y, candidate=p - y),
        "pinball": tables.moments(baseline=abs(q - y) / 2, candidate=abs(p - y) / 2),
        "percentage": tables.moments(baseline=abs(q - y) / abs(y), candidate=abs(p - y) / abs(y)),
        "variance": tables.moments(squares=True, y=shift, y2=shift**2, baseline=(q - y) ** 2, candidate=(p - y) ** 2),
    }
    peers = {
        "mean_squared_error": sm.mean_squared_error,
        "root_mean_squared_error": sm.root_mean_squared_error,
        "mean_absolute_error": sm.mean_absolute_error,
        "r2": sm.r2_score,
        "mean_pinball_loss": sm.mean_pinball_loss,
        "mean_absolute_percentage_error": sm.mean_absolute_percentage_error,
    }
    result = ask([Statistics(WHOLE, 400, moments=found)], *peers, "mean_error", task="regression")
    for item in result.comparisons[:-1]:
        assert item.candidate.value == pytest.approx(peers[item.metric](y, p), abs=1e-12, rel=1e-12)
        assert item.baseline.value == pytest.approx(peers[item.metric](y, q), abs=1e-12, rel=1e-12)
    assert result.comparisons[-1].candidate.value == pytest.approx((p - y).mean(), abs=1e-12)


DISPARITIES = {
    "demographic_parity_difference": fm.demographic_parity_difference,
    "demographic_parity_ratio": fm.demographic_parity_ratio,
    "equalized_odds_difference": fm.equalized_odds_difference,
    "equalized_odds_ratio": fm.equalized_odds_ratio,
    "accuracy_score_difference": fm.accuracy_score_difference,
    "f1_score_ratio": fm.make_derived_metric(metric=sm.f1_score, transform="ratio"),
    "false_negative_rate_difference": fm.false_negative_rate_difference,
    "false_positive_rate_ratio": fm.false_positive_rate_ratio,
    "precision_score_difference": fm.make_derived_metric(metric=sm.precision_score, transform="difference"),
    "recall_score_ratio": fm.make_derived_metric(metric=sm.recall_score, transform="ratio"),
    "selection_rate_difference": fm.selection_rate_difference,
    "true_negative_rate_ratio": fm.true_negative_rate_ratio,
    "true_positive_rate_difference": fm.true_positive_rate_difference,
}


def test_evaluate__difference_of_rates_stays_below_one():
    rng = np.random.default_rng(1)
    label, baseline, candidate = (rng.random((3, 120)) < 0.5).astype(int)
    group = np.repeat([f"g{i:02}" for i in range(20)], 6)
    result = ask(tables.by_group(label, baseline, candidate, group), disparities=(("selection_rate_difference", "g"),))
    (item,) = result.disparities
    assert item.candidate.interval(0.95)[1] == 1.0
    assert -1 <= item.change.interval(0.95)[0] < item.change.interval(0.95)[1] <= 1


@pytest.mark.parametrize("seed", range(2))
def test_evaluate__disparities(seed):
    rng = np.random.default_rng(seed)
    n = 300
    label = rng.integers(0, 2, n)
    baseline, candidate = (rng.random((2, n)) < 0.5).astype(int)
    group = rng.choice(["a", "b", "c"], n)
    asked = tuple((name, "g") for name in DISPARITIES)
    result = ask(tables.by_group(label, baseline, candidate, group), disparities=asked)
    assert len(result.disparities) == len(DISPARITIES)
    for item in result.disparities:
        expected = DISPARITIES[item.metric](label, candidate, sensitive_features=group)
        before = DISPARITIES[item.metric](label, baseline, sensitive_features=group)
        assert close(item.candidate.value, expected), item.metric
        assert close(item.baseline.value, before), item.metric
        low, high = item.candidate.interval(0.95)
        assert low <= item.candidate.value <= high
