"""Cost budget: the ratio of the candidate's cost to the baseline's from interleaved runs, and its limit."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class CostBudget:
    """Cost of both models, measured in pairs of runs.

    Attributes:
        cost: What was measured.
        how: How it was measured, e.g. ``wall time of the predict step``.
        candidate, baseline: Medians, in seconds or in 10⁶ bytes.
        ratio: Median of the pairs' ratios, candidate to baseline.
        low, high: Its interval.
        limit: Largest ratio that the budget allows.
        pairs: Number of pairs.
    """

    cost: Literal["latency", "memory"]
    how: str
    candidate: float
    baseline: float
    ratio: float
    low: float
    high: float
    limit: float
    pairs: int

    @property
    def is_finite(self) -> bool:
        """Whether all of its numbers are finite, as a report needs them."""
        return all(map(math.isfinite, (self.candidate, self.baseline, self.ratio, self.low, self.high, self.limit)))

    @property
    def outcome(self) -> Literal["passed", "failed", "inconclusive"]:
        """Outcome by the interval: wholly within the limit, wholly beyond it, or across it."""
        if self.high <= self.limit:
            return "passed"
        return "failed" if self.low > self.limit else "inconclusive"
