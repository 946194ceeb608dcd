"""Result of an experiment, as `experiment.json` has it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from mlci.errors import ProductionCode

Interval = tuple[float, float]
Outcome = Literal["passed", "failed", "open"]
SCHEMA = "mlci/experiment/1"


class ExperimentVerdict(StrEnum):
    """Verdicts, each with its exit code."""

    PROMOTE = "promote"
    ROLL_BACK = "roll back"
    KEEP_GOING = "keep going"
    COULD_NOT_TELL = "could not tell"

    @property
    def exit_code(self) -> ProductionCode:
        """Exit code of the command."""
        codes = {
            self.PROMOTE: ProductionCode.FINE,
            self.ROLL_BACK: ProductionCode.ACT,
            self.KEEP_GOING: ProductionCode.KEEP_GOING,
            self.COULD_NOT_TELL: ProductionCode.COULD_NOT_TELL,
        }
        return codes[self]


@dataclass(frozen=True, kw_only=True)
class ArmChange:
    """Change of one metric from control to treatment.

    Attributes:
        units: Units of control and treatment.
        control: Mean of the control.
        treatment: Mean of the treatment.
        change: Difference of both means, after the adjustment by a covariate.
        interval: Interval of the change that holds at every look; ``None`` if there are too few units for one.
        variance_reduction: Share of the variance that the covariate removed; ``None`` without one.
    """

    units: tuple[int, int]
    control: float
    treatment: float
    change: float
    interval: Interval | None
    variance_reduction: float | None = None


@dataclass(frozen=True, kw_only=True)
class MetricResult:
    """A metric compared with its limit.

    Attributes:
        metric: Its name.
        role: `primary` or `guardrail`.
        kind: `rate` or `mean`.
        limit: The limit as it was written, by its kind.
        bound: The limit in units of the change.
        confidence: Level of the interval.
        change: The change.
        outcome: `passed` if the whole interval is within the limit, `failed` if all of it is beyond, else `open`.
        units_needed: More units until the outcome is known, if values stay as they are; ``None`` if it is known or the
            estimate is at the limit.
    """

    metric: str
    role: Literal["primary", "guardrail"]
    kind: Literal["rate", "mean"]
    limit: dict[str, str]
    bound: float
    confidence: float
    change: ArmChange
    outcome: Outcome
    units_needed: int | None = None


@dataclass(frozen=True, kw_only=True)
class SampleRatio:
    """Check that units were split as planned.

    Attributes:
        expected: Planned share of the treatment.
        observed: Its share so far.
        interval: Interval of the share at confidence 0.999, shared by metrics whose units differ, at every look.
        mismatch: Whether the planned share is outside.
    """

    expected: float
    observed: float
    interval: Interval
    mismatch: bool


@dataclass(frozen=True, kw_only=True)
class GroupResult:
    """Change of the primary metric in one group; informs, and decides nothing."""

    slice: str
    group: str
    change: ArmChange


@dataclass(frozen=True, kw_only=True)
class Look:
    """Change of the primary metric after all periods up to one."""

    period: str
    units: int
    change: float
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class ExperimentResult:
    """The verdict and everything that it rests on.

    Attributes:
        verdict: The verdict.
        reason: Its cause in a sentence.
        control: Name of the control.
        treatment: Name of the treatment.
        sample_ratio: The check of the split.
        metrics: The primary metric, then guardrails.
        groups: Groups of slices.
        looks: The primary metric over time; empty without a time column.
        units_needed: More units until a verdict; ``None`` if there is one, or no estimate of it.
        days_needed: The same in days, at the rate of units so far.
    """

    verdict: ExperimentVerdict
    reason: str
    control: str
    treatment: str
    sample_ratio: SampleRatio
    metrics: tuple[MetricResult, ...]
    groups: tuple[GroupResult, ...] = ()
    looks: tuple[Look, ...] = ()
    units_needed: int | None = None
    days_needed: float | None = None

    @property
    def units(self) -> int:
        """Units of both arms."""
        return sum(self.metrics[0].change.units)
