"""Simulate experiments and judge them at every look by mlci's own judge, by a z-test, and once at a fixed horizon.

A look is judged by mlci only if a z-test at the same level would find something in either direction; for rates, whose
exact intervals take milliseconds, only from 2.6 standard errors on. The quantile of mlci's intervals is at least 3.0.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mlci.experiment.judge import check_sample_ratio, judge_experiment
from mlci.experiment.plan import ExperimentPlan, MetricPlan
from mlci.experiment.result import ExperimentVerdict
from mlci.gates.limits import Limit
from mlci.metrics.arm_moments import ArmMoments, ArmSums

EVERY, MOST = 100, 10_000
LOOKS = MOST // EVERY
_BATCH = 250
_NEAR_RATE = 2.6
_Z, _POWER = NormalDist().inv_cdf(0.975), NormalDist().inv_cdf(0.9)
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Two arms and a limit; values are exponential with mean and variance 1, or events.

    Attributes:
        title: Name in the table.
        change: True change of the treatment.
        limit: Largest fall that is acceptable.
        rate: Rate of the events; ``None`` for values.
        covariate: Share of the values' variance that a covariate explains; 0 without one.
    """

    title: str
    change: float
    limit: float
    rate: float | None = None
    covariate: float = 0.0

    @property
    def variance(self) -> float:
        """Variance of a unit's value."""
        return 1.0 if self.rate is None else self.rate * (1 - self.rate)

    @property
    def fixed_horizon(self) -> float:
        """Units of both arms that a z-test at level 0.025 needs for a power of 90 %."""
        distance, variance = abs(self.change + self.limit), self.variance * (1 - self.covariate)
        return 4 * variance * ((_Z + _POWER) / distance) ** 2 if distance else math.inf

    def plan(self) -> ExperimentPlan:
        """Return the plan that mlci judges by."""
        metric = MetricPlan(
            name="m",
            is_rate=self.rate is not None,
            limit=Limit("max_drop", self.limit),
            confidence=0.95,
            covariate="x" if self.covariate else None,
            primary=True,
        )
        return ExperimentPlan(control="a", treatment="b", split=0.5, metrics=(metric,), tuned_for=5_000)


@dataclass
class Tally:
    """Outcomes of many experiments.

    Attributes:
        experiments: Their number.
        promoted, rolled_back: Verdicts of mlci at any look.
        units: Units at the verdict, of those that have one.
        peeking: Experiments that a z-test at level 0.025, looked at as often, ever promotes.
        once: Those that it promotes at the last look alone.
    """

    experiments: int = 0
    promoted: int = 0
    rolled_back: int = 0
    units: list[int] = field(default_factory=list)
    peeking: int = 0
    once: int = 0

    def median(self) -> float:
        """Return the median of units at the verdict; infinity if fewer than half have one."""
        undecided = self.experiments - len(self.units)
        return sorted([*self.units, *[math.inf] * undecided])[self.experiments // 2]


def simulate(scenario: Scenario, experiments: int, *, seed: int = 7) -> Tally:
    """Simulate a scenario."""
    rng, tally, plan = np.random.default_rng(seed), Tally(), scenario.plan()
    for begin in range(0, experiments, _BATCH):
        size = min(_BATCH, experiments - begin)
        moments = _draw_moments(rng, scenario, size)
        z = _z_values(moments, scenario)
        tally.experiments += size
        tally.peeking += int((z > _Z).any(axis=1).sum())
        tally.once += int((z[:, -1] > _Z).sum())
        for one in range(size):
            near = np.abs(z[one]) > (_Z if scenario.rate is None else _NEAR_RATE)
            _judge_one(moments[:, :, one], near, plan, tally)
    return tally


def _judge_one(moments: Array, looks: NDArray[np.bool_], plan: ExperimentPlan, tally: Tally) -> None:
    """Look until there is a verdict."""
    for look in np.flatnonzero(looks).tolist():
        sums = [ArmSums(arm=arm, metric="m", moments=_arm(moments[:, index, look])) for index, arm in enumerate("ab")]
        verdict = judge_experiment(sums, plan).verdict
        if verdict is ExperimentVerdict.KEEP_GOING:
            continue
        tally.promoted += verdict is ExperimentVerdict.PROMOTE
        tally.rolled_back += verdict is ExperimentVerdict.ROLL_BACK
        tally.units.append((look + 1) * EVERY)
        return


def _arm(values: Array) -> ArmMoments:
    units, mean, squares, covariate, covariate_squares, products = values.tolist()
    return ArmMoments(
        units=int(units),
        mean=mean,
        squares=squares,
        covariate_mean=covariate,
        covariate_squares=covariate_squares,
        products=products,
    )


def _draw_moments(rng: np.random.Generator, scenario: Scenario, size: int) -> Array:
    """Return units, mean, squares and the covariate's moments by arm, experiment and look."""
    found = []
    for change in (0.0, scenario.change):
        values, covariate = _draw_arm(rng, scenario, change, size)
        found.append(np.stack(list(_moments_at_looks(values, covariate))))
    return np.stack(found, axis=1)


def _draw_arm(rng: np.random.Generator, scenario: Scenario, change: float, size: int) -> tuple[Array, Array]:
    shape, share = (size, MOST // 2), scenario.covariate
    if scenario.rate is not None:
        events = (rng.random(shape) < scenario.rate + change).astype(float)
        return events, np.zeros(shape)
    values = rng.standard_exponential(shape)
    if not share:
        return values + change, np.zeros(shape)
    return values + change, math.sqrt(share) * values + math.sqrt(1 - share) * rng.standard_normal(shape)


def _moments_at_looks(values: Array, covariate: Array) -> Iterator[Array]:
    """Yield moments of all units up to each look, from cumulative sums."""
    ends = np.arange(EVERY // 2, MOST // 2 + 1, EVERY // 2)
    total, squares, other, other_squares, products = (
        np.cumsum(part, axis=1)[:, ends - 1]
        for part in (values, values**2, covariate, covariate**2, values * covariate)
    )
    yield np.broadcast_to(ends.astype(float), total.shape)
    yield total / ends
    yield np.maximum(squares - total**2 / ends, 0)
    yield other / ends
    yield np.maximum(other_squares - other**2 / ends, 0)
    yield products - total * other / ends


def _z_values(moments: Array, scenario: Scenario) -> Array:
    """Return the z of the change against the limit at each look, after the adjustment by the covariate."""
    units, mean, squares, other, other_squares, products = moments
    spread = other_squares.sum(axis=0)
    slope = np.divide(products.sum(axis=0), spread, out=np.zeros_like(spread), where=spread > 0)
    variance = (squares - 2 * slope * products + slope**2 * other_squares) / np.maximum(units - 1, 1) / units
    change = mean[1] - mean[0] - slope * (other[1] - other[0])
    error = np.sqrt(variance.sum(axis=0))
    return np.divide(change + scenario.limit, error, out=np.zeros_like(error), where=error > 0)


def count_mismatches(share: float, experiments: int, *, seed: int = 7) -> int:
    """Return how many experiments with this share of units in the treatment are ever found to have a mismatch."""
    rng = np.random.default_rng(seed)
    plan = Scenario(title="", change=0, limit=1).plan()
    arms = np.cumsum(rng.binomial(EVERY, share, size=(experiments, LOOKS)), axis=1)
    units = EVERY * np.arange(1, LOOKS + 1)
    far = np.abs(arms - units / 2) / np.sqrt(units / 4) > _Z
    found = 0
    for series, looks in zip(arms, far, strict=True):
        pairs = ((int(units[look] - series[look]), int(series[look])) for look in np.flatnonzero(looks))
        found += any(check_sample_ratio(pair, plan).mismatch for pair in pairs)
    return found
