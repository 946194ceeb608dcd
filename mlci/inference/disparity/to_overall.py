"""Disparities of groups to the whole set: each group's value against the value over all rows.

They are fairlearn's differences and ratios with ``method="to_overall"``. The whole set's value is the mean of the
groups' values, weighted by their rows, so that a group's distance from it is a contrast of independent estimates:
(1 - w) times the group's own minus the weighted others. All distances get intervals that hold at once, by the largest
standardised deviation from a parametric bootstrap (Tukey's max-|t|), as distances between two groups do.
"""

import math
from dataclasses import dataclass

import numpy as np

from mlci.inference.disparity.simultaneous import GroupDistance, Groups, Kind, Simultaneous, decisive_pairs
from mlci.metrics.statistics import Floats


@dataclass(frozen=True, eq=False)
class WeightedGroups:
    """One base metric over the groups, and each group's share of the rows that the metric is a mean of."""

    groups: Groups
    weights: Floats


def distance_to_overall(values: Floats, overall: float, kind: Kind) -> float:
    """Return the largest difference of a group's value to the whole set's, or the smallest ratio; NaN for 0/0."""
    if kind == "difference":
        return float(np.abs(values - overall).max())
    if overall == 0:
        return math.nan
    ratios = values / overall
    return float(np.minimum(ratios, np.divide(1, ratios, out=np.zeros_like(ratios), where=ratios > 0)).min())


def compare_with_overall(
    bases: list[WeightedGroups],
    *,
    value: float,
    rows: int,
    confidence: float,
    kind: Kind,
    most: float | None = None,
) -> Simultaneous:
    """Return the simultaneous evidence over all groups and base metrics.

    Args:
        bases: Each base metric's values in the groups; logarithms for ratios.
        value: The disparity of the raw values.
        rows: Rows in the smallest group.
        confidence: Confidence level of the interval.
        kind: Difference or ratio.
        most: Largest possible difference.
    """
    reach = float(np.quantile(np.max([_deviations(one, kind) for one in bases], axis=0), confidence))
    parts = [_contrasts(one.groups.centre, one.groups.error, one.weights, kind) for one in bases]
    distance, error = np.abs(np.concatenate([part[0] for part in parts])), np.concatenate([part[1] for part in parts])
    near, far = max(0.0, float((distance - reach * error).max())), float((distance + reach * error).max())
    low, high = (near, far) if kind == "difference" else (math.exp(-far), math.exp(-near))
    low, high = (low, high) if most is None else (min(low, most), min(high, most))
    kept, errors = decisive_pairs(distance, error)
    pairs = tuple(map(GroupDistance, kept.tolist(), errors.tolist()))
    return Simultaneous(value, min(low, value), max(high, value), pairs, len(distance), rows, confidence, kind)


def _deviations(one: WeightedGroups, kind: Kind) -> Floats:
    """Return each replicate's largest standardised deviation over the groups."""
    centre, _ = _contrasts(one.groups.centre, one.groups.error, one.weights, kind)
    parts = (_contrasts(moved, error, one.weights, kind) for moved, error in one.groups.redraw())
    return np.concatenate([(np.abs(moved - centre) / error).max(axis=-1) for moved, error in parts])


def _contrasts(centre: Floats, error: Floats, weights: Floats, kind: Kind) -> tuple[Floats, Floats]:
    """Return each group's value less the whole set's, and its standard error, by the delta method for logarithms."""
    if kind == "difference":
        shares, overall = np.broadcast_to(weights, centre.shape), (weights * centre).sum(axis=-1, keepdims=True)
    else:
        parts = weights * np.exp(centre)
        total = parts.sum(axis=-1, keepdims=True)
        shares, overall = parts / total, np.log(total)
    own = error**2
    variance = (1 - 2 * shares) * own + (shares**2 * own).sum(axis=-1, keepdims=True)
    return centre - overall, np.sqrt(variance)
