"""Rows whose loss changed most between two models."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class RowChange:
    """One row and both models' predictions for it.

    Attributes:
        row: Its position in the evaluation set, from 1.
        key: Its key; ``None`` without one.
        slices: Its group in each slice.
        label: The true value.
        baseline_score, candidate_score: Scores, a regression's predicted values, or with log loss the probabilities of
            the label.
        baseline_decision, candidate_decision: Decided classes.
        change: The candidate's loss minus the baseline's.
    """

    row: int
    key: str | None
    slices: Mapping[str, str] = field(default_factory=dict)
    label: str
    baseline_score: float | None = None
    candidate_score: float | None = None
    baseline_decision: str | None = None
    candidate_decision: str | None = None
    change: float


@dataclass(frozen=True)
class RowChanges:
    """The rows that changed most, the largest rise of the loss first, and the name of that loss."""

    loss: str
    rows: tuple[RowChange, ...]
