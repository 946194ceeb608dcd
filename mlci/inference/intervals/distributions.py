"""Normal and Student distributions without scipy, and a root finder for increasing functions.

An estimated variance V with a variance Var(V) is approximated by a multiple of a chi-square with the same two
moments, which has 2 V² / Var(V) degrees of freedom (Satterthwaite 1946, Biometrics Bull. 2:110).
"""

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

_STANDARD = NormalDist()
_STEPS = 200
_MANY = 5000
_TINY = 1e-300
_UNDERFLOW = -30.0
_DOUBLINGS = 60
_TURNS = 100
_CLOSE = 1e-12
_ROUNDING = 1e-15


def cdf(z: float) -> float:
    """Return the standard normal distribution function, accurate in both tails."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def log_cdf(z: float) -> float:
    """Return its logarithm, finite even if the function itself underflows (Abramowitz & Stegun 1964, 26.2.12)."""
    if z > 0:
        return math.log1p(-cdf(-z))
    if z > _UNDERFLOW:
        return math.log(cdf(z))
    series = 1 - 1 / z**2 + 3 / z**4 - 15 / z**6
    return -z * z / 2 - math.log(-z * math.sqrt(2 * math.pi)) + math.log(series)


@lru_cache(maxsize=256)
def quantile(p: float) -> float:
    """Return the standard normal quantile for 0 < p < 1."""
    return _STANDARD.inv_cdf(p)


def two_sided(confidence: float) -> float:
    """Return the z of a two-sided interval at this confidence."""
    return quantile((1 + confidence) / 2)


def student_cdf(t: float, df: float) -> float:
    """Return Student's distribution function by the incomplete beta function (Abramowitz & Stegun 1964, 26.7.1).

    From ``_MANY`` degrees of freedom on by the normal approximation 26.7.8, which is then good to nine digits.
    """
    if math.isinf(t):
        return 1.0 if t > 0 else 0.0
    if df > _MANY:
        return cdf(t * (1 - 1 / (4 * df)) / math.sqrt(1 + t * t / (2 * df)))
    tail = 0.5 * _incomplete_beta(df / (df + t * t), df / 2, 0.5)
    return 1 - tail if t > 0 else tail


@lru_cache(maxsize=256)
def student_two_sided(confidence: float, df: float) -> float:
    """Return the t of a two-sided interval, by Newton's method.

    Student's distribution function is concave above 0, and its quantile is beyond the normal one: from there each step
    stops short of the quantile, until what is left is a rounding error.
    """
    target, t = (1 + confidence) / 2, two_sided(confidence)
    for _ in range(_STEPS):
        slope = student_density(t, df)
        step = (target - student_cdf(t, df)) / slope
        t += step
        if abs(step) <= _ROUNDING * max(t, 1 / slope):
            break
    return t


def student_density(t: float, df: float) -> float:
    """Return Student's density (Abramowitz & Stegun 1964, 26.7.1); the normal one from ``_MANY`` degrees of freedom."""
    if df > _MANY:
        return math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)
    return scale * math.exp(-(df + 1) / 2 * math.log1p(t * t / df))


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) * _continued_fraction(x, a, b) / a


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Evaluate the beta function's continued fraction by Lentz's method (Numerical Recipes 2007, section 6.4)."""
    c, d = 1.0, 1 / max(1 - (a + b) * x / (a + 1), _TINY)
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1 / (1 + term * d or _TINY), 1 + term / c or _TINY
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def find_crossing(function: Callable[[float], float], first: float) -> float:
    """Find where a function that is negative at 0 crosses 0, by the Illinois form of regula falsi.

    See Dowell & Jarratt 1971, BIT 11:168. The search begins at ``first`` and doubles it until the function is positive;
    if it never is, the last is returned.
    """
    low, high, under, over = 0.0, first, function(0.0), function(first)
    if under >= 0:
        return low
    for _ in range(_DOUBLINGS):
        if over > 0:
            return _between(function, low, high, under, over)
        low, high, under, over = high, 2 * high, over, function(2 * high)
    return high


def _between(function: Callable[[float], float], low: float, high: float, under: float, over: float) -> float:
    middle, kept = low, 0
    for _ in range(_TURNS):
        before, middle = middle, (low * over - high * under) / (over - under)
        value = function(middle)
        if value == 0 or abs(middle - before) <= _CLOSE * middle:
            break
        if value > 0:
            high, over, under = middle, value, under / 2 if kept > 0 else under
        else:
            low, under, over = middle, value, over / 2 if kept < 0 else over
        kept = 1 if value > 0 else -1
    return middle


def satterthwaite(variance: float, variance_of_variance: float, *, most: float) -> float:
    """Return the degrees of freedom, between 1 and ``most``."""
    if variance_of_variance <= 0:
        return max(most, 1.0)
    return min(max(2 * variance * variance / variance_of_variance, 1.0), max(most, 1.0))


def df_of_sum(parts: list[tuple[float, float]], *, most: float) -> float:
    """Return the degrees of freedom of a sum of independent variances, given as (variance, degrees of freedom)."""
    return satterthwaite(sum(v for v, _ in parts), sum(2 * v * v / df for v, df in parts), most=most)


def df_of_sample(rows: int, kurtosis: float) -> float:
    """Return the degrees of freedom of the sample variance of values with a kurtosis (3 for normal ones)."""
    return satterthwaite(1.0, (kurtosis - 1) / rows, most=rows - 1.0)
