"""Section ``cost`` of ``mlci.yml``: prices of runners, a budget, and energy."""

from collections.abc import Set as AbstractSet
from typing import Annotated

from pydantic import BeforeValidator, Field

from mlci.config.base import ConfigModel, Name, OnDoubt
from mlci.config.types import finite_number

COUNTRY = r"^[A-Z]{3}$"
"""A country by its three letters of ISO 3166-1."""
Price = Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False), BeforeValidator(finite_number)]
Intensity = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False), BeforeValidator(finite_number)]
Budget = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False), BeforeValidator(finite_number)]


class Cost(ConfigModel):
    """Prices that GitHub's price table does not have, or that differ from it, and a budget of a month."""

    runners: dict[Name, Price] = Field(
        default={},
        description="USD per minute by runner: GitHub's billing SKU, `self-hosted`, `local`, or a pattern of names.",
    )
    budget_usd_per_month: Budget | None = Field(
        default=None, description="Budget of this model's recorded runs in a month (UTC); if omitted, there is none."
    )
    over: OnDoubt = Field(default="warn", description="Effect of a run with which the month exceeds its budget.")

    energy: bool = Field(
        default=False, description="Whether the energy of train and predict steps is read, by CodeCarbon."
    )
    country: Annotated[str, Field(pattern=COUNTRY)] | None = Field(
        default=None, description="Country whose electricity the emissions are computed with, such as `DEU`."
    )
    g_co2_per_kwh: Intensity | None = Field(
        default=None, description="Emissions of a kilowatt-hour in grams of CO2 equivalents, instead of a country's."
    )

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Refuse an effect of nothing, and emissions without energy."""
        if "over" in keys and "budget_usd_per_month" not in keys:
            return "has `over` without a budget; add `budget_usd_per_month: 50`, or remove it"
        named = sorted(keys & {"country", "g_co2_per_kwh"})
        if len(named) > 1:
            return "has both `country` and `g_co2_per_kwh`; keep one"
        if named and "energy" not in keys:
            return f"has `{named[0]}` without `energy: true`; add it, or remove `{named[0]}`"
        return None
