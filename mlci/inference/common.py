"""What every kind of measurement shares."""

from dataclasses import dataclass

from mlci.inference import cells
from mlci.inference.evidence import Evidence, Tie, Undefined
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
    """Return the exact tie of identical predictions, unless the metric itself is undefined."""
    return Tie() if candidate.value is not None else candidate


def same_everywhere(whole: Statistics) -> bool:
    """Return whether the two models' predictions are identical on every row of the set, as far as can be seen.

    Equal scores alone are not enough: another threshold, or a decision column of its own, decides otherwise on them.
    """
    seen = []
    if whole.scores is not None and whole.scores.baseline is not None:
        seen.append(whole.scores.differing == 0)
    if whole.decisions is not None:
        seen.append(cells.Cells.of(whole.decisions).identical)
    return bool(seen) and all(seen)


def absent(what: str) -> Triple:
    """Return undefined evidence all round: the predictions lack what the metric needs."""
    reason = f"the predictions carry no {what}"
    return Undefined(reason), Undefined(reason), Undefined(reason)
