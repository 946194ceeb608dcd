"""Rows that a margin of two points needs: derived, not simulated."""

import math

from benchmarks.characteristics.figures import Figure, Section
from mlci.inference.minimums import rows_needed

MARGIN, CONFIDENCE, ACCURACY = 0.02, 0.90, 0.85
PUBLISHED = {0.02: 310, 0.05: 773, 0.10: 1_546, 0.20: 3_092}


def distribution_free(*, margin: float, alpha: float) -> int:
    """Return the rows at which Hoeffding's bound on a mean of values in [-1, 1] is as narrow as the margin.

    P(mean - truth >= t) <= exp(-n t² / 2) (Hoeffding 1963, JASA 58:13), so n = 2 ln(1 / α) / t².
    """
    return math.ceil(2 * math.log(1 / alpha) / margin**2)


def section() -> Section:
    """Hold the formulas to the published numbers, exactly."""
    found = {
        f"paired, models disagree on {share:.0%} of rows".replace("%", " %"): (
            rows_needed(share, distance=MARGIN, confidence=CONFIDENCE),
            published,
        )
        for share, published in PUBLISHED.items()
    }
    # Each model on separate rows: the variance of the difference is twice that of one accuracy.
    alone = rows_needed(2 * ACCURACY * (1 - ACCURACY), distance=MARGIN, confidence=CONFIDENCE)
    found["unpaired, accuracy 0.85, rows for each model"] = (alone, 3_942)
    found["distribution-free (Hoeffding), without any power"] = (distribution_free(margin=MARGIN, alpha=0.05), 14_979)
    return Section(
        title="Rows needed for a margin of 0.02",
        lead="Power 80 % for two equally good models, confidence 0.90: n ≥ (z₀.₉₅ + z₀.₈₀)² · d / m², d the share "
        "of rows on which the models disagree.",
        figures=[_exact(what, computed or 0, published) for what, (computed, published) in found.items()],
    )


def _exact(what: str, computed: int, published: int) -> Figure:
    return Figure(
        what=what, measured=computed, error=0, low=published, high=published, published=published, unit="rows"
    )
