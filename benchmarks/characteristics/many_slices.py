"""Twenty slices and five gates on each: a harmless change has to get through, a real drop in one slice has not."""

from collections.abc import Mapping

import numpy as np

from benchmarks.characteristics.draws import Population, accurate
from benchmarks.characteristics.figures import Section, share, within
from benchmarks.characteristics.pool import Outcome, Work
from mlci.gates.judge import judge_rules
from mlci.gates.limits import Kind, Limit, Rule
from mlci.gates.outcomes import JudgedGate
from mlci.inference.evaluate import Question, evaluate
from mlci.metrics.statistics import WHOLE, Decisions, Scope, Statistics

SIZES = (1_400, 1_150, 950, 800, 682, 600, 560, 520, 480, 440, 400, 360, 330, 300, 260, 220, 180, 148, 120, 100)
HURT = SIZES.index(682)
KINDS: dict[str, Kind] = {
    "accuracy": "max_drop",
    "recall": "max_drop",
    "true_negative_rate": "max_drop",
    "precision": "max_drop",
    "f1": "max_drop",
}
MARGIN, CONFIDENCE = 0.02, 0.90
HARMLESS = accurate(disagree=0.06)
HARMED = accurate(disagree=0.12, drop=0.10)


def twenty(rng: np.random.Generator, draws: int) -> dict[str, float]:
    """Count harmless changes blocked by a point rule and by mlci, and real drops that mlci catches."""
    found = {"point": 0.0, "mlci": 0.0, "caught": 0.0, "elsewhere": 0.0}
    for _ in range(draws):
        groups = _groups(rng, hurt=None)
        gates = _judged(groups)
        found["mlci"] += any(gate.outcome == "failed" for gate in gates)
        found["point"] += any(gate.value is not None and gate.value < -MARGIN for gate in gates)
        failed = {gate.scope.group for gate in _judged(_groups(rng, hurt=HURT)) if gate.outcome == "failed"}
        found["caught"] += str(HURT) in failed
        found["elsewhere"] += bool(failed - {str(HURT)})
    return found


def _groups(rng: np.random.Generator, *, hurt: int | None) -> list[Statistics]:
    chosen: list[Population] = [HARMED if k == hurt else HARMLESS for k in range(len(SIZES))]
    return [
        one.draw(rng, rows, scope=Scope("slice", str(k)))
        for k, (one, rows) in enumerate(zip(chosen, SIZES, strict=True))
    ]


def _judged(groups: list[Statistics]) -> tuple[JudgedGate, ...]:
    question = Question(task="binary", metrics=tuple(KINDS), baseline=True, confidence=CONFIDENCE)
    result = evaluate([total(groups), *groups], question, fingerprint="simulated", notes=())
    rules = [Rule(metric=name, each="slice", limits=(Limit(kind, MARGIN),)) for name, kind in KINDS.items()]
    return judge_rules(rules, result, min_group_size=30)


def total(groups: list[Statistics]) -> Statistics:
    """Add the groups of one slice up to the whole set."""
    cells: dict[tuple[int, int, int], int] = {}
    classes: tuple[str, ...] = ()
    for group in groups:
        found = group.decisions
        if found is None or found.baseline is None:
            raise ValueError("no decisions")
        classes = found.classes
        keys = zip(found.label.tolist(), found.baseline.tolist(), found.candidate.tolist(), strict=True)
        for key, count in zip(keys, found.count.tolist(), strict=True):
            cells[key] = cells.get(key, 0) + count
    label, baseline, candidate = np.array(sorted(cells)).T
    count = np.array([cells[key] for key in sorted(cells)])
    return Statistics(WHOLE, int(count.sum()), Decisions(classes, label, baseline, candidate, count))


def works(scale: float) -> list[Work]:
    """Return the simulation."""
    return [Work("slices", twenty, round(300 * scale), pieces=8)]


def section(outcomes: Mapping[str, Outcome]) -> Section:
    """Hold the three published shares."""
    found = outcomes["slices"]
    n, totals = found.replicates, found.totals
    return Section(
        title="Twenty slices and five gates on each",
        lead=f"{sum(SIZES):,} rows in twenty slices of {min(SIZES)} to {max(SIZES):,} rows; gates {', '.join(KINDS)}, "
        f"each with a margin of {MARGIN}: 100 gates in Holm's family, confidence {CONFIDENCE}. "
        "The real drop is 10 points of accuracy in the slice of 682 rows.",
        figures=[
            share("harmless change: a point rule with tolerance 0.02 blocks", totals["point"], n, 1.0),
            share("harmless change: mlci blocks", totals["mlci"], n, 0.0),
            share("real drop: mlci blocks that slice", totals["caught"], n, 0.998),
            within("real drop: mlci blocks some other slice", totals["elsewhere"], n, 0.0, (1 - CONFIDENCE) / 2),
        ],
    )
