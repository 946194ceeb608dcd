"""Largest shift between two groups: the largest change of a group minus the smallest, both models on the same rows.

Unlike the change of a disparity, its changes are paired by row, so that it has power with few rows, and a group that
was ahead and is now behind counts in full. It is the largest distance of two groups' changes:

- All pairs share the allowed error (Bonferroni; Dunn 1961, JASA 56:52).
- It is above a limit if one pair is, which is tested against all distances up to the limit (Hodges & Lehmann 1954,
  J. R. Stat. Soc. B 16:261).
- It is below a limit if every pair is. With many rows each could be tested at the nominal level (Berger 1982); that
  misses 3.5 % instead of 2.5 % if only a small group changes.
"""

import math
from dataclasses import dataclass

import numpy as np

from mlci.inference.disparity import simultaneous
from mlci.inference.disparity.change import is_unchanged
from mlci.inference.disparity.groups import DisparityOptions, GroupChanges, moments_of
from mlci.inference.disparity.simultaneous import GroupDistance, unordered
from mlci.inference.evidence import Evidence, Interval, Point, Tie, Undefined
from mlci.inference.intervals.distributions import cdf, quantile

_SMALLEST = 1e-15
_STEPS = 60


@dataclass(frozen=True)
class LargestShift:
    """The largest distance between two groups' changes.

    Attributes:
        value: Largest distance of the raw changes.
        pairs: The pairs of groups that can decide at some limit, with their distances and standard errors.
        compared: Number of pairs.
        rows: Rows in the smallest group.
        most: Largest possible shift.
    """

    value: float
    pairs: tuple[GroupDistance, ...]
    compared: int
    rows: int
    most: float
    method: str = "paired pairs"
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return both ends, which are nested in the confidence; the value lies between them."""
        alpha = (1 - confidence) / 2
        reach = -quantile(alpha / self.compared)
        high = max(pair.distance + reach * pair.error for pair in self.pairs)
        return min(self._low(alpha), self.value), min(self.most, max(high, self.value))

    def above(self, limit: float) -> float:
        """Test that some pair of groups shifted by more than the limit."""
        if limit < 0:
            return 0.0
        tails = [
            cdf((limit - each.distance) / each.error) + cdf(-(limit + each.distance) / each.error)
            for each in self.pairs
        ]
        return min(1.0, self.compared * min(tails))

    def below(self, limit: float) -> float:
        """Test that every pair of groups shifted by less than the limit."""
        if limit < 0:
            return 1.0
        return min(1.0, self.compared * max(cdf((pair.distance - limit) / pair.error) for pair in self.pairs))

    def scaled_variance(self) -> float:
        """Return the widest pair's variance times the rows of the smallest group."""
        return max(pair.error for pair in self.pairs) ** 2 * self.rows

    def _low(self, alpha: float) -> float:
        """Return the largest limit that the shift is above with a p-value of ``alpha`` or less; 0 if there is none."""
        low, high = 0.0, max(pair.distance for pair in self.pairs)
        if self.above(low) > alpha:
            return low
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.above(middle) <= alpha else (low, middle)
        return low


def shift_of(options: DisparityOptions, *, most: float | None) -> Evidence:
    """Return the largest shift over all pairs of groups of each base metric, or of each group with the reference.

    Args:
        options: The groups, of which every one has a value for both models.
        most: Largest possible shift.
    """
    if is_unchanged(options):
        return Tie()
    if unknown := _unknown(options):
        return unknown
    changes = options.values("candidate") - options.values("baseline")
    reference = options.across.index
    value = float(
        np.max([simultaneous.disparity_evidence(row, reference=reference, kind="difference") for row in changes])
    )
    moments = moments_of(options)
    if moments is None:
        return Point(value, "difference", "the groups' changes have no standard errors")
    rows = min(group.rows for group in options.across.groups)
    pairs, compared = _pairs(moments[1], reference)
    return LargestShift(value, pairs, compared, rows, math.inf if most is None else most)


def _unknown(options: DisparityOptions) -> Undefined | None:
    """Return why a group's change is undefined; ``None`` if all are defined."""
    for base in options.measured:
        for item in base:
            if isinstance(item.change, Undefined):
                return Undefined(f"{item.scope.group}: {item.change.reason}", method=item.change.method)
    return None


def _pairs(changes: GroupChanges, reference: int | None) -> tuple[tuple[GroupDistance, ...], int]:
    """Return the decisive pairs, and the number of all pairs.

    Groups in which nothing changed have a variance of 0, which no test can divide by.
    """
    smallest = _SMALLEST * float(changes.variance.max())
    distance, error, compared = np.empty(0), np.empty(0), 0
    for values, variances in zip(changes.value, changes.variance, strict=True):
        for first, second in unordered(changes.value.shape[1], reference):
            apart = np.abs(values[first] - values[second])
            errors = np.sqrt(np.maximum(variances[first] + variances[second], smallest))
            distance, error = simultaneous.decisive_pairs(np.append(distance, apart), np.append(error, errors))
            compared += len(first)
    return tuple(map(GroupDistance, distance.tolist(), error.tolist())), compared
