"""Metrics of the probabilities of all classes: means of AUCs, and top-k accuracy.

A mean of AUCs has DeLong's variance of the mean influence of each row. Rows of one class are a sample of their own, and
the numbers of rows by class are random; the rarest class decides how small a variance can be trusted, as for one AUC.
"""

import math

import numpy as np

from mlci.inference.estimators.ranks import NEEDS
from mlci.inference.evidence import (
    Cause,
    Evidence,
    MeasureContext,
    Point,
    Tie,
    Triple,
    Undefined,
    absent_evidence,
    too_few,
)
from mlci.inference.intervals.error_intervals import Normal
from mlci.inference.intervals.score_intervals import AucScore, Proportion, Tango
from mlci.metrics.entries import MetricInfo
from mlci.metrics.statistics import ClassRanks, Floats, Moments, Statistics

NO_BASELINE = Undefined("the baseline has no probability for each class", cause=Cause.BASELINE)
_NEEDS = NEEDS["roc_auc"]
_UNIT = "rarest-class row"


def class_ranks_evidence(info: MetricInfo, statistics: Statistics, context: MeasureContext) -> Triple:
    """Return a mean of AUCs."""
    ranks = statistics.class_ranks.get(info.loss or "")
    if ranks is None:
        return absent_evidence("probability for each class")
    if ranks.absent:
        absent = Undefined(f"no rows labelled {ranks.absent[0]!r}; the metric needs every class", cause=Cause.LABELS)
        return (absent, absent, absent) if context.baseline else (absent, None, None)
    candidate = _one(ranks.candidate, ranks.by_class["candidate"])
    if not context.baseline:
        return candidate, None, None
    if ranks.baseline is None:
        return candidate, NO_BASELINE, NO_BASELINE
    return candidate, _one(ranks.baseline, ranks.by_class["baseline"]), _change(ranks, ranks.baseline)


def _one(value: float, sums: Floats) -> Evidence:
    """Return one model's mean with the score interval of an AUC of the rarest class, or DeLong's if that is wider."""
    rarest, rows = int(sums[:, 0].min()), int(sums[:, 0].sum())
    if rarest < _NEEDS.one:
        return too_few(value, rarest, _UNIT, least=_NEEDS.one)
    return AucScore(value, _variance(sums), rarest, rows - rarest)


def _change(ranks: ClassRanks, baseline: float) -> Evidence:
    """Return candidate minus baseline, with two pseudo-rows in the rarest class as for one AUC."""
    if ranks.differing == 0:
        return Tie()
    sums, value = ranks.by_class["change"], ranks.candidate - baseline
    rarest, rows = int(sums[:, 0].min()), int(sums[:, 0].sum())
    if rarest < _NEEDS.pair:
        return too_few(value, rarest, _UNIT, least=_NEEDS.pair)
    variance = _variance(sums, pseudo_rows=2)
    if variance == 0:
        return Point(value, "too few", "too few rows: the probabilities differ, but the rows have no variance in ranks")
    return Normal(value, math.sqrt(variance), rows, "delong by class", low=-1.0, high=1.0, df=rarest + 1.0)


def _variance(sums: Floats, *, pseudo_rows: int = 0) -> float:
    """Return the variance of the mean influence: within each class, and between classes.

    ``pseudo_rows`` of the rarest class have the sum of all classes' variances as their square.
    """
    rows, total, square = sums.T
    n = rows.sum()
    own = np.maximum(square - total**2 / rows, 0.0) / (rows - 1) * (rows / n) ** 2
    rarest = int(rows.argmin())
    pseudo = pseudo_rows * (own.sum() - own[rarest]) / (rows[rarest] + 1) / rows[rarest]
    between = float((rows / n * (total / rows) ** 2).sum()) / n
    return float((own / rows).sum() + pseudo + between)


def top_k_evidence(info: MetricInfo, statistics: Statistics, context: MeasureContext) -> Triple:
    """Return a share of rows with Wilson's interval, and its change with Tango's."""
    hits = statistics.moments.get(info.loss or "")
    if hits is None:
        return absent_evidence("probability for each class")
    if hits.rows == 0:
        empty = Undefined("no rows")
        return (empty, empty, empty) if context.baseline else (empty, None, None)
    now = round(float(hits.sums[-1]))
    candidate = Proportion(now, hits.rows)
    if not context.baseline:
        return candidate, None, None
    if "baseline" not in hits.names:
        return candidate, NO_BASELINE, NO_BASELINE
    before, both = round(float(hits.sums[0])), round(float(hits.products[0, 1]))
    change = Tie() if hits.differing == 0 else Tango(now - both, before - both, hits.rows)
    return candidate, Proportion(before, hits.rows), change


def count_moved(hits: Moments) -> int | None:
    """Return the rows that count for one of two models only; ``None`` without a baseline."""
    if "baseline" not in hits.names:
        return None
    return round(float(hits.sums.sum() - 2 * hits.products[0, 1]))
