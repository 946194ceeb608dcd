"""Ratios of counts: the delta method on confusion cells, for one model and paired, and its check by the bootstrap.

A metric that is homogeneous of degree 0 in (hits, labels, decisions) has the influence function
``g_hits[l] 1{l = d} + g_labels[l] + g_decisions[d]`` for a row of label l decided d, g being the gradient: by Euler's
theorem its mean is 0. Both models' influences are taken on the same (label, baseline, candidate) cells, so their
difference is paired. Where a margin is small, n rows are drawn again as one Multinomial(n, counts / n) of the cells,
which is exactly what resampling rows does to them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlci.inference.estimates import Logit, Normal, Sampled
from mlci.inference.evidence import Evidence, Undefined
from mlci.inference.normal import two_sided
from mlci.inference.proportions import Proportion
from mlci.metrics.confusion import Function, Margins
from mlci.metrics.statistics import Counts, Decisions, Floats

SMALL = 15
REPLICATES = 2000
_STEP = 1e-30
_NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class Cells:
    """Decisions of one scope with the margins of both models at hand."""

    decisions: Decisions
    candidate: Margins
    baseline: Margins | None

    @classmethod
    def of(cls, decisions: Decisions) -> "Cells":
        """Take the margins of both models once."""
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


def one(cells: Cells, function: Function, *, low: float, high: float) -> Evidence:
    """Return a ratio of counts for the candidate by the delta method, with its interval on the logit scale."""
    return _single(cells, function, cells.decisions.candidate, cells.candidate, low=low, high=high)


def baseline(cells: Cells, function: Function, *, low: float, high: float) -> Evidence | None:
    """Return the same for the baseline; ``None`` without one."""
    if cells.decisions.baseline is None or cells.baseline is None:
        return None
    return _single(cells, function, cells.decisions.baseline, cells.baseline, low=low, high=high)


def paired(cells: Cells, function: Function, *, confidence: float, seed: int) -> Evidence | None:
    """Return candidate minus baseline; by the bootstrap of the cells where a margin is under ``SMALL`` rows."""
    base = cells.decisions.baseline
    if base is None or cells.baseline is None:
        return None
    value = float(function(cells.candidate) - function(cells.baseline))
    if not np.isfinite(value):
        return Undefined("undefined for one of the models: a class is never labelled or never decided here")
    if _smallest(cells) < SMALL:
        return _bootstrap(cells, function, value, confidence=confidence, seed=seed)
    gap = influence(function, cells.candidate, cells.decisions.label, cells.decisions.candidate)
    gap = gap - influence(function, cells.baseline, cells.decisions.label, base)
    error = _error(gap, cells.decisions.count)
    if error < _NOTHING:
        # No row tells the models apart: leave what Tango's interval leaves where there is no disagreement.
        error = two_sided(confidence) / _smallest(cells)
    return Normal(value, error, cells.rows, "influence", low=-2.0, high=2.0)


def influence(function: Function, m: Margins, label: Counts, decided: Counts) -> Floats:
    """Return the influence of one row of each cell, shape (cells,), by the complex step."""
    total = float(m.total)
    classes = m.hits.shape[-1]
    point = np.concatenate([m.hits, m.labels, m.decisions]) / total
    steps = point + 1j * _STEP * np.eye(3 * classes)
    hits, labels, chosen = steps[:, :classes], steps[:, classes : 2 * classes], steps[:, 2 * classes :]
    gradient = np.imag(function(Margins(hits, labels, chosen))) / _STEP
    by_hit, by_label, by_decision = gradient.reshape(3, classes)
    values = by_label[label] + by_decision[decided] + np.where(label == decided, by_hit[label], 0.0)
    return np.asarray(values, dtype=np.float64)


def draws(decisions: Decisions, *, replicates: int, seed: int) -> Floats:
    """Draw the cell counts again: ``replicates`` multinomials of the scope's rows, shape (replicates, cells)."""
    total = int(decisions.count.sum())
    shares = decisions.count / total
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.multinomial(total, shares, size=replicates).astype(np.float64)


def _single(cells: Cells, function: Function, decided: Counts, m: Margins, *, low: float, high: float) -> Evidence:
    value = float(function(m)) if cells.rows else float("nan")
    if not np.isfinite(value):
        return Undefined("0/0: a class that it divides by is never labelled or never decided here")
    error = _error(influence(function, m, cells.decisions.label, decided), cells.decisions.count)
    if error < _NOTHING and abs(value - high) < _NOTHING:
        scarcest = int(m.labels[m.labels > 0].min())
        return Proportion(scarcest, scarcest, method="wilson, scarcest class")
    if error >= _NOTHING and low < value < high:
        return Logit(value, error, cells.rows, "delta", low, high)
    return Normal(value, error, cells.rows, "delta", low=low, high=high)


def _error(gap: Floats, count: Counts) -> float:
    total = float(count.sum())
    mean = float((gap * count).sum()) / total
    return float(np.sqrt(max(float((count * (gap - mean) ** 2).sum()), 0.0))) / total


def _smallest(cells: Cells) -> float:
    """Return the fewest rows that any occurring class has as label or as decision."""
    assert cells.baseline is not None  # noqa: S101 (callers have checked; this is for the type checker)
    sides = np.stack([cells.candidate.labels, cells.candidate.decisions, cells.baseline.decisions])
    present = sides.max(axis=0) > 0
    return float(sides[:, present].min())


def _bootstrap(cells: Cells, function: Function, value: float, *, confidence: float, seed: int) -> Evidence:
    base = cells.decisions.baseline
    assert base is not None  # noqa: S101 (as above)
    counts = draws(cells.decisions, replicates=REPLICATES, seed=seed)
    changes = function(margins(cells.decisions, cells.decisions.candidate, counts))
    changes = np.asarray(changes - function(margins(cells.decisions, base, counts)), dtype=np.float64)
    # The spread of a bootstrap over k rows is too small by (k - 1) / k; k are those of the smallest margin.
    smallest = max(_smallest(cells), 2.0)
    changes = value + (changes - value) * np.sqrt(smallest / (smallest - 1))
    return sampled(value, changes, cells.rows, confidence=confidence, method="multinomial bootstrap")


def sampled(value: float, changes: Floats, rows: int, *, confidence: float, method: str) -> Evidence:
    """Turn draws into percentile evidence; undefined when more than one draw in twenty is undefined."""
    defined = changes[np.isfinite(changes)]
    if len(defined) < 0.95 * len(changes) or len(defined) < 2:
        return Undefined("too few rows: undefined in over 5 % of the resampled sets", method="too few")
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    error = float(defined.std(ddof=1))
    low, high = min(float(low), value), max(float(high), value)
    return Sampled(value, low, high, error, rows, confidence, method)
