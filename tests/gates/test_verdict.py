"""The verdict of every outcome under every policy."""

from itertools import product

import pytest

from mlci.gates.judge import Verdict, join_verdicts, weigh_outcome, worst_verdict
from mlci.gates.outcomes import Outcome
from tests.support.comparisons import compare, judge, rule

PASS, WARN, BLOCK = Verdict

TABLE = {
    # outcome: its weight with doubt that warns, and with doubt that blocks
    "passed": (PASS, PASS),
    "failed": (BLOCK, BLOCK),
    "error": (BLOCK, BLOCK),
    "inconclusive": (WARN, BLOCK),
    "no_baseline": (WARN, BLOCK),
    "waived": (WARN, WARN),
}


@pytest.mark.parametrize(("outcome", "other"), list(product(TABLE, ("warn", "block"))))
def test_verdict__every_outcome_and_policy(outcome, other):
    for doubt, weight in zip(("warn", "block"), TABLE[outcome], strict=True):
        policy = {"inconclusive": other, "no_baseline": other}
        policy["no_baseline" if outcome == "no_baseline" else "inconclusive"] = doubt
        assert weigh_outcome(Outcome(outcome), **policy) is weight


def test_verdict__every_outcome_is_tested():
    assert set(TABLE) == {outcome.value for outcome in Outcome}


def test_worst_verdict__maximum_and_block_without_gates():
    for first, second in product(Verdict, Verdict):
        assert worst_verdict([first, second]) is worst_verdict([second, first]) is max(first, second)
    for only in Verdict:
        assert worst_verdict([only]) is worst_verdict([only, only]) is only
    assert worst_verdict([]) is BLOCK
    assert join_verdicts(()) is BLOCK
    assert [item.word for item in Verdict] == ["pass", "warn", "block"]


def test_join_verdicts__policy_of_each_gate():
    strict = {"inconclusive": "block"}
    found = compare(500), compare(500, metric="f1")
    assert join_verdicts(judge([rule(max_drop=0.02), rule("f1", max_drop=0.02)], *found)) is WARN
    assert join_verdicts(judge([rule(max_drop=0.02), rule("f1", max_drop=0.02, policy=strict)], *found)) is BLOCK
    assert join_verdicts(judge([rule(min=0.1), rule("f1", min=0.1)], *found)) is PASS
    assert join_verdicts(judge([rule(min=0.1), rule("f1", min=0.1), rule("f2", min=0.1)], *found)) is BLOCK
