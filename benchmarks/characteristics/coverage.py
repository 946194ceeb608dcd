"""Coverage: how often a nominal 95 % interval holds the truth, for one model and for the paired change."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.characteristics.draws import context
from benchmarks.characteristics.families import FAMILIES, FUNCTIONS
from benchmarks.characteristics.figures import Figure, Section, percent, within
from benchmarks.characteristics.pool import Outcome, Work
from mlci.inference.evidence import Evidence
from mlci.inference.measure import measure_metric

CONFIDENCE, LOW, HIGH = 0.95, 0.93, 0.97
FEW_BOUNDS = (LOW, 1.0)
"""Of a change that a handful of rows decide: it may cover too much, never too little."""
ROWS = (500, 2_000)
DRAWS = dict.fromkeys(("binary", "classes", "few", "rare", "rare class", "rows"), 2_000)
USUAL = 4_000
HEADS = ("", *(f"{kind}, {n:,} rows" for kind in ("one model", "paired change") for n in ROWS))


def count_covered(rng: np.random.Generator, draws: int, *, family: str, rows: int) -> dict[str, float]:
    """Count intervals that hold the truth; one that is not there holds nothing."""
    chosen = FAMILIES[family]
    truths = {name: chosen.truth(name, rows) for name in chosen.metrics.values()}
    found = dict.fromkeys([f"{name} {kind}" for name in truths for kind in ("one", "paired")], 0.0)
    for _ in range(draws):
        sample = chosen.sample(rng, rows)
        asked = context(sample, confidence=CONFIDENCE)
        for name, (value, change) in truths.items():
            seen = measure_metric(name, sample, asked)
            found[f"{name} one"] += holds(seen.candidate, value)
            found[f"{name} paired"] += holds(seen.change, change)
    return found


def holds(evidence: Evidence | None, truth: float) -> bool:
    """Return whether the evidence's interval holds the truth, give or take the last bits."""
    ends = None if evidence is None or evidence.value is None else evidence.interval(CONFIDENCE)
    return ends is not None and ends[0] - 1e-12 <= truth <= ends[1] + 1e-12


def works(scale: float) -> list[Work]:
    """Return the simulations."""
    return [
        work(family, n, round(DRAWS.get(family, USUAL) * scale))
        for family in FAMILIES
        if family not in FUNCTIONS
        for n in ROWS
    ]


def work(family: str, rows: int, draws: int) -> Work:
    """Return the simulation of a family."""
    return Work(f"coverage {family} {rows}", count_covered, draws, {"family": family, "rows": rows})


def section(outcomes: Mapping[str, Outcome], *, allowed: float) -> tuple[Section, list[Figure]]:
    """Hold every family to 93 to 97 %."""
    figures, overview = cover(outcomes, [family for family in FAMILIES if family not in FUNCTIONS], allowed=allowed)
    worst = max(figure.error for figure in figures)
    outside = [figure for figure in figures if not figure.kept]
    section = Section(
        title="Coverage of every family of intervals",
        lead="Nominal 95 %, two-sided; every share has to lie between 93 % and 97 %. Where the change rests on a dozen "
        "positives, or on a class with as many rows, only the lower bound holds: one or two of them decided otherwise "
        "are steps so large that an interval can only cover too much or too little, and these cover too much. The same "
        "for one model's ROC AUC, whose variance is never taken for less than Hanley & McNeil's. "
        f"Error of a share: at most {percent(worst, 2)}.",
        figures=outside,
        overview=(HEADS, overview),
        notes=[f"{len(figures) - len(outside)} of {len(figures)} shares are within their bounds."],
    )
    return section, figures


def cover(
    outcomes: Mapping[str, Outcome], families: Sequence[str], *, allowed: float
) -> tuple[list[Figure], list[list[str]]]:
    """Return the figures of some families, and a row of the overview for each metric."""
    figures: list[Figure] = []
    overview = []
    for family in families:
        chosen = FAMILIES[family]
        for title, name in chosen.metrics.items():
            shares = []
            for kind in ("one", "paired"):
                for n in ROWS:
                    found = outcomes[f"coverage {family} {n}"]
                    hits = found.totals[f"{name} {kind}"]
                    what = f"{title}; {kind}, {n:,} rows"
                    wide = n in chosen.few if kind == "paired" else name in chosen.wide
                    low, high = FEW_BOUNDS if wide else (LOW, HIGH)
                    figures.append(within(what, hits, found.replicates, low, high, allowed=allowed))
                    shares.append(percent(hits / found.replicates))
            overview.append([title, *shares])
    return figures, overview
