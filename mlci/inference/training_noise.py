"""Training noise: the spread of a metric over retrainings, and intervals widened by it.

:mod:`mlci.operations.registry.training_noise` reads the noise of the champion from the registry.

Intervals over rows compare two trained models. Retrained, each of them would be slightly different; over independent
trainings that adds 2 s² to the variance of the change, s² being the variance of the metric over trainings
(Bouthillier et al. 2021, "Accounting for Variance in Machine Learning Benchmarks", MLSys). s is estimated from few
reruns, so its part of the interval uses Student's t with N - 1 degrees of freedom. Both parts are joined by
squaring and adding the distances of their ends from the estimate (Zou & Donner 2008, Stat. Med. 27:1693, "MOVER"),
which keeps each exact if the other is 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

from mlci.inference.evidence import Evidence, Interval, Tie, Undefined
from mlci.inference.intervals.distributions import student_cdf, student_two_sided

_STEPS = 60
LEAST = 3
"""Minimum of retrainings: two can agree by coincidence, with a standard deviation of 0."""


@dataclass(frozen=True, kw_only=True)
class TrainingNoise:
    """Training noise of one version: standard deviations of its metrics over retrainings.

    Attributes:
        version: The retrained version.
        runs: Number of retrainings.
        spread: Standard deviation by metric, on the whole set.
        reason: Why it is not known, with the remedy; ``None`` if it is known.
    """

    version: int | None = None
    runs: int = 0
    spread: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None


UNKNOWN = TrainingNoise(reason="the training noise is not known here; only a run against production reads it")


@dataclass(frozen=True, kw_only=True)
class WidenedChange:
    """The change of a metric between two training procedures; ``evidence`` compares two trained models only.

    Attributes:
        evidence: Evidence over rows.
        sd: Standard deviation of the metric over trainings.
        runs: Number of trainings behind it, at least 2.
    """

    evidence: Evidence
    sd: float
    runs: int

    @property
    def value(self) -> float | None:
        """The estimate, which is unchanged."""
        return self.evidence.value

    @property
    def method(self) -> str:
        """Method of the evidence over rows, and the retrainings."""
        return f"{self.evidence.method} and {self.runs} retrainings"

    @property
    def reason(self) -> str | None:
        """Reason of the evidence over rows."""
        return self.evidence.reason

    def margin(self, confidence: float) -> float:
        """Return the half-width of the interval with infinitely many rows."""
        return student_two_sided(confidence, self.runs - 1) * math.sqrt(2) * self.sd

    def interval(self, confidence: float) -> Interval | None:
        """Join both parts; ``None`` if the error over rows is not known."""
        ends, value = self.evidence.interval(confidence), self.value
        if ends is None or value is None:
            return None
        margin = self.margin(confidence)
        return value - math.hypot(value - ends[0], margin), value + math.hypot(ends[1] - value, margin)

    def below(self, limit: float) -> float:
        """Return the level at which the upper end reaches the limit, or from above the lower one."""
        return self._tail(limit, upper=True)

    def above(self, limit: float) -> float:
        """Return the level at which the lower end reaches the limit, or from below the upper one."""
        return self._tail(limit, upper=False)

    def scaled_variance(self) -> None:
        """Return ``None``: more rows do not reduce training noise."""

    def _tail(self, limit: float, *, upper: bool) -> float:
        """Invert the interval by bisection on its confidence."""
        value = self.value
        if value is None or self.interval(0.5) is None:
            return 1.0
        toward = limit > value if upper else limit < value
        low, high = 0.0, 1.0
        for _ in range(_STEPS):
            middle = (low + high) / 2
            ends = self.interval(middle) or (value, value)
            inside = ends[0] <= limit <= ends[1]
            low, high = (low, middle) if inside else (middle, high)
        return (1 - low) / 2 if toward else (1 + low) / 2


def widen_by_noise(change: Evidence | None, metric: str, noise: TrainingNoise, *, step: float = 0.0) -> Evidence | None:
    """Return the evidence of a change, widened by training noise.

    Identical predictions stay an exact tie. Without recorded noise the change is undefined.

    Args:
        change: The evidence over rows.
        metric: Canonical name.
        noise: The recorded noise.
        step: Smallest possible difference of the metric, 1/n for a proportion of n rows, and lower bound of the
            standard
        deviation: a few discrete values can be equal although training varies.
    """
    if change is None or change.value is None or isinstance(change, Tie):
        return change
    if noise.reason is not None:
        return Undefined(noise.reason)
    sd = noise.spread.get(metric)
    if sd is None:
        return Undefined(f"the reruns of version {noise.version} have no {metric}; retrain it on the current rows")
    return WidenedChange(evidence=change, sd=max(sd, step), runs=noise.runs)


@dataclass(frozen=True, kw_only=True)
class ReproductionCheck:
    """One metric over retrainings of one version, and the version's value.

    Attributes:
        original: The value of the version itself.
        mean, sd: Those of the reruns; ``sd`` is ``None`` for a single one.
        inside: Whether the original is in Student's prediction interval for one more training.
    """

    original: float
    mean: float
    sd: float | None
    inside: bool


def check_reproduction(original: float, reruns: Sequence[float], *, confidence: float) -> ReproductionCheck:
    """Compare a value with reruns: |x - mean| ≤ t · s · √(1 + 1/N), N - 1 degrees of freedom.

    With a standard deviation of 0 (one rerun, or all equal) only the same value is inside.
    """
    mean, sd = fmean(reruns), stdev(reruns) if len(reruns) > 1 else None
    distance = abs(original - mean)
    same = distance <= 1e-12 * max(abs(original), abs(mean))
    if same or not sd:
        return ReproductionCheck(original=original, mean=mean, sd=sd, inside=same)
    t = distance / (sd * math.sqrt(1 + 1 / len(reruns)))
    inside = 2 * (1 - student_cdf(t, len(reruns) - 1)) >= 1 - confidence
    return ReproductionCheck(original=original, mean=mean, sd=sd, inside=inside)
