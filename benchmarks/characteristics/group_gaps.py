"""Intervals of disparities: coverage of the value and of the change, with the percentile bootstrap beside them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.characteristics.draws import Population, binary, context, multinomial_draws
from benchmarks.characteristics.figures import Figure, Section, percent, within
from benchmarks.characteristics.many_slices import total
from benchmarks.characteristics.pool import Outcome, Work
from mlci.inference.disparity.disparity import measure_disparity
from mlci.inference.disparity.groups import GroupedValues
from mlci.inference.disparity.simultaneous import disparity_evidence
from mlci.inference.evidence import Evidence
from mlci.metrics.statistics import Scope, Statistics

CONFIDENCE, LEAST = 0.95, 0.93
SHARES = (0.30, 0.25, 0.20, 0.15, 0.10)
ROWS = (500, 2_000)
METRICS = {
    "demographic_parity_difference": ("selection",),
    "demographic_parity_ratio": ("selection",),
    "equalized_odds_difference": ("tpr", "fpr"),
    "equalized_odds_ratio": ("tpr", "fpr"),
}
CHANGES = ("demographic_parity_difference", "equalized_odds_difference", "demographic_parity_ratio")
PREVALENCE = 0.5
FLIPS = 0.04
"""Share of a class's rows on which the models disagree, each way, beyond what the rates need."""


@dataclass(frozen=True)
class Rates:
    """True positive and false positive rate of one model in one group."""

    tpr: float
    fpr: float

    @property
    def selection(self) -> float:
        """Share of rows decided positive."""
        return PREVALENCE * self.tpr + (1 - PREVALENCE) * self.fpr


EQUAL = tuple(Rates(0.70, 0.25) for _ in SHARES)
APART = tuple(Rates(t, f) for t, f in ((0.62, 0.20), (0.66, 0.24), (0.70, 0.25), (0.76, 0.30), (0.82, 0.36)))
FURTHER = tuple(Rates(t, f) for t, f in ((0.55, 0.16), (0.63, 0.22), (0.70, 0.25), (0.79, 0.33), (0.88, 0.42)))
CASES: dict[str, tuple[tuple[Rates, ...], tuple[Rates, ...]]] = {
    "equal groups, both models": (EQUAL, EQUAL),
    "unequal groups, both models alike": (APART, APART),
    "unequal groups, the candidate further apart": (APART, FURTHER),
    "unequal groups, the candidate equal": (APART, EQUAL),
}
"""By name, the groups' rates of baseline and candidate."""


def populations(before: tuple[Rates, ...], now: tuple[Rates, ...]) -> list[Population]:
    """Return each group's population."""
    return [
        binary(prevalence=PREVALENCE, positives=_moved(b.tpr, c.tpr), negatives=_moved(1 - b.fpr, 1 - c.fpr))
        for b, c in zip(before, now, strict=True)
    ]


def _moved(before: float, now: float) -> tuple[float, float, float]:
    """Return the shares right by both, lost and gained that turn one rate of right decisions into the other."""
    lost, gained = FLIPS + max(before - now, 0), FLIPS + max(now - before, 0)
    return before - lost, lost, gained


def true_spread(name: str, rates: tuple[Rates, ...]) -> float:
    """Return the true disparity."""
    each = [[getattr(rate, attribute) for rate in rates] for attribute in METRICS[name]]
    if name.endswith("ratio"):
        return min(min(values) / max(values) for values in each)
    return max(max(values) - min(values) for values in each)


def draw(rng: np.random.Generator, rows: int, case: str) -> list[Statistics]:
    """Draw the whole set and its groups; the groups' sizes are drawn too."""
    sizes = rng.multinomial(rows, SHARES)
    chosen = populations(*CASES[case])
    groups = [
        one.draw(rng, int(size), scope=Scope("group", str(k)))
        for k, (one, size) in enumerate(zip(chosen, sizes, strict=True))
    ]
    return [total(groups), *groups]


def spreads(rng: np.random.Generator, draws: int, *, rows: int, case: str) -> dict[str, float]:
    """Count intervals of the candidate's disparity that hold the truth."""
    found = dict.fromkeys(METRICS, 0.0)
    for _ in range(draws):
        whole, *groups = draw(rng, rows, case)
        across = GroupedValues(slice="group", groups=tuple(groups), reference=None, min_group_size=30)
        for name in METRICS:
            seen = measure_disparity(name, across, context(whole, confidence=CONFIDENCE, baseline=False))
            found[name] += _holds(seen.candidate, true_spread(name, CASES[case][1]))
    return found


def changes(rng: np.random.Generator, draws: int, *, rows: int, case: str) -> dict[str, float]:
    """Count intervals of the change in disparity that hold the truth, with the mean width of them."""
    found = dict.fromkeys([*CHANGES, *(f"{name} width" for name in CHANGES)], 0.0)
    before, now = CASES[case]
    for _ in range(draws):
        whole, *groups = draw(rng, rows, case)
        across = GroupedValues(slice="group", groups=tuple(groups), reference=None, min_group_size=30)
        for name in CHANGES:
            seen = measure_disparity(name, across, context(whole, confidence=CONFIDENCE))
            found[name] += _holds(seen.change, true_spread(name, now) - true_spread(name, before))
            ends = None if seen.change is None or seen.change.value is None else seen.change.interval(CONFIDENCE)
            found[f"{name} width"] += math.nan if ends is None else ends[1] - ends[0]
    return found


def percentile(rng: np.random.Generator, draws: int, *, rows: int) -> dict[str, float]:
    """Count percentile intervals of the largest difference, drawn by the same bootstrap, that hold a true 0."""
    held = 0.0
    for _ in range(draws):
        _, *groups = draw(rng, rows, "equal groups, both models")
        rates = []
        for group in groups:
            assert group.decisions is not None  # noqa: S101 (drawn with decisions; for the type checker)
            counts = multinomial_draws(group.decisions, replicates=500, seed=7)
            rates.append(counts @ group.decisions.candidate / group.rows)
        spread = disparity_evidence(np.stack(rates, axis=1), reference=None, kind="difference")
        held += float(np.quantile(spread, 0.025)) <= 0
    return {"held": held}


def _holds(evidence: Evidence | None, truth: float) -> bool:
    ends = None if evidence is None or evidence.value is None else evidence.interval(CONFIDENCE)
    return ends is not None and ends[0] - 1e-12 <= truth <= ends[1] + 1e-12


def works(scale: float) -> list[Work]:
    """Return the simulations."""
    values = ("equal groups, both models", "unequal groups, both models alike")
    found = [
        Work(f"spread {case} {n}", spreads, round(800 * scale), {"rows": n, "case": case})
        for case in values
        for n in ROWS
    ]
    found += [
        Work(f"change {case} {n}", changes, round(300 * scale), {"rows": n, "case": case})
        for case in CASES
        for n in ROWS
    ]
    return [*found, Work("percentile", percentile, round(400 * scale), {"rows": ROWS[1]})]


def section(outcomes: Mapping[str, Outcome], *, allowed: float) -> tuple[Section, list[Figure]]:
    """Hold simultaneous intervals to at least 93 %, and show what the percentile bootstrap does."""
    figures: list[Figure] = []
    overview = []
    for key, kind in (("spread", "value"), ("change", "change")):
        names = tuple(METRICS) if key == "spread" else CHANGES
        for case in CASES:
            if f"{key} {case} {ROWS[0]}" not in outcomes:
                continue
            for name in names:
                shares = []
                for n in ROWS:
                    found = outcomes[f"{key} {case} {n}"]
                    what = f"{kind} of {name}; {case}; {n:,} rows"
                    figures.append(within(what, found.totals[name], found.replicates, LEAST, math.inf, allowed=allowed))
                    shares.append(percent(found.mean(name)))
                overview.append([f"{kind} of {name}; {case}", *shares])
    found = outcomes["percentile"]
    figures.append(
        within(
            "a percentile bootstrap of the largest difference, true value 0",
            found.totals["held"],
            found.replicates,
            0,
            0,
        )
    )
    overview.append([figures[-1].what, "", percent(found.mean("held"))])
    outside = [figure for figure in figures if not figure.kept]
    section = Section(
        title="Coverage of disparities",
        lead=f"Nominal 95 %, five groups with {', '.join(percent(value, 0) for value in SHARES)} of the rows. "
        "Simultaneous intervals may hold more than 95 %, never less than 93 %; the percentile bootstrap is a warning.",
        figures=outside,
        overview=(("", *(f"{n:,} rows" for n in ROWS)), overview),
        notes=[f"{len(figures) - len(outside)} of {len(figures)} shares are within their bounds."],
    )
    return section, figures
