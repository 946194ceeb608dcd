"""Weeks of production that are drawn from fixed distributions, judged by mlci's own functions at the defaults.

A model decides rightly on 90 % of the rows, in four regions. Its labels arrive in three parts, and the week is read
after each: 30 %, 70 % and all of them. Gates limit the accuracy and the recall of each region. Ten columns, eight
numbers and two categories, are compared with an evaluation set. Each model has an evaluation set of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlci.config.lifecycle.monitor import DriftThresholds
from mlci.gates.limits import Limit, Rule
from mlci.inference.evaluate import Question, evaluate
from mlci.metrics.statistics import WHOLE, Decisions, Scope, Statistics
from mlci.monitor.column_findings import ColumnLimits, judge_drift
from mlci.monitor.findings import DriftRow, QualityRow, WindowFindings
from mlci.monitor.history import MonitorHistory, add_windows, assess, record_of
from mlci.monitor.quality import QualityLimits, ScopedResult, judge_quality
from mlci.monitor.samples import CategoryPair, CellCounts, ColumnSample, NumberPair

MODELS, WEEKS = 20, 50
REGIONS = ("east", "north", "south", "west")
READS = (0.3, 0.7, 1.0)
REFERENCE_ROWS = 5_000
RIGHT = 0.9
CONFIDENCE, MIN_ROWS, PATIENCE, LATE = 0.99, 100, 2, 8
_NUMBERS, _CATEGORIES = 8, 2
_SHARES = np.array([0.4, 0.3, 0.2, 0.07, 0.03])


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Rows a week, the margin of every gate, the fall of the accuracy, and whether columns are compared."""

    rows: int
    margin: float
    fall: float = 0.0
    drift: bool = False


SCENARIOS = (
    *(Scenario(rows=rows, margin=0.02, drift=True) for rows in (200, 1_000, 5_000)),
    *(Scenario(rows=rows, margin=0.0) for rows in (200, 1_000, 5_000)),
    *(Scenario(rows=rows, margin=0.02, fall=0.06) for rows in (200, 1_000, 5_000)),
)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Weeks of a scenario.

    Attributes:
        scenario: The scenario.
        weeks: All weeks.
        alarmed: Weeks in which a gate alarmed, at any read.
        warned: Weeks that ended in the state ``warn``.
        drifted: Weeks in which a column was beyond its threshold.
    """

    scenario: Scenario
    weeks: int
    alarmed: int
    warned: int
    drifted: int


def play(scenario: Scenario, *, models: int = MODELS, weeks: int = WEEKS) -> Rates:
    """Simulate the weeks of several models."""
    counted = [_play_model(scenario, seed, weeks) for seed in range(models)]
    alarmed, warned, drifted = (sum(one[part] for one in counted) for part in range(3))
    return Rates(scenario=scenario, weeks=models * weeks, alarmed=alarmed, warned=warned, drifted=drifted)


def _play_model(scenario: Scenario, seed: int, weeks: int) -> tuple[int, int, int]:
    draws = np.random.default_rng([seed, scenario.rows])
    reference = scoped(draw_counts(draws, REFERENCE_ROWS, RIGHT))
    columns = _reference_columns(draws) if scenario.drift else []
    history, alarmed, warned, drifted = MonitorHistory(), 0, 0, 0
    for week in range(weeks):
        drift = [judge_drift(one, _limits()) for one in _samples(draws, columns, scenario.rows)]
        fell = False
        for quality in _reads(draws, scenario, reference):
            record = record_of(_findings(week, scenario.rows, drift, quality))
            history = add_windows(history, [record], keep=weeks, patience=PATIENCE)
            fell = fell or any(row.alarms and row.finding == "bad" for row in quality)
        alarmed += fell
        drifted += any(row.finding == "bad" for row in drift)
        state = assess(history, muted={}, patience=PATIENCE, late=LATE, labels=True).state
        warned += state == "warn"
    return alarmed, warned, drifted


def _reads(draws: np.random.Generator, scenario: Scenario, reference: ScopedResult) -> Iterator[tuple[QualityRow, ...]]:
    """Judge a week after each part of its labels."""
    counts = np.zeros((len(REGIONS), 2, 2), dtype=np.int64)
    before = 0.0
    for share in READS:
        counts += draw_counts(draws, round(scenario.rows * (share - before)), RIGHT - scenario.fall)
        before = share
        limits = QualityLimits(confidence=CONFIDENCE, min_rows=MIN_ROWS)
        yield judge_quality(rules(scenario.margin), scoped(counts), reference, limits)


def rules(margin: float) -> tuple[Rule, ...]:
    """Return the gates of a scenario."""
    limit = (Limit("max_drop", margin),)
    return Rule(metric="accuracy", limits=limit), Rule(metric="recall", each="region", limits=limit)


def draw_counts(draws: np.random.Generator, rows: int, right: float) -> np.ndarray:
    """Return rows by region, label and decision."""
    cells = np.array([[1 - right, right] if label else [right, 1 - right] for label in (0, 1)]) / 2
    shares = np.broadcast_to(cells / len(REGIONS), (len(REGIONS), 2, 2))
    return draws.multinomial(rows, shares.reshape(-1)).reshape(shares.shape)


def scoped(counts: np.ndarray) -> ScopedResult:
    """Return the statistics of counts by region, label and decision."""
    scopes = [
        (WHOLE, counts.sum(axis=0)),
        *((Scope("region", name), own) for name, own in zip(REGIONS, counts, strict=True)),
    ]
    statistics = [_statistics(scope, own) for scope, own in scopes]
    return ScopedResult.of(statistics, evaluate(statistics, _QUESTION, fingerprint="sha256:0", notes=()))


def _statistics(scope: Scope, counts: np.ndarray) -> Statistics:
    label, decided = (part.reshape(-1) for part in np.indices((2, 2)))
    decisions = Decisions(classes=("0", "1"), label=label, baseline=None, candidate=decided, count=counts.reshape(-1))
    return Statistics(scope=scope, rows=int(counts.sum()), decisions=decisions)


_QUESTION = Question(task="binary", metrics=("accuracy", "recall"), baseline=False)


def _limits() -> ColumnLimits:
    return ColumnLimits(thresholds=DriftThresholds().model_dump(), min_rows=MIN_ROWS)


def _reference_columns(draws: np.random.Generator) -> list[np.ndarray]:
    numbers = [np.round(draws.normal(size=REFERENCE_ROWS), 2) for _ in range(_NUMBERS)]
    return [*numbers, *(draws.multinomial(REFERENCE_ROWS, _SHARES) for _ in range(_CATEGORIES))]


def _samples(draws: np.random.Generator, columns: list[np.ndarray], rows: int) -> Iterator[ColumnSample]:
    for index, reference in enumerate(columns):
        pair: NumberPair | CategoryPair
        if index < _NUMBERS:
            pair = NumberPair.of(_counted(reference), _counted(np.round(draws.normal(size=rows), 2)))
        else:
            drawn = [
                dict(zip("abcde", map(int, one), strict=True)) for one in (reference, draws.multinomial(rows, _SHARES))
            ]
            pair = CategoryPair.of(drawn[0], drawn[1])
        cells = [CellCounts(rows=number) for number in pair.rows]
        yield ColumnSample(column=f"x{index}", role="feature", pair=pair, reference=cells[0], window=cells[1])


def _counted(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, counts = np.unique(rows, return_counts=True)
    return values, counts.astype(float)


def _findings(week: int, rows: int, drift: list[DriftRow], quality: tuple[QualityRow, ...]) -> WindowFindings:
    start, end = (f"{2000 + one // 12:04}-{one % 12 + 1:02}-01T00:00" for one in (week, week + 1))
    return WindowFindings(
        start=start, end=end, version=1, rows=rows, labelled=rows, drift=tuple(drift), quality=quality
    )
