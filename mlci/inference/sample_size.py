"""Sample size for a gate."""

import math

from mlci.inference.intervals.distributions import quantile, two_sided

MOST = 10**12
"""More rows than any evaluation set has; a limit that would need more counts as met exactly."""


def rows_needed(scaled_variance: float, *, distance: float, confidence: float, power: float = 0.8) -> int | None:
    """Return the rows at which the test of a limit at ``distance`` has ``power``.

    n >= (z_(1-α) + z_power)² × scaled_variance / distance², α = (1 - confidence) / 2; for a difference of two
    accuracies ``scaled_variance`` is the share of rows on which the models disagree (Connor 1987, Biometrics 43:207, to
    first order). ``None`` if no number of rows up to :data:`MOST` would do.
    """
    if distance <= 0 or not math.isfinite(scaled_variance):
        return None
    factor = (two_sided(confidence) + quantile(power)) ** 2
    rows = factor * scaled_variance / distance / distance  # a square could underflow
    return math.ceil(rows - 1e-9) if rows <= MOST else None


def rows_without_disagreement(distance: float, *, confidence: float) -> int | None:
    """Return the rows at which Tango's interval around no disagreement, z² / (n + z²), is inside ``distance``."""
    if not 0 < distance < 1:
        return None
    z = two_sided(confidence)
    rows = z * z * (1 - distance) / distance
    return math.ceil(rows) if rows <= MOST else None
