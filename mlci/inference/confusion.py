"""Confusion matrices of both models, and which rows moved between right and wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlci.metrics.statistics import Counts, Decisions

MOST_CLASSES = 12
"""Classes above which a matrix is not worth reading."""
Matrix = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class LabelMoves:
    """Rows of one label: right with both models, only with the baseline, only with the candidate, with neither."""

    label: str
    both: int
    baseline_only: int
    candidate_only: int
    neither: int


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Decisions of both models on the whole set.

    Attributes:
        classes: Names of the classes, in the order of rows (labels) and columns (decisions).
        candidate: The candidate's matrix.
        baseline: The baseline's; ``None`` without one.
        moves: For each label; empty without a baseline.
    """

    classes: tuple[str, ...]
    candidate: Matrix
    baseline: Matrix | None = None
    moves: tuple[LabelMoves, ...] = ()


def confusion(decisions: Decisions) -> Confusion | None:
    """Return both matrices; ``None`` for more than :data:`MOST_CLASSES` classes."""
    if len(decisions.classes) > MOST_CLASSES:
        return None
    before, labels = decisions.baseline, range(len(decisions.classes))
    return Confusion(
        classes=decisions.classes,
        candidate=_matrix(decisions, decisions.candidate),
        baseline=None if before is None else _matrix(decisions, before),
        moves=() if before is None else tuple(_moves(decisions, before, label) for label in labels),
    )


def _matrix(decisions: Decisions, decided: Counts) -> Matrix:
    size = len(decisions.classes)
    cells = np.bincount(decisions.label * size + decided, decisions.count, minlength=size * size)
    return tuple(tuple(int(number) for number in row) for row in cells.reshape(size, size))


def _moves(decisions: Decisions, before: Counts, label: int) -> LabelMoves:
    of_label = decisions.label == label
    was, now = before == decisions.label, decisions.candidate == decisions.label

    def count(rows: NDArray[np.bool_]) -> int:
        return int(decisions.count[of_label & rows].sum())

    counts = (count(rows) for rows in (was & now, was & ~now, ~was & now, ~was & ~now))
    return LabelMoves(decisions.classes[label], *counts)
