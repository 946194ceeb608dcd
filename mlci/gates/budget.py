"""Judge budgets: of a month, on the sum of recorded costs, and of an evaluation set, on the looks at it."""

from mlci.gates.limits import Limit, OnDoubt, Rule
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


LOOKS = "holdout_looks"
"""Name of the gate of a worn-out evaluation set in reports, before its kind of limit."""


def judge_worn_out(looks: int, *, budget: int, effect: OnDoubt, line: int | None, reason: str) -> JudgedGate:
    """Return the gate of an evaluation set without a look left: it is inconclusive, whatever the numbers are.

    Args:
        looks: Looks at the evaluation set, with this one.
        budget: Looks that it has.
        effect: Whether it blocks.
        line: Line of the budget in the configuration.
        reason: Why no look is left.
    """
    limit = Limit("max", budget)
    return JudgedGate(
        rule=Rule(metric=LOOKS, limits=(limit,), line=line, inconclusive=effect),
        limit=limit,
        scope=WHOLE,
        judge="estimate",
        outcome=Outcome.INCONCLUSIVE,
        why=Reason.WORN_OUT,
        reason=reason,
        candidate=looks,
        value=looks,
        bound=budget,
        method="looks by the ledger",
        blocks=effect == "block",
    )
