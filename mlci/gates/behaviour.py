"""Judge required behavioural tests: whatever is not a pass blocks the merge.

A test that failed is a failed gate. One that ended in an error, was skipped or was not found is a gate in error. A cost
budget is judged by its interval, and inconclusive if that contains the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlci.errors import count_noun
from mlci.gates.judge import Verdict, weigh_outcome
from mlci.gates.limits import Limit, OnDoubt, Rule
from mlci.gates.outcomes import ACROSS_LIMIT, JudgedGate, Outcome, Reason
from mlci.inference.result import NEEDS_BASELINE, BehaviourOutcome, BehaviourTest, EvaluationResult
from mlci.metrics.cost_budget import CostBudget
from mlci.metrics.statistics import WHOLE


@dataclass(frozen=True, kw_only=True)
class RequiredTests:
    """Tests that must pass.

    Attributes:
        names: With or without file and parameters; ``None`` requires every test, and at least one.
        line: Line in the configuration.
        inconclusive: Effect of a cost budget that the pairs of runs can't decide.
        no_baseline: Effect of a test that needs a baseline while there is none.
    """

    names: Sequence[str] | None = None
    line: int | None = None
    inconclusive: OnDoubt = "warn"
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
    if test.budget is not None and test.budget.outcome == test.outcome:
        return _judge_budget(test.name, required, test.budget, test.message)
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
        case BehaviourOutcome.ERROR | BehaviourOutcome.INCONCLUSIVE:
            return _absent(test.name, required, test.message or "the test ended in an error")


def _judge_budget(name: str, required: RequiredTests, budget: CostBudget, message: str) -> JudgedGate:
    """Return the gate of a budget that decided its test, with the numbers that are compared."""
    outcome = Outcome(budget.outcome)
    why = {Outcome.FAILED: Reason.TEST_FAILED, Outcome.INCONCLUSIVE: Reason.ACROSS_LIMIT}.get(outcome)
    reason = f"{ACROSS_LIMIT}; {message}" if outcome is Outcome.INCONCLUSIVE else message
    limit = Limit("max", budget.limit)
    gate = _gate(name, required, outcome, why, reason if why else None)
    return replace(
        gate,
        rule=replace(gate.rule, limits=(limit,)),
        limit=limit,
        judge="interval",
        value=budget.ratio,
        interval=(budget.low, budget.high),
        bound=budget.limit,
        method="median of paired ratios, sign test",
    )


def _absent(name: str, required: RequiredTests, reason: str) -> JudgedGate:
    return _gate(name, required, Outcome.ERROR, Reason.TEST_NOT_RUN, reason)


def _gate(
    name: str, required: RequiredTests, outcome: Outcome, why: Reason | None = None, reason: str | None = None
) -> JudgedGate:
    limit, policy = Limit("present"), required.no_baseline
    weight = weigh_outcome(outcome, inconclusive=required.inconclusive, no_baseline=policy)
    return JudgedGate(
        rule=Rule(
            metric=name,
            limits=(limit,),
            inconclusive=required.inconclusive,
            no_baseline=policy,
            line=required.line,
            test=True,
        ),
        limit=limit,
        scope=WHOLE,
        judge="estimate",
        outcome=outcome,
        why=why,
        reason=reason,
        blocks=weight is Verdict.BLOCK,
    )
