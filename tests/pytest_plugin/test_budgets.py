"""Cost budgets: functions on a clock of the test's own, traced memory, and steps that state their cost."""

from collections import Counter

import pandas as pd
import pytest

from mlci.errors import InputError
from mlci.pytest_plugin.budgets import CostBudgets
from mlci.pytest_plugin.models import ModelUnderTest, PredictedRows

ROWS = pd.DataFrame({"x": [1, 2]})
Failed, Skipped = pytest.fail.Exception, pytest.skip.Exception


class Machine:
    """A clock that functions advance; it gets slower with every run."""

    def __init__(self, slower=1.0):
        self.now, self.speed, self.slower, self.runs = 0.0, 1.0, slower, []

    def clock(self):
        return self.now

    def takes(self, name, *seconds):
        def run(rows):
            assert rows is ROWS
            self.runs.append(name)
            self.now += seconds[Counter(self.runs)[name] % len(seconds)] * self.speed
            self.speed *= self.slower

        return run


def budgets(clock=None):
    return CostBudgets(0.95, [], **({} if clock is None else {"clock": clock}))


def step(name, **cost):
    return ModelUnderTest(name, ROWS, None, lambda rows: PredictedRows(rows, cost))


def test_latency__on_a_machine_that_slows_down():
    """Five times slower at the end: alternating order takes the drift out of the ratio."""
    machine = Machine(slower=1.04)
    kept = budgets(machine.clock)
    budget = kept.latency(machine.takes("new", 1.0), machine.takes("old", 1.0), ROWS, max_ratio=1.05)
    assert (budget.outcome, budget.pairs) == ("passed", 20)
    assert budget.low < 1 < budget.high
    assert machine.runs[:8] == ["new", "old", "new", "old", "old", "new", "new", "old"]
    assert kept.properties[0][1]["candidate"] > 1.5


@pytest.mark.parametrize(
    ("seconds", "raised", "words"),
    [
        ((0.013,), Failed, "latency is 1.30* times"),
        ((0.012, 0.014), Skipped, "inconclusive: latency is"),
    ],
)
def test_latency__beyond_its_budget(seconds, raised, words):
    machine = Machine()
    kept = budgets(machine.clock)
    with pytest.raises(raised, match=words):
        kept.latency(machine.takes("new", *seconds), machine.takes("old", 0.01), ROWS, max_ratio=1.25)
    ((name, fields),) = kept.properties
    assert (name, fields["limit"], fields["baseline"]) == ("mlci_budget", 1.25, pytest.approx(0.01))


def test_latency__short_functions_run_several_times():
    machine = Machine()
    budgets(machine.clock).latency(machine.takes("new", 0.001), machine.takes("old", 0.002), ROWS, max_ratio=1, pairs=6)
    assert Counter(machine.runs) == {"new": 1 + 6 * 5, "old": 1 + 6 * 5}


def test_memory__of_functions():
    kept = budgets()
    with pytest.raises(Failed, match=r"memory is 2.0+ times .* 2.00 MB against 1.00 MB, peak of tracemalloc"):
        kept.memory(lambda _: bytearray(2_000_000), lambda _: bytearray(1_000_000), ROWS, max_ratio=1.5)


def test_memory__of_steps():
    budget = budgets().memory(step("candidate", memory=90.0), step("baseline", memory=100.0), ROWS, max_ratio=1)
    assert (budget.outcome, budget.ratio, budget.candidate) == ("passed", 0.9, 90.0)
    assert "resident set of the predict step" in budget.how


@pytest.mark.parametrize(
    ("candidate", "more", "message"),
    [
        (step("candidate", latency=1.0), {"max_ratio": 0.0}, "max_ratio is 0.0"),
        (step("candidate", latency=1.0), {"max_ratio": float("nan")}, "max_ratio is nan"),
        (step("candidate", latency=1.0), {"max_ratio": 1.0, "pairs": 5}, "use at least pairs=6"),
        (step("candidate"), {"max_ratio": 1.0}, "the latency of the predict step was not measured"),
        (len, {"max_ratio": 1.0}, "a predict step and a function can't be compared"),
    ],
)
def test_latency__invalid(candidate, more, message):
    with pytest.raises(InputError, match=message):
        budgets().latency(candidate, step("baseline", latency=1.0), ROWS, **more)


def test_latency__second_budget_of_a_test():
    kept = budgets()
    one = step("candidate", latency=1.0), step("baseline", latency=1.0)
    kept.latency(*one, ROWS, max_ratio=1)
    with pytest.raises(InputError, match="a test can have one budget"):
        kept.latency(*one, ROWS, max_ratio=1)
