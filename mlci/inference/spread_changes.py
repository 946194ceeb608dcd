"""The change of a disparity between two models, bounded by the changes of the pairs that may be furthest apart.

A spread is the largest of the ordered pairs' distances, so it is not smooth where groups are alike: its estimate is too
large by an amount that differs between the models, and a bootstrap of the change covers as little as half of what it
says. Two facts bound it instead, with D the distance of a pair, c the candidate and b the baseline:

- spread_c - spread_b <= D_c(p) - D_b(p) for the pair p that is furthest apart for the candidate, and the other way
  round for the baseline. Which pair that is, is not known: the bound is the largest over all pairs that may be it, each
  at the plain level, because only one of them has to hold (Berger 1982). The pairs' changes are paired by row.
- Both spreads lie inside their own simultaneous intervals.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlci.inference.across import Options
from mlci.inference.by_decision import base_rate
from mlci.inference.estimates import Sampled
from mlci.inference.evidence import Evidence, Interval, Point, Tie
from mlci.inference.normal import quantile, two_sided
from mlci.inference.pairs import ordered
from mlci.metrics.statistics import Decisions, Floats

_SELECTION = 0.2  # of the error allowed, this part is for leaving out the pair that is truly furthest apart
_FAR = 700.0  # exp(-700) is 0 for all purposes, and still a number


@dataclass(frozen=True, eq=False)
class _Sides:
    """Both models' groups on the scale of comparison (logarithms for ratios), each of shape (bases, groups).

    Attributes:
        now, before: Estimates for candidate and baseline.
        now_variance, before_variance: Their variances.
        change_variance: Variance of ``now - before``, paired by row.
    """

    now: Floats
    before: Floats
    now_variance: Floats
    before_variance: Floats
    change_variance: Floats


@dataclass(frozen=True, eq=False)
class _Block:
    """Some ordered pairs of groups within a base metric, as indices into (bases × groups), shape (pairs,)."""

    first: np.ndarray
    second: np.ndarray

    def distance(self, values: Floats) -> Floats:
        """Return first minus second."""
        flat = values.ravel()
        return np.asarray(flat[self.first] - flat[self.second])

    def variance(self, variances: Floats) -> Floats:
        """Return the variance of first minus second; groups are independent."""
        flat = variances.ravel()
        return np.asarray(flat[self.first] + flat[self.second])


@dataclass(frozen=True)
class _Furthest:
    """The ordered pair that is furthest apart for one model, and what it takes to tell others from it.

    Attributes:
        first, second: Its groups.
        distance, variance: Its distance, with the variance of that.
        errors: Standard errors by which another pair may be nearer and still be the one that is truly furthest apart.
    """

    first: int
    second: int
    distance: float
    variance: float
    errors: float

    @classmethod
    def among(cls, options: Options, values: Floats, variances: Floats, tail: float) -> "_Furthest":
        """Find it; it is truly another one, and is left out by :meth:`plausible`, with probability under ``tail``."""
        best: tuple[float, int, int] = (-math.inf, 0, 0)
        pairs = 0
        for block in _ordered(options):
            distance = block.distance(values)
            top = int(distance.argmax())
            pairs += len(distance)
            if distance[top] > best[0]:
                best = (float(distance[top]), int(block.first[top]), int(block.second[top]))
        flat, errors = variances.ravel(), quantile(1 - tail / max(pairs - 1, 1))
        return cls(best[1], best[2], best[0], float(flat[best[1]] + flat[best[2]]), errors)

    def plausible(self, block: _Block, values: Floats, variances: Floats) -> np.ndarray:
        """Return which pairs of a block may truly be the furthest apart."""
        flat, i, j = variances.ravel(), self.first, self.second
        shared = flat[i] * ((block.first == i).astype(float) - (block.second == i))
        shared = shared + flat[j] * ((block.second == j).astype(float) - (block.first == j))
        error = np.sqrt(np.maximum(block.variance(variances) + self.variance - 2 * shared, 0.0))
        return np.asarray(self.distance - block.distance(values) <= self.errors * error + 1e-12)


def change_of(options: Options, candidate: Evidence, baseline: Evidence) -> Evidence:
    """Return the change in disparity with its interval."""
    if candidate.value is None or baseline.value is None:
        return candidate if candidate.value is None else baseline
    value = candidate.value - baseline.value
    if _unchanged(options):
        return Tie()
    confidence = options.context.confidence
    spans = (candidate.interval(confidence), baseline.interval(confidence))
    sides = _from_cells(options) if options.counted else _from_estimates(options)
    if sides is None or spans[0] is None or spans[1] is None:
        return Point(value, "difference", "the groups' values have no standard errors")
    low, high = _ends(sides, spans[0], spans[1], options)
    low, high = min(low, value), max(high, value)
    error = (high - low) / (2 * two_sided(confidence))
    rows = min(group.rows for group in options.across.groups)
    return Sampled(value, low, high, error, rows, confidence, "paired pairs")


def _unchanged(options: Options) -> bool:
    return all(isinstance(item.change, Tie) for base in options.measured for item in base)


def _ordered(options: Options) -> Iterator[_Block]:
    """Yield both directions of every pair of groups, or of every group with the reference, for every base metric."""
    groups = len(options.across.groups)
    for shift in range(0, len(options.bases) * groups, groups):
        for first, second in ordered(groups, options.across.index):
            yield _Block(first + shift, second + shift)


def _ends(sides: _Sides, candidate: Interval, baseline: Interval, options: Options) -> Interval:
    """Return the ends on the disparity's own scale."""
    alpha = 1 - options.context.confidence
    tail, errors = _SELECTION * alpha / 2, quantile(1 - (1 - _SELECTION) * alpha / 2)
    now = _Furthest.among(options, sides.now, sides.now_variance, tail)
    before = _Furthest.among(options, sides.before, sides.before_variance, tail)
    most, least = -math.inf, math.inf
    for block in _ordered(options):
        reach = errors * np.sqrt(block.variance(sides.change_variance))
        change = block.distance(sides.now) - block.distance(sides.before)
        above = (change + reach)[now.plausible(block, sides.now, sides.now_variance)]
        below = (change - reach)[before.plausible(block, sides.before, sides.before_variance)]
        most, least = max(most, float(above.max(initial=most))), min(least, float(below.min(initial=least)))
    if options.kind == "difference":
        return max(least, candidate[0] - baseline[1]), min(most, candidate[1] - baseline[0])
    spans = _logarithms(candidate), _logarithms(baseline)
    return -_highest_ratio(-most, *reversed(spans)), _highest_ratio(least, *spans)


def _logarithms(ratio: Interval) -> Interval:
    """Return the interval of -log ratio, which is a spread of logarithms."""
    low, high = (-math.log(end) if end > 0 else _FAR for end in reversed(ratio))
    return low, high


def _highest_ratio(least: float, now: Interval, before: Interval) -> float:
    """Return the largest exp(-s) - exp(-t) with s in ``now``, t in ``before`` and s - t at least ``least``.

    Along each edge of that polygon the function is monotone, so it is largest at a corner.
    """
    corners = (before[0], before[1], min(max(now[0] - least, before[0]), before[1]))
    return max(math.exp(-max(now[0], t + least)) - math.exp(-t) for t in corners)


def _from_estimates(options: Options) -> _Sides | None:
    """Take values and standard errors as they were measured; the covariance follows from the change's error."""
    first, second, change = options.errors("baseline"), options.errors("candidate"), options.errors("change")
    if not all(np.isfinite(item).all() for item in (first, second, change)):
        return None
    before, now = options.values("baseline"), options.values("candidate")
    if options.kind == "difference":
        return _Sides(now, before, second**2, first**2, change**2)
    if (before <= 0).any() or (now <= 0).any():
        return None
    covariance = (first**2 + second**2 - change**2) / 2
    paired = (second / now) ** 2 + (first / before) ** 2 - 2 * covariance / (now * before)
    shares = ((second / now) ** 2, (first / before) ** 2)
    return _Sides(np.log(now), np.log(before), *shares, np.asarray(np.maximum(paired, 0.0)))


def _from_cells(options: Options) -> _Sides:
    """Take rates, and the variances of them and of their change, from both models' cells of each group."""
    found = np.empty((5, len(options.bases), len(options.across.groups)))
    for g, group in enumerate(options.across.groups):
        for k, base in enumerate(options.bases):
            found[:, k, g] = _rates(group.decisions, base, options.kind)
    return _Sides(*found)


def _rates(decisions: Decisions | None, base: str, kind: str) -> tuple[float, ...]:
    """Return one group's two rates with one success and one failure added (Agresti & Caffo 2000), and three variances.

    The change's is that of the difference of both models' influences on the same cells; half a row each way is added
    to the disagreements (Agresti & Min 2005), so that none seen is not certainty.
    """
    if decisions is None or decisions.baseline is None:
        raise ValueError("no decisions")
    masks = base_rate(base, decisions)
    centres, variances, influences, fewest = [], [], [], math.inf
    for decided in (decisions.candidate, decisions.baseline):
        inside = masks.base[decisions.label, decided].astype(float)
        part = masks.part[decisions.label, decided].astype(float)
        rows = float(decisions.count @ inside) + 2
        rate = (float(decisions.count @ part) + 1) / rows
        unit = rate if kind == "ratio" else 1.0
        centres.append(math.log(rate) if kind == "ratio" else rate)
        variances.append(rate * (1 - rate) / rows / unit**2)
        influences.append((part - rate * inside) / rows / unit)
        fewest = min(fewest, rows * unit)
    gap = influences[0] - influences[1]
    return (*centres, *variances, float(decisions.count @ gap**2) + 1 / fewest**2)
