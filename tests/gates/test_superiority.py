"""`superior_by`: a gain passes only when the whole interval of the change shows it."""

import math

import numpy as np
import pytest

from mlci.config.loader import parse_config
from mlci.gates.judge import judge_rules
from mlci.gates.limits import Limit, Rule
from mlci.gates.waivers import accepted_number, covers
from mlci.inference.evidence import Tie
from mlci.inference.intervals.error_intervals import Normal
from mlci.inference.intervals.score_intervals import Tango
from mlci.operations.evaluation_plan import gate_rules
from mlci.operations.monitor.reference import monitored_rules
from tests.support.comparisons import alone, compare, one, result, rule

GAIN = Limit("superior_by", 0.01)
LOSS = Limit("superior_by", 0.01, lower_is_better=True)


@pytest.mark.parametrize(("limit", "bound", "beyond"), [(GAIN, 0.01, 0.02), (LOSS, -0.01, -0.02)])
def test_limit__gain_is_exceeded(limit, bound, beyond):
    assert limit.bound(None) == bound
    assert limit.allows(beyond, bound)
    assert not limit.allows(bound, bound)
    assert not limit.allows(bound + (beyond - bound) / 2, bound, slack=0.01)
    assert not limit.allows(math.nan, bound)


@pytest.mark.parametrize(
    ("limit", "baseline", "bound"),
    [
        (Limit("superior_by", 0.1, relative=True), 0.5, 0.05),
        (Limit("superior_by", 0.1, relative=True, lower_is_better=True), 0.5, -0.05),
        (Limit("superior_by", 0.1, relative=True), None, None),
    ],
)
def test_limit__gain_in_per_cent(limit, baseline, bound):
    assert limit.bound(baseline) == (bound if bound is None else pytest.approx(bound))


@pytest.mark.parametrize(
    ("limit", "bound", "words"),
    [
        (GAIN, 0.01, "must rise by more than 0.010"),
        (LOSS, -0.01, "must fall by more than 0.010"),
        (GAIN, 0, "must rise"),
    ],
)
def test_limit_words__gain(limit, bound, words):
    assert limit.words(bound, "0.010") == limit.words(bound, "0.010", sentence=True) == words


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (Tango(60, 10, 1000), "passed"),
        (Tango(30, 10, 1000), "inconclusive"),
        (Tango(30, 30, 1000), "inconclusive"),
        (Tango(30, 60, 1000), "failed"),
        (Tango(600, 600, 200_000), "failed"),  # shown to be as good, which is not better
        (Tie(), "failed"),
    ],
)
def test_judge__gain(change, outcome):
    found = one(rule(superior_by=0.01), compare(change=change))
    assert (found.outcome, found.judge, found.bound) == (outcome, "interval", 0.01)
    low, high = found.interval
    assert outcome == ("passed" if low > 0.01 else "failed" if high <= 0.01 else "inconclusive")


@pytest.mark.parametrize(("change", "outcome"), [(-0.04, "passed"), (-0.02, "inconclusive"), (0.02, "failed")])
def test_judge__gain_where_lower_is_better(change, outcome):
    gain = Rule(metric="log_loss", limits=(LOSS,))
    found = one(gain, compare(metric="log_loss", change=Normal(change, 0.01, 1000, "paired t")))
    assert (found.outcome, found.bound) == (outcome, -0.01)


def test_judge__identical_predictions_are_no_gain():
    found = one(rule(superior_by=0), compare(change=Tie()))
    assert (found.outcome, found.why, found.p) == ("failed", "beyond_limit", 0)


def test_judge__gain_without_a_baseline():
    assert one(rule(superior_by=0.01), alone(compare())).outcome == "no_baseline"


def test_judge__failed_gain_counts_in_holms_family():
    """The upper end is at the limit for one gate alone, and beyond it not for two."""
    change, harmless = Normal(-0.01, 0.0097, 1000, "t"), Normal(0.0, 0.001, 1000, "t")
    lone = judge_rules([rule(superior_by=0.01)], result(compare(change=change)), min_group_size=30)
    two = judge_rules(
        [rule(superior_by=0.01), rule("f1", max_drop=0.05)],
        result(compare(change=change), compare(metric="f1", change=harmless)),
        min_group_size=30,
    )
    assert [gate.outcome for gate in lone] == ["failed"]
    assert [(gate.outcome, gate.why) for gate in two] == [("inconclusive", "holm"), ("passed", None)]


def test_rows_needed__by_the_observed_gain():
    """(1.959964 + 0.841621)² × variance / distance², with the gain that was seen and not the margin."""
    found = one(rule(superior_by=0.01), compare(change=Tango(35, 15, 1000)))
    assert found.outcome == "inconclusive"
    assert found.rows_needed == pytest.approx((1.959964 + 0.841621) ** 2 * 0.05 / 0.01**2, rel=0.1)


def test_covers__the_accepted_gain_and_a_better_one():
    accepted = accepted_number(GAIN, value=0.002, interval=(-0.01, 0.009), candidate=0.8)
    seen = [covers(accepted, GAIN, value=value, candidate=0.8) for value in (-0.01, 0.0, 0.02, -0.02)]
    assert seen == [True, True, True, False]


def test_judge__gain_at_the_limit_seldom_passes():
    """2,000 draws of a true gain of exactly the limit: at most 2.5 % and three standard errors may pass."""
    draws = np.random.default_rng(5).multinomial(2000, [0.06, 0.03, 0.91], size=2000)
    passed = {pair: Tango(*pair, 2000).interval(0.95)[0] > 0.03 for pair in {(int(g), int(b)) for g, b, _ in draws}}
    share = np.mean([passed[int(gained), int(lost)] for gained, lost, _ in draws])
    assert 0.01 < share < 0.025 + 3 * (0.025 * 0.975 / 2000) ** 0.5


CONFIG = """\
model: m
task: binary
evaluation: {data: d.csv, label: y}
predict: {file: p.csv}
gates:
  - {metric: recall, superior_by: 1%}
  - {metric: log_loss, superior_by: 0.01}
  - {metric: neg_log_loss, superior_by: 0.01}
  - {metric: recall_difference, across: sex, superior_by: 0}
  - {metric: "costs:expected_cost", max_rise: 0, superior_by: 0.5}
  - {metric: "costs:earnings", max_drop: 0, superior_by: 0.5}
"""


def test_gate_rules__direction_of_a_gain():
    config = parse_config(CONFIG.replace("label: y", "label: y, slices: [sex]"), path="m.yml").config
    gains = [limit for rule in gate_rules(config) for limit in rule.limits if limit.proves_gain]
    assert [one.lower_is_better for one in gains] == [False, True, False, True, True, False]
    assert [str(one) for one in gains] == ["1%", "0.01", "0.01", "0", "0.5", "0.5"]


def test_monitored_rules__without_the_gain_that_a_pull_request_had_to_prove():
    gates = "  - {metric: recall, max_drop: 0.1, superior_by: 0.01}\n  - {metric: f1, superior_by: 0}\n"
    config = parse_config(CONFIG.partition("  - ")[0] + gates, path="m.yml").config
    assert [(rule.metric, [one.kind for one in rule.limits]) for rule in monitored_rules(config)] == [
        ("recall", ["max_drop"])
    ]
