"""Satterthwaite's degrees of freedom: how many rows' worth of information an estimated variance is.

A variance V that is itself known with a variance Var(V) is taken for a multiple of a chi-square with the same two
moments, which has 2 V² / Var(V) degrees of freedom (Satterthwaite 1946, Biometrics Bull. 2:110).
"""


def satterthwaite(variance: float, variance_of_variance: float, *, most: float) -> float:
    """Return the degrees of freedom, between 1 and ``most``."""
    if variance_of_variance <= 0:
        return max(most, 1.0)
    return min(max(2 * variance * variance / variance_of_variance, 1.0), max(most, 1.0))


def of_sum(parts: list[tuple[float, float]], *, most: float) -> float:
    """Return the degrees of freedom of a sum of independent variances, given as (variance, degrees of freedom)."""
    return satterthwaite(sum(v for v, _ in parts), sum(2 * v * v / df for v, df in parts), most=most)


def of_sample(rows: int, kurtosis: float) -> float:
    """Return the degrees of freedom of the sample variance of values with a kurtosis (3 for normal ones)."""
    return satterthwaite(1.0, (kurtosis - 1) / rows, most=rows - 1.0)
