"""A developer who looks at one evaluation set a hundred times, and changes the model by what was seen.

Each candidate is truly worse: on a fresh row it gains and loses with fixed probabilities, whatever the developer does.
Only its answers on the rows of the evaluation set are chosen, by keeping those of the best candidate so far and drawing
some of them again. That is how a model is fitted to a test set without being any better.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mlci.config.lifecycle.reuse import Reuse

ROWS, LOOKS = 1_000, 100
LIMIT = 0.02
"""`max_drop` of the gate on accuracy."""
DISAGREEMENT = 0.08
CONFIDENCE, ALPHA = 0.95, 0.025
REDRAWN = 0.2
"""Share of the rows on which a developer changes the answers between two looks."""
_FIRST_SEED = 20_261_201
Counts = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GateRule:
    """A rule that judges looks.

    Attributes:
        title: Name in the table.
        alpha: One-sided level of a look; ``None`` for a rule on the estimate.
        looks: Looks that it allows before the set is worn out.
        numbers: Whether the developer sees the estimate, not only the verdict.
    """

    title: str
    alpha: float | None
    looks: int = LOOKS
    numbers: bool = False


RULES = (
    GateRule(title="estimate against the limit", alpha=None),
    GateRule(title="95 % interval, each look by itself", alpha=ALPHA),
    GateRule(
        title="`{budget: 100, adaptivity: first_change}`",
        alpha=Reuse(budget=LOOKS, adaptivity="first_change").look_alpha(CONFIDENCE),
    ),
    GateRule(
        title="`{budget: 9, adaptivity: full}`",
        alpha=Reuse(budget=9, adaptivity="full").look_alpha(CONFIDENCE),
        looks=9,
    ),
    GateRule(
        title="`{budget: 100, adaptivity: first_change}`, developer fits to the numbers",
        alpha=Reuse(budget=LOOKS, adaptivity="first_change").look_alpha(CONFIDENCE),
        numbers=True,
    ),
)
DROPS = (0.02, 0.03)
"""True drops: at the limit, where a pass is most likely of all that are wrong, and a point beyond it."""


def tango_score(gained: Counts, lost: Counts, rows: int, delta: float) -> Scores:
    """Return Tango's statistic for a true difference of ``delta``, as :class:`Tango` does, for many counts at once."""
    linear = -gained - lost + (2 * rows - gained + lost) * delta
    constant = -lost * delta * (1 - delta)
    nuisance = (np.sqrt(np.maximum(linear * linear - 8 * rows * constant, 0.0)) - linear) / (4 * rows)
    variance = rows * (2 * nuisance + delta * (1 - delta))
    distance = gained - lost - rows * delta
    return np.asarray(distance / np.sqrt(variance), dtype=np.float64)


def verdicts(change: NDArray[np.int8], rule: GateRule) -> Counts:
    """Return 0 for failed, 1 for inconclusive and 2 for passed, by candidate; ``change`` has the shape (runs, rows)."""
    gained, lost = (change > 0).sum(axis=1), (change < 0).sum(axis=1)
    if rule.alpha is None:
        return np.where((gained - lost) / change.shape[1] >= -LIMIT - 1e-12, 2, 0)
    z = NormalDist().inv_cdf(1 - rule.alpha)
    score = tango_score(gained, lost, change.shape[1], -LIMIT)
    return np.where(score >= z, 2, np.where(score <= -z, 0, 1))


def develop(rng: np.random.Generator, runs: int, rule: GateRule, drop: float) -> float:
    """Return the share of developers of whom a truly worse candidate gets through."""
    seen: Callable[[NDArray[np.int8], Counts], Scores] = _estimate if rule.numbers else _verdict
    best = _answers(rng, (runs, ROWS), drop)
    verdict = verdicts(best, rule)
    value, passed = seen(best, verdict), verdict == 2
    for _ in range(rule.looks - 1):
        again = rng.random(best.shape, dtype=np.float32) < REDRAWN
        tried = np.where(again, _answers(rng, best.shape, drop), best)
        verdict = verdicts(tried, rule)
        passed |= verdict == 2
        now = seen(tried, verdict)
        better = now >= value
        best[better], value[better] = tried[better], now[better]
    return float(passed.mean())


def _verdict(change: NDArray[np.int8], verdict: Counts) -> Scores:
    del change
    return verdict.astype(np.float64)


def _estimate(change: NDArray[np.int8], verdict: Counts) -> Scores:
    del verdict
    return np.asarray(change.mean(axis=1), dtype=np.float64)


def _answers(rng: np.random.Generator, shape: tuple[int, int], drop: float) -> NDArray[np.int8]:
    """Draw what each row changes: 1 if only the candidate is right, -1 if only the baseline is."""
    gain, draws = (DISAGREEMENT - drop) / 2, rng.random(shape, dtype=np.float32)
    return (draws < gain).astype(np.int8) - (draws > 1 - gain - drop).astype(np.int8)


def simulate(runs: int) -> dict[tuple[GateRule, float], float]:
    """Return the share that gets through, by rule and true drop."""
    size = min(runs, 200)
    found: dict[tuple[GateRule, float], float] = {}
    for number, rule in enumerate(RULES):
        for drop in DROPS:
            parts = [
                develop(np.random.default_rng([_FIRST_SEED, number, round(1e4 * drop), part]), size, rule, drop)
                for part in range(max(runs // size, 1))
            ]
            found[rule, drop] = float(np.mean(parts))
    return found


def exact_misses(rows: int, alpha: float, *, drop: float = LIMIT, disagreement: float = 0.06) -> float:
    """Return the exact chance that Tango's interval at a level passes a candidate whose true drop is the limit."""
    gain, loss = (disagreement - drop) / 2, (disagreement + drop) / 2
    spans = []
    for share in (gain, loss):
        middle, reach = rows * share, 14 * math.sqrt(rows * share) + 30
        spans.append(np.arange(max(0, int(middle - reach)), min(rows, int(middle + reach)) + 1))
    gained, lost = np.meshgrid(*spans, indexing="ij")
    chance = stats.binom.pmf(gained, rows, gain) * stats.binom.pmf(lost, rows - gained, loss / (1 - gain))
    return float(chance[tango_score(gained, lost, rows, -drop) >= NormalDist().inv_cdf(1 - alpha)].sum())


def hoeffding_rows(tolerance: float, delta: float, *, models: float = 1, variables: int = 1) -> int:
    """Return the rows that ease.ml/ci asks for by Hoeffding's bound (Renggli et al. 2019, MLSys).

    Args:
        tolerance: Error of the condition; ``variables`` share it.
        delta: One minus the reliability.
        models: Number of possible candidates: H, or 2 ** H with full adaptivity.
        variables: Accuracies in the condition: 1, or 2 for a difference.
    """
    share = tolerance / variables
    return math.ceil(math.log(variables * models / delta) / (2 * share * share))


def bennett_rows(tolerance: float, delta: float, *, disagreement: float, models: float = 1) -> int:
    """Return the rows for a difference whose variance is at most the disagreement, by Bennett's bound."""
    ratio = tolerance / disagreement
    rate = (1 + ratio) * math.log1p(ratio) - ratio
    return math.ceil(math.log(4 * models / delta) / (disagreement * rate))
