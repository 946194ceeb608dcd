"""Metrics of decisions by label: given the labels, the rows of each label are independent parts.

To first order a decision on a row of label l adds ``worth[l, d]`` to a metric. So a change is a sum over labels of
paired differences, as a mean of recalls is a sum of proportions: each has the skewness and the uncertainty of its own
rows, even if they are a dozen. The variance of the influence functions that the parts do not explain is added, so that
with many rows the interval is the delta method's.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from mlci.inference.estimators.ratios import Cells, cell_influence, gradient, standard_error
from mlci.inference.evidence import Evidence, Undefined
from mlci.inference.intervals.mover import Mover
from mlci.inference.intervals.paired_score import Label, PairedScore
from mlci.inference.intervals.proportions import F1, Proportion
from mlci.metrics.confusion import Function, Margins
from mlci.metrics.statistics import Counts, Floats

_ALIKE = 2.0
_FEW = 2
_NOTHING = 1e-9


def mean_rate(
    function: Function,
    cells: Cells,
    decided: Counts,
    m: Margins,
    *,
    base: Floats,
    part: type[Proportion | F1] = Proportion,
) -> Evidence:
    """Return one model's mean of a rate over classes, from Wilson's limits of each class.

    Args:
        function: The metric: a mean over classes of hits over ``base``.
        cells: Decisions of the scope.
        decided: The model's decisions, shape (cells,).
        m: Their margins.
        base: Rows labelled as each class for recalls, decided for it for precisions, either for F1; shape (classes,).
        part: Evidence for one class's rate: a proportion, or F1 by the Jaccard index.
    """
    value = float(function(m)) if cells.rows else float("nan")
    if not np.isfinite(value):
        return Undefined("0/0: a class that it divides by is never labelled or never decided here")
    rows, hits = base[base > 0], m.hits[base > 0]
    groups = list(_group_by_size(rows))
    parts = tuple(part(round(float(hits[g].sum())), round(float(rows[g].sum()))) for g in groups)
    weights = tuple(len(group) / len(rows) for group in groups)
    error = standard_error(cell_influence(gradient(function, m), cells.decisions.label, decided), cells.decisions.count)
    evidence = Mover(value, parts, weights, 0.0, cells.rows)
    return Mover(value, parts, weights, _unexplained(error, evidence.explained()), cells.rows)


def change_by_label(cells: Cells, function: Function, *, most: float = 1.0) -> Evidence | None:
    """Return candidate minus baseline by the labels' paired differences; ``None`` without a baseline.

    Args:
        cells: Decisions of both models.
        function: The metric.
        most: Largest possible change.
    """
    decided, base = cells.decisions, cells.decisions.baseline
    if base is None or cells.baseline is None:
        return None
    value = float(function(cells.candidate) - function(cells.baseline))
    if not np.isfinite(value):
        return Undefined("undefined for one of the models: a class is never labelled or never decided here")
    mine, theirs = gradient(function, cells.candidate), gradient(function, cells.baseline)
    labels = tuple(_labels(cells, base, _worth((mine + theirs) / 2)))
    if not labels:
        return Undefined("too few rows: to first order no decision on them would change it", method="too few")
    gap = cell_influence(mine, decided.label, decided.candidate) - cell_influence(theirs, decided.label, base)
    evidence = PairedScore(value, labels, 0.0, cells.rows, most)
    rest = _unexplained(standard_error(gap, decided.count), evidence.explained())
    return PairedScore(value, labels, rest, cells.rows, most)


def _worth(slopes: Floats) -> Floats:
    """Return the contribution of a decision on a row of each label, shape (labels, decisions)."""
    by_hit, _, by_decision = slopes
    return np.asarray(by_decision + np.diag(by_hit), dtype=np.float64)


def _labels(cells: Cells, baseline: Counts, worth: Floats) -> Iterator[Label]:
    label, candidate, count = cells.decisions.label, cells.decisions.candidate, cells.decisions.count
    gap = worth[label, candidate] - worth[label, baseline]
    most = np.ptp(worth, axis=1)
    gap[abs(gap) <= _NOTHING * most.max()] = 0.0
    for k in np.flatnonzero((cells.candidate.labels > 0) & (most > _NOTHING * most.max())):
        (gained, gain), (lost, loss) = (_signed_gap(gap * sign, count, label == k) for sign in (1, -1))
        yield Label(
            rows=round(float(cells.candidate.labels[k])),
            gained=gained,
            lost=lost,
            gain=gain,
            loss=loss,
            most=max(float(most[k]), gain, loss),
        )


def _signed_gap(gap: Floats, count: Counts, mine: Counts) -> tuple[int, float]:
    """Return how many rows of a label have a positive gap, and its root mean square on them.

    A sum of counts with different weights is approximated by one count with their root mean square weight, as Dobson,
    Kuulasmaa, Eberle & Scherer 1991, Stat. Med. 10:457, scale the limits of one count to such a sum's variance.
    """
    there = mine & (gap > 0)
    rows = int(count[there].sum())
    return rows, float(np.sqrt((count[there] * gap[there] ** 2).sum() / rows)) if rows else 0.0


def _group_by_size(sizes: Floats) -> Iterator[Sequence[int]]:
    """Split classes into groups whose sizes are within a factor of two; two classes are not merged.

    Summed limits of very many small classes would be too long on one side and too short on the other.
    """
    if len(sizes) <= _FEW:
        yield from ([k] for k in range(len(sizes)))
        return
    order = np.argsort(sizes, kind="stable")
    while len(order):
        same = sizes[order] <= _ALIKE * sizes[order[0]]
        yield order[same].tolist()
        order = order[~same]


def _unexplained(error: float, explained: float) -> float:
    rest = error**2 - explained
    return float(np.sqrt(rest)) if rest > _NOTHING * error**2 else 0.0
