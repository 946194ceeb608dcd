"""Cost of this run so far and of the month, for the report, and the gate of the month's budget."""

from mlci.cost.budget import MICRO, is_near_budget, month_total
from mlci.cost.energy import ENERGY, KnownEnergy
from mlci.cost.minutes import COST, PREDICTION_COST, billed_minutes, billed_usd
from mlci.cost.runner import KnownRate
from mlci.errors import count_noun
from mlci.gates.budget import judge_month
from mlci.gates.outcomes import JudgedGate
from mlci.operations import evaluation_plan
from mlci.operations.context import RunContext
from mlci.registry.registry import RegistryView
from mlci.registry.spending import MonthOfCosts
from mlci.report.document import MonthCost, RunCost, RunEnergy


def cost_so_far(context: RunContext, view: RegistryView | None = None) -> RunCost:
    """Return the cost of this run until now, and of the month by the registry's records.

    Args:
        context: Run context.
        view: The registry as of one entry, if it was read.
    """
    rate, seconds = context.rate, max(context.elapsed(), 0.0)
    gated = {COST, PREDICTION_COST, ENERGY} & set(evaluation_plan.asked_operations(context.config))
    asked = context.config.cost is not None or bool(gated)
    minutes = billed_minutes(seconds)
    usd = billed_usd(seconds, rate) if isinstance(rate, KnownRate) else None
    month = None if view is None else _month(context, view, usd)
    known = {"usd_per_minute": rate.usd_per_minute, "source": rate.source} if isinstance(rate, KnownRate) else {}
    reason = None if isinstance(rate, KnownRate) else rate.reason
    return RunCost.model_validate(
        {"runner": rate.runner, **known, "reason": reason, "seconds": seconds, "minutes": minutes, "usd": usd}
        | {"asked": asked, "month": month, "energy": _energy(context)}
    )


def _energy(context: RunContext) -> RunEnergy | None:
    """Return the energy of all steps so far; ``None`` if it is not read."""
    found = context.energy()
    if found is None:
        return None
    if isinstance(found, KnownEnergy):
        return RunEnergy(kwh=found.kwh, grams_co2=found.grams_co2, method=found.method)
    return RunEnergy(reason=found.reason)


def _month(context: RunContext, view: RegistryView, usd: float | None) -> MonthCost | None:
    """Return the costs of this month with this run; ``None`` without a budget and without records."""
    name, cost = context.today[:7], context.config.cost
    recorded, budget = (view.state.spent or {}).get(name), cost.budget_usd_per_month if cost is not None else None
    if recorded is None and budget is None:
        return None
    before = recorded or MonthOfCosts()
    total, recorded_usd = month_total(before.micro_usd, usd), before.micro_usd / MICRO
    return MonthCost(
        month=name,
        usd=total,
        recorded_usd=recorded_usd,
        runs=before.runs,
        unpriced=before.unpriced,
        budget_usd=budget,
        near=is_near_budget(recorded_usd, total, budget),
        blocks=cost is not None and budget is not None and cost.over == "block",
    )


def budget_gates(context: RunContext, cost: RunCost) -> tuple[JudgedGate, ...]:
    """Return the gate of a budget that blocks; none without one."""
    asked = context.config.cost
    if asked is None or asked.budget_usd_per_month is None or asked.over == "warn":
        return ()
    line = context.loaded.lines.of("cost", "budget_usd_per_month")
    budget, month = asked.budget_usd_per_month, cost.month
    spent = None if month is None else month.usd
    reason = cost.reason or "the registry, which has the costs of the month, was not read"
    if month is not None and month.unpriced and spent is not None and spent <= budget:
        spent, reason = None, _unpriced(month)
    return (judge_month(spent, budget=budget, line=line, reason=reason),)


def _unpriced(month: MonthCost) -> str:
    """Return why the sum of a month is not known, and how to give a price."""
    return (
        f"the sum of {month.month} is not known, because the price of {month.unpriced:,} of "
        f"{count_noun(month.runs, 'recorded run')} is unknown. "
        "Add your price in USD per minute, which counts for runs from then on: "
        "`cost: {runners: {'*': 0.05}}`; for the rest of this month, have an owner set `over: warn`"
    )
