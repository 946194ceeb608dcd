"""Groups of a slice: both models' values with variances and covariance, from which disparities are computed."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlci.inference.disparity.shared_clusters import estimate_groups
from mlci.inference.disparity.simultaneous import Kind
from mlci.inference.estimators import decision_metrics
from mlci.inference.estimators.decision_metrics import base_rate
from mlci.inference.evidence import MeasureContext, Point, Tie
from mlci.inference.result import Comparison
from mlci.metrics import catalogue
from mlci.metrics.confusion import Rate
from mlci.metrics.statistics import Counts, Decisions, Floats, Statistics


@dataclass(frozen=True, kw_only=True)
class GroupedValues:
    """Groups of one slice for a disparity.

    Attributes:
        slice: Its name.
        groups: Statistics of every group, in order.
        reference: Name of the group to compare with; ``None`` compares all pairs.
        min_group_size: Minimum of rows for a group to be judged.
    """

    slice: str
    groups: tuple[Statistics, ...]
    reference: str | None
    min_group_size: int

    @property
    def names(self) -> list[str]:
        """Names of the groups."""
        return [str(group.scope.group) for group in self.groups]

    @property
    def index(self) -> int | None:
        """Position of the reference group."""
        return self.names.index(self.reference) if self.reference in self.names else None


@dataclass(frozen=True)
class DisparityOptions:
    """Settings and values for comparing the groups of one disparity, with each other or with the whole set."""

    bases: tuple[str, ...]
    kind: Kind
    across: GroupedValues
    context: MeasureContext
    measured: list[list[Comparison]]
    to_overall: bool = False

    @property
    def counted(self) -> bool:
        """Whether every base is made of rates of independent rows, so that groups can be redrawn as counts."""
        return not self.clustered and all(map(rates_of, self.bases))

    @property
    def clustered(self) -> bool:
        """Whether rows have clusters or weights."""
        return any(group.clustered is not None for group in self.across.groups)

    def estimates(self, what: str) -> tuple[Floats, Floats]:
        """Return estimates and their standard errors, both of shape (bases, groups); NaN if unknown."""
        if not self.clustered:
            return (self.values(what) if what != "change" else np.empty(0)), self.errors(what)
        pairs = [
            estimate_groups(base, self.across.groups, measured, self.context, what)
            for base, measured in zip(self.bases, self.measured, strict=True)
        ]
        return np.array([centre for centre, _ in pairs]), np.sqrt([variance for _, variance in pairs])

    def values(self, model: str) -> Floats:
        """Return the raw values of one model, shape (bases, groups); NaN if undefined."""
        rows = [[getattr(item, model).value for item in base] for base in self.measured]
        return np.array([[np.nan if value is None else value for value in row] for row in rows])

    def errors(self, what: str) -> Floats:
        """Return standard errors of values or changes, shape (bases, groups); NaN if unknown."""
        return np.array([[error_of(getattr(item, what)) for item in base] for base in self.measured])


def rates_of(base: str) -> tuple[str, ...]:
    """Return the rates over separate rows that a metric is the mean of: a rate itself; empty for other metrics."""
    if catalogue.canonical(base) == "average_odds":
        return ("recall", "false_positive_rate")
    info = catalogue.find(base)
    return (base,) if info is not None and info.kind == "rate" and "[" not in info.name else ()


def share_of(decisions: Decisions | None, base: str, model: str) -> decision_metrics.Share:
    """Count one group's rate for one model."""
    if decisions is None:
        raise ValueError("no decisions")
    return decision_metrics.share_of_rows(decisions, base_rate(base, decisions), getattr(decisions, model))


def error_of(evidence: Any) -> float:  # noqa: ANN401 (any kind of evidence)
    """Return a standard error; NaN if there is none."""
    if evidence is None or evidence.value is None or isinstance(evidence, Point):
        return float("nan")
    if isinstance(evidence, Tie):
        return 0.0
    return float(np.sqrt(evidence.scaled_variance() / evidence.rows))


LARGEST = 1e100
"""The largest number whose square is far below the largest float."""

_CORRELATED = 0.9999
"""Largest correlation of both models' values, so that no disagreement on few rows is not certainty."""


@dataclass(frozen=True, eq=False)
class GroupMoments:
    """Estimates of both models for each base metric and group, all of shape (bases, groups).

    Groups share no rows, so estimates of two groups are independent; the two models' estimates of one group are not.
    """

    candidate: Floats
    baseline: Floats
    candidate_variance: Floats
    baseline_variance: Floats
    covariance: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of base metrics and groups."""
        bases, groups = self.candidate.shape
        return bases, groups

    def swap_models(self) -> "GroupMoments":
        """Return the moments with the baseline in place of the candidate."""
        swapped = (self.baseline, self.candidate, self.baseline_variance, self.candidate_variance)
        return GroupMoments(*swapped, self.covariance)

    def to_logarithms(self) -> "GroupMoments":
        """Return the moments of the values' logarithms, by the delta method."""
        now, before = self.candidate, self.baseline
        variances = self.candidate_variance / now**2, self.baseline_variance / before**2
        return GroupMoments(np.log(now), np.log(before), *variances, self.covariance / (now * before))

    def order_groups(self, reference: int | None) -> tuple["GroupMoments", int | None]:
        """Sort the groups by their moments, so that results do not depend on their order.

        Args:
            reference: Position of the reference group; its position after sorting is returned.
        """
        parts = (self.candidate, self.baseline, self.candidate_variance, self.baseline_variance, self.covariance)
        order = np.lexsort(np.concatenate(parts))
        place = None if reference is None else int(np.flatnonzero(order == reference)[0])
        return GroupMoments(*(part[:, order] for part in parts)), place


@dataclass(frozen=True, eq=False)
class GroupChanges:
    """Change of each base metric in each group, paired by row, with its variance; of shape (bases, groups)."""

    value: Floats
    variance: Floats


def moments_of(options: DisparityOptions) -> tuple[GroupMoments, GroupChanges] | None:
    """Return the moments of the groups; ``None`` if a value has no standard error."""
    parts = _count(options) if options.counted else _estimate(options)
    now, before, now_variance, before_variance, change_variance = parts
    if not (np.abs(parts) <= LARGEST).all() or (now_variance <= 0).any() or (before_variance <= 0).any():
        return None
    most = _CORRELATED * np.sqrt(now_variance * before_variance)
    covariance = np.clip((now_variance + before_variance - change_variance) / 2, -most, most)
    moments = GroupMoments(now, before, now_variance, before_variance, np.asarray(covariance))
    return moments, GroupChanges(np.asarray(now - before), change_variance)


def _estimate(options: DisparityOptions) -> Floats:
    """Return measured values and standard errors."""
    (now, error), (before, before_error), (_, change_error) = map(
        options.estimates, ("candidate", "baseline", "change")
    )
    return np.stack([now, before, error**2, before_error**2, change_error**2])


def _count(options: DisparityOptions) -> Floats:
    """Return rates from both models' decisions on the rows of each group."""
    parts = np.empty((5, len(options.bases), len(options.across.groups)))
    for g, group in enumerate(options.across.groups):
        for k, base in enumerate(options.bases):
            if group.decisions is None or group.decisions.baseline is None:
                raise ValueError("no decisions of two models")
            rates = [base_rate(rate, group.decisions) for rate in rates_of(base)]
            each = np.array([_rates(masks, group.decisions, group.decisions.baseline) for masks in rates])
            parts[:, k, g] = each.sum(axis=0) / len(rates) ** np.array([1, 1, 2, 2, 2])
    return parts


def _rates(masks: Rate, decisions: Decisions, baseline: Counts) -> tuple[float, ...]:
    """Return one group's two rates with one success and one failure added (Agresti & Caffo 2000), and three variances.

    The change's variance is that of the difference of both models' influences on the same rows. Half a row in each
    direction is added to the disagreements (Agresti & Min 2005), so that none observed is not certainty.
    """
    values, variances, influences, sizes = [], [], [], []
    for decided in (decisions.candidate, baseline):
        inside = masks.base[decisions.label, decided].astype(float)
        part = masks.part[decisions.label, decided].astype(float)
        size = float(decisions.count @ inside) + 2
        rate = (float(decisions.count @ part) + 1) / size
        values.append(rate)
        variances.append(rate * (1 - rate) / size)
        influences.append((part - rate * inside) / size)
        sizes.append(size)
    gap = influences[0] - influences[1]
    return (*values, *variances, float(decisions.count @ gap**2) + 1 / min(sizes) ** 2)
