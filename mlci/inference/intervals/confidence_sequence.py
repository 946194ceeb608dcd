"""Confidence sequences: intervals that hold at every look at once, so that looking every hour does not cost coverage.

For means and their differences, the asymptotic confidence sequence by a normal mixture (Robbins 1970, Ann. Math. Stat.
41:1397; Waudby-Smith et al. 2021, arXiv:2103.06476, equation 9). For rates with few events, the exact mixture of
binomial likelihoods by a beta distribution around the tested rate (Howard et al. 2021, Ann. Stat. 49:1055, section
3.2); for two rates, the product of both arms' mixtures.

A confidence sequence is narrowest at one number of rows, which is chosen in advance: ``tuned_for``. At confidence 0.95,
at most 5 % of all series ever have an interval without the truth, however often they are looked at.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

CONFIDENCE = 0.95
TUNED_FOR = 10_000
FEWEST_ROWS = 30
"""Rows of a sample of values from which on its variance is trusted; below, the interval is unbounded."""
FEW_EVENTS = 100
"""Events, and non-events, from which on a rate has the interval of a mean."""
_STEPS = 40
_GOLDEN = (math.sqrt(5) - 1) / 2
_EVERYTHING = (-math.inf, math.inf)


@dataclass(frozen=True)
class SampleMean:
    """Moments of values: their number, mean and variance (with n - 1)."""

    rows: int
    mean: float
    variance: float


@dataclass(frozen=True)
class SampleRate:
    """Counts of rows, and of those with the event."""

    rows: int
    events: int

    @property
    def mean(self) -> float:
        """The rate."""
        return self.events / self.rows

    @property
    def variance(self) -> float:
        """Variance of a row's event."""
        return self.mean * (1 - self.mean)

    @property
    def few(self) -> bool:
        """Whether events, or rows without it, are too few for the interval of a mean."""
        return min(self.events, self.rows - self.events) < FEW_EVENTS


Sample = SampleMean | SampleRate


def mixture_precision(alpha: float, tuned_for: float) -> float:
    """Return ρ² of the mixture whose interval is narrowest at ``tuned_for`` rows (same paper, appendix B.2).

    The best x = ρ² × rows solves x = log(1 + x) - 2 log α; the iteration contracts.
    """
    x = -2 * math.log(alpha)
    for _ in range(_STEPS):
        x = math.log1p(x) - 2 * math.log(alpha)
    return x / tuned_for


def sequential_quantile(rows: float, *, confidence: float = CONFIDENCE, tuned_for: float = TUNED_FOR) -> float:
    """Return the factor of the standard error after ``rows`` rows, in place of a normal quantile such as 1.96."""
    alpha = 1 - confidence
    x = mixture_precision(alpha, tuned_for) * rows
    return math.sqrt((1 + 1 / x) * (math.log1p(x) - 2 * math.log(alpha)))


def sequential_interval(
    sample: Sample, *, confidence: float = CONFIDENCE, tuned_for: float = TUNED_FOR
) -> tuple[float, float]:
    """Return the interval for one mean or rate after the rows so far.

    Args:
        sample: Moments or counts of all rows since the first look.
        confidence: Probability that no look's interval ever misses the truth.
        tuned_for: Number of rows at which the interval is narrowest; any choice made in advance is valid.
    """
    if isinstance(sample, SampleRate):
        if sample.rows == 0:
            return (0.0, 1.0)
        if sample.few:
            return _exact_rate(sample, confidence, tuned_for)
    if _too_few(sample):
        return _EVERYTHING
    reach = sequential_quantile(sample.rows, confidence=confidence, tuned_for=tuned_for)
    reach *= math.sqrt(sample.variance / sample.rows)
    if isinstance(sample, SampleRate):
        return (max(0.0, sample.mean - reach), min(1.0, sample.mean + reach))
    return (sample.mean - reach, sample.mean + reach)


def sequential_difference(
    control: Sample,
    treatment: Sample,
    *,
    confidence: float = CONFIDENCE,
    tuned_for: float = TUNED_FOR,
    scale: float = 1.0,
) -> tuple[float, float]:
    """Return the interval for the treatment's mean or rate minus that of an independent control.

    Args:
        control: Moments or counts of one arm.
        treatment: The same of the other arm.
        confidence: Probability that no look's interval ever misses the truth.
        tuned_for: Number of rows of both arms together at which the interval is narrowest.
        scale: Factor of the control's mean, such as 0.95 for a limit of 5 % below the control.
    """
    if isinstance(control, SampleRate) and isinstance(treatment, SampleRate):
        if min(control.rows, treatment.rows) == 0:
            return (-scale, 1.0)
        if control.few or treatment.few:
            return _exact_difference(control, treatment, confidence, tuned_for, scale)
    if _too_few(control) or _too_few(treatment):
        return _EVERYTHING
    rows = control.rows + treatment.rows
    reach = sequential_quantile(rows, confidence=confidence, tuned_for=tuned_for)
    reach *= math.sqrt(difference_variance(control, treatment, scale=scale) / rows)
    value = treatment.mean - scale * control.mean
    return (value - reach, value + reach)


def difference_variance(control: Sample, treatment: Sample, *, scale: float = 1.0) -> float:
    """Return the squared standard error of the difference times the rows of both arms, for :func:`rows_to_exclude`."""
    error = scale**2 * control.variance / control.rows + treatment.variance / treatment.rows
    return error * (control.rows + treatment.rows)


def rows_to_exclude(
    distance: float, variance: float, *, confidence: float = CONFIDENCE, tuned_for: float = TUNED_FOR
) -> float:
    """Return the rows after which the interval reaches no further than ``distance``, if the estimate stays as it is.

    Args:
        distance: Distance of the estimate from the limit that the interval must exclude.
        variance: Variance of one row's contribution: a sample's variance, or :func:`difference_variance`.
        confidence: As for the interval.
        tuned_for: As for the interval.

    Returns:
        The number of rows; infinity if the estimate is at the limit.
    """
    if distance == 0:
        return math.inf

    def still_short(rows: float) -> bool:
        reach = sequential_quantile(rows, confidence=confidence, tuned_for=tuned_for)
        return reach * math.sqrt(variance / rows) > abs(distance)

    high = float(FEWEST_ROWS)
    while still_short(high):
        high *= 2
    return max(_bisect(still_short, high / 2, high), FEWEST_ROWS)


def _too_few(sample: Sample) -> bool:
    """Return whether the variance cannot be trusted: few rows, or values that are all equal."""
    return sample.rows < FEWEST_ROWS or sample.variance <= 0


def _exact_rate(sample: SampleRate, confidence: float, tuned_for: float) -> tuple[float, float]:
    """Return the rates whose mixture has not grown beyond 1 / α."""
    alpha = 1 - confidence
    size, most = 1 / mixture_precision(alpha, tuned_for), -math.log(alpha)

    def plausible(rate: float) -> bool:
        return _log_mixture(sample, rate, size) < most

    return _bisect(plausible, sample.mean, 0.0), _bisect(plausible, sample.mean, 1.0)


def _exact_difference(
    control: SampleRate, treatment: SampleRate, confidence: float, tuned_for: float, scale: float
) -> tuple[float, float]:
    """Return the differences that some pair of rates has whose product of mixtures has not grown beyond 1 / α."""
    alpha = 1 - confidence
    size, most = 0.5 / mixture_precision(alpha, tuned_for), -math.log(alpha)

    def plausible(difference: float) -> bool:
        def product(rate: float) -> float:
            return _log_mixture(control, rate, size) + _log_mixture(treatment, scale * rate + difference, size)

        return _least(product, max(0.0, -difference / scale), min(1.0, (1.0 - difference) / scale)) < most

    value = treatment.mean - scale * control.mean
    return _bisect(plausible, value, -scale), _bisect(plausible, value, 1.0)


def _log_mixture(sample: SampleRate, rate: float, size: float) -> float:
    """Return the logarithm of the likelihood under Beta(size × rate, size × (1 - rate)) over that under the rate."""
    events, others = sample.events, sample.rows - sample.events
    if rate <= 0 or rate >= 1:
        possible = events == 0 if rate <= 0 else others == 0
        return 0.0 if possible else math.inf
    a, b = size * rate, size * (1 - rate)
    mixed = _log_beta(a + events, b + others) - _log_beta(a, b)
    return mixed - events * math.log(rate) - others * math.log1p(-rate)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _bisect(inside: Callable[[float], bool], within: float, beyond: float) -> float:
    """Return the boundary between a point inside and one that may be outside; the latter if it is inside."""
    if inside(beyond):
        return beyond
    for _ in range(_STEPS):
        middle = (within + beyond) / 2
        within, beyond = (middle, beyond) if inside(middle) else (within, middle)
    return beyond


def _least(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the least value of a function with one minimum, by golden-section search."""
    inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_inner, at_outer = function(inner), function(outer)
    for _ in range(_STEPS):
        if at_inner <= at_outer:
            high, outer, at_outer = outer, inner, at_inner
            inner = high - _GOLDEN * (high - low)
            at_inner = function(inner)
        else:
            low, inner, at_inner = inner, outer, at_outer
            outer = low + _GOLDEN * (high - low)
            at_outer = function(outer)
    return min(at_inner, at_outer)
