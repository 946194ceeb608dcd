"""Curves of one class against all others, for a classifier with a probability for each class."""

from dataclasses import dataclass

import numpy as np

from mlci.inference.plots import CalibrationBin, Curves, ModelCurves, model_curves
from mlci.metrics.statistics import ClassHistogram, Floats, ModelBins, ProbabilityBins, Statistics

MOST = 4
"""Most classes with curves."""
POINTS = 45
_BINS = 15
_ENOUGH = 10  # rows in a bin
_ROUNDING = 1e-9  # the mean of equal probabilities may be a hair below them


@dataclass(frozen=True, kw_only=True)
class ClassCurves:
    """Curves of a class on the whole evaluation set.

    Attributes:
        label: The class.
        rows: Rows that are labelled so.
        candidate_auc, baseline_auc: Area under the ROC curve, from the bins.
        curves: Both models' curves.
    """

    label: str
    rows: int
    candidate_auc: float
    baseline_auc: float | None
    curves: Curves


def class_curves(statistics: Statistics) -> tuple[ClassCurves, ...]:
    """Return curves of the classes whose AUC fell most, or without a baseline is lowest; none without histograms."""
    found = [_curves(one) for one in statistics.class_histograms]
    return tuple(sorted(found, key=_fall)[:MOST])


def _fall(one: ClassCurves) -> float:
    return one.candidate_auc if one.baseline_auc is None else one.candidate_auc - one.baseline_auc


def _curves(histogram: ClassHistogram) -> ClassCurves:
    candidate, baseline = histogram.candidate, histogram.baseline
    rows = int(candidate.positives.sum())
    return ClassCurves(
        label=histogram.label,
        rows=rows,
        candidate_auc=_auc(candidate),
        baseline_auc=None if baseline is None else _auc(baseline),
        curves=Curves(
            prevalence=rows / (rows + int(candidate.negatives.sum())),
            candidate=_model(candidate),
            baseline=None if baseline is None else _model(baseline),
        ),
    )


def _auc(bins: ProbabilityBins) -> float:
    """Return the AUC; rows of one bin count as ties."""
    below = np.cumsum(bins.negatives) - bins.negatives / 2
    return round(float((bins.positives * below).sum() / bins.positives.sum() / bins.negatives.sum()), 6)


def _model(bins: ProbabilityBins) -> ModelCurves:
    ranks = ModelBins(bins.positives, bins.negatives, np.arange(len(bins.positives)))
    return model_curves(ranks, _calibration(bins), points=POINTS)


def _calibration(bins: ProbabilityBins) -> tuple[CalibrationBin, ...]:
    """Join the bins to equally wide ones of the probability, by the mean of each, and those with few rows."""
    rows = bins.positives + bins.negatives
    used = np.flatnonzero(rows)
    mean = bins.sums[used] / rows[used]
    wide = np.clip(mean * _BINS + _ROUNDING, 0, _BINS - 1).astype(np.int64)
    totals = [np.bincount(wide, weights=one[used], minlength=_BINS) for one in (rows, bins.sums, bins.positives)]
    return tuple(
        CalibrationBin(round(float(score / count), 6), round(float(hits / count), 6), int(count))
        for count, score, hits in _pooled(np.column_stack(totals))
    )


def _pooled(bins: Floats) -> list[Floats]:
    """Join neighbours until each bin has enough rows to be drawn; what is left at the end belongs to the last one."""
    joined: list[Floats] = []
    sums: Floats = np.zeros(bins.shape[1])
    for one in bins:
        sums = sums + one
        if sums[0] >= _ENOUGH:
            joined.append(sums)
            sums = np.zeros_like(sums)
    if sums[0]:
        joined[-1:] = [joined[-1] + sums] if joined else [sums]
    return joined
