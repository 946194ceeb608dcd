"""Both models' values in every group with variances and covariance, for the change of a disparity."""

from dataclasses import dataclass

import numpy as np

from mlci.inference.disparity.groups import DisparityOptions
from mlci.inference.families.decision_metrics import base_rate
from mlci.metrics.rates import Rate
from mlci.metrics.statistics import Counts, Decisions, Floats

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
    errors = (options.errors(what) for what in ("candidate", "baseline", "change"))
    return np.stack([options.values("candidate"), options.values("baseline"), *(error**2 for error in errors)])


def _count(options: DisparityOptions) -> Floats:
    """Return rates from both models' decisions on the rows of each group."""
    found = np.empty((5, len(options.bases), len(options.across.groups)))
    for g, group in enumerate(options.across.groups):
        for k, base in enumerate(options.bases):
            if group.decisions is None or group.decisions.baseline is None:
                raise ValueError("no decisions of two models")
            masks = base_rate(base, group.decisions)
            found[:, k, g] = _rates(masks, group.decisions, group.decisions.baseline)
    return found


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
