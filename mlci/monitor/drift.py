"""Effect sizes of drift, with intervals: how far a window's distribution is from the reference's.

No p-value decides anything here: with 100,000 rows a shift of 0.05 standard deviations is significant, and harmless.

==================== ===================================================================================================
``psi``              Population stability index: sum of (q - p) ln(q / p) over ten bins with equal shares of the
                     reference, or over categories. Half a row is added to each bin, so that empty bins are finite.
``jensen_shannon``   Jensen–Shannon distance, the root of the divergence in nats: what SciPy's ``jensenshannon`` returns
                     with its default base e. At most 0.833.
``wasserstein``      First Wasserstein distance over the standard deviation of the reference.
``ks``               Kolmogorov–Smirnov distance: the largest gap between both distribution functions.
``total_variation``  Half the sum of |q - p| over categories: the share of rows that changed category.
==================== ===================================================================================================

The interval of the KS distance is by the inequality of Dvoretzky, Kiefer and Wolfowitz (Massart 1990, Ann. Probab.
18:1269), for both samples. The others' are basic bootstrap intervals of the counts (Davison & Hinkley 1997, section
5.2): they subtract the bias that distances have near zero, so that few rows alone do not look like drift.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlci.monitor.samples import CategoryPair, Floats, NumberPair, Pair

BINS = 10
"""Bins of PSI and of the Jensen–Shannon distance."""
_GRID = 100
_DRAWS = 200


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One effect size with its interval."""

    measure: str
    value: float
    low: float
    high: float
    overflows: bool = False


def measure_drift(
    pair: Pair, *, confidence: float = 0.95, seed: int = 7, measures: tuple[str, ...] | None = None
) -> tuple[Effect, ...]:
    """Return the effect sizes of a column.

    Args:
        pair: Counts of both samples, each with at least one row.
        confidence: Two-sided level of the intervals.
        seed: Of the bootstrap; the same seed gives the same interval.
        measures: Names to measure; by default all that the kind of column has.
    """
    chosen = MEASURES_OF[type(pair)] if measures is None else measures
    draws = np.random.default_rng(seed)
    return tuple(_measure(name, pair, confidence, draws) for name in chosen)


def _measure(name: str, pair: Pair, confidence: float, draws: np.random.Generator) -> Effect:
    if name == "ks" and isinstance(pair, NumberPair):
        value = ks_distance(pair)
        reach = sum(math.sqrt(math.log(4 / (1 - confidence)) / (2 * rows)) for rows in pair.rows)
        return Effect(measure=name, value=value, low=max(0.0, value - reach), high=min(1.0, value + reach))
    if name == "wasserstein" and isinstance(pair, NumberPair):
        return _measure_transport(name, pair, confidence, draws)
    binned = pair.binned(BINS) if isinstance(pair, NumberPair) else pair
    function = _OF_SHARES[name]
    value = float(function(binned.reference[None], binned.window[None])[0])
    return _bootstrapped(name, value, binned, function, confidence, draws)


def _measure_transport(name: str, pair: NumberPair, confidence: float, draws: np.random.Generator) -> Effect:
    """Measure in a unit near the reference's largest number, so that huge numbers have a variance, too."""
    unit = math.frexp(float(np.abs(pair.values[pair.reference > 0]).max(initial=0.0)))[1]
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = NumberPair(np.ldexp(pair.values, -unit), pair.reference, pair.window)
        grid, scale = scaled.binned(_GRID), standard_deviation(scaled.values, scaled.reference)
        found = _bootstrapped(
            name, wasserstein(scaled), grid, lambda p, q: _transport(grid.values, p, q, scale), confidence, draws
        )
    return found if scale == 0 or math.isfinite(found.value) else replace(found, overflows=True)


def ks_distance(pair: NumberPair) -> float:
    """Return the largest gap between both distribution functions."""
    return float(np.abs(_gaps(pair.reference, pair.window)).max())


def wasserstein(pair: NumberPair) -> float:
    """Return the first Wasserstein distance over the reference's standard deviation; infinity if that is 0."""
    scale = standard_deviation(pair.values, pair.reference)
    return float(_transport(pair.values, pair.reference[None], pair.window[None], scale)[0])


def standard_deviation(values: Floats, counts: Floats) -> float:
    """Return the standard deviation of counted values, with n in the denominator."""
    values, share = values[counts > 0], counts[counts > 0] / counts.sum()
    mean = float(share @ values)
    return math.sqrt(max(float(share @ (values - mean) ** 2), 0.0))


def _gaps(p: Floats, q: Floats) -> Floats:
    """Return the differences of the distribution functions, along the last axis."""
    gaps: Floats = np.cumsum(q, axis=-1) / q.sum(axis=-1, keepdims=True)
    gaps -= np.cumsum(p, axis=-1) / p.sum(axis=-1, keepdims=True)
    return gaps


def _transport(values: Floats, p: Floats, q: Floats, scale: float) -> Floats:
    moved: Floats = np.abs(_gaps(p, q))[..., :-1] @ np.diff(values)
    return np.where(moved != 0, np.inf, 0.0) if scale == 0 else moved / scale


def _smoothed(counts: Floats) -> Floats:
    return np.asarray((counts + 0.5) / (counts + 0.5).sum(axis=-1, keepdims=True))


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def psi(p: Floats, q: Floats) -> Floats:
    """Return the population stability index of counts, along the last axis."""
    p, q = _smoothed(p), _smoothed(q)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


def jensen_shannon(p: Floats, q: Floats) -> Floats:
    """Return the Jensen–Shannon distance of counts in base e, along the last axis."""
    p, q = _shares(p), _shares(q)
    middle = (p + q) / 2

    def half(one: Floats) -> Floats:
        ratio = np.divide(one, middle, out=np.ones_like(one), where=one > 0)
        return np.asarray((one * np.log(ratio)).sum(axis=-1))

    return np.asarray(np.sqrt(np.maximum((half(p) + half(q)) / 2, 0.0)))


def total_variation(p: Floats, q: Floats) -> Floats:
    """Return half the sum of absolute differences of shares, along the last axis."""
    return np.asarray(np.abs(_shares(q) - _shares(p)).sum(axis=-1) / 2)


_OF_SHARES: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "psi": psi,
    "jensen_shannon": jensen_shannon,
    "total_variation": total_variation,
}
MEASURES_OF: Mapping[type[Pair], tuple[str, ...]] = {
    NumberPair: ("psi", "jensen_shannon", "wasserstein", "ks"),
    CategoryPair: ("psi", "jensen_shannon", "total_variation"),
}
"""Measures by kind of column, in the order of reports."""


def _bootstrapped(
    name: str,
    value: float,
    pair: Pair,
    function: Callable[[Floats, Floats], Floats],
    confidence: float,
    draws: np.random.Generator,
) -> Effect:
    """Return the value with its basic bootstrap interval, cut at 0."""
    if not math.isfinite(value):
        return Effect(measure=name, value=value, low=value, high=value)
    drawn = [draws.multinomial(int(one.sum()), one / one.sum(), size=_DRAWS) for one in (pair.reference, pair.window)]
    found = function(drawn[0].astype(np.float64), drawn[1].astype(np.float64))
    tail = (1 - confidence) / 2
    centre = float(function(pair.reference[None], pair.window[None])[0])  # of the bins that are drawn from
    low, high = (float(end) - centre for end in np.quantile(found, [tail, 1 - tail]))
    return Effect(measure=name, value=value, low=max(0.0, value - high), high=max(0.0, value - low))
