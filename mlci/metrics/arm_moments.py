"""Moments of one arm of an experiment: sufficient statistics of a metric and a covariate, which add up over periods."""

from dataclasses import dataclass, replace

WHOLE_SET = ""
"""Name of the slice that holds every unit."""


@dataclass(frozen=True, kw_only=True)
class ArmMoments:
    """Number of units, and moments around the mean.

    Attributes:
        units: Number of units.
        mean: Mean of the metric.
        squares: Sum of squared deviations from the mean.
        covariate_mean: Mean of the covariate; 0 without one.
        covariate_squares: Sum of squared deviations of the covariate.
        products: Sum of products of both deviations.
    """

    units: int
    mean: float
    squares: float
    covariate_mean: float = 0.0
    covariate_squares: float = 0.0
    products: float = 0.0

    @property
    def variance(self) -> float:
        """Variance of the metric, with n - 1; 0 for a single unit."""
        return self.squares / (self.units - 1) if self.units > 1 else 0.0

    def merge(self, other: "ArmMoments") -> "ArmMoments":
        """Return the moments of both sets of units (Chan et al. 1983, Am. Stat. 37:242)."""
        units = self.units + other.units
        if not units:
            return self
        share, weight = other.units / units, self.units * other.units / units
        step, covariate_step = other.mean - self.mean, other.covariate_mean - self.covariate_mean
        return ArmMoments(
            units=units,
            mean=self.mean + step * share,
            squares=self.squares + other.squares + step**2 * weight,
            covariate_mean=self.covariate_mean + covariate_step * share,
            covariate_squares=self.covariate_squares + other.covariate_squares + covariate_step**2 * weight,
            products=self.products + other.products + step * covariate_step * weight,
        )

    def adjusted(self, slope: float, covariate_mean: float) -> "ArmMoments":
        """Return the moments of the metric minus slope × (covariate - covariate_mean)."""
        squares = self.squares - 2 * slope * self.products + slope**2 * self.covariate_squares
        mean = self.mean - slope * (self.covariate_mean - covariate_mean)
        return replace(self, mean=mean, squares=max(squares, 0.0))


@dataclass(frozen=True, kw_only=True)
class ArmSums:
    """Moments of one metric in one arm, period and group.

    Attributes:
        arm: Name of the arm.
        metric: Name of the metric.
        period: Start of the period, as a sortable ISO date or time; empty without one.
        slice: Slice column; empty for all units.
        group: Group of the slice.
        moments: The moments.
    """

    arm: str
    metric: str
    moments: ArmMoments
    period: str = ""
    slice: str = WHOLE_SET
    group: str = ""
