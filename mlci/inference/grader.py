"""A judge against people: agreement by item, Cohen's kappa, and a difference that human labels correct.

The correction is PPI++ (Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453): the judge's difference on the items
without labels, plus what people say differently on those with labels, with the weight of least variance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlci.inference.evidence import Evidence
from mlci.inference.intervals.clusters import ClusterSums, clustered_mean
from mlci.inference.intervals.distributions import student_two_sided
from mlci.inference.intervals.gaffke import BoundedMean
from mlci.metrics.statistics import Counts, Floats

FEWEST_LABELLED = 50
"""Items with labels of both models, and items without, below which no difference is corrected."""


def agreement_by_item(shares: Floats, clusters: Counts | None) -> Evidence:
    """Return the mean over items of the share of answers on which judge and people agree.

    Args:
        shares: Share of each item's labelled answers, shape (items,).
        clusters: Number of each item's cluster; ``None`` if items are independent.
    """
    if clusters is not None:
        return clustered_mean(ClusterSums.of(shares, clusters), low=0.0, high=1.0)
    distinct, counts = np.unique(shares, return_counts=True)
    return BoundedMean(distinct, counts, 0.0, 1.0)


def cohen_kappa(judged: Sequence[float], labelled: Sequence[float]) -> float | None:
    """Return Cohen's kappa of two ratings of the same answers (Cohen 1960); ``None`` if chance alone agrees fully."""
    one, two = np.asarray(judged), np.asarray(labelled)
    expected = float(sum((one == value).mean() * (two == value).mean() for value in np.unique(np.append(one, two))))
    if math.isclose(expected, 1.0):
        return None
    return float(((one == two).mean() - expected) / (1 - expected))


@dataclass(frozen=True, kw_only=True)
class CorrectedMean:
    """A mean that labels correct.

    Attributes:
        value: The estimate.
        error: Its standard error, as ppi_py has it.
        low, high: Its interval.
        weight: Weight of the judge between 0 (labels alone) and 1.
    """

    value: float
    error: float
    low: float
    high: float
    weight: float


def corrected_mean(people: Floats, judged: Floats, unlabelled: Floats, *, confidence: float) -> CorrectedMean:
    """Return the mean of what people say, by PPI++.

    Args:
        people: Values by people, shape (labelled,).
        judged: The judge's values of the same items, shape (labelled,).
        unlabelled: The judge's values of the other items, shape (unlabelled,).
        confidence: Two-sided level of the interval: Student's with the labelled items' degrees of freedom and their
            unbiased variance, because the authors' normal interval is too short on a few dozen of them.
    """
    few, many = len(people), len(unlabelled)
    spread = float(np.append(judged, unlabelled).var(ddof=1)) * (1 + few / many)
    together = float(((people - people.mean()) * (judged - judged.mean())).mean())
    weight = min(max(together / spread, 0.0), 1.0) if spread > 0 else 0.0
    value = weight * float(unlabelled.mean()) + float((people - weight * judged).mean())
    error = math.sqrt(weight**2 * float(unlabelled.var()) / many + float((people - weight * judged).var()) / few)
    reach = student_two_sided(confidence, few - 1) * error * math.sqrt(few / (few - 1))
    return CorrectedMean(value=value, error=error, low=value - reach, high=value + reach, weight=weight)
