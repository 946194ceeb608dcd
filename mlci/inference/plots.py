"""Plots of both models as numbers: ROC, precision and recall, calibration, residuals, and confusion matrices.

A curve is thinned to at most :data:`POINTS` points, of which each lies on the full curve.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlci.metrics.statistics import Calibration, Counts, Decisions, Floats, ModelBins, ResidualSums, Statistics

POINTS = 90
Point = tuple[float, float]
MOST_CLASSES = 12
"""Classes above which a matrix is not worth reading."""
Matrix = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class CalibrationBin:
    """Rows with a score in one bin: their mean score and the share of positives."""

    score: float
    observed: float
    rows: int


@dataclass(frozen=True, kw_only=True)
class ModelCurves:
    """Curves of one model on the whole evaluation set.

    Attributes:
        roc: False-positive rate and recall, from (0, 0) to (1, 1).
        precision_recall: Recall and precision, by rising recall.
        calibration: Bins that hold rows, by rising score; empty if calibration was not measured.
    """

    roc: tuple[Point, ...]
    precision_recall: tuple[Point, ...]
    calibration: tuple[CalibrationBin, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Curves of both models; ``baseline`` is ``None`` without one.

    Attributes:
        prevalence: Share of positives among the rows.
    """

    prevalence: float
    candidate: ModelCurves
    baseline: ModelCurves | None = None


def curves(statistics: Statistics) -> Curves | None:
    """Return both models' curves in one scope; ``None`` if scores were not ranked, or one class is absent."""
    scores = statistics.scores
    if scores is None:
        return None
    positives, negatives = int(scores.candidate.positives.sum()), int(scores.candidate.negatives.sum())
    if not positives or not negatives:
        return None
    calibration = statistics.calibration
    return Curves(
        prevalence=positives / (positives + negatives),
        candidate=model_curves(scores.candidate, _candidate_bins(calibration)),
        baseline=None if scores.baseline is None else model_curves(scores.baseline, _baseline_bins(calibration)),
    )


def model_curves(bins: ModelBins, calibration: tuple[CalibrationBin, ...], *, points: int = POINTS) -> ModelCurves:
    """Accumulate from the highest score down: each bin's lower edge is a threshold."""
    hits, alarms = np.cumsum(bins.positives[::-1]), np.cumsum(bins.negatives[::-1])
    recall, rate = hits / hits[-1], alarms / alarms[-1]
    precision = hits / np.maximum(hits + alarms, 1)
    roc = _thin(np.concatenate([[0.0], rate]), np.concatenate([[0.0], recall]), points)
    some = hits + alarms > 0
    return ModelCurves(roc=roc, precision_recall=_thin(recall[some], precision[some], points), calibration=calibration)


def _thin(x: Floats, y: Floats, points: int) -> tuple[Point, ...]:
    """Keep points at even distances along the curve, both ends always."""
    steps = np.abs(np.diff(x)) + np.abs(np.diff(y))
    way = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, way[-1], points)
    kept = np.unique(np.concatenate([[0], np.searchsorted(way, wanted[1:-1]), [len(x) - 1]]))
    return tuple((round(float(x[index]), 6), round(float(y[index]), 6)) for index in kept)


def _candidate_bins(sums: Calibration | None) -> tuple[CalibrationBin, ...]:
    return () if sums is None else _bins(sums.rows, sums.gap, sums.positives)


def _baseline_bins(sums: Calibration | None) -> tuple[CalibrationBin, ...]:
    return () if sums is None else _bins(sums.baseline_rows, sums.baseline_gap, sums.baseline_positives)


def _bins(rows: Counts | None, gap: Floats | None, positives: Counts | None) -> tuple[CalibrationBin, ...]:
    if rows is None or gap is None or positives is None:
        return ()
    return tuple(
        CalibrationBin(
            round(float((gap[index] + positives[index]) / rows[index]), 6),
            round(float(positives[index] / rows[index]), 6),
            int(rows[index]),
        )
        for index in np.flatnonzero(rows)
    )


@dataclass(frozen=True)
class ResidualBin:
    """Rows with a prediction in one bin: their mean prediction, and mean and standard deviation of their residuals."""

    predicted: float
    residual: float
    spread: float
    rows: int


@dataclass(frozen=True)
class Residuals:
    """Residuals of a regression, label minus prediction, by prediction; ``baseline`` is ``None`` without one."""

    candidate: tuple[ResidualBin, ...]
    baseline: tuple[ResidualBin, ...] | None = None


def residuals(statistics: Statistics) -> Residuals | None:
    """Return both models' residuals in one scope; ``None`` if they were not summed."""
    if not statistics.residuals:
        return None
    each = [_residual_bins(sums) for sums in statistics.residuals]
    return Residuals(each[0], each[1] if len(each) > 1 else None)


def _residual_bins(sums: ResidualSums) -> tuple[ResidualBin, ...]:
    return tuple(
        ResidualBin(
            _digits(sums.predicted[index] / sums.rows[index]),
            _digits(sums.residual[index] / sums.rows[index]),
            _digits(np.sqrt(sums.square[index] / sums.rows[index])),
            int(sums.rows[index]),
        )
        for index in np.flatnonzero(sums.rows)
    )


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


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
