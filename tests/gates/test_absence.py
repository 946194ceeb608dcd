"""Missing numbers: the first of several causes decides the outcome of a gate."""

import pytest

from mlci.gates.outcomes import Reason
from mlci.inference.evidence import Cause, Point, Tie, Undefined
from mlci.report import document
from tests.support.comparisons import alone, compare, group, judge, one, rule, spread


def missing(cause, *, change=None, baseline=None):
    """A comparison whose candidate is undefined for this cause."""
    gone = Undefined("words", cause=cause)
    return compare(candidate=gone, baseline=gone if baseline is None else baseline, change=change or gone)


@pytest.mark.parametrize(
    ("cause", "change", "outcome", "why"),
    [
        (Cause.NAME, None, "error", "unknown_name"),
        (Cause.MISSING, None, "error", "not_measured"),
        (Cause.LABELS, None, "inconclusive", "labels"),
        (Cause.TOO_FEW, None, "inconclusive", "too_few"),
        (Cause.CANDIDATE, Cause.BOTH, "inconclusive", "undefined_for_both"),
        (Cause.CANDIDATE, Cause.CANDIDATE, "error", "undefined_for_candidate"),
        (None, None, "error", "undefined_for_candidate"),
    ],
)
def test_change__by_cause(cause, change, outcome, why):
    found = one(rule(max_drop=0.1), missing(cause, change=Undefined("words", cause=change or cause)))
    assert (found.outcome, found.why) == (outcome, why)
    assert found.value is None


def test_floor__undefined_candidate_is_an_error():
    for change in (Cause.BOTH, Cause.CANDIDATE):
        found = one(rule(min=0.1), missing(Cause.CANDIDATE, change=Undefined("words", cause=change)))
        assert (found.outcome, found.why) == ("error", "undefined_for_candidate")


def test_floor__only_the_baseline_is_undefined():
    gone = Undefined("0/0: no row here is in the denominator", cause=Cause.BASELINE)
    drop, floor = judge(rule(max_drop=0.1, min=0.8), compare(baseline=gone, change=gone))[::-1]
    drop, floor = (drop, floor) if drop.limit.kind == "max_drop" else (floor, drop)
    assert (drop.outcome, drop.why) == ("inconclusive", "undefined_for_baseline")
    assert drop.reason.startswith("only the baseline is undefined here")
    assert floor.outcome == "passed"


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (Cause.NAME, "error"),
        (Cause.MISSING, "error"),
        (Cause.LABELS, "inconclusive"),
        (Cause.CANDIDATE, "error"),
    ],
)
def test_change__no_baseline_comes_first(cause, outcome):
    found = one(rule(max_drop=0.1), alone(missing(cause)))
    assert found.outcome == outcome
    found = one(
        rule("recall_difference", across="sex", max_rise=0.1), disparities=[spread(Undefined("words", cause=cause))]
    )
    assert found.outcome == outcome


def test_gate__typo_in_a_small_group():
    gone = Undefined("no class is called 'C'", cause=Cause.NAME)
    found = one(rule(each="region", max_drop=0.1), alone(group("north", 5, candidate=gone)))
    assert (found.outcome, found.reason) == ("error", "no class is called 'C'")


class TestCarriers:
    @pytest.mark.parametrize(
        ("metric", "carriers", "reason"),
        [
            ("roc_auc", {"labelled positives": 2, "labelled negatives": 90}, "2 labelled positives; 3 are needed"),
            ("average_precision", {"labelled positives": 4}, "4 labelled positives; 5 are needed"),
            ("brier_score_loss", {"labelled positives": 1}, "1 labelled positive; 2 are needed"),
        ],
    )
    @pytest.mark.parametrize("where", ["whole", "group"])
    def test_gate__too_few_on_the_whole_set_and_in_a_group(self, metric, carriers, reason, where):
        limit = {"max_rise" if metric == "brier_score_loss" else "max_drop": 0.9}
        build, each = (compare, None) if where == "whole" else (lambda **more: group("n", **more), "region")
        found = one(rule(metric, each=each, **limit), build(metric=metric, carriers=carriers))
        assert (found.outcome, found.why) == ("inconclusive", "too_few_carriers")
        assert found.reason == f"too few rows: {reason}"
        assert f"; {found.rows_needed} are needed" in reason
        assert found.rows_needed_of == reason.partition(" ")[2].partition(";")[0].rstrip("s") + "s"

    def test_gate__too_few_in_the_baseline_alone(self):
        few = {"labelled positives": 40, "predicted positives": 2}
        found = compare(metric="precision", carriers={**few, "predicted positives": 400}, baseline_carriers=few)
        outcomes = {
            item.limit.kind: item.outcome
            for item in judge(rule("precision", max_drop=0.5, min=0.5, judged="interval"), found)
        }
        assert outcomes == {"max_drop": "inconclusive", "min": "passed"}

    def test_gate__estimate_and_identical_predictions_need_no_interval(self):
        few = {"labelled positives": 1, "labelled negatives": 400}
        assert one(rule("roc_auc", min=0.5), compare(metric="roc_auc", carriers=few)).outcome == "passed"
        assert (
            one(rule("roc_auc", max_drop=0), compare(metric="roc_auc", carriers=few, change=Tie())).outcome == "passed"
        )

    def test_slice__thirty_labelled_positives_decide(self):
        gates = rule("recall", each="region", max_drop=0.01)
        lost = {"metric": "recall", "right": 0, "gained": 0, "lost": 25}
        few = group("n", 25, carriers={"rows": 900, "labelled positives": 25}, **lost)
        found = one(gates, few, smallest=1)
        assert (found.outcome, found.reason) == ("inconclusive", "too few rows: 25 labelled positives; 30 are needed")
        enough = group("n", 30, carriers={"rows": 900, "labelled positives": 30}, **{**lost, "lost": 30})
        assert one(gates, enough, smallest=1).outcome == "failed"

    def test_disparity__group_is_named(self):
        groups = spread(Point(0.1), sizes=(("x", 400), ("y", 900))).groups
        short = [groups[0].__class__(**{**vars(groups[0]), "shortage": "1 labelled positive; 3 are needed"}), groups[1]]
        disparity = spread(Point(0.1)).__class__(**{**vars(spread(Point(0.1))), "groups": tuple(short)})
        found = one(rule("recall_difference", across="sex", max=0.3, judged="interval"), disparities=[disparity])
        assert found.reason == "too few rows: x has 1 labelled positive; 3 are needed"

    def test_gate__no_interval_because_of_too_few_rows(self):
        few = Point(-0.3, "too few", "too few rows: 4 rows carry the variance")
        found = one(rule(max_drop=0.1), compare(change=few))
        assert (found.outcome, found.reason) == ("inconclusive", few.reason)
        assert one(rule(max_drop=0.1, judged="estimate"), compare(change=few)).outcome == "failed"


def test_holm__one_hypothesis_under_two_names():
    """Two groups and two names make two hypotheses, not four."""
    bad = [group("n", 200, right=150, gained=4, lost=19, metric=name) for name in ("recall", "true_positive_rate")]
    fine = [group("s", metric=name) for name in ("recall", "true_positive_rate")]
    rules = [rule(name, each="region", max_drop=0.02) for name in ("recall", "true_positive_rate")]
    both = judge(rules, *bad, *fine)
    alone_ = judge(rules[:1], bad[0], fine[0])
    assert 0.025 / 4 < both[0].p <= 0.025 / 2
    assert [item.outcome for item in both] == [item.outcome for item in alone_] * 2 == ["failed", "passed"] * 2


def test_holm__counts_disparities_of_the_same_rates_once():
    from mlci.metrics.catalogue import hypothesis  # noqa: PLC0415

    assert hypothesis("recall_ratio") == hypothesis("true_positive_rate_ratio") == hypothesis("equal_opportunity_ratio")
    assert hypothesis("recall_ratio") != hypothesis("recall_difference")
    assert hypothesis("equalized_odds_difference") != hypothesis("recall_difference")


def test_reasons__match_the_report():
    assert set(Reason) == set(document.Why.__args__)
    assert set(Cause) == set(document.Cause.__args__)
