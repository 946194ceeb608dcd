"""McNemar's test on the rows that exactly one of two models decides rightly (McNemar 1947, Psychometrika 12:153)."""

import math

import numpy as np

from mlci.inference.evaluation import Agreement
from mlci.metrics.statistics import Decisions


def agreement(decisions: Decisions) -> Agreement | None:
    """Count right and wrong decisions of both models; ``None`` without a baseline."""
    if decisions.baseline is None:
        return None
    now, before = decisions.candidate == decisions.label, decisions.baseline == decisions.label
    count = decisions.count
    lost, gained = int(count[before & ~now].sum()), int(count[now & ~before].sum())
    differ = lost + gained
    return Agreement(
        both=int(count[now & before].sum()),
        baseline_only=lost,
        candidate_only=gained,
        neither=int(count[~now & ~before].sum()),
        chi2=(lost - gained) ** 2 / differ if differ else None,
        chi2_corrected=(abs(lost - gained) - 1) ** 2 / differ if differ else None,
        exact_p=exact_p(lost, gained),
    )


def exact_p(first: int, second: int) -> float:
    """Return the two-sided binomial p-value of ``first`` against ``second`` at one half; 1 without disagreement."""
    n, k = first + second, min(first, second)
    if n == 0 or first == second:
        return 1.0
    top = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
    j = np.arange(k, 0, -1, dtype=np.float64)
    ratios = np.cumprod(j / (n - j + 1))
    return min(1.0, 2 * math.exp(top) * (1 + float(ratios.sum())))
