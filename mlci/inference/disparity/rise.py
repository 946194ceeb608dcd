"""Lower end of the rise of a disparity between two models, in closed form.

A disparity is the largest distance between two groups, so it is not smooth if groups are alike, and a bootstrap
interval of its change then misses more than half of the true values. Two facts bound it instead, with c_ij the distance
of groups i and j for the candidate and b_kl that of k and l for the baseline:

- The candidate's disparity is at least c_ij for every pair, so the rise is at least c_ij - max b_kl.
- Only the pair that is truly furthest apart for the baseline has to be bounded. As it is not known, the lowest bound
over all pairs is taken, which holds at the level of each (intersection-union, Berger 1982).

Each pair (k, l) gets the better of two bounds: the candidate's furthest pair minus (k, l), and (k, l) minus itself,
which is paired by row. The selection of the candidate's furthest pair by the data is corrected at the
baseline's furthest pair: there the bound is conditional on the selection (truncated normal: Lee, Sun, Sun & Taylor
2016, Ann. Stat. 44:907; hybrid: Andrews, Kitagawa & McCloskey 2024, QJE 139:305). At the other pairs near ties are
counted. The union and the conditional bound are proved for normal estimates; that near ties correct the selection at
the other pairs is calibrated by simulation (``benchmarks/characteristics``).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mlci.inference.disparity.groups import GroupMoments
from mlci.inference.disparity.simultaneous import MOST_PAIRS, Kind
from mlci.inference.intervals.distributions import log_cdf, quantile
from mlci.metrics.statistics import Floats

_SHARE = 0.8
"""Share of the allowed error for each pair's bound."""
_NEAR = 1.0
"""Standard errors within which a group ties with one of the candidate's furthest pair."""
_HYBRID = 0.1
"""Share of a conditional bound's error that limits the effect of the condition."""
_SPLIT = 0.5
"""Share of the error at the baseline's furthest pair for the conditional bound if the paired one is used too."""
_CLEARLY, _PLAINLY = 2.24, 1.96
"""Errors at which the conditional bound has to be the better one to omit the paired one."""
_STEPS = 60
_FAR = 12.0
_LEAST = 1e-200
_NOTHING = 1e-12


class OrderedPair(NamedTuple):
    """An ordered pair of groups, as positions in the flattened (bases × groups); the first has the larger value."""

    first: int
    second: int


@dataclass(frozen=True, eq=False)
class _Contrast:
    """Differences of distances, with their standard errors."""

    value: Floats
    error: Floats

    def low(self, errors: float) -> Floats:
        """Return the values minus this number of standard errors."""
        return np.asarray(self.value - errors * self.error)

    def distance(self, limit: float) -> Floats:
        """Return the distance of the values above a limit, in standard errors."""
        return np.asarray((self.value - limit) / self.error)


@dataclass(frozen=True)
class _Truncated:
    """A standard normal statistic, truncated by the selection of a pair.

    Attributes:
        at: Its value, in standard errors.
        lowest, highest: Its range for the same selection.
        pairs: Number of pairs to select from.
    """

    at: float
    lowest: float
    highest: float
    pairs: int

    def exceeds(self, mean: float, alpha: float) -> bool:
        """Return whether the mean is rejected as too small at level ``alpha``."""
        level = (1 - _HYBRID) * alpha / (1 - _HYBRID * alpha)
        most = self._most(alpha)
        start, end = self.at - mean, min(self.highest - mean, most)
        if end <= start:
            return True
        whole = _log_between(min(self.lowest, self.at) - mean, end)
        return _log_between(start, end) - whole <= math.log(level)

    def lower(self, alpha: float) -> float:
        """Return the lower end for the mean, in standard errors, by bisection."""
        low, high = self.at - self._most(alpha), self.at + _FAR
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.exceeds(middle, alpha) else (low, middle)
        return (low + high) / 2

    def _most(self, alpha: float) -> float:
        return _errors(_HYBRID * alpha / self.pairs)


@dataclass(frozen=True, eq=False)
class DisparityRise:
    """Rise of max h(c_i - c_j) over max h(b_k - b_l): h(x) is x for differences, and -exp(-x) on logarithms for ratios.

    Attributes:
        moments: Both models' values in the groups, in an order that does not depend on the input; logarithms for
            ratios.
        kind: ``difference`` or ``ratio``.
        reference: Position of the group that all pairs contain; ``None`` for all pairs.
    """

    moments: GroupMoments
    kind: Kind
    reference: int | None

    def low(self, alpha: float, *, strictly: bool) -> float:
        """Return the lower end that the rise is below with probability ``alpha`` or less.

        Args:
            alpha: One-sided error.
            strictly: Whether to correct for all near ties of both groups, as an end that passes a gate requires.
        """
        if strictly:
            return self._end(alpha, self._ties(strictly=True))
        sharp = self._end(alpha, self._ties(strictly=False))
        return sharp if sharp > 0 else min(sharp, self.low(alpha, strictly=True))

    def p_value(self, limit: float, *, strictly: bool) -> float:
        """Return the smallest ``alpha`` whose lower end is above ``limit``."""
        if strictly:
            return self._p_value(limit, self._ties(strictly=True))
        sharp = self._p_value(max(limit, 0.0), self._ties(strictly=False))
        return sharp if limit >= 0 else min(sharp, self.p_value(limit, strictly=True))

    def _end(self, alpha: float, ties: int) -> float:
        chosen, paired = _errors(_SHARE * alpha / ties), _errors(_SHARE * alpha)
        each = (np.maximum(first.low(chosen), second.low(paired)) for first, second in self._bounds())
        return min(self._conditional_end(alpha), *(float(np.nanmin(lows)) for lows in each))

    def _p_value(self, limit: float, ties: int) -> float:
        """Bisect over the logarithm of the allowed error, using only pairs on the lower front of both bounds."""
        fronts = [_front(first.distance(limit), second.distance(limit)) for first, second in self._bounds()]
        chosen, paired = np.concatenate(fronts, axis=1)

        def proves(alpha: float) -> bool:
            enough = (chosen > _errors(_SHARE * alpha / ties)) | (paired > _errors(_SHARE * alpha))
            return bool(enough.all()) and self._conditionally_exceeds(limit, alpha)

        low, high = math.log(_LEAST), 0.0
        if not proves(1.0):
            return 1.0
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if proves(math.exp(middle)) else (middle, high)
        return math.exp(high)

    def _conditional_end(self, alpha: float) -> float:
        contrast, truncated, alone = self._at_furthest
        if alone:
            return float(contrast.error) * truncated.lower(_SHARE * alpha)
        paired = float(self._paired_contrast(*self._baseline_pair).low(_errors((1 - _SPLIT) * alpha)))
        return max(float(contrast.error) * truncated.lower(_SPLIT * alpha), paired)

    def _conditionally_exceeds(self, limit: float, alpha: float) -> bool:
        contrast, truncated, alone = self._at_furthest
        mean = limit / float(contrast.error)
        if alone:
            return truncated.exceeds(mean, _SHARE * alpha)
        paired = float(self._paired_contrast(*self._baseline_pair).distance(limit)) > _errors((1 - _SPLIT) * alpha)
        return paired or truncated.exceeds(mean, _SPLIT * alpha)

    @cached_property
    def _at_furthest(self) -> tuple[_Contrast, _Truncated, bool]:
        """The contrast of both furthest pairs, its truncated statistic, and whether pairing by row adds nothing."""
        contrast, paired = self._selected_contrast(*self._baseline_pair), self._paired_contrast(*self._baseline_pair)
        bases, groups = self.moments.shape
        value, error = float(contrast.value), float(contrast.error)
        slack = self._selection_contrasts(self._candidate)
        moves = self._selection_contrasts(self._covariances()) / error
        slack = np.maximum(slack, 0.0)
        nothing = _NOTHING * float(np.abs(moves).max(initial=0.0))
        down, up = moves > nothing, moves < -nothing
        truncated = _Truncated(
            value / error,
            value / error - float((slack[down] / moves[down]).min(initial=math.inf)),
            value / error - float((slack[up] / moves[up]).max(initial=-math.inf)),
            bases * groups * (groups - 1),
        )
        better = float(contrast.low(_CLEARLY)) >= float(paired.low(_PLAINLY))
        return contrast, truncated, better or self._baseline_pair == self._candidate_pair

    def _selection_contrasts(self, values: Floats) -> Floats:
        """Return the contrasts of any values that are 0 or more if the candidate's furthest pair is selected."""
        (i, j), parts = self._candidate_pair, []
        for (p, q), own in zip(self._furthest_by_base(candidate=True), self._by_base(values), strict=True):
            between = [values[i] - values[j] - values[p] + values[q]]
            parts += [values[p] - own, own - values[q], np.asarray(between)]
        return np.concatenate(parts)

    def _covariances(self) -> Floats:
        """Return each candidate value's covariance with the contrast at the baseline's furthest pair."""
        (i, j), (k, l) = self._candidate_pair, self._baseline_pair  # noqa: E741 (as in the formula)
        now = self._slope(self._candidate[i] - self._candidate[j])
        before = self._slope(self._baseline[k] - self._baseline[l])
        variance, shared = self.moments.candidate_variance.ravel(), self.moments.covariance.ravel()
        covariances = np.zeros(len(variance))
        np.add.at(
            covariances, [i, j, k, l], [now * variance[i], -now * variance[j], -before * shared[k], before * shared[l]]
        )
        return covariances

    def _selected_contrast(self, k: np.ndarray | int, l: np.ndarray | int) -> _Contrast:  # noqa: E741 (as in the formula)
        """Return the candidate's furthest pair against pairs of the baseline."""
        i, j = self._candidate_pair
        now = self._slope(self._candidate[i] - self._candidate[j])
        before = self._slope(self._baseline[k] - self._baseline[l])
        own, theirs = self.moments.candidate_variance.ravel(), self.moments.baseline_variance.ravel()
        role = np.zeros(len(own))
        role[i], role[j] = 1.0, -1.0
        shared = role * self.moments.covariance.ravel()  # a reversed pair has the larger variance
        variance = now**2 * (own[i] + own[j]) + before**2 * (theirs[k] + theirs[l])
        variance = variance - 2 * now * before * (shared[k] - shared[l])
        value = self._scale(self._candidate[i] - self._candidate[j]) - self._scale(
            self._baseline[k] - self._baseline[l]
        )
        return _Contrast(np.asarray(value), self._error(variance))

    def _paired_contrast(self, k: np.ndarray | int, l: np.ndarray | int) -> _Contrast:  # noqa: E741 (as in the formula)
        """Return pairs of the candidate against the same pairs of the baseline."""
        after, then = self._candidate[k] - self._candidate[l], self._baseline[k] - self._baseline[l]
        now, before = self._slope(after), self._slope(then)
        own, theirs = self.moments.candidate_variance.ravel(), self.moments.baseline_variance.ravel()
        shared = self.moments.covariance.ravel()
        variance = now**2 * (own[k] + own[l]) + before**2 * (theirs[k] + theirs[l])
        variance = variance - 2 * now * before * (shared[k] + shared[l])
        return _Contrast(np.asarray(self._scale(after) - self._scale(then)), self._error(variance))

    def _bounds(self) -> Iterator[tuple[_Contrast, _Contrast]]:
        """Yield both contrasts of some ordered pairs at a time; NaN if a group would be paired with itself."""
        bases, groups = self.moments.shape
        for shift in range(0, bases * groups, groups):
            for first, second in self._blocks(groups):
                k, l = first + shift, second + shift  # noqa: E741 (as in the formula)
                both = self._selected_contrast(k, l), self._paired_contrast(k, l)
                for contrast in both:
                    contrast.value[np.broadcast_to(k == l, contrast.value.shape)] = math.nan
                yield both

    def _blocks(self, groups: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield rows and columns of paired groups, few enough for small arrays."""
        every = np.arange(groups)
        if self.reference is not None:
            yield every[:, None], every[None, [self.reference]]
            yield every[[self.reference], None], every[None, :]
            return
        step = max(1, MOST_PAIRS // groups)
        for row in range(0, groups, step):
            yield every[row : row + step, None], every[None, :]

    def _ties(self, *, strictly: bool) -> int:
        """Return the number of near ties of the candidate's furthest pair."""
        groups = self.moments.shape[1]
        i, j = self._candidate_pair
        own = slice(i // groups * groups, i // groups * groups + groups)
        value, variance = self._candidate, self.moments.candidate_variance.ravel()
        near = [
            int((sign * (value[g] - value[own]) <= _NEAR * np.sqrt(variance[own] + variance[g])).sum())
            for g, sign in ((i, 1), (j, -1))
        ]
        return near[0] * near[1] if strictly else min(near)

    @cached_property
    def _candidate(self) -> Floats:
        return np.asarray(self.moments.candidate.ravel())

    @cached_property
    def _baseline(self) -> Floats:
        return np.asarray(self.moments.baseline.ravel())

    @cached_property
    def _candidate_pair(self) -> OrderedPair:
        """The candidate's furthest pair."""
        return _widest(self._furthest_by_base(candidate=True), self._candidate)

    @cached_property
    def _baseline_pair(self) -> OrderedPair:
        """The baseline's furthest pair."""
        return _widest(self._furthest_by_base(candidate=False), self._baseline)

    def _furthest_by_base(self, *, candidate: bool) -> list[OrderedPair]:
        """Return the furthest pair of each base; of equal groups those with the smallest variance."""
        moments = self.moments if candidate else self.moments.swap_models()
        groups = moments.shape[1]
        pairs = []
        for base, (values, variances) in enumerate(zip(moments.candidate, moments.candidate_variance, strict=True)):
            i, j = (int(np.lexsort((variances, sign * values))[0]) for sign in (-1, 1))
            if self.reference is not None:
                above = values[i] + values[j] >= 2 * values[self.reference]
                i, j = (i, self.reference) if above else (self.reference, j)
            j = j if i != j else (i + 1) % groups  # all are equal, so any pair is the furthest
            pairs.append(OrderedPair(base * groups + i, base * groups + j))
        return pairs

    def _by_base(self, values: Floats) -> Floats:
        return np.asarray(values.reshape(self.moments.shape))

    def _scale(self, distance: Floats) -> Floats:
        return distance if self.kind == "difference" else -np.exp(-distance)

    def _slope(self, distance: Floats) -> Floats:
        return np.ones_like(distance) if self.kind == "difference" else np.exp(-distance)

    def _error(self, variance: Floats) -> Floats:
        return np.asarray(np.sqrt(np.maximum(variance, self._smallest)))

    @cached_property
    def _smallest(self) -> float:
        """The smallest variance that differs from 0 in this arithmetic."""
        return 1e-15 * float(max(self.moments.candidate_variance.max(), self.moments.baseline_variance.max()))


def _widest(pairs: list[OrderedPair], values: Floats) -> OrderedPair:
    return max(pairs, key=lambda pair: float(values[pair.first] - values[pair.second]))


def _front(chosen: Floats, paired: Floats) -> Floats:
    """Return the lower Pareto front of pairs of numbers, shape (2, pairs), without NaN."""
    first, second = chosen[~np.isnan(chosen)], paired[~np.isnan(paired)]
    low = int((first + second).argmin())
    kept = (first < first[low]) | (second < second[low])  # far fewer are left to sort
    kept[low] = True
    first, second = first[kept], second[kept]
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    kept = np.ones(len(first), bool)
    kept[1:] = second[1:] < np.minimum.accumulate(second)[:-1]
    return np.stack([first[kept], second[kept]])


def _errors(tail: float) -> float:
    """Return the normal quantile with this upper tail."""
    return -quantile(tail) if tail < 1 else -math.inf


def _log_between(low: float, high: float) -> float:
    """Return the logarithm of a standard normal's probability between two values, accurate in its upper tail."""
    above, beyond = log_cdf(-low), log_cdf(-high)
    return above + math.log1p(-math.exp(min(beyond - above, -1e-16)))
