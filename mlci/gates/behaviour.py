"""Judge required behavioural tests: whatever is not a pass blocks the merge.

A test that failed is a failed gate. One that ended in an error, was skipped or was not found is a gate in error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.errors import count_noun
from mlci.gates.judge import Verdict, weigh_outcome
from mlci.gates.limits import Limit, OnDoubt, Rule
from mlci.gates.outcomes import JudgedGate, Outcome, Reason
from mlci.inference.result import NEEDS_BASELINE, BehaviourOutcome, BehaviourTest, EvaluationResult
from mlci.metrics.statistics import WHOLE


@dataclass(frozen=True, kw_only=True)
class RequiredTests:
    """Tests that must pass.

    Attributes:
        names: With or without file and parameters; ``None`` requires every test, and at least one.
        line: Line in the configuration.
        no_baseline: Effect of a test that needs a baseline while there is none.
    """

    names: Sequence[str] | None = None
    line: int | None = None
    no_baseline: OnDoubt = "warn"


def judge_behaviour(result: EvaluationResult, required: RequiredTests) -> tuple[JudgedGate, ...]:
    """Return a gate for each required test of an evaluation."""
    tests, names = result.tests, required.names
    first = not result.has_baseline or result.unchanged_since is not None  # then the tests are those of the baseline
    judged = {test.name: _judge(test, required, first=first) for test in tests}
    if names is None:
        return tuple(judged.values()) or (_absent("tests", required, "no test was found"),)
    missing = f"not found among the {count_noun(len(tests), 'test')} that ran"
    gates: dict[str, JudgedGate] = {}
    for name in names:
        matching = [judged[test.name] for test in tests if name in _names(test)]
        for gate in matching or [_absent(name, required, missing)]:
            gates.setdefault(gate.rule.metric, gate)
    return tuple(gates.values())


def _names(test: BehaviourTest) -> set[str]:
    """Return the names that stand for a test: with and without its file and its parameters."""
    path = test.name.partition("[")[0]
    function, parameters = path.rpartition("::")[2], test.name[len(path) :]
    return {test.name, path, function, function + parameters}


def _judge(test: BehaviourTest, required: RequiredTests, *, first: bool) -> JudgedGate:
    match test.outcome:
        case BehaviourOutcome.PASSED:
            return _gate(test.name, required, Outcome.PASSED)
        case BehaviourOutcome.FAILED:
            return _gate(test.name, required, Outcome.FAILED, Reason.TEST_FAILED, test.message or "the test failed")
        case BehaviourOutcome.SKIPPED if first and test.message == NEEDS_BASELINE:
            return _gate(test.name, required, Outcome.NO_BASELINE, Reason.NO_BASELINE, NEEDS_BASELINE)
        case BehaviourOutcome.SKIPPED:
            message = f"the test was skipped: {test.message}" if test.message else "the test was skipped"
            return _absent(test.name, required, message)
        case BehaviourOutcome.ERROR:
            return _absent(test.name, required, test.message or "the test ended in an error")


def _absent(name: str, required: RequiredTests, reason: str) -> JudgedGate:
    return _gate(name, required, Outcome.ERROR, Reason.TEST_NOT_RUN, reason)


def _gate(
    name: str, required: RequiredTests, outcome: Outcome, why: Reason | None = None, reason: str | None = None
) -> JudgedGate:
    limit, policy = Limit("present"), required.no_baseline
    weight = weigh_outcome(outcome, inconclusive="block", no_baseline=policy)
    return JudgedGate(
        rule=Rule(metric=name, limits=(limit,), no_baseline=policy, line=required.line, test=True),
        limit=limit,
        scope=WHOLE,
        judge="estimate",
        outcome=outcome,
        why=why,
        reason=reason,
        blocks=weight is Verdict.BLOCK,
    )
