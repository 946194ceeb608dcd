"""Bias of point estimates: disparities of models without any, and the calibration error of a calibrated one."""

import math
from collections.abc import Mapping

import numpy as np

from benchmarks.characteristics.figures import Figure, Section, percent, standard_error
from benchmarks.characteristics.pool import Outcome, Work
from mlci.inference.disparity.simultaneous import disparity_evidence
from mlci.inference.estimators.score_metrics import expected_calibration_error
from mlci.metrics.statistics import Counts

GROUPS = (0.40, 0.30, 0.15, 0.10, 0.05)
RATE = 0.30
GAP, FOUR_FIFTHS = 0.10, 0.80
ROWS = (200, 1_000, 10_000)
PUBLISHED = {
    "a gap limit of 0.10 on the point blocks": (0.92, 0.39, 0.0),
    "the four-fifths rule on the point blocks": (0.98, 0.75, 0.02),
}
PUBLISHED_DISPARITY_DRAWS = 1_000
"""Draws that the published shares are taken to rest on; they are given in whole per cent."""
BINS = 15
SPREAD = 1.35
PUBLISHED_ECE = (0.088, 0.039, 0.0125)


def gaps(rng: np.random.Generator, draws: int, *, rows: int) -> dict[str, float]:
    """Count harmless models that point rules on the selection rates of five groups block."""
    sizes = np.round(np.array(GROUPS) * rows).astype(int)
    selected = rng.binomial(sizes, RATE, size=(draws, len(sizes))) / sizes
    gap = disparity_evidence(selected, reference=None, kind="difference")
    ratio = disparity_evidence(selected, reference=None, kind="ratio")
    return dict(zip(PUBLISHED, [float((gap > GAP).sum()), float((ratio < FOUR_FIFTHS).sum())], strict=True))


def sum_calibration_errors(rng: np.random.Generator, draws: int, *, rows: int) -> dict[str, float]:
    """Sum the plain and the debiased calibration error of a model whose scores are the true probabilities."""
    found = {"plain": 0.0, "plain squared": 0.0, "debiased": 0.0, "debiased squared": 0.0}
    for _ in range(draws):
        score = 1 / (1 + np.exp(-SPREAD * rng.standard_normal(rows)))
        gap = score - (rng.random(rows) < score)
        code = np.minimum((score * BINS).astype(int), BINS - 1)
        counts: Counts = np.bincount(code, minlength=BINS)
        sums, squares = (np.bincount(code, weight, BINS) for weight in (gap, gap**2))
        debiased = expected_calibration_error(counts, sums, squares).value or 0.0
        plain = float(np.abs(sums).sum()) / rows
        for name, value in (("plain", plain), ("debiased", debiased)):
            found[name] += value
            found[f"{name} squared"] += value**2
    return found


def works(scale: float) -> list[Work]:
    """Return the simulations."""
    found = [Work(f"gaps {n}", gaps, round(20_000 * scale), {"rows": n}, pieces=2) for n in ROWS]
    return found + [Work(f"ece {n}", sum_calibration_errors, round(2_000 * scale), {"rows": n}) for n in ROWS]


def section(outcomes: Mapping[str, Outcome]) -> Section:
    """Hold what point rules do to what was published of them."""
    figures: list[Figure] = []
    for k, rows in enumerate(ROWS):
        found = outcomes[f"gaps {rows}"]
        figures += [_share(f"{rows:,} rows; {what}", found, what, said[k]) for what, said in PUBLISHED.items()]
    for k, rows in enumerate(ROWS):
        figures.append(_mean(f"{rows:,} rows; expected calibration error, plain", outcomes[f"ece {rows}"], "plain", k))
    debiased = (
        f"Debiased, as mlci shows it, the calibration error is {_three(outcomes)} at {_listed(ROWS)} rows: "
        "smaller, and still not 0, which is why it is not a gate's business."
    )
    return Section(
        title="Point rules on models that have nothing wrong with them",
        lead=f"Five groups with {_listed_shares()} of the rows, selection rate {RATE} in all of them. "
        f"Calibration error over {BINS} bins of a model whose scores are the true probabilities, the logits normal "
        f"with a standard deviation of {SPREAD}. "
        "Shares of groups and the spread of scores are not part of what was published: they were chosen among a few so "
        "that these figures come out, and show no more than that such a set-up exists.",
        figures=figures,
        notes=[debiased],
    )


def _share(what: str, found: Outcome, name: str, published: float) -> Figure:
    hits = found.totals[name]
    theirs = standard_error(published * PUBLISHED_DISPARITY_DRAWS, PUBLISHED_DISPARITY_DRAWS)
    return Figure(
        what=what,
        measured=hits / found.replicates,
        error=math.hypot(standard_error(hits, found.replicates), theirs),
        low=published - 0.005,
        high=published + 0.005,
        published=published,
    )


def _mean(what: str, found: Outcome, name: str, k: int) -> Figure:
    mean, published = found.mean(name), PUBLISHED_ECE[k]
    spread = max(found.mean(f"{name} squared") - mean**2, 0.0)
    rounding = 0.5 * 10 ** -(len(str(published)) - 2)
    return Figure(
        what=what,
        measured=mean,
        error=math.sqrt(spread / found.replicates),
        low=published - rounding,
        high=published + rounding,
        published=published,
        unit="number",
    )


def _three(outcomes: Mapping[str, Outcome]) -> str:
    return ", ".join(f"{outcomes[f'ece {rows}'].mean('debiased'):.4f}" for rows in ROWS)


def _listed(values: tuple[int, ...]) -> str:
    return ", ".join(f"{value:,}" for value in values)


def _listed_shares() -> str:
    return ", ".join(percent(value, 0) for value in GROUPS)
