"""Plan of an experiment: its arms, metrics and limits, as far as the statistics need them."""

from dataclasses import dataclass

from mlci.gates.limits import Limit


@dataclass(frozen=True, kw_only=True)
class MetricPlan:
    """A metric with its limit on the change from control to treatment.

    Attributes:
        name: Column, or name in a table of counts.
        is_rate: Whether each unit has the event or not.
        limit: `max_drop` or `max_rise`; 0 demands a proven gain.
        confidence: Two-sided level of its interval.
        covariate: Column from before the experiment that reduces the variance.
        primary: Whether it is the metric that the experiment is about; others are guardrails.
    """

    name: str
    is_rate: bool
    limit: Limit
    confidence: float
    covariate: str | None = None
    primary: bool = False


@dataclass(frozen=True, kw_only=True)
class ExperimentPlan:
    """Arms, metrics and settings.

    Attributes:
        control: Name of the arm with the model in production.
        treatment: Name of the arm with the new model.
        split: Share of units that the treatment should get.
        metrics: The primary metric first, then the guardrails.
        tuned_for: Units of both arms at which intervals are narrowest.
        most_units: Units after which an open experiment ends without an answer; ``None`` never ends it.
    """

    control: str
    treatment: str
    split: float
    metrics: tuple[MetricPlan, ...]
    tuned_for: int
    most_units: int | None = None

    @property
    def arms(self) -> tuple[str, str]:
        """Names of control and treatment."""
        return (self.control, self.treatment)
