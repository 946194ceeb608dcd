"""Cost of wall time: whole minutes as they are billed, and the price of both models' steps. Pure."""

import math
from dataclasses import dataclass

from mlci.cost.runner import KnownRate, Rate

COST, PREDICTION_COST = "cost_usd", "predict_cost_usd_per_1k_rows"
"""Names of the metrics."""


def billed_minutes(seconds: float) -> int:
    """Return the minutes that a job of this wall time is billed: each job is rounded up to a whole minute."""
    return math.ceil(seconds / 60)


def billed_usd(seconds: float, rate: KnownRate) -> float:
    """Return the price of a job, to the millionth of a dollar."""
    return round(billed_minutes(seconds) * rate.usd_per_minute, 6)


@dataclass(frozen=True, kw_only=True)
class StepSeconds:
    """Wall time of the steps of one model.

    Attributes:
        train, predict: Of the whole steps; ``None`` for one that did not run.
        predict_per_1k_rows: Of prediction, for a thousand rows.
    """

    train: float | None = None
    predict: float | None = None
    predict_per_1k_rows: float | None = None


def price_steps(seconds: StepSeconds, rate: Rate) -> dict[str, float]:
    """Return the cost metrics of one model by name; none if the price is unknown or nothing ran.

    Both steps together are billed as one job would be. The cost of a thousand predictions is not rounded, because
    many of them share a minute.
    """
    ran = [one for one in (seconds.train, seconds.predict) if one is not None]
    if not isinstance(rate, KnownRate) or not ran:
        return {}
    found = {COST: billed_usd(sum(ran), rate)}
    if seconds.predict_per_1k_rows is not None:
        found[PREDICTION_COST] = seconds.predict_per_1k_rows / 60 * rate.usd_per_minute
    return found
