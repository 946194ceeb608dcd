"""Ratios of counts: confusion cells, the delta method on them, and their bootstrap.

A metric that is homogeneous of degree 0 in (hits, labels, decisions) has the influence function
``g_hits[l] 1{l = d} + g_labels[l] + g_decisions[d]`` for a row of label l decided d, g being the gradient: by Euler's
theorem its mean is 0. Both models' influences are taken on the same (label, baseline, candidate) cells, so their
difference is paired. Resampling n rows is exactly one Multinomial(n, counts / n) of the cells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlci.inference.evidence import Evidence, Point, Undefined
from mlci.inference.intervals.estimates import Normal, Sampled
from mlci.inference.intervals.proportions import Proportion
from mlci.inference.intervals.transformed import Logit
from mlci.metrics.confusion import Function, Margins
from mlci.metrics.statistics import Counts, Decisions, Floats

_STEP = 1e-30
_NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class Cells:
    """Decisions of one scope with the margins of both models."""

    decisions: Decisions
    candidate: Margins
    baseline: Margins | None

    @classmethod
    def of(cls, decisions: Decisions) -> "Cells":
        """Compute the margins of both models once."""
        base = decisions.baseline
        candidate = margins(decisions, decisions.candidate, decisions.count)
        return cls(decisions, candidate, None if base is None else margins(decisions, base, decisions.count))

    @property
    def rows(self) -> int:
        """Rows in the scope."""
        return int(self.decisions.count.sum())

    @property
    def identical(self) -> bool:
        """Whether both models decide the same on every row."""
        base = self.decisions.baseline
        return base is not None and bool((base == self.decisions.candidate).all())


def margins(decisions: Decisions, decided: Counts, weights: NDArray[np.number]) -> Margins:
    """Sum cell weights of shape (..., cells) into margins of shape (..., classes)."""
    classes = np.arange(len(decisions.classes))
    labels = (decisions.label[:, None] == classes).astype(np.float64)
    chosen = (decided[:, None] == classes).astype(np.float64)
    weighted = np.asarray(weights, dtype=np.float64)
    return Margins(weighted @ (labels * chosen), weighted @ labels, weighted @ chosen)


def ratio_of_counts(
    function: Function, cells: Cells, decided: Counts, m: Margins, *, low: float, high: float
) -> Evidence:
    """Return one model's ratio of counts by the delta method, with its interval on the logit scale."""
    value = float(function(m)) if cells.rows else float("nan")
    if not np.isfinite(value):
        return Undefined("0/0: a class that it divides by is never labelled or never decided here")
    error = standard_error(cell_influence(gradient(function, m), cells.decisions.label, decided), cells.decisions.count)
    if error < _NOTHING and abs(value - high) < _NOTHING:
        scarcest = int(m.labels[m.labels > 0].min())
        return Proportion(scarcest, scarcest, method="wilson, scarcest class")
    if error >= _NOTHING and low < value < high:
        return Logit(value, error, cells.rows, "delta", low, high)
    return Normal(value, error, cells.rows, "delta", low=low, high=high)


def cell_influence(slopes: Floats, label: Counts, decided: Counts) -> Floats:
    """Return the influence of one row of each cell, shape (cells,), from the slopes of a metric."""
    by_hit, by_label, by_decision = slopes
    values = by_label[label] + by_decision[decided] + np.where(label == decided, by_hit[label], 0.0)
    return np.asarray(values, dtype=np.float64)


def gradient(function: Function, m: Margins) -> Floats:
    """Return the slopes with respect to shares of hits, labels and decisions, shape (3, classes), by complex steps."""
    classes = m.hits.shape[-1]
    point = np.concatenate([m.hits, m.labels, m.decisions]) / float(m.total)
    steps = point + 1j * _STEP * np.eye(3 * classes)
    hits, labels, chosen = steps[:, :classes], steps[:, classes : 2 * classes], steps[:, 2 * classes :]
    slopes = np.imag(function(Margins(hits, labels, chosen))) / _STEP
    return np.asarray(slopes.reshape(3, classes), dtype=np.float64)


def standard_error(gap: Floats, count: Counts) -> float:
    """Return the standard error of a mean over rows from each cell's influence and count."""
    total = float(count.sum())
    mean = float((gap * count).sum()) / total
    return float(np.sqrt(max(float((count * (gap - mean) ** 2).sum()), 0.0))) / total


def bootstrap_ratio(value: float, changes: Floats, rows: int, *, confidence: float, method: str) -> Evidence:
    """Return percentile evidence from draws; undefined if more than one draw in twenty is undefined."""
    defined = changes[np.isfinite(changes)]
    if len(defined) < 0.95 * len(changes) or len(defined) < 2:
        return Undefined("too few rows: undefined in over 5 % of the resampled sets", method="too few")
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    error = float(defined.std(ddof=1))
    if error <= _NOTHING * abs(value):
        return Point(value, "too few", "too few rows distinguish the models: every resampled set gives the same value")
    low, high = min(float(low), value), max(float(high), value)
    return Sampled(value, low, high, error, rows, confidence, method)
