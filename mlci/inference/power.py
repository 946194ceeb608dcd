"""How many rows a gate needs."""

import math

from mlci.inference.normal import quantile, two_sided


def rows_needed(spread: float, *, distance: float, confidence: float, power: float = 0.8) -> int | None:
    """Return the rows at which a test of a limit ``distance`` away has ``power``.

    n >= (z_(1-α) + z_power)² × spread / distance², α = (1 - confidence) / 2; for a difference of two accuracies
    ``spread`` is the share of rows on which the models disagree (Connor 1987, Biometrics 43:207, to first order).
    """
    if distance <= 0 or not math.isfinite(spread):
        return None
    factor = (two_sided(confidence) + quantile(power)) ** 2
    return math.ceil(factor * spread / distance**2 - 1e-9)


def rows_without_disagreement(distance: float, *, confidence: float) -> int | None:
    """Return the rows at which Tango's interval around no disagreement, z² / (n + z²), is inside ``distance``."""
    if not 0 < distance < 1:
        return None
    z = two_sided(confidence)
    return math.ceil(z * z * (1 - distance) / distance)
