"""What every kind of measurement shares."""

from dataclasses import dataclass

from mlci.inference.evidence import Evidence, Tie
from mlci.metrics.statistics import Statistics

Triple = tuple[Evidence, Evidence | None, Evidence | None]
"""Evidence for the candidate, for the baseline, and for the change."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every measurement of a run shares.

    Attributes:
        whole: Statistics of the whole set.
        confidence: Two-sided level of intervals.
        seed: Of the bootstraps.
        baseline: Whether there is a baseline.
    """

    whole: Statistics
    confidence: float
    seed: int
    baseline: bool


def tie(candidate: Evidence) -> Evidence:
    """Return the exact tie of identical predictions, unless the metric itself is undefined.

    Predictions are identical where the scores are, or the decisions of models that have no scores. Equal decisions of
    unequal scores are evidence like any other: the next row may be decided differently.
    """
    return Tie() if candidate.value is not None else candidate


def absent(what: str) -> Triple:
    """Return undefined evidence all round: the predictions lack what the metric needs."""
    reason = f"the predictions carry no {what}"


from mlci.inference.evidence import Evidence
