"""Every outcome of a gate, with its reason, from evidence whose answer is known."""

import math

import pytest

from mlci.gates.expand import expand_rules
from mlci.gates.judge import judge_rules
from mlci.gates.limits import Limit, Rule
from mlci.gates.outcomes import Outcome
from mlci.inference.disparity.simultaneous import GroupDistance, Simultaneous
from mlci.inference.evidence import Point, Tie, Undefined
from mlci.inference.intervals.error_intervals import Normal
from mlci.inference.intervals.score_intervals import Proportion, Tango
from mlci.inference.result import Comparison, EvaluationResult
from mlci.metrics.statistics import WHOLE
from tests.support.comparisons import alone, compare, group, judge, one, result, rule, spread


class TestOnTheEstimate:
    """A plain floor or ceiling on the whole set: the number that is seen is the number that counts."""

    @pytest.mark.parametrize(
        ("limits", "outcome"),
        [
            ({"min": 0.84}, "passed"),
            ({"min": 0.85}, "passed"),
            ({"min": 0.86}, "failed"),
            ({"max": 0.84}, "failed"),
            ({"max": 0.85}, "passed"),
            ({"max": 0.86}, "passed"),
        ],
    )
    def test_judge__floor_and_ceiling(self, limits, outcome):
        found = one(rule(**limits), compare())
        assert (found.outcome, found.judge, found.value) == (outcome, "estimate", 0.85)
        assert found.reason == (None if outcome == "passed" else "the value is beyond the limit")
        assert found.bound == next(iter(limits.values()))

    def test_judge__floor_without_a_baseline(self):
        assert one(rule(min=0.8), alone(compare())).outcome == "passed"

    def test_judge__decimal_fractions(self):
        """0.1 + 0.2 is not a regression from 0.3."""
        assert one(rule(judged="estimate", max_drop=0.1), compare(change=Point(0.2 - 0.3))).outcome == "passed"
        assert one(rule(min=0.3), compare(candidate=Point(0.1 + 0.2))).outcome == "passed"
        assert one(rule(max=0.3), compare(candidate=Point(0.1 + 0.2))).outcome == "passed"

    def test_judge__single_measurement(self):
        found = one(
            rule("train_seconds", percent=True, max_rise=0.1),
            compare(metric="train_seconds", candidate=Point(111.0), baseline=Point(100.0), change=Point(11.0)),
        )
        assert (found.outcome, found.judge, found.interval) == ("failed", "estimate", None)
        assert found.bound == pytest.approx(10)


class TestOnTheInterval:
    """Everything that compares models, a slice, or groups."""

    @pytest.mark.parametrize(
        ("change", "outcome"),
        [
            (Tango(30, 30, 10_000), "passed"),
            (Tango(30, 30, 500), "inconclusive"),
            (Tango(0, 60, 1000), "failed"),
            (Tango(60, 0, 1000), "passed"),
            (Tie(), "passed"),
        ],
    )
    def test_judge__max_drop(self, change, outcome):
        found = one(rule(max_drop=0.02), compare(change=change))
        assert (found.outcome, found.judge, found.bound) == (outcome, "interval", -0.02)
        low, high = found.interval
        eye = "passed" if low >= -0.02 else "failed" if high < -0.02 else "inconclusive"
        assert outcome == eye  # alone in its run, a gate is what the interval shows

    @pytest.mark.parametrize(
        ("change", "outcome"),
        [(0.01, "inconclusive"), (-0.05, "passed"), (0.09, "failed")],
    )
    def test_judge__max_rise(self, change, outcome):
        evidence = Normal(change, 0.01, 1000, "paired t")
        found = one(rule("log_loss", max_rise=0.02), compare(metric="log_loss", change=evidence))
        assert (found.outcome, found.bound, found.value) == (outcome, 0.02, change)

    def test_judge__floor_on_a_group(self):
        found = judge([rule(each="region", min=0.84)], group("north"))
        assert [(item.outcome, item.judge) for item in found] == [("inconclusive", "interval")]
        found = judge([rule(each="region", min=0.84, judged="estimate")], group("north"))
        assert [(item.outcome, item.judge) for item in found] == [("passed", "estimate")]

    def test_judge__interval_on_request(self):
        assert one(rule(min=0.84, judged="interval"), compare()).outcome == "inconclusive"
        assert one(rule(max_drop=0.02, judged="estimate"), compare(500, gained=10, lost=18)).outcome == "passed"

    def test_judge__relative_limit(self):
        found = one(rule(max_drop=0.10, percent=True), compare(change=Tango(0, 60, 1000)))
        assert (found.bound, found.outcome) == (pytest.approx(-0.085), "passed")
        found = one(rule("log_loss", max_rise=0.5, percent=True), compare(metric="log_loss", baseline=Point(-0.4)))
        assert found.bound == pytest.approx(0.2)  # of the size, whatever its sign

    def test_judge__zero_drop_with_identical_predictions(self):
        found = one(rule(max_drop=0), compare(change=Tie()))
        assert (found.outcome, found.interval) == ("passed", (0, 0))
        assert math.copysign(1, found.bound) == 1  # not -0.000

    def test_judge__zero_drop_needs_a_proven_gain(self):
        assert one(rule(max_drop=0), compare(gained=60, lost=0)).outcome == "passed"
        assert one(rule(max_drop=0), compare(gained=30, lost=30)).outcome == "inconclusive"
        assert one(rule(max_drop=0), compare(gained=0, lost=60)).outcome == "failed"


class TestInconclusive:
    def test_inconclusive__limit_inside_the_interval(self):
        found = one(rule(max_drop=0.02), compare(500))
        assert found.reason == "the limit lies inside the interval"
        assert found.rows_needed == 2355  # (1.959964 + 0.841621)² × 60 / 500 / 0.02²
        assert found.rows_needed_of == "rows"

    @pytest.mark.parametrize("rows", [1, 29])
    def test_inconclusive__slice_with_too_few_rows(self, rows):
        found = one(rule(each="region", max_drop=0.02), group("n", rows, right=0, gained=0, lost=rows), smallest=1)
        counted = "1 row" if rows == 1 else f"{rows} rows"
        assert (found.outcome, found.reason) == ("inconclusive", f"too few rows: {counted}; 30 are needed")
        assert found.rows_needed >= 30

    def test_inconclusive__slice_with_too_few_disagreements(self):
        found = one(rule(each="region", max_drop=0.001), group("n", 60, right=50, gained=0, lost=7))
        assert found.outcome == "inconclusive"
        assert found.reason == "too few rows: the models disagree on 7 rows; 8 are needed"
        found = one(rule(each="region", max_drop=0.001), group("n", 60, right=50, gained=0, lost=8))
        assert found.outcome == "failed"

    def test_inconclusive__whole_set_and_passing_slices_are_exempt(self):
        assert one(rule(max_drop=0.001), compare(20, right=10, gained=0, lost=10)).outcome == "failed"
        found = group("n", 29, right=20, gained=0, lost=0)
        assert one(rule(each="region", max_drop=0.2), found, smallest=1).outcome == "passed"

    @pytest.mark.parametrize("limits", [{"max_drop": 0.5}, {"min": 0.1}])
    def test_inconclusive__insufficient_group(self, limits):
        found = one(rule(each="region", **limits), group("n", 29, right=25, gained=0, lost=0))
        assert found.outcome == "inconclusive"
        assert found.reason == "too few rows: it has 29 rows; 30 are needed"
        assert found.rows_needed >= 30
        assert found.rows_needed_of

    def test_inconclusive__insufficient_group_of_a_disparity(self):
        found = one(
            rule("recall_difference", across="sex", max=0.3),
            disparities=[spread(Point(0.1), small=("x",), sizes=(("x", 4), ("y", 900)))],
        )
        assert found.outcome == "inconclusive"
        assert found.reason == "too few rows: x has 4 rows; 30 are needed"

    def test_judge__estimate_of_the_smallest_group(self):
        """However wide its interval is: the interval does not decide."""
        wide = Simultaneous(0.2, 0.0, 0.9, (GroupDistance(0.2, 0.3),), 1, 4, 0.95, "difference")
        small = spread(wide, small=("x",), sizes=(("x", 4), ("y", 900)), smallest=4)
        needed = [
            one(rule("recall_difference", across="sex", max=0.3, judged=how), disparities=[small]).rows_needed
            for how in ("estimate", "interval")
        ]
        assert needed[0] == 30
        assert needed[1] > 100
        found = one(rule(each="region", min=0.8, judged="estimate"), group("n", 29, right=20, gained=1, lost=1))
        assert found.rows_needed == 30

    def test_inconclusive__too_few_for_any_interval(self):
        found = one(rule(max_drop=0.02), compare(change=Undefined("3 pairs only", method="too few")))
        assert (found.outcome, found.reason) == ("inconclusive", "3 pairs only")

    def test_holm__one_bad_group_of_many(self):
        """One group of 41 looks bad by chance; alone it would fail."""
        bad = group("bad", 200, right=150, gained=4, lost=22)
        fine = [group(f"g{i:02}") for i in range(40)]
        (by_itself,) = judge(rule(each="region", max_drop=0.02), bad)
        assert by_itself.outcome == "failed"
        found = judge(rule(each="region", max_drop=0.02), bad, *fine)
        first = found[0]
        assert first.interval[1] < first.bound
        assert first.outcome == "inconclusive"
        assert first.reason == "beyond the limit by itself, but not after Holm over 41 gates"
        assert 0.025 / 41 < first.p <= 0.025

    def test_holm__two_names_of_one_disparity_are_one_hypothesis(self):
        names = ("recall_ratio", "equal_opportunity_ratio")
        spreads = [spread(Normal(0.70, 0.05, 1000, "simultaneous"), metric=name) for name in names]
        rules = [rule(name, across="sex", min=0.8) for name in names]
        twice = judge(rules, disparities=spreads)
        [once] = judge(rules[:1], disparities=spreads[:1])
        assert [gate.outcome for gate in twice] == [once.outcome] * 2 == ["failed"] * 2
        other = [rules[0], rule(names[1], across="sex", min=0.79)]
        assert len({case.hypothesis for item in other for case in expand_rules(item, result(disparities=spreads))}) == 2
        assert len({case.hypothesis for item in rules for case in expand_rules(item, result(disparities=spreads))}) == 1

    def test_holm__counts_gates_on_intervals_only(self):
        bad = group("bad", 200, right=150, gained=4, lost=22)
        estimates = [rule("f1", min=0.1), rule("precision", min=0.1)]
        others = [compare(metric="f1"), compare(metric="precision")]
        found = judge([rule(each="region", max_drop=0.02), *estimates], bad, *others)
        assert found[0].outcome == "failed"

    def test_judge__tight_limit_on_small_groups(self):
        evidence = Simultaneous(0.08, 0.0, 0.2, (GroupDistance(0.08, 0.05),), 1, 200, 0.95, "difference")
        found = one(
            rule("recall_difference", across="sex", max=0.1),
            disparities=[spread(evidence, smallest=200)],
        )
        assert found.outcome == "inconclusive"
        assert found.reason.endswith("with 200 rows in the smallest group a limit this tight can seldom be decided")
        assert found.rows_needed_of == "rows in the smallest group"


class TestNoBaseline:
    @pytest.mark.parametrize(("policy", "blocks"), [("warn", False), ("block", True)])
    def test_no_baseline__under_both_policies(self, policy, blocks):
        found = one(rule(max_drop=0.02, policy={"no_baseline": policy}), alone(compare()))
        assert (found.outcome, found.reason) == ("no_baseline", "no baseline to compare with")
        assert found.blocks is blocks
        assert (found.value, found.interval, found.candidate) == (None, None, 0.85)

    def test_no_baseline__relative_limit(self):
        assert one(rule(max_drop=0.1, percent=True), alone(compare())).outcome == "no_baseline"

    def test_no_baseline__groups_and_disparities(self):
        found = judge(
            [rule(each="region", max_drop=0.1), rule("recall_difference", across="sex", max_rise=0.1)],
            alone(group("north", 5)),
            disparities=[spread(Point(0.1), small=("x",), sizes=(("x", 4),))],
        )
        assert [item.outcome for item in found] == ["no_baseline", "no_baseline"]


class TestError:
    def test_error__zero_over_zero(self):
        undefined = Undefined("0/0: there are no labelled positives")
        found = judge(
            [rule(min=0.5), rule(max_drop=0.1)], compare(candidate=undefined, baseline=undefined, change=undefined)
        )
        assert [(item.outcome, item.reason) for item in found] == [("error", undefined.reason)] * 2
        assert all(item.blocks for item in found)

    def test_error__metric_not_computed(self):
        found = judge([rule("f1", min=0.5), rule("f1", max_drop=0.1), rule("f1", each="region", min=0.1)], compare())
        assert [item.outcome for item in found] == ["error"] * 3
        assert found[0].reason == "f1 was not computed"
        assert found[2].reason == "f1 was not computed for the groups of region"

    def test_error__disparity_not_computed(self):
        found = one(rule("recall_difference", across="sex", max=0.5))
        assert (found.outcome, found.reason) == ("error", "recall_difference was not computed across sex")

    def test_error__relative_limit_of_an_undefined_value(self):
        found = one(rule(max_drop=0.1, percent=True), compare(baseline=Undefined("0/0")))
        assert found.outcome == "error"
        assert "needs the baseline's value" in found.reason

    def test_error__no_interval(self):
        found = one(rule(max_drop=0.1, judged="interval"), compare(change=Point(0.0, reason="measured once")))
        assert found.outcome == "error"
        assert found.reason == ("it has no interval to judge on (measured once); set judge: estimate on this gate")

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("limits", [{"min": 0.5}, {"max": 0.5}, {"max_drop": 0.1}, {"max_rise": 0.1}])
    @pytest.mark.parametrize("judged_on", ["estimate", "interval"])
    def test_error__not_a_number(self, value, limits, judged_on):
        for evidence in (Point(value), Normal(value, 0.1, 100, "t"), Normal(0.5, math.nan, 100, "t")):
            found = one(rule(judged=judged_on, **limits), compare(candidate=evidence, change=evidence))
            assert found.outcome == "error", evidence


class TestSeveralGates:
    def test_expand_rules__groups_and_limits_in_order(self):
        groups = [group("north"), group("south"), group("null")]
        found = judge(rule(each="region", min=0.5, max_drop=0.5), *groups)
        assert [item.id for item in found] == [
            f"accuracy[region={name}].{kind}" for name in ("north", "south", "null") for kind in ("min", "max_drop")
        ]
        assert {(item.scope.slice, item.rule.line) for item in found} == {("region", 3)}

    def test_expand_rules__slices_and_the_whole_set(self):
        found = [compare(), group("north"), compare(scope=group("x").scope.__class__("sex × region", "f × north"))]
        assert [item.id for item in judge(rule(min=0.1), *found)] == ["accuracy.min"]
        crossed = judge(rule(each="sex × region", min=0.1), *found)
        assert [item.id for item in crossed] == ["accuracy[sex × region=f × north].min"]

    def test_judge__disparity_across_a_slice(self):
        evidence = Simultaneous(0.1, 0.05, 0.15, (GroupDistance(0.1, 0.02),), 1, 900, 0.95, "difference")
        change = Normal(0.2, 0.01, 900, "joint cell bootstrap")
        found = judge(
            rule("recall_difference", across="sex", max=0.2, max_rise=0.02),
            disparities=[spread(evidence, baseline=Point(0.3), change=change)],
        )
        assert [(item.id, item.outcome) for item in found] == [
            ("recall_difference[sex].max", "passed"),
            ("recall_difference[sex].max_rise", "failed"),
        ]
        assert {item.rule.across for item in found} == {"sex"}

    def test_judge__ratio(self):
        evidence = Simultaneous(0.9, 0.82, 0.97, (GroupDistance(math.log(0.9), 0.03),), 1, 900, 0.95, "ratio")
        gate = rule("recall_ratio", across="sex", min=0.8)
        assert one(gate, disparities=[spread(evidence, metric="recall_ratio")]).outcome == "passed"
        low = Simultaneous(0.5, 0.4, 0.6, (GroupDistance(math.log(0.5), 0.03),), 1, 900, 0.95, "ratio")
        assert one(gate, disparities=[spread(low, metric="recall_ratio")]).outcome == "failed"

    @pytest.mark.parametrize("doubt", ["warn", "block"])
    def test_judge__policy_of_one_gate(self, doubt):
        found = judge(
            [rule(max_drop=0.02, policy={"inconclusive": doubt}), rule("f1", max_drop=0.02)],
            compare(500),
            compare(500, metric="f1"),
        )
        assert [item.blocks for item in found] == [doubt == "block", False]

    def test_judge__reported_values(self):
        found = one(rule(max_drop=0.02), compare(500))
        evidence = Tango(30, 30, 500)
        assert (found.value, found.interval, found.method) == (evidence.value, evidence.interval(0.95), "tango")
        assert (found.baseline, found.candidate) == (0.85, 0.85)
        assert found.p == evidence.below(-0.02)

    def test_judge__confidence_of_the_run(self):
        at = {level: one(rule(max_drop=0.02), compare(1200), confidence=level).outcome for level in (0.5, 0.95, 0.999)}
        assert at == {0.5: "passed", 0.95: "passed", 0.999: "inconclusive"}


def test_judge_rules__no_rules():
    assert judge_rules([], result(compare()), min_group_size=30) == ()


def test_judge__wilson_interval_of_a_group():
    found = one(rule(each="region", min=0.8), group("n", 1000, right=990, gained=0, lost=0))
    assert (found.outcome, found.method) == ("passed", "wilson")
    assert found.interval == Proportion(990, 1000).interval(0.95)


class TestSmallNumbers:
    """A tolerance for rounding must not swallow limits of small quantities."""

    def test_judge__tiny_limit_is_not_rounded_away(self):

        item = Comparison(
            metric="mse",
            scope=WHOLE,
            rows=0,
            support=0,
            unit="rows",
            candidate=Point(9e-13),
            baseline=Point(1e-15),
            change=Point(8.99e-13),
        )
        result = EvaluationResult(
            task="regression",
            rows=None,
            fingerprint=None,
            has_baseline=True,
            confidence=0.95,
            seed=7,
            comparisons=(item,),
        )
        rule = Rule(metric="mse", limits=(Limit("max", 1e-14), Limit("max_rise", 0.0)), judge="estimate")
        assert [gate.outcome for gate in judge_rules([rule], result, min_group_size=1)] == [
            Outcome.FAILED,
            Outcome.FAILED,
        ]
