"""The section `experiment:` of ``mlci.yml``: logs or counts of two arms, metrics, and limits on their change."""

from collections.abc import Set as AbstractSet
from typing import Annotated

from pydantic import Field

from mlci.config.base import ConfigModel, Name, Place, exactly_one
from mlci.config.types import Finite, LimitField
from mlci.gates.limits import Limit

_OF_LOGS = ("unit", "arm", "time", "slices")
_CONFIDENCE = "Two-sided level of the interval, which holds at every look; that of `policy` if omitted."


class ExperimentMetric(ConfigModel):
    """A metric of units, and the limit on its change from control to treatment."""

    rate: Name | None = Field(default=None, description="Column with 0 or 1, or name of a metric with counts.")
    mean: Name | None = Field(default=None, description="Column with numbers, or name of a metric with moments.")
    max_drop: Annotated[Limit, LimitField("max_drop")] | None = Field(
        default=None, description="Largest fall against the control, absolute or in per cent; 0 demands a proven gain."
    )
    max_rise: Annotated[Limit, LimitField("max_rise")] | None = Field(
        default=None, description="Largest rise against the control, absolute or in per cent; 0 demands a proven fall."
    )
    covariate: Name | None = Field(
        default=None,
        description="Column with a number of each unit from before the experiment; it narrows the interval (CUPED).",
    )
    confidence: Finite | None = Field(default=None, ge=0.5, lt=1, description=_CONFIDENCE)

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Require one kind of metric and one limit."""
        return exactly_one(("rate", "mean"), keys) or exactly_one(("max_drop", "max_rise"), keys)

    @property
    def name(self) -> str:
        """The column."""
        return self.rate or self.mean or ""

    @property
    def limit(self) -> Limit:
        """The limit."""
        return self.max_drop or self.max_rise or Limit("max_drop")


class Experiment(ConfigModel):
    """A canary or an A/B test of two models in production, whose traffic another system splits."""

    data: Place | None = Field(default=None, description="Log with one row a unit: a path, a glob or a URL.")
    counts: Place | None = Field(
        default=None, description="Table with counts or moments of each arm and metric, in place of `data`."
    )
    unit: Name | None = Field(default=None, description="Column that identifies a unit, such as a user.")
    arm: Name = Field(default="arm", description="Column with the arm of a unit.")
    control: Name = Field(default="control", description="Name of the arm with the model in production.")
    treatment: Name = Field(default="treatment", description="Name of the arm with the new model.")
    split: Finite = Field(default=0.5, gt=0, lt=1, description="Share of units that the treatment should get.")
    time: Name | None = Field(
        default=None,
        description="Column with the time at which a unit was assigned, which dates the page's looks; a time without a "
        "zone is UTC.",
    )
    metric: ExperimentMetric = Field(description="The metric that the experiment is about.")
    guardrails: tuple[ExperimentMetric, ...] = Field(
        default=(), description="Metrics that must stay within their limits as well."
    )
    slices: tuple[Name, ...] = Field(default=(), description="Columns whose groups are shown; they decide nothing.")
    tuned_for: int = Field(
        default=10_000, ge=100, le=10**9, description="Units of both arms at which the intervals are narrowest."
    )
    most_units: int | None = Field(
        default=None, ge=1, description="Units after which an undecided experiment ends; it never ends if omitted."
    )
    version: int | None = Field(
        default=None,
        ge=1,
        description="Version in the registry that the treatment serves; omitted for a model that is not promoted yet.",
    )

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Require logs with their columns, or counts without."""
        if problem := exactly_one(("data", "counts"), keys):
            return problem
        if "data" in keys and "unit" not in keys:
            return "has `data` without `unit`; name the column that identifies a unit, such as `unit: user_id`"
        given = [f"`{key}`" for key in _OF_LOGS if key in keys]
        if "counts" in keys and given:
            return f"has `counts` and {', '.join(given)}, which name columns of `data`; remove them"
        return None

    @property
    def metrics(self) -> tuple[ExperimentMetric, ...]:
        """The primary metric, then the guardrails."""
        return (self.metric, *self.guardrails)
