"""Gates on the largest shift between two groups: a plain limit that compares two models."""

import pytest

from mlci.inference.disparity.disparity import LargestShift
from mlci.inference.disparity.simultaneous import GroupDistance
from mlci.inference.evidence import Tie, Undefined
from mlci.metrics import catalogue
from tests.support.comparisons import one, rule, spread

ALONE = Undefined("a shift compares two models; a single model has none")


def shift(value, error, **more):
    """Return a shift of two groups."""
    evidence = LargestShift(value, (GroupDistance(value, error),), 1, 900, 2.0)
    return spread(ALONE, baseline=ALONE, change=evidence, metric="recall_shift", **more)


@pytest.mark.parametrize(
    ("value", "limit", "outcome"),
    [(0.02, 0.1, "passed"), (0.2, 0.1, "failed"), (0.09, 0.1, "inconclusive"), (0.11, 0.1, "inconclusive")],
)
def test_gate__by_interval(value, limit, outcome):
    found = one(rule("recall_shift", across="sex", max=limit), disparities=[shift(value, 0.02)])
    assert (found.outcome, found.judge, found.id) == (outcome, "interval", "recall_shift[sex].max")
    assert (found.candidate, found.baseline, found.value, found.method) == (None, None, value, "paired pairs")
    assert (found.rows_needed is not None) is (outcome == "inconclusive")
    assert "can seldom be decided" not in (found.reason or "")


def test_gate__on_the_estimate():
    found = one(rule("recall_shift", across="sex", max=0.1, judged="estimate"), disparities=[shift(0.09, 0.02)])
    assert (found.outcome, found.p) == ("passed", None)


def test_gate__identical_predictions():
    tied = spread(ALONE, baseline=ALONE, change=Tie(), metric="recall_shift")
    assert one(rule("recall_shift", across="sex", max=0.0), disparities=[tied]).outcome == "passed"


@pytest.mark.parametrize("policy", ["warn", "block"])
def test_gate__no_baseline(policy):
    alone = spread(ALONE, metric="recall_shift")
    found = one(rule("recall_shift", across="sex", max=0.1, policy={"no_baseline": policy}), disparities=[alone])
    assert (found.outcome, found.blocks) == ("no_baseline", policy == "block")


def test_gate__small_group():
    found = one(
        rule("recall_shift", across="sex", max=0.1),
        disparities=[shift(0.3, 0.01, small=("f",), sizes=[("f", 12), ("m", 900)])],
    )
    assert found.outcome == "inconclusive"
    assert "f has 12 rows" in found.reason


def test_gate__undefined_in_a_group():
    undefined = spread(ALONE, baseline=ALONE, change=Undefined("0/0 in f"), metric="recall_shift")
    found = one(rule("recall_shift", across="sex", max=0.1), disparities=[undefined])
    assert (found.outcome, found.reason) == ("error", "0/0 in f")


def test_catalogue__shift():
    info = catalogue.find("selection_rate_shift")
    assert (info.kind, info.direction, info.unit, info.low, info.high) == ("shift", "lower", "fraction", 0.0, 2.0)
    assert info.title == "Selection rate shift"
    assert catalogue.find("mean_error_shift").high is None
    assert catalogue.find("equalized_odds_shift").title == "Equalized odds shift"
    assert catalogue.find_disparity("equalized_odds_shift").bases == ("true_positive_rate", "false_positive_rate")
    names = set(catalogue.names())
    for name in catalogue.names():
        if name.endswith("_difference") and "predicted_positive_share" not in name and name != "prevalence_difference":
            assert f"{name.removesuffix('_difference')}_shift" in names
    for name in ("prevalence_shift", "predicted_positive_share_shift", "train_seconds_shift"):
        assert catalogue.find(name) is None
