"""Required behavioural tests: only a pass lets a merge go ahead."""

from dataclasses import replace

import pytest

from mlci.gates.behaviour import RequiredTests, judge_behaviour
from mlci.gates.judge import join_verdicts
from mlci.inference.result import NEEDS_BASELINE, BehaviourOutcome, BehaviourTest, EvaluationResult
from mlci.metrics.cost_budget import CostBudget

RESULT = EvaluationResult(
    task="binary", rows=9, fingerprint=None, has_baseline=True, confidence=0.95, seed=7, comparisons=()
)


def judged(*tests, required=None, **more):
    settings = {key: more.pop(key) for key in ("line", "inconclusive", "no_baseline") if key in more}
    result = replace(RESULT, tests=tests, **more)
    return judge_behaviour(result, RequiredTests(names=required, **settings))


def ran(name="t.py::test_a", outcome="passed", message=""):
    return BehaviourTest(name, BehaviourOutcome(outcome), message)


@pytest.mark.parametrize(
    ("outcome", "message", "expected"),
    [
        ("passed", "", ("passed", None, None, "pass")),
        ("failed", "assert 1 == 2", ("failed", "test_failed", "assert 1 == 2", "block")),
        ("failed", "", ("failed", "test_failed", "the test failed", "block")),
        ("skipped", "no data", ("error", "test_not_run", "the test was skipped: no data", "block")),
        ("skipped", NEEDS_BASELINE, ("error", "test_not_run", f"the test was skipped: {NEEDS_BASELINE}", "block")),
        ("error", "KeyError: 'x'", ("error", "test_not_run", "KeyError: 'x'", "block")),
    ],
)
def test_judge_behaviour__outcome(outcome, message, expected):
    (gate,) = judged(ran(outcome=outcome, message=message), line=12)
    assert (gate.outcome, gate.why, gate.reason, join_verdicts([gate]).word) == expected
    assert gate.blocks is (expected[3] == "block")
    assert (gate.id, gate.rule.line) == ("t.py::test_a.pass", 12)


@pytest.mark.parametrize(("policy", "verdict"), [("warn", "warn"), ("block", "block")])
@pytest.mark.parametrize("more", [{"has_baseline": False}, {"unchanged_since": "8d01e77"}])
def test_judge_behaviour__no_baseline_yet(policy, verdict, more):
    skipped = ran(outcome="skipped", message=NEEDS_BASELINE)
    (gate,) = judged(skipped, no_baseline=policy, **more)
    assert (gate.outcome, join_verdicts([gate]).word) == ("no_baseline", verdict)
    (gate,) = judged(replace(skipped, message="another reason"), no_baseline=policy, **more)
    assert gate.outcome == "error"


def measured(low, high, limit=1.2):
    numbers = {"candidate": 2.0, "baseline": 1.0, "ratio": (low + high) / 2, "low": low, "high": high}
    return CostBudget(cost="latency", how="a clock", limit=limit, pairs=20, **numbers)


@pytest.mark.parametrize(
    ("ends", "outcome", "policy", "expected"),
    [
        ((1.0, 1.2), "passed", "block", ("passed", None, "pass")),
        ((1.21, 1.4), "failed", "warn", ("failed", "test_failed", "block")),
        ((1.2, 1.4), "inconclusive", "warn", ("inconclusive", "across_limit", "warn")),
        ((1.2, 1.4), "inconclusive", "block", ("inconclusive", "across_limit", "block")),
    ],
)
def test_judge_behaviour__budget(ends, outcome, policy, expected):
    (gate,) = judged(replace(ran(outcome=outcome, message="words"), budget=measured(*ends)), inconclusive=policy)
    assert (gate.outcome, gate.why, join_verdicts([gate]).word) == expected
    assert (gate.value, gate.interval, gate.bound, gate.judge) == (sum(ends) / 2, ends, 1.2, "interval")
    assert gate.limit.allows(gate.value, 1.2) is (expected[0] == "passed")


def test_judge_behaviour__failed_within_its_budget():
    """A drawing of the interval would contradict the outcome."""
    (gate,) = judged(replace(ran(outcome="failed", message="for another reason"), budget=measured(1.0, 1.1)))
    assert (gate.outcome, gate.reason, gate.value) == ("failed", "for another reason", None)


def test_judge_behaviour__no_test_ran():
    (gate,) = judged()
    assert (gate.outcome, gate.reason, gate.blocks) == ("error", "no test was found", True)


@pytest.mark.parametrize("name", ["test_b", "test_b[a::1]", "t.py::TestX::test_b", "t.py::TestX::test_b[a::1]"])
def test_judge_behaviour__names_of_a_required_test(name):
    tests = [ran(), ran("t.py::TestX::test_b[a::1]", "failed"), ran("t.py::test_bb")]
    gates = judged(*tests, required=[name, name])
    assert [(gate.rule.metric, gate.outcome) for gate in gates] == [("t.py::TestX::test_b[a::1]", "failed")]


def test_judge_behaviour__required_and_missing():
    gates = judged(ran(), required=["test_a", "test_gone"])
    assert [(gate.outcome, gate.reason) for gate in gates] == [
        ("passed", None),
        ("error", "not found among the 1 test that ran"),
    ]


def test_judge_behaviour__only_reported():
    assert judged(ran(outcome="failed"), required=[]) == ()
