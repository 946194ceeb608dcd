"""Cost budgets: latency and memory of the candidate in interleaved runs with the baseline, judged by an interval.

Each pair runs both models, and the one that runs first alternates, so that neither a slow minute of the machine nor a
warm cache favours one model. A model of a run is measured by its predict step, a process of its own: wall time and the
largest resident set that the system reports for it. A function is measured in this process: wall time by a monotonic
clock, and the peak of ``tracemalloc``, which sees allocations of Python and NumPy and none of other native code.
"""

import contextlib
import math
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import pytest

from mlci.errors import InputError
from mlci.inference.intervals.paired_ratio import least_pairs, paired_ratio
from mlci.metrics.cost_budget import CostBudget
from mlci.pytest_plugin.models import ModelUnderTest
from mlci.pytest_plugin.recorder import BUDGET
from mlci.report.text import number_format

if TYPE_CHECKING:
    import pandas as pd

    Subject = ModelUnderTest | Callable[[pd.DataFrame], object]
Cost = Literal["latency", "memory"]
_SHORTEST = 0.005
_MOST_CALLS = 1_000
_UNITS = {"latency": "seconds", "memory": "megabytes"}
_STEP = {"latency": "wall time of the predict step", "memory": "largest resident set of the predict step's process"}
_FUNCTION = {"latency": "wall time of a function", "memory": "peak of tracemalloc in a function"}


@dataclass(frozen=True)
class CostBudgets:
    """Measures both models in pairs: a cost beyond its budget fails the test, and doubt skips it.

    Attributes:
        confidence: Level of the interval.
        clock: Monotonic clock in seconds.
        properties: The test's properties, which get the numbers.
    """

    confidence: float
    properties: list[tuple[str, Any]]
    clock: Callable[[], float] = time.perf_counter

    def latency(
        self, candidate: "Subject", baseline: "Subject", rows: "pd.DataFrame", *, max_ratio: float, pairs: int = 20
    ) -> CostBudget:
        """Require that the candidate takes at most ``max_ratio`` times as long as the baseline for these rows.

        Args:
            candidate: The fixture, whose predict step runs, or a function of the rows.
            baseline: The same for the baseline.
            rows: Rows to predict for.
            max_ratio: Largest ratio of the two times.
            pairs: Number of measured pairs, after one that is not counted.

        Raises:
            InputError: if the numbers are invalid, or a model can't be run.
        """
        return self._require("latency", (candidate, baseline), rows, max_ratio, pairs)

    def memory(
        self, candidate: "Subject", baseline: "Subject", rows: "pd.DataFrame", *, max_ratio: float, pairs: int = 8
    ) -> CostBudget:
        """Require that the candidate's peak of memory is at most ``max_ratio`` times the baseline's.

        The arguments are those of :meth:`latency`.

        Raises:
            InputError: if the numbers are invalid, a model can't be run, or the system reports no peak.
        """
        return self._require("memory", (candidate, baseline), rows, max_ratio, pairs)

    def _require(
        self, cost: Cost, subjects: "tuple[Subject, Subject]", rows: "pd.DataFrame", limit: float, pairs: int
    ) -> CostBudget:
        self._check(limit, pairs)
        steps = [isinstance(subject, ModelUnderTest) for subject in subjects]
        if any(steps) != all(steps):
            raise InputError("a predict step and a function can't be compared; pass two models, or two functions")
        now, before = self._measure(cost, subjects, rows, pairs)
        ratio = paired_ratio(now, before, confidence=self.confidence)
        budget = CostBudget(
            cost=cost,
            how=(_STEP if all(steps) else _FUNCTION)[cost],
            candidate=median(now),
            baseline=median(before),
            ratio=ratio.value,
            low=ratio.low,
            high=ratio.high,
            limit=float(limit),
            pairs=pairs,
        )
        return self._judge(budget)

    def _check(self, limit: float, pairs: int) -> None:
        if not (math.isfinite(limit) and limit > 0):
            raise InputError(f"max_ratio is {limit}; give the largest ratio, e.g. 1.2 for a fifth more")
        least = least_pairs(self.confidence)
        if pairs < least:
            raise InputError(f"{pairs} pairs have no interval at {self.confidence:.15g}; use at least pairs={least}")
        if any(name == BUDGET for name, _ in self.properties):
            raise InputError("a test can have one budget, which is its row of the report; write another test")

    def _measure(
        self, cost: Cost, subjects: "tuple[Subject, Subject]", rows: "pd.DataFrame", pairs: int
    ) -> tuple[list[float], list[float]]:
        """Return the costs of both models, after a pair that warms caches up and shows how long a run takes."""
        first, second = (partial(_cost_of_run, cost, subject, rows, self.clock) for subject in subjects)
        shortest, calls = min(first(calls=1), second(calls=1)), 1
        if cost == "latency" and not isinstance(subjects[0], ModelUnderTest):
            calls = min(_MOST_CALLS, math.ceil(_SHORTEST / shortest))
        costs: tuple[list[float], list[float]] = ([], [])
        for index in range(pairs):
            for which in (1, 0) if index % 2 else (0, 1):
                costs[which].append((first, second)[which](calls=calls))
        return costs

    def _judge(self, budget: CostBudget) -> CostBudget:
        message = budget_words(budget)
        self.properties.append((BUDGET, {**asdict(budget), "message": message}))
        match budget.outcome:
            case "failed":
                pytest.fail(message, pytrace=False)
            case "inconclusive":
                pytest.skip(f"inconclusive: {message}")
            case "passed":
                return budget


def _cost_of_run(
    cost: Cost, subject: "Subject", rows: "pd.DataFrame", clock: Callable[[], float], *, calls: int
) -> float:
    """Run a model ``calls`` times, a step once, and return the cost of one run."""
    if isinstance(subject, ModelUnderTest):
        return _cost_of_step(subject, rows, cost)
    if cost == "memory":
        return _traced_peak(subject, rows)
    begun = clock()
    for _ in range(calls):
        subject(rows)
    return max(clock() - begun, 1e-9) / calls


def _cost_of_step(model: ModelUnderTest, rows: "pd.DataFrame", cost: Cost) -> float:
    found = model.cost_of_predicting(rows).get(cost)
    if found is None:
        raise InputError(f"the {cost} of the predict step was not measured on this system")
    return max(found, 1e-9)


def _traced_peak(function: "Callable[[pd.DataFrame], object]", rows: "pd.DataFrame") -> float:
    """Return the peak of traced memory during a call, above what was allocated before it."""
    with _tracing():
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        function(rows)
        return max(tracemalloc.get_traced_memory()[1] - before, 1) / 1e6


@contextlib.contextmanager
def _tracing() -> Iterator[None]:
    """Trace memory, and leave it as it was."""
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    try:
        yield
    finally:
        if not traced:
            tracemalloc.stop()


def budget_words(budget: CostBudget) -> str:
    """Say what was measured: ``latency is 1.31 times the baseline's (1.22 to 1.40), at most 1.20``."""
    ends = (budget.low, budget.high)
    ratio = number_format.number_style((budget.ratio,), interval=ends, bound=budget.limit, judged=(budget.ratio, *ends))
    costs = number_format.number_style((budget.candidate, budget.baseline), unit=_UNITS[budget.cost])
    found = f"{ratio.value(budget.ratio)} times the baseline's ({ratio.interval(ends)})"
    medians = f"{costs.value(budget.candidate)} against {costs.value(budget.baseline)}"
    return (
        f"{budget.cost} is {found}, at most {ratio.limit(budget.limit)} is allowed: {medians}, "
        f"{budget.how}, {budget.pairs} pairs"
    )
