"""Change of a disparity between two models: evidence from the moments of every group, without random numbers.

The interval's lower end is that of the disparity's rise; its upper end is minus that of the fall, which is the rise
with the models swapped. The end that can pass a gate is the more careful one.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mlci.inference.disparity.groups import LARGEST, DisparityOptions, GroupMoments, moments_of
from mlci.inference.disparity.rise import DisparityRise
from mlci.inference.disparity.simultaneous import Kind
from mlci.inference.evidence import Evidence, Interval, Point, Tie
from mlci.inference.intervals.distributions import two_sided
from mlci.metrics import catalogue

_LARGEST_LOGARITHM = 300.0


@dataclass(frozen=True, kw_only=True)
class DisparityChange:
    """The change of a disparity.

    Attributes:
        value: Candidate minus baseline, of the raw disparities.
        low, high: Ends of the interval at ``confidence``.
        rows: Rows in the smallest group.
        most: Largest possible change.
        scale: ``difference`` or ``ratio``.
        bases: Number of base metrics; every tuple has one number for each base and group, by base.
        reference: Position of the reference group; ``None`` compares all pairs.
        candidate, baseline: Both models' values in the groups; their logarithms for ratios.
        candidate_variance, baseline_variance, covariance: Of the values.
    """

    value: float
    low: float
    high: float
    rows: int
    confidence: float
    most: float
    scale: Kind
    bases: int
    reference: int | None
    candidate: tuple[float, ...]
    baseline: tuple[float, ...]
    candidate_variance: tuple[float, ...]
    baseline_variance: tuple[float, ...]
    covariance: tuple[float, ...]
    method: str = "furthest pairs"
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse numbers without an interval.

        Raises:
            ValueError: if the groups' numbers are inconsistent.
        """
        parts = self._parts
        groups = len(self.candidate) // max(self.bases, 1)
        if self.bases < 1 or groups < 2 or any(len(part) != self.bases * groups for part in parts):
            raise ValueError("a change of a disparity needs the numbers of two groups or more")
        if not all(abs(number) <= LARGEST for part in parts for number in part):
            raise ValueError("a change of a disparity needs finite numbers of a size that can be squared")
        if self.scale == "ratio" and max(map(abs, self.candidate + self.baseline)) > _LARGEST_LOGARITHM:
            raise ValueError("a change of a disparity of ratios needs the values' logarithms")
        if min(*self.candidate_variance, *self.baseline_variance) <= 0:
            raise ValueError("a change of a disparity needs variances above 0")
        if self.reference is not None and not 0 <= self.reference < groups:
            raise ValueError("the reference group is not one of the groups")

    def interval(self, confidence: float) -> Interval:
        """Return both ends, which are nested in the confidence."""
        if math.isclose(confidence, self.confidence):
            return (self.low, self.high)
        return self.ends(confidence)

    def ends(self, confidence: float) -> Interval:
        """Compute both ends; the value lies between them."""
        alpha = (1 - confidence) / 2
        low, high = self._rise.low(alpha, strictly=False), -self._fall.low(alpha, strictly=True)
        low, high = (low, high) if self.scale == "difference" else (-high, -low)
        return max(-self.most, min(low, self.value)), min(self.most, max(high, self.value))

    def below(self, limit: float) -> float:
        """Return the smallest one-sided error at which the upper end is below ``limit``."""
        if self.value >= limit:
            return 1.0
        if self.scale == "difference":
            return self._fall.p_value(-limit, strictly=True)
        return self._rise.p_value(-limit, strictly=False)

    def above(self, limit: float) -> float:
        """Return the smallest one-sided error at which the lower end is above ``limit``."""
        if self.value <= limit:
            return 1.0
        if self.scale == "difference":
            return self._rise.p_value(limit, strictly=False)
        return self._fall.p_value(limit, strictly=True)

    def scaled_variance(self) -> float:
        """Return the variance of a normal interval of the same length, times the rows of the smallest group."""
        return ((self.high - self.low) / (2 * two_sided(self.confidence))) ** 2 * self.rows

    @property
    def _parts(self) -> tuple[tuple[float, ...], ...]:
        return self.candidate, self.baseline, self.candidate_variance, self.baseline_variance, self.covariance

    @cached_property
    def _moments(self) -> GroupMoments:
        return GroupMoments(*(np.asarray(part, float).reshape(self.bases, -1) for part in self._parts))

    @cached_property
    def _rise(self) -> DisparityRise:
        """The rise of the largest distance; for ratios of the largest distance of logarithms, which is a fall."""
        return DisparityRise(self._moments, self.scale, self.reference)

    @cached_property
    def _fall(self) -> DisparityRise:
        return DisparityRise(self._moments.swap_models(), self.scale, self.reference)


def change_of(name: str, options: DisparityOptions, candidate: Evidence, baseline: Evidence) -> Evidence:
    """Return the change of a disparity with its interval."""
    if candidate.value is None or baseline.value is None:
        return candidate if candidate.value is None else baseline
    if is_unchanged(options):
        return Tie()
    value = candidate.value - baseline.value
    if options.to_overall:
        return Point(value, "difference", "no interval for the change of a disparity to the overall value")
    unordered = _moments(options)
    if unordered is None:
        return Point(value, "difference", "the groups' values have no standard errors")
    moments, reference = unordered.order_groups(options.across.index)
    info = catalogue.find(name)
    return _evidence(
        moments,
        value=value,
        reference=reference,
        rows=min(group.rows for group in options.across.groups),
        confidence=options.context.confidence,
        most=math.inf if info is None or info.high is None else info.high,
        kind="ratio" if options.kind == "ratio" else "difference",
    )


def is_unchanged(options: DisparityOptions) -> bool:
    """Return whether both models predict the same in every group."""
    return all(isinstance(item.change, Tie) for base in options.measured for item in base)


def _moments(options: DisparityOptions) -> GroupMoments | None:
    found = moments_of(options)
    if found is None or options.kind == "difference":
        return None if found is None else found[0]
    moments = found[0]
    if min(moments.candidate.min(), moments.baseline.min()) <= 1 / LARGEST:
        return None
    logarithms = moments.to_logarithms()
    variances = max(logarithms.candidate_variance.max(), logarithms.baseline_variance.max())
    return logarithms if variances <= LARGEST else None


def _evidence(
    moments: GroupMoments,
    *,
    value: float,
    reference: int | None,
    rows: int,
    confidence: float,
    most: float,
    kind: Kind,
) -> DisparityChange:
    change = DisparityChange(
        value=value,
        low=value,
        high=value,
        rows=rows,
        confidence=confidence,
        most=most,
        scale=kind,
        bases=moments.shape[0],
        reference=reference,
        candidate=tuple(moments.candidate.ravel().tolist()),
        baseline=tuple(moments.baseline.ravel().tolist()),
        candidate_variance=tuple(moments.candidate_variance.ravel().tolist()),
        baseline_variance=tuple(moments.baseline_variance.ravel().tolist()),
        covariance=tuple(moments.covariance.ravel().tolist()),
    )
    low, high = change.ends(confidence)
    return replace(change, low=low, high=high)
