"""Context of measurements: confidence, seed, and evidence for special cases."""

from dataclasses import dataclass

from mlci.inference.evidence import Cause, Evidence, Point, Tie, Undefined
from mlci.metrics.statistics import Statistics

Triple = tuple[Evidence, Evidence | None, Evidence | None]
"""Evidence for the candidate, for the baseline, and for the change."""


@dataclass(frozen=True, kw_only=True)
class MeasureContext:
    """Settings of all measurements of a run.

    Attributes:
        whole: Statistics of the whole set.
        confidence: Two-sided level of intervals.
        seed: Seed of the bootstraps.
        baseline: Whether there is a baseline.
    """

    whole: Statistics
    confidence: float
    seed: int
    baseline: bool


def tied_evidence(candidate: Evidence) -> Evidence:
    """Return the exact tie of identical predictions, unless the metric itself is undefined.

    Predictions are identical if the scores are, or the decisions of models without scores. Equal decisions from unequal
    scores are not a tie: the next row may be decided differently.
    """
    return Tie() if candidate.value is not None else candidate


def absent_evidence(what: str) -> Triple:
    """Return undefined evidence for both models and the change: the predictions lack a column."""
    reason = f"the predictions have no {what}"
    missing = Undefined(reason, cause=Cause.MISSING)
    return missing, missing, missing


def too_few(value: float | None, have: int, unit: str, *, least: int) -> Evidence:
    """Return a value whose error is not known because too few rows carry it; ``None`` if the value is missing, too.

    Args:
        value: The estimate.
        have: Rows that carry the metric.
        unit: Their unit, in the singular: ``"labelled positive"``.
        least: Minimum of rows.
    """
    counted = f"no {unit}s" if have == 0 else f"{have:,} {unit}{'' if have == 1 else 's'}"
    reason = f"insufficient group: {counted}; {least:,} are needed"
    return Undefined(reason, method="too few") if value is None else Point(value, "too few", reason)
