"""Section ``reuse`` of ``mlci.yml``: how often an evaluation set may be used before it is replaced."""

import math
from typing import Literal

from pydantic import Field

from mlci.config.base import ConfigModel, OnDoubt

LARGEST_BUDGET = 256
"""Largest budget; the ledger's state names the entry of every look."""
LEAST_ALPHA = 1e-6
"""Least one-sided level of a look: further out, the intervals of most metrics are not known to hold."""


class Reuse(ConfigModel):
    """Budget of looks at an evaluation set: candidates that are judged on it, each at its share of the level."""

    budget: int = Field(
        default=32,
        ge=1,
        le=LARGEST_BUDGET,
        description="Different candidates that may be judged on one evaluation set.",
    )
    adaptivity: Literal["none", "first_change", "full"] = Field(
        description="What verdicts may influence: no later candidate (`none`), those until the first accepted change "
        "(`first_change`), or all (`full`)."
    )
    worn_out: OnDoubt = Field(default="block", description="Effect of a look at a set whose budget is spent.")

    def look_alpha(self, confidence: float) -> float:
        """Return the one-sided level of one look, if all looks together keep ``confidence``, which is two-sided.

        A verdict has three values. With full adaptivity, a sequence of ``budget`` verdicts can lead to 3 ** budget
        candidates, each of which gets its share (Renggli et al. 2019, MLSys, with two values).
        """
        share = 3.0**-self.budget if self.adaptivity == "full" else 1 / self.budget
        return (1 - confidence) / 2 * share

    def largest_budget(self, confidence: float) -> int:
        """Return the largest budget whose looks keep :data:`LEAST_ALPHA`."""
        room = (1 - confidence) / 2 / LEAST_ALPHA
        return max(int(math.log(room, 3) if self.adaptivity == "full" else room), 0)
