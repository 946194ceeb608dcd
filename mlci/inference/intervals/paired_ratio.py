"""Ratio of two costs that were measured in pairs: the median of the pairs' ratios with a distribution-free interval.

Run times have heavy right tails, and a machine gets slower and faster over minutes. Both runs of a pair see the same
machine, so their ratio cancels what is slower than a pair. The median ignores single disturbed pairs, and its interval
between order statistics (Thompson 1936, Ann. Math. Stat. 7:122) inverts the sign test: it needs no distribution, only
pairs that are independent of each other, and covers at least as often as it promises.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class PairedRatio:
    """Median ratio and its interval."""

    value: float
    low: float
    high: float


def paired_ratio(candidate: Sequence[float], baseline: Sequence[float], *, confidence: float) -> PairedRatio:
    """Return the median of ``candidate[i] / baseline[i]`` with its interval.

    Raises:
        ValueError: if there are fewer pairs than :func:`least_pairs`.
    """
    ratios = sorted(one / other for one, other in zip(candidate, baseline, strict=True))
    cut = _left_out(len(ratios), confidence)
    if cut is None:
        raise ValueError(f"{len(ratios)} pairs are too few; {least_pairs(confidence)} are needed")
    return PairedRatio(median(ratios), ratios[cut], ratios[-1 - cut])


def least_pairs(confidence: float) -> int:
    """Return the fewest pairs with an interval at this confidence: 6 for 95 %."""
    return max(1, math.ceil(1 - math.log2(1 - confidence)))


def _left_out(pairs: int, confidence: float) -> int | None:
    """Return how many ratios lie outside of the interval at each end; ``None`` if there are too few pairs."""
    tail, cut = 0.0, None
    for index in range(pairs // 2 + 1):
        tail += math.comb(pairs, index) / 2**pairs
        if 2 * tail > 1 - confidence:
            return cut
        cut = index
    return cut
