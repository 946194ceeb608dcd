"""Command of behavioural tests: when its results count, and when the step fails."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlci.errors import StepError, StepTimeoutError
from mlci.execution.behaviour_stage import SESSION, BehaviourSession, run_behaviour_tests
from mlci.execution.stages import Command

GIVEN = BehaviourSession(config="mlci.yml")
PASSED, FAILED = ("t::a", "passed"), ("t::a", "failed", "assert 0")


@dataclass
class Leaving:
    """A runner whose command leaves results of pytest sessions, and ends with a status."""

    sessions: tuple[object, ...]
    status: int = 0

    def run(self, step):
        session = Path(step.env["MLCI_TESTS"])
        assert SESSION.validate_json(session.read_bytes()) == GIVEN
        for number, document in enumerate(self.sessions):
            (session.parent / f"results-{number}.json").write_text(json.dumps(document))
        if self.status:
            raise StepError(f"exit status {self.status}")


def ended(status, *tests):
    return {
        "status": status,
        "tests": [dict(zip(("name", "outcome", "message"), test, strict=False)) for test in tests],
    }


def run(tmp_path, *sessions, status=0):
    command = Command(run="python -m pytest", folder=tmp_path, name="tests")
    found = run_behaviour_tests(Leaving(sessions, status), command, GIVEN, tmp_path / "tests")
    return {test.name: test.outcome for test in found}


@pytest.mark.parametrize(
    ("sessions", "status", "expected"),
    [
        ([ended(0, PASSED)], 0, {"t::a": "passed"}),
        ([ended(0)], 0, {}),
        ([ended(1, FAILED)], 1, {"t::a": "failed"}),
        ([ended(1, FAILED)], 0, {"t::a": "failed"}),
        ([ended(1, FAILED), ended(0, PASSED, ("t::b", "skipped"))], 0, {"t::a": "failed", "t::b": "skipped"}),
    ],
    ids=["passed", "none", "failed", "failure ignored", "two sessions"],
)
def test_run_behaviour_tests__results(sessions, status, expected, tmp_path):
    assert run(tmp_path, *sessions, status=status) == expected


@pytest.mark.parametrize(
    ("sessions", "status", "message"),
    [
        ([], 0, "left no results of tests"),
        ([], 4, "exit status 4"),
        ([ended(0, PASSED)], 1, "exit status 1"),
        ([ended(1, PASSED)], 1, "exit status 1"),
        ([ended(2, FAILED)], 2, "exit status 2"),
        ([ended(5)], 0, "ended with status 5, so its tests did not all run"),
        ([ended(0, PASSED), ended(2)], 0, "ended with status 2"),
        ([{}], 0, "is not a file of mlci's pytest plugin"),
        ([ended(0, ("t::a", "fine"))], 0, "is not a file of mlci's pytest plugin"),
    ],
)
def test_run_behaviour_tests__step_fails(sessions, status, message, tmp_path):
    with pytest.raises(StepError, match=message):
        run(tmp_path, *sessions, status=status)


@dataclass
class Ending:
    """A runner whose command ends while a test runs: with a status, well, or at its time-out."""

    name: str
    error: StepError | None

    def run(self, step):
        (Path(step.env["MLCI_TESTS"]).parent / "running-1.txt").write_text(self.name)
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("t.py::test_a", None, r"ended while `t.py::test_a` ran.*\n.*os._exit.*\n.*-m pytest t.py::test_a$"),
        ("t.py::a[b c]", StepError("exit 3"), r"`t.py::a\[b c\]` ran.*\n.*\n.*-m pytest 't.py::a\[b c\]'\nexit 3"),
        ("", StepError("exit 3"), "ended before the first test ran"),
        ("t.py::test_a", StepTimeoutError("time-out of 5 s"), "^time-out of 5 s$"),
    ],
)
def test_run_behaviour_tests__interpreter_that_a_test_ends(name, error, message, tmp_path):
    command = Command(run="python -m pytest", folder=tmp_path, name="tests")
    with pytest.raises(StepError, match=message):
        run_behaviour_tests(Ending(name, error), command, GIVEN, tmp_path / "tests")


def test_run_behaviour_tests__budget_without_numbers(tmp_path):
    numbers = dict.fromkeys(("candidate", "baseline", "ratio", "low", "high", "limit"), float("nan"))
    budget = {"cost": "latency", "how": "a clock", "pairs": 6, **numbers}
    test = {"name": "t::a", "outcome": "inconclusive", "message": "", "budget": budget}
    with pytest.raises(StepError, match="not a finite number"):
        run(tmp_path, {"status": 0, "tests": [test]})


def test_run_behaviour_tests__earlier_results_are_gone(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "results-9.json").write_text(json.dumps(ended(0, PASSED)))
    with pytest.raises(StepError, match="left no results"):
        run(tmp_path)
