"""Cost of this run so far, for the report."""

from mlci.cost.minutes import COST, PREDICTION_COST, billed_minutes, billed_usd
from mlci.cost.runner import KnownRate
from mlci.operations import evaluation_plan
from mlci.operations.context import RunContext
from mlci.report.document import RunCost


def cost_so_far(context: RunContext) -> RunCost:
    """Return the cost of this run, until now."""
    rate, seconds = context.rate, max(context.elapsed(), 0.0)
    gated = {COST, PREDICTION_COST} & set(evaluation_plan.asked_operations(context.config))
    asked = context.config.cost is not None or bool(gated)
    minutes = billed_minutes(seconds)
    if isinstance(rate, KnownRate):
        return RunCost(
            runner=rate.runner,
            usd_per_minute=rate.usd_per_minute,
            source=rate.source,
            seconds=seconds,
            minutes=minutes,
            usd=billed_usd(seconds, rate),
            asked=asked,
        )
    return RunCost(runner=rate.runner, reason=rate.reason, seconds=seconds, minutes=minutes, asked=asked)
