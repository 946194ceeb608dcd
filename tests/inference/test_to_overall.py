"""Disparities to the whole set and average odds: fairlearn's values, AIF360's formula, coverage, refusals."""

import fairlearn.metrics as fm
import numpy as np
import pytest
import sklearn.metrics as sm

from benchmarks.group_disparities.simulate import CELLS, simulate
from mlci.inference.evaluate import Question, evaluate
from mlci.metrics import catalogue
from mlci.metrics.statistics import Statistics
from tests.support import tables

OVERALL = "(method=to_overall)"
RATES = {
    "recall": sm.recall_score,
    "precision": sm.precision_score,
    "accuracy": sm.accuracy_score,
    "false_positive_rate": fm.false_positive_rate,
    "selection_rate": fm.selection_rate,
}
PARITIES = {
    "equalized_odds_difference": fm.equalized_odds_difference,
    "equalized_odds_ratio": fm.equalized_odds_ratio,
    "demographic_parity_difference": fm.demographic_parity_difference,
    "demographic_parity_ratio": fm.demographic_parity_ratio,
    "equal_opportunity_difference": fm.equal_opportunity_difference,
}


def drawn(seed, rows=600):
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])
    label = (rng.random(rows) < 0.4).astype(int)
    baseline, candidate = (rng.random((2, rows)) < 0.25 + 0.4 * label).astype(int)
    return label, baseline, candidate, group


def disparities(columns, *names, **more):
    scopes = tables.by_group(*columns)
    question = Question(
        task="binary", metrics=(), baseline=True, disparities=tuple((name, "g") for name in names), **more
    )
    return {item.metric: item for item in evaluate(scopes, question, fingerprint="", notes=()).disparities}


@pytest.mark.parametrize("seed", range(4))
def test_to_overall__fairlearn(seed):
    label, baseline, candidate, group = columns = drawn(seed)
    names = [f"{rate}_{kind}{OVERALL}" for rate in RATES for kind in ("difference", "ratio")]
    found = disparities(columns, *names, *(f"{name}{OVERALL}" for name in PARITIES))
    for rate, function in RATES.items():
        for model, decided in (("candidate", candidate), ("baseline", baseline)):
            frame = fm.MetricFrame(metrics=function, y_true=label, y_pred=decided, sensitive_features=group)
            for kind in ("difference", "ratio"):
                expected = getattr(frame, kind)(method="to_overall")
                assert getattr(found[f"{rate}_{kind}{OVERALL}"], model).value == pytest.approx(expected, abs=1e-12)
    for name, function in PARITIES.items():
        expected = function(label, candidate, sensitive_features=group, method="to_overall")
        assert found[name + OVERALL].candidate.value == pytest.approx(expected, abs=1e-12)


def test_to_overall__mean_loss_of_a_regression():
    rng = np.random.default_rng(5)
    group, error = rng.choice(["a", "b"], 300), np.abs(rng.normal(size=(2, 300)))

    def scope(rows, **where):
        sums = {"absolute": tables.moments(baseline=error[0][rows], candidate=error[1][rows])}
        return Statistics(rows=int(rows.sum()), moments=sums, **where)

    everything = np.ones(300, bool)
    scopes = [scope(everything, scope=tables.WHOLE)]
    scopes += [scope(group == name, scope=tables.Scope("g", name)) for name in ("a", "b")]
    name = f"mean_absolute_error_difference{OVERALL}"
    question = Question(task="regression", metrics=(), baseline=True, disparities=((name, "g"),))
    found = evaluate(scopes, question, fingerprint="", notes=()).disparities[0].candidate
    expected = max(abs(error[1][group == name].mean() - error[1].mean()) for name in ("a", "b"))
    assert found.value == pytest.approx(expected, abs=1e-12)
    low, high = found.interval(0.95)
    assert 0 <= low <= found.value <= high


@pytest.mark.parametrize("seed", range(4))
def test_average_odds_difference__mean_of_both_signed_differences(seed):
    label, _, candidate, group = columns = drawn(seed)
    odds = {
        name: (sm.recall_score(label[rows], candidate[rows]) + fm.false_positive_rate(label[rows], candidate[rows])) / 2
        for name in "abc"
        for rows in [group == name]
    }
    found = disparities(columns, "average_odds_difference")["average_odds_difference"]
    assert found.candidate.value == pytest.approx(max(odds.values()) - min(odds.values()), abs=1e-12)
    low, high = found.candidate.interval(0.95)
    assert low <= found.candidate.value <= high
    assert found.change.interval(0.95) is not None


def test_average_odds_difference__group_of_one_class_is_undefined():
    label, baseline, candidate, group = drawn(1)
    label[group == "c"] = 1
    found = disparities((label, baseline, candidate, group), "average_odds_difference")["average_odds_difference"]
    assert found.candidate.value is None
    assert "c" in found.candidate.reason


def test_to_overall__change_and_groups_without_all_rows_have_no_interval():
    columns, name = drawn(2), f"recall_difference{OVERALL}"
    found = disparities(columns, name)[name]
    assert found.change.interval(0.95) is None
    assert "no interval for the change" in found.change.reason
    scopes = tables.by_group(*columns)[:-1]
    question = Question(task="binary", metrics=(), baseline=True, disparities=((name, "g"),))
    partly = evaluate(scopes, question, fingerprint="", notes=()).disparities[0].candidate
    assert partly.interval(0.95) is None
    assert "do not have all rows" in partly.reason


def test_to_overall__p_value_and_interval_agree():
    name = f"selection_rate_difference{OVERALL}"
    found = disparities(drawn(3), name)[name].candidate
    _, high = found.interval(0.95)
    assert found.below(high + 0.02) < 0.025
    assert found.above(high) > 0.025


def test_find__disparities_to_the_whole_set_are_of_rates_and_means():
    known = ("recall_difference", "sensitivity_ratio", "brier_score_loss_difference", "equalized_odds_difference")
    assert all(catalogue.find(name + OVERALL).kind == "disparity" for name in known)
    unknown = ("roc_auc_difference", "f1_difference", "recall_shift", "average_odds_difference", "recall")
    assert all(catalogue.find(name + OVERALL) is None for name in unknown)
    assert catalogue.canonical(f"tpr_difference{OVERALL}") == f"recall_difference{OVERALL}"
    assert catalogue.hypothesis(f"equal_opportunity_difference{OVERALL}") == f"recall_difference{OVERALL}"
    assert catalogue.hypothesis("recall_difference") != f"recall_difference{OVERALL}"


@pytest.mark.parametrize("cell", CELLS[::9], ids=str)
def test_simulate__disparities_cover_their_truth(cell):
    assert simulate(cell, 100) >= 0.88
