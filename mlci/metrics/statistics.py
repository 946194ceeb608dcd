"""Sufficient statistics of a scope, which add up over shards: counts, ranks, and moments of per-row losses.

Every object here describes one *scope* (the whole evaluation set, or one group of one slice), holds both models
together so that comparisons stay paired, and is a NumPy container without behaviour. ``None`` for a baseline means
that there is none; the candidate never replaces it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mlci.metrics.clustered_rows import ClusteredRows

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, order=True)
class Scope:
    """Rows that a statistic is about: ``slice`` names a column, bin or crossing, ``group`` one of its values.

    Both are ``None`` for the whole evaluation set.
    """

    slice: str | None = None
    group: str | None = None

    def __str__(self) -> str:
        """Return ``slice=group``, or an empty string for the whole set."""
        return "" if self.slice is None else f"{self.slice}={self.group}"


WHOLE = Scope()


@dataclass(frozen=True, eq=False)
class Decisions:
    """Counts of rows by (label, baseline decision, candidate decision), stored sparsely.

    Attributes:
        classes: Names of the classes; for a binary task ``(negative, positive)``.
        label: Index into ``classes`` of each cell's label, shape (cells,).
        baseline: Index of the baseline's decision, shape (cells,); ``None`` without a baseline.
        candidate: Index of the candidate's decision, shape (cells,).
        count: Rows in each cell, all positive, shape (cells,). Cells are unique and in ascending order.
    """

    classes: tuple[str, ...]
    label: Counts
    baseline: Counts | None
    candidate: Counts
    count: Counts


@dataclass(frozen=True, eq=False)
class ModelBins:
    """One model's scores as a histogram over ordered bins: ``positives[k]`` and ``negatives[k]`` rows of each class.

    Bins are in ascending order of score. ``coarse[k]`` is the index of the coarser bin that bin ``k`` belongs to in
    :class:`Scores.joint`; non-decreasing.
    """

    positives: Counts
    negatives: Counts
    coarse: Counts


@dataclass(frozen=True, eq=False)
class Scores:
    """Ranks of both models' scores in one scope of a binary task.

    With ``exact``, there is one bin for each distinct score and everything derived is exact; otherwise the error of
    the AUC is at most half the sum over bins of the product of the two classes' mass in a bin.

    Attributes:
        candidate: The candidate's histogram.
        baseline: The baseline's histogram; ``None`` without a baseline.
        joint: Integer array of shape (cells, 4): coarse bin of the baseline, coarse bin of the candidate, rows with a
            positive label, rows with a negative label. ``None`` without a baseline.
        differing: Rows on which the two models' scores are not equal; 0 makes the comparison an exact tie.
        exact: Whether bins are distinct scores.
    """

    candidate: ModelBins
    baseline: ModelBins | None
    joint: Counts | None
    differing: int
    exact: bool


@dataclass(frozen=True, eq=False)
class ClassRanks:
    """A mean of AUCs over classes or pairs of them, with the influence of the rows of each class.

    A row's influence is the mean of its DeLong placements (1988, Biometrics 44:837) in every AUC that it is part of,
    times the number of rows over those of its side, so that the value changes by the mean influence over all rows.

    Attributes:
        candidate: The candidate's mean; NaN if a class has no rows.
        baseline: The baseline's; ``None`` without one that has probabilities.
        by_class: By line (``candidate``, ``baseline``, ``change``): sums of powers 0 to 2 of the influences of each
            class's rows, shape (classes, 3).
        differing: Rows on which the two models' probabilities are not equal.
        absent: Names of the classes without rows.
    """

    candidate: float
    baseline: float | None
    by_class: Mapping[str, Floats]
    differing: int
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ProbabilityBins:
    """One model's probabilities of a class as a histogram over fixed bins, in ascending order.

    Attributes:
        positives: Rows of the class in each bin, shape (bins,).
        negatives: Rows of all other classes.
        sums: Sum of the probabilities.
    """

    positives: Counts
    negatives: Counts
    sums: Floats


@dataclass(frozen=True, eq=False)
class ClassHistogram:
    """Probabilities of one class by both models; ``baseline`` is ``None`` without one that has probabilities."""

    label: str
    candidate: ProbabilityBins
    baseline: ProbabilityBins | None


@dataclass(frozen=True, eq=False)
class PowerSums:
    """Sums of powers of one number a row and of its companion (see :data:`LOSSES`).

    Attributes:
        sums: ``sums[i, j]`` is the sum of (companion / other_unit)^i × (number / unit)^j; 0 if it is not needed.
        unit, other_unit: Divisors of the number and of its companion.
    """

    sums: Floats
    unit: float
    other_unit: float


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of named per-row quantities.

    Attributes:
        names: Quantities, in the order of the arrays, e.g. ``("baseline", "candidate")`` for the two models' losses.
        rows: Rows summed over.
        sums: Sum of each quantity, shape (quantities,).
        products: Sum of the product of each pair, shape (quantities, quantities), symmetric.
        differing: Rows on which the two models' predictions are not equal, whatever their losses.
        powers: For squared losses of regression, by line (``candidate``, ``baseline``, ``change``).
        by_class: For losses of a binary task, by line: sums of powers 0 to 3 of the rows of either class, negatives
            first, shape (2, 4).
    """

    names: tuple[str, ...]
    rows: int
    sums: Floats
    products: Floats
    differing: int = 0
    powers: Mapping[str, PowerSums] = field(default_factory=dict)
    by_class: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Sums of (score - label) inside fixed, equally wide bins of the score.

    Attributes:
        rows: Rows in each bin of the candidate, shape (bins,).
        gap: Sum of (score - label) in each bin of the candidate, shape (bins,).
        square: Sum of (score - label)² in each bin of the candidate, shape (bins,).
        positives: Rows of the positive class in each bin of the candidate, shape (bins,).
        baseline_rows, baseline_gap, baseline_square, baseline_positives: The same for the baseline, if there is one.
    """

    rows: Counts
    gap: Floats
    square: Floats
    positives: Counts
    baseline_rows: Counts | None = None
    baseline_gap: Floats | None = None
    baseline_square: Floats | None = None
    baseline_positives: Counts | None = None


@dataclass(frozen=True, eq=False)
class ResidualSums:
    """Sums of a regression's residuals, label minus prediction, in bins of one model's predictions.

    Bins ascend and hold about as many rows each; equal predictions share a bin.

    Attributes:
        rows: Rows in each bin, shape (bins,).
        predicted: Sum of the predictions in each bin.
        residual: Sum of the residuals in each bin.
        square: Sum of (residual - the bin's mean)² in each bin.
    """

    rows: Counts
    predicted: Floats
    residual: Floats
    square: Floats


@dataclass(frozen=True, eq=False)
class Replicates:
    """A metric that is computed only by a function of rows, on the sample and on paired resamples of it.

    Attributes:
        candidate, baseline: Values on the sample; NaN if the metric is undefined.
        candidate_draws, baseline_draws: Values on the same resampled rows, shape (replicates,); NaN if undefined.
        differing: Rows on which the two models' predictions are not equal.
        reason: Why the value is undefined, in words; ``None`` if it is defined.
        method: How the rows were resampled.
        counts: Of a jackknife, how many rows or groups each value stands for that one was left out of, shape
            (replicates,); ``None`` for a bootstrap.
    """

    candidate: float
    baseline: float | None
    candidate_draws: Floats
    baseline_draws: Floats | None
    differing: int
    reason: str | None = None
    method: str = "row bootstrap"
    counts: Floats | None = None


@dataclass(frozen=True, eq=False)
class QueryValues:
    """A ranking metric of each query with a relevant document, in the natural order of the queries.

    Attributes:
        candidate: The candidate's, in [0, 1], shape (queries,).
        baseline: The baseline's; ``None`` without one.
    """

    candidate: Floats
    baseline: Floats | None = None


@dataclass(frozen=True, eq=False)
class Statistics:
    """All statistics of one scope.

    Attributes:
        scope: The scope.
        rows: Number of its rows.
        decisions: Counts of decisions; ``None`` for regression, and if only scores without a threshold exist.
        scores: Ranks of scores; ``None`` unless a metric needs them.
        class_ranks: Means of AUCs over classes (``ovr``) or pairs of classes (``ovo``).
        moments: By name of the per-row loss (see :data:`LOSSES`).
        calibration: Calibration sums; ``None`` unless asked for.
        residuals: Residuals of a regression on the whole set, the candidate's first; empty unless asked for.
        class_histograms: Probabilities of the most frequent classes on the whole set; empty without probabilities.
        replicates: By name of the metric, for metrics without a closed form.
        rankings: By name of the metric, its value of each query; empty for other tasks.
        differing: Rows on which the two models' predictions are not equal: their scores if both have scores, else
            their decisions. 0 makes every comparison an exact tie; ``None`` if only decisions are known.
        clustered: Rows with clusters and weights, from which metrics are estimated; ``None`` if rows are independent
            and count equally.
    """

    scope: Scope
    rows: int
    decisions: Decisions | None = None
    scores: Scores | None = None
    class_ranks: Mapping[str, ClassRanks] = field(default_factory=dict)
    moments: Mapping[str, Moments] = field(default_factory=dict)
    calibration: Calibration | None = None
    residuals: tuple[ResidualSums, ...] = ()
    class_histograms: tuple[ClassHistogram, ...] = ()
    replicates: Mapping[str, Replicates] = field(default_factory=dict)
    rankings: Mapping[str, QueryValues] = field(default_factory=dict)
    differing: int | None = None
    clustered: "ClusteredRows | None" = None


LOSSES = ("squared", "absolute", "signed", "percentage", "pinball", "log", "variance")
"""Per-row losses whose moments the engine sums.

Each name maps to the quantities of :class:`Moments`. ``y`` is the label, ``p`` a model's score or prediction,
``e = p - y``.

========================  ==========================================================================
``squared``               e² of each model; for a binary task p is the probability (Brier score)
``absolute``              |e|
``signed``                e
``percentage``            |e| / max(|y|, eps), eps the float64 epsilon (scikit-learn's MAPE)
``pinball``               half the absolute error (scikit-learn's pinball loss at alpha = 0.5)
``log``                   -log of the probability given to the label, p clipped to [eps, 1 - eps]
``variance``              ``("y", "y2", "baseline", "candidate")``: y centred at ``Moments`` constant 0 after the
                          engine subtracts the whole set's mean, its square, and e² of each model (for R²)
========================  ==========================================================================

All others have quantities ``("baseline", "candidate")``; without a baseline only ``("candidate",)``.

With a probability for each class, ``squared`` is the sum over classes of (probability - 1 if it is the label, else 0)²,
``log`` is -log of the label's probability, and :data:`TOP` followed by k is 1 if the label is among the k most probable
classes, else 0. A baseline without probabilities has no quantity.
"""
TOP = "top_"

ORDER = 4
CLASS_ORDER = 3


@dataclass(frozen=True)
class Line:
    """One number per row, for sums of powers, from which the skewness and kurtosis of an influence come.

    A *line* is one number per row: the candidate's loss, the baseline's, or the change from one to the other. An
    influence is a line's value times a constant plus a polynomial of a *companion*: the baseline's loss for a
    change in RMSE, the centred label for R², whose square enters. So the moments of an influence up to the fourth
    are sums of the mixed powers here. Values are divided by a power of two near their largest first: eighth powers
    of large numbers would overflow, and such a division is exact.

    Attributes:
        name: ``candidate``, ``baseline`` or ``change``.
        companion: Name of its companion's column; ``None`` without one.
        weight: Powers of the companion that equal one power of the line.
    """

    name: str
    companion: str | None = None
    weight: int = 0

    @property
    def exponents(self) -> list[tuple[int, int]]:
        """Powers of the companion and of the line that are summed together."""
        return [(i, j) for j in range(ORDER + 1) for i in range(self.weight * (ORDER - j) + 1) if i + j]


def lines_of(columns: Mapping[str, object]) -> list[Line]:
    """Return the lines of a squared loss: with the label's column ``y`` for R², without it for RMSE."""
    names = [name for name in ("baseline", "candidate") if name in columns]
    if "y" in columns:
        return [Line(name, "y", 2) for name in (*names, *(["change"] if len(names) == 2 else []))]
    return [*(Line(name) for name in names), *([Line("change", "baseline", 1)] if len(names) == 2 else [])]


def with_change(columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Add the change from baseline to candidate to the columns if there are both."""
    if "baseline" not in columns:
        return dict(columns)
    return {**columns, "change": columns["candidate"] - columns["baseline"]}


def products(line: Line, columns: Mapping[str, Floats], units: Mapping[str, float]) -> Iterator[Floats]:
    """Yield the mixed powers of a line and its companion, one array of rows for each of its exponents."""
    own = _powers(columns[line.name] / units["loss"], ORDER)
    if line.companion is None:
        yield from own[1:]
        return
    unit = units["y" if line.companion == "y" else "loss"]
    other = _powers(columns[line.companion] / unit, line.weight * ORDER)
    yield from (own[j] if i == 0 else other[i] if j == 0 else other[i] * own[j] for i, j in line.exponents)


def collected(line: Line, rows: int, sums: Floats, units: Mapping[str, float]) -> PowerSums:
    """Build the power sums from the sums of :func:`products`."""
    table = np.zeros((line.weight * ORDER + 1, ORDER + 1))
    table[0, 0] = rows
    for (i, j), value in zip(line.exponents, sums, strict=True):
        table[i, j] = value
    return PowerSums(table, units["loss"], units["y" if line.companion == "y" else "loss"])


def class_products(values: Floats, positive: Floats) -> list[Floats]:
    """Return the powers of a line up to the third, separately for the classes of a binary task."""
    powers = _powers(values, CLASS_ORDER)[1:]
    return [power * mine for mine in (1 - positive, positive) for power in powers]


def unit_of(largest: float) -> float:
    """Return the power of two at or above the largest value; 1 for 0."""
    return float(2.0 ** np.frexp(largest)[1]) if largest > 0 and np.isfinite(largest) else 1.0


def _powers(values: Floats, order: int) -> list[Floats]:
    powers = [np.ones_like(values)]
    for _ in range(order):
        powers.append(powers[-1] * values)
    return powers
