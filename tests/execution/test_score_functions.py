"""Functions of scores against scikit-learn's curves and its logistic regression without a penalty."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_curve

from mlci.execution.metric_functions import choose_method, find_function
from mlci.metrics import score_functions
from mlci.metrics.external import OWN_DIRECTIONS
from mlci.metrics.row_metrics import RowMetric


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(5)
    logit = rng.normal(-0.5, 1.3, 800)
    return (rng.random(800) < 1 / (1 + np.exp(-0.7 * logit - 0.3))).astype(int), np.round(1 / (1 + np.exp(-logit)), 2)


def test_functions__have_a_direction():
    assert set(score_functions.FUNCTIONS) == set(OWN_DIRECTIONS)


@pytest.mark.parametrize("share", [0, 0.01, 0.05, 0.2, 0.9, 1])
def test_fixed_rates__of_the_roc_curve(rows, share):
    false, true, _ = roc_curve(*rows, drop_intermediate=False)
    assert score_functions.recall_at_fpr(*rows, fpr=share) == true[false <= share].max()
    assert score_functions.specificity_at_sensitivity(*rows, sensitivity=share) == 1 - false[true >= share].min()


def test_fixed_rates__weights(rows):
    labels, scores = rows
    weight = np.random.default_rng(1).integers(1, 4, len(labels))
    false, true, _ = roc_curve(*rows, sample_weight=weight, drop_intermediate=False)
    found = score_functions.recall_at_fpr(labels, scores, weight, fpr=0.1)
    assert found == pytest.approx(true[false <= 0.1].max(), abs=1e-12)
    found = score_functions.specificity_at_sensitivity(labels, scores, weight, sensitivity=0.9)
    assert found == pytest.approx(1 - false[true >= 0.9].min(), abs=1e-12)


@pytest.mark.parametrize("name", ["recall_at_fpr", "specificity_at_sensitivity"])
def test_fixed_rates__are_bootstrapped(name):
    metric = RowMetric(name=name, function=name)
    function = find_function(metric, task="binary", classes=2)
    assert function.weighted
    assert choose_method(metric, function, task="binary", classes=2) == "row bootstrap"


def test_fixed_rates__equal_scores_are_on_one_side():
    labels, scores = np.array([1, 0, 1, 0]), np.array([0.9, 0.9, 0.4, 0.1])
    assert score_functions.recall_at_fpr(labels, scores, fpr=0.4) == 0
    assert score_functions.recall_at_fpr(labels, scores, fpr=0.5) == 1


@pytest.mark.parametrize("weighted", [False, True])
def test_calibration__logistic_regression(rows, weighted):
    labels, scores = rows
    scores = np.clip(scores, 0.01, 0.99)
    weight = np.random.default_rng(1).integers(1, 4, len(labels)) if weighted else None
    logit = np.log(scores / (1 - scores))
    fitted = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(logit[:, None], labels, sample_weight=weight)
    slope = score_functions.calibration_slope(labels, scores, weight)
    assert slope == pytest.approx(fitted.coef_[0, 0], rel=1e-6)
    intercept = score_functions.calibration_intercept(labels, scores, weight)

    def loss(shift):
        return log_loss(labels, 1 / (1 + np.exp(-logit - shift)), sample_weight=weight)

    assert loss(intercept) < min(loss(intercept - 1e-4), loss(intercept + 1e-4))


@pytest.mark.parametrize(
    ("name", "labels", "scores", "params", "reason"),
    [
        ("recall_at_fpr", [1, 1], [0.2, 0.3], {"fpr": 0.1}, "only one class"),
        ("recall_at_fpr", [1, 0], [0.2, 0.3], {"fpr": 1.1}, "fpr is 1.1, and a rate is between 0 and 1"),
        ("calibration_slope", [0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], {}, "no finite solution"),
        ("calibration_slope", [0, 1, 1], [0.4, 0.4, 0.4], {}, "no slope"),
        ("calibration_slope", [0, 1, 1], [0.4, 1.4, 0.4], {}, "outside [0, 1]"),
        ("calibration_intercept", [1, 1], [0.4, 0.5], {}, "only one class"),
    ],
)
def test_functions__undefined(name, labels, scores, params, reason):
    with pytest.raises(ValueError, match=reason.replace("[", r"\[")):
        score_functions.FUNCTIONS[name](np.array(labels), np.array(scores), **params)
