"""Disparities with simultaneous intervals over all pairs of groups.

A percentile bootstrap of max - min never covers 0, because every resampled disparity is positive. Instead every pair of
groups gets an interval, all of them hold at once by the largest standardised deviation (Tukey's max-|t|) drawn from a
parametric bootstrap of the groups' counts, and the disparity lies between the largest of the pairs' lower ends and the
largest of their upper ends.

The largest deviation is found without enumerating all pairs in every replicate: their number is quadratic in the number
of groups, and a thousand replicates of each pair would take hours and gigabytes for a few thousand groups.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlci.inference.evidence import Interval
from mlci.inference.intervals.distributions import cdf
from mlci.metrics.statistics import Floats

REPLICATES = 1000
MOST_DRAWN = 1 << 20
"""Redrawn estimates in memory at a time."""
Kind = Literal["difference", "ratio"]


@dataclass(frozen=True, eq=False)
class Groups:
    """One base metric over the groups: estimates on the scale of comparison with errors, and how they are redrawn.

    Attributes:
        centre: Estimate of each group, shape (groups,); the logarithm of the metric if ratios are compared.
        error: Its standard error, shape (groups,).
        redraw: Yields estimates and their standard errors from redrawn counts, some of the replicates at a time, both
            of shape (replicates, groups); the same ones whenever it is called.
    """

    centre: Floats
    error: Floats
    redraw: Callable[[], Iterator[tuple[Floats, Floats]]]


@dataclass(frozen=True)
class GroupDistance:
    """Distance between two groups on the scale of comparison, and its standard error."""

    distance: float
    error: float


@dataclass(frozen=True)
class Simultaneous:
    """The disparity of a metric between groups.

    Attributes:
        value: Largest difference, or smallest ratio, of the raw rates.
        low, high: Ends of the simultaneous interval, on the value's own scale.
        pairs: The comparisons that a test can depend on, on this ``scale`` (logarithms for ratios).
        compared: Number of comparisons.
        rows: Rows in the smallest group.
        confidence: Confidence level of ``low`` and ``high``.
        scale: ``difference`` or ``ratio``.
    """

    value: float
    low: float
    high: float
    pairs: tuple[GroupDistance, ...]
    compared: int
    rows: int
    confidence: float
    scale: Kind
    method: str = "simultaneous"
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return the interval at its own confidence; another confidence is an error of the caller."""
        if not math.isclose(confidence, self.confidence):
            raise ValueError(f"drawn at confidence {self.confidence}, asked for {confidence}")
        return (self.low, self.high)

    def above(self, limit: float) -> float:
        """Test that the disparity is larger than a difference, or a ratio closer to 1 than the limit."""
        if self.scale == "difference":
            return self._beyond(limit)
        return self._within(-math.log(limit)) if limit > 0 else 0.0

    def below(self, limit: float) -> float:
        """Test that the disparity is smaller than a difference, or a ratio further from 1 than the limit."""
        if self.scale == "difference":
            return self._within(limit)
        return self._beyond(-math.log(limit)) if limit > 0 else 1.0

    def scaled_variance(self) -> float:
        """Return the widest pair's variance times the rows of the smallest group."""
        return max(pair.error for pair in self.pairs) ** 2 * self.rows

    def _beyond(self, limit: float) -> float:
        """Holm's first step over pairs (Holm 1979): some pair is further apart than ``limit``."""
        tails = [cdf((limit - abs(pair.distance)) / pair.error) for pair in self.pairs]
        return min(1.0, self.compared * min(tails))

    def _within(self, limit: float) -> float:
        """Intersection-union test (Berger 1982): every pair is closer than ``limit``."""
        return max(cdf((abs(pair.distance) - limit) / pair.error) for pair in self.pairs)


def group_proportions(part: Floats, base: Floats, *, kind: Kind, seed: int) -> Groups:
    """Adjust and resample the groups' proportions, or means of proportions over separate rows.

    Every proportion gets one more success and failure, (x + 1) / (n + 2), so that its error is above 0 at both
    ends (Agresti & Caffo 2000, Am. Stat. 54:280); ratios are compared as logarithms of it by the delta method.

    Args:
        part: Numerators, shape (groups,), or (proportions, groups) for means.
        base: Denominators, of the same shape.
        kind: Difference or ratio.
        seed: Seed of the resampling.
    """
    adjust = _difference if kind == "difference" else _logarithm
    part, base = np.atleast_2d(part), np.atleast_2d(base)

    def redraw() -> Iterator[tuple[Floats, Floats]]:
        generator = np.random.Generator(np.random.PCG64(seed))
        trials, share = base.astype(np.int64), part / base
        for rows in _replicates(base.size):
            yield adjust(generator.binomial(trials, share, size=(rows, *base.shape)).astype(np.float64), base)

    return Groups(*adjust(part, base), redraw)


def _replicates(groups: int) -> Iterator[int]:
    """Yield numbers of replicates that are drawn together; all of them follow each other in one stream of numbers."""
    step = max(1, MOST_DRAWN // max(groups, 1))
    yield from (min(step, REPLICATES - start) for start in range(0, REPLICATES, step))


def group_estimates(value: Floats, error: Floats, *, kind: Kind, seed: int) -> Groups:
    """Resample another metric's group estimates from their normal approximation."""
    centre = value if kind == "difference" else np.log(value)
    scaled = error if kind == "difference" else error / value

    def redraw() -> Iterator[tuple[Floats, Floats]]:
        generator = np.random.Generator(np.random.PCG64(seed))
        for rows in _replicates(len(value)):
            redrawn = centre + scaled * generator.standard_normal((rows, len(value)))
            yield redrawn, np.broadcast_to(scaled, redrawn.shape)

    return Groups(centre, scaled, redraw)


def compare_groups(
    bases: list[Groups],
    *,
    value: float,
    reference: int | None,
    rows: int,
    confidence: float,
    kind: Kind,
    most: float | None = None,
) -> Simultaneous:
    """Return the simultaneous evidence over all pairs of groups, or of each group with the reference.

    Intervals end at ``most``, the largest possible disparity: 1 for a difference of two rates.
    """
    largest = np.max([_largest(groups, reference) for groups in bases], axis=0)
    reach = float(np.quantile(largest, confidence))
    near, far, compared, distance, error = 0.0, -math.inf, 0, np.empty(0), np.empty(0)
    for groups in bases:
        for first, second in unordered(len(groups.centre), reference):
            apart = np.abs(groups.centre[first] - groups.centre[second])
            errors = np.hypot(groups.error[first], groups.error[second])
            near, far = (
                max(near, float((apart - reach * errors).max())),
                max(far, float((apart + reach * errors).max())),
            )
            distance, error = decisive_pairs(np.append(distance, apart), np.append(error, errors))
            compared += len(first)
    low, high = (near, far) if kind == "difference" else (math.exp(-far), math.exp(-near))
    low, high = (low, high) if most is None else (min(low, most), min(high, most))
    pairs = tuple(map(GroupDistance, distance.tolist(), error.tolist()))
    return Simultaneous(value, min(low, value), max(high, value), pairs, compared, rows, confidence, kind)


def decisive_pairs(distance: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Return the pairs that are decisive at some limit."""
    kept = envelope(distance / error, 1 / error)
    return distance[kept], error[kept]


def _largest(groups: Groups, reference: int | None) -> Floats:
    """Return each replicate's largest standardised deviation over the pairs."""
    parts = (_largest_deviations(moved - groups.centre, error, reference) for moved, error in groups.redraw())
    return np.concatenate(list(parts))


def _largest_deviations(moved: Floats, error: Floats, reference: int | None) -> Floats:
    if reference is None:
        return largest_distances(moved, error)
    others = np.arange(moved.shape[1]) != reference
    distance = moved[:, others] - moved[:, [reference]]
    errors = np.hypot(error[:, others], error[:, [reference]])
    return np.asarray((np.abs(distance) / errors).max(axis=1))


def disparity_evidence(values: Floats, *, reference: int | None, kind: Kind) -> Floats:
    """Return the disparity of rates of shape (..., groups): largest difference or smallest ratio; NaN for 0/0."""
    if kind == "difference":
        if reference is None:
            return np.asarray(values.max(axis=-1) - values.min(axis=-1))
        return np.asarray(np.abs(values - values[..., [reference]]).max(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        if reference is None:
            return np.asarray(values.min(axis=-1) / values.max(axis=-1))
        ratio = np.delete(values, reference, axis=-1) / values[..., [reference]]
        return np.asarray(np.fmin.reduce(np.minimum(ratio, 1 / ratio), axis=-1))


def _difference(part: Floats, base: Floats) -> tuple[Floats, Floats]:
    rates = (part + 1) / (base + 2)
    squares = rates * (1 - rates) / (base + 2)
    return rates.mean(axis=-2), np.sqrt(squares.sum(axis=-2)) / rates.shape[-2]


def _logarithm(part: Floats, base: Floats) -> tuple[Floats, Floats]:
    rate, error = _difference(part, base)
    return np.log(rate), error / rate


FEW_GROUPS = 32
"""Groups up to which pairing all of them is quicker than finding those that matter: a hundred times for four groups."""

_ROUNDS = 2
_DIRECTIONS = tuple((math.cos(angle), math.sin(angle)) for angle in np.linspace(0, math.pi / 2, 7).tolist())


def largest_distances(moved: Floats, error: Floats) -> Floats:
    """Return each replicate's largest ``|x_i - x_j| / sqrt(e_i² + e_j²)`` over all pairs of groups.

    For every angle t, ``sqrt(e_i² + e_j²)`` is at least ``e_i cos t + e_j sin t``, so a pair above some value lies
    above it along every direction, for which one pass over the groups finds those that could be in such a pair. A value
    that some pair reaches leaves few groups, and only those are paired.

    Args:
        moved: Deviations x, shape (replicates, groups).
        error: Their standard errors e, of the same shape.
    """
    if moved.shape[1] <= FEW_GROUPS:
        return _largest_of_few(moved, error)
    some = max(1, MOST_PAIRS // moved.shape[1])  # replicates at a time, so that temporary arrays stay in the cache
    parts = (slice(start, start + some) for start in range(0, len(moved), some))
    return np.concatenate([_largest_of(moved[part], error[part]) for part in parts])


def _largest_of_few(moved: Floats, error: Floats) -> Floats:
    """Pair each group with those before it, for all replicates at once."""
    moved, error = np.ascontiguousarray(moved.T), np.ascontiguousarray(error.T)
    largest = np.zeros(moved.shape[1])
    for group in range(1, len(moved)):
        distance = np.abs(moved[group] - moved[:group]) / np.hypot(error[group], error[:group])
        np.maximum(largest, distance.max(axis=0), out=largest)
    return largest


def _largest_of(moved: Floats, error: Floats) -> Floats:
    largest = _promising_value(moved, error)
    above, below = np.ones(moved.shape, bool), np.ones(moved.shape, bool)
    for cosine, sine in _DIRECTIONS:
        top, bottom = _edges(moved, error, largest, cosine, sine)
        above &= top > bottom.min(axis=1, keepdims=True)
        below &= bottom < top.max(axis=1, keepdims=True)
    for i in np.flatnonzero(above.any(axis=1) & below.any(axis=1)):
        largest[i] = max(largest[i], _all_pairs(moved[i], error[i], above[i], below[i]))
    return largest


def _promising_value(moved: Floats, error: Floats) -> Floats:
    """Return the value of the most promising pair along each direction, which is close to the largest of all."""
    largest, rows = np.zeros(len(moved)), np.arange(len(moved))
    for cosine, sine in _DIRECTIONS * _ROUNDS:
        top, bottom = _edges(moved, error, largest, cosine, sine)
        i, j = top.argmax(axis=1), bottom.argmin(axis=1)
        distance = moved[rows, i] - moved[rows, j]
        largest = np.maximum(largest, distance / np.hypot(error[rows, i], error[rows, j]))
    return largest


def _edges(moved: Floats, error: Floats, errors: Floats, cosine: float, sine: float) -> tuple[Floats, Floats]:
    """Return each group's lower and upper edge at ``found`` standard errors along a direction."""
    reach = errors[:, None] * error
    return moved - cosine * reach, moved + sine * reach


def _all_pairs(moved: Floats, error: Floats, above: np.ndarray, below: np.ndarray) -> float:
    """Return the largest deviation over the pairs of some groups with some others."""
    largest = 0.0
    for i in np.flatnonzero(above):
        distance = moved[i] - moved[below]
        largest = max(largest, float((distance / np.hypot(error[i], error[below])).max()))
    return largest


def envelope(start: Floats, slope: Floats) -> list[int]:
    """Return which of the lines ``start - slope × limit`` is the highest at some limit from 0 up, in their order.

    Whatever the limit, the highest of all lines is the highest of these few.
    """
    kept = [_flattest(slope, start == start.max())]
    while (flatter := np.flatnonzero(slope < slope[kept[-1]])).size:
        highest = kept[-1]
        overtakes = (start[highest] - start[flatter]) / (slope[highest] - slope[flatter])
        kept.append(int(flatter[_flattest(slope[flatter], overtakes == overtakes.min())]))
    return kept


def _flattest(slope: Floats, among: np.ndarray) -> int:
    chosen = np.flatnonzero(among)
    return int(chosen[slope[chosen].argmin()])


MOST_PAIRS = 1 << 18
"""Pairs in one block: arrays of two megabytes, which stay in a processor's cache."""

Block = tuple[np.ndarray, np.ndarray]
"""Indices of both groups of each pair."""


def unordered(groups: int, reference: int | None) -> Iterator[Block]:
    """Yield every pair of groups once, or every group with the reference."""
    if reference is not None:
        others = np.flatnonzero(np.arange(groups) != reference)
        yield others, np.full(len(others), reference)
        return
    row = 0
    while row < groups - 1:
        rows = np.arange(row, min(groups - 1, row + max(1, MOST_PAIRS // (groups - row - 1))))
        counts = groups - 1 - rows
        begins = np.cumsum(counts) - counts
        yield np.repeat(rows, counts), np.arange(counts.sum()) - np.repeat(begins - rows - 1, counts)
        row = int(rows[-1]) + 1
