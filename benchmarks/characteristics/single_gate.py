"""One accuracy gate: how often it blocks what it should not, passes what it should not, and stays undecided."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from benchmarks.characteristics.figures import Figure, Section, percent, share
from benchmarks.characteristics.pool import Outcome, Work
from mlci.gates.judge import judge_rules
from mlci.gates.limits import Limit, Rule
from mlci.gates.outcomes import Outcome as Judgement
from mlci.inference.evaluate import Question, evaluate
from mlci.metrics.statistics import WHOLE, Decisions, Statistics

ACCURACY = 0.85
SAME = (0.03, 0.03)
"""Shares of rows that only the candidate and only the baseline gets right: 6 % disagreement, no true change."""
WORSE = (0.025, 0.055)
"""8 % disagreement and a true drop of 3 points."""
CONFIDENCE = 0.90
TOLERANCE = 0.02
ROWS = (200, 1_000, 10_000)
TRIES = 10
PUBLISHED = {
    "harmless, blocked by “must not be lower”": (0.438, 0.475, 0.491),
    "harmless, blocked by a tolerance of 0.02 on unpaired estimates": (0.266, 0.098, 0.0),
    "harmless, mlci with margin 0.02: passed": (0.286, 0.811, 1.0),
    "harmless, mlci with margin 0.02: inconclusive": (0.710, 0.189, 0.0),
    "harmless, mlci with margin 0.02: failed": (0.003, 0.0, 0.0),
    "3 points worse, mlci with margin 0.01: passed": (0.004, 0.0, 0.0),
    "3 points worse, mlci with margin 0.01: inconclusive": (0.729, 0.266, 0.0),
    "3 points worse, mlci with margin 0.01: failed": (0.267, 0.734, 1.0),
}


@cache
def judgement(gained: int, lost: int, rows: int, *, margin: float, confidence: float) -> Judgement:
    """Return what mlci's gate on accuracy says about these counts."""
    wrong = max(round((1 - ACCURACY) * rows) - gained, 0)
    cells = np.array([(1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)]).T
    counts = np.array([wrong, gained, lost, rows - wrong - gained - lost])
    kept = counts > 0
    label, baseline, candidate = cells[:, kept]
    whole = Statistics(WHOLE, rows, Decisions(("0", "1"), label, baseline, candidate, counts[kept]))
    question = Question(task="binary", metrics=("accuracy",), baseline=True, confidence=confidence)
    result = evaluate([whole], question, fingerprint="simulated", notes=())
    rule = Rule(metric="accuracy", limits=(Limit("max_drop", margin),))
    return judge_rules([rule], result, min_group_size=30)[0].outcome


def judge_draws(differ: np.ndarray, rows: int, *, margin: float, confidence: float) -> np.ndarray:
    """Judge draws of (gained, lost), shape (draws, 2); each distinct draw once, because the gate is deterministic."""
    distinct, inverse = np.unique(differ, axis=0, return_inverse=True)
    each = [judgement(int(b), int(c), rows, margin=margin, confidence=confidence).value for b, c in distinct]
    return np.array(each)[inverse.ravel()]


def draw(rng: np.random.Generator, draws: int, rows: int, shares: tuple[float, float]) -> np.ndarray:
    """Draw (gained, lost) of independent evaluation sets, shape (draws, 2)."""
    return rng.multinomial(rows, [*shares, 1 - sum(shares)], size=draws)[:, :2]


def one_gate(rng: np.random.Generator, draws: int, *, rows: int) -> dict[str, float]:
    """Count outcomes of the naive rules and of mlci's, for a harmless and for a harmful change."""
    same, worse = draw(rng, draws, rows, SAME), draw(rng, draws, rows, WORSE)
    alone = rng.binomial(rows, ACCURACY, size=(draws, 2))
    blocked = alone[:, 1] - alone[:, 0] < -round(TOLERANCE * rows)
    harmless = judge_draws(same, rows, margin=TOLERANCE, confidence=CONFIDENCE)
    harmful = judge_draws(worse, rows, margin=0.01, confidence=CONFIDENCE)
    found = [float((same[:, 0] < same[:, 1]).sum()), float(blocked.sum())]
    found += [float((harmless == word).sum()) for word in ("passed", "inconclusive", "failed")]
    found += [float((harmful == word).sum()) for word in ("passed", "inconclusive", "failed")]
    return dict(zip(PUBLISHED, found, strict=True))


def retries(rng: np.random.Generator, draws: int) -> dict[str, float]:
    """Count how often one of ten retrainings, each truly 3 points worse, gets through on 1,000 rows."""
    worse = draw(rng, draws * TRIES, 1_000, WORSE)
    point = worse[:, 0] - worse[:, 1] >= -round(TOLERANCE * 1_000)
    split = 1 - (1 - CONFIDENCE) / TRIES
    gate = judge_draws(worse, 1_000, margin=TOLERANCE, confidence=split) == "passed"
    through = {"point": point, "mlci": gate}
    return {name: float(one.reshape(draws, TRIES).any(axis=1).sum()) for name, one in through.items()}


def works(scale: float) -> list[Work]:
    """Return the simulations; ``scale`` multiplies the replicates."""
    draws = {200: 20_000, 1_000: 10_000, 10_000: 2_000}
    gates = [Work(f"gate {rows}", one_gate, round(draws[rows] * scale), {"rows": rows}) for rows in ROWS]
    return [*gates, Work("retries", retries, round(10_000 * scale))]


def section(outcomes: Mapping[str, Outcome]) -> Section:
    """Put measured and published figures side by side."""
    figures: list[Figure] = []
    overview = []
    for k, rows in enumerate(ROWS):
        found = outcomes[f"gate {rows}"]
        for what, published in PUBLISHED.items():
            figures.append(share(f"{rows:,} rows; {what}", found.totals[what], found.replicates, published[k]))
        shares = [percent(found.mean(what)) for what in PUBLISHED]
        overview.append([f"{rows:,}", *shares[:2], " / ".join(shares[2:5]), " / ".join(shares[5:])])
    heads = (
        "rows",
        "no change: “must not be lower” blocks",
        "tolerance 0.02, unpaired, blocks",
        "mlci, margin 0.02: pass / inconclusive / fail",
        "3 points worse: mlci, margin 0.01",
    )
    again = outcomes["retries"]
    figures += [
        share(
            "ten tries, 3 points worse; a tolerance of 0.02 lets one through",
            again.totals["point"],
            again.replicates,
            0.79,
            digits=0,
        ),
        share(
            "ten tries, 3 points worse; mlci with α/10 and margin 0.02 lets one through",
            again.totals["mlci"],
            again.replicates,
            0.002,
        ),
    ]
    return Section(
        title="One gate on accuracy",
        lead="Accuracy 0.85; the models disagree on 6 % of rows, or on 8 % where the true drop is 3 points; "
        "confidence 0.90. “Unpaired” means that each model is measured on separate rows.",
        figures=figures,
        overview=(heads, overview),
    )
