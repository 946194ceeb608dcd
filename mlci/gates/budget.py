"""Judge the budget of a month: a gate on the sum of the recorded costs and this run's."""

from mlci.gates.limits import Limit, Rule
from mlci.gates.outcomes import JudgedGate, Outcome, Reason
from mlci.metrics.statistics import WHOLE

BUDGET = "cost_usd_per_month"
"""Name of the gate in reports and waivers, before its kind of limit."""


def judge_month(spent: float | None, *, budget: float, line: int | None, reason: str | None) -> JudgedGate:
    """Return the gate of a budget that blocks.

    Args:
        spent: USD of this month with this run; ``None`` if that is unknown.
        budget: USD per month.
        line: Line of the budget in the configuration.
        reason: Why ``spent`` is unknown.
    """
    limit = Limit("max", budget)
    outcome = Outcome.ERROR if spent is None else Outcome.PASSED if spent <= budget else Outcome.FAILED
    why = {Outcome.ERROR: Reason.NOT_MEASURED, Outcome.FAILED: Reason.BEYOND_LIMIT}.get(outcome)
    return JudgedGate(
        rule=Rule(metric=BUDGET, limits=(limit,), line=line),
        limit=limit,
        scope=WHOLE,
        judge="estimate",
        outcome=outcome,
        why=why,
        reason=reason if spent is None else None,
        candidate=spent,
        value=spent,
        bound=budget,
        method="sum of recorded runs",
        blocks=outcome is not Outcome.PASSED,
    )
