"""Sum of a month with this run, and how near to the budget it is. Pure."""

MICRO = 1_000_000
"""Millionths in which the registry records dollars, so that sums are exact."""
WARNS_AT = 0.8
"""Share of the budget from which the report warns."""


def month_total(recorded_micro_usd: int, run_usd: float | None) -> float | None:
    """Return the USD of a month with this run; ``None`` if this run's price is unknown."""
    return None if run_usd is None else (recorded_micro_usd + round(run_usd * MICRO)) / MICRO


def is_near_budget(recorded_usd: float, total: float | None, budget: float | None) -> bool:
    """Check if a sum, or without one what is recorded, has reached :data:`WARNS_AT` of the budget."""
    return budget is not None and (recorded_usd if total is None else total) >= WARNS_AT * budget
