"""Recorder of outcomes: one file for each pytest session, beside the session's own."""

import os
from pathlib import Path
from typing import Literal

import pytest

from mlci.execution.behaviour_stage import RECORDS, BehaviourRecord, BehaviourRecords
from mlci.metrics.cost_budget import CostBudget

BUDGET = "mlci_budget"
"""Property of a test that measured a budget: the fields of a ``CostBudget``, and its message."""
_LONGEST = 500
_Outcome = Literal["passed", "failed", "skipped", "inconclusive", "error"]


class BehaviourRecorder:
    """Collects the outcome of every test and writes all of them when the session ends.

    A test is in error if its set-up or its clean-up failed, or its file could not be read. An expected failure
    (``xfail``) is recorded as skipped. Until the session ends, a second file names the test that runs.
    """

    def __init__(self, folder: Path) -> None:
        """Record into a file in ``folder``."""
        self._folder = folder
        self._tests: dict[str, BehaviourRecord] = {}
        self._name = f"{os.getpid()}-{id(self)}"
        self._running = folder / f"running-{self._name}.txt"

    def pytest_sessionstart(self) -> None:
        """Note that the session has begun."""
        self._running.write_text("", encoding="utf-8")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note which test runs, for a test that ends the interpreter."""
        self._running.write_text(nodeid, encoding="utf-8")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of a test: a later phase replaces the test itself only if it did not pass."""
        if report.when == "call" or report.outcome != "passed":
            self._tests[report.nodeid] = _record(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take a file that could not be collected."""
        if report.failed:
            self._tests[report.nodeid] = BehaviourRecord(report.nodeid, "error", _message(report))

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the file; a part of it would not be read."""
        records = BehaviourRecords(int(exitstatus), tuple(self._tests.values()))
        target = self._folder / f"results-{self._name}.json"
        started = target.with_suffix(".part")
        started.write_bytes(RECORDS.dump_json(records))
        started.replace(target)
        self._running.unlink(missing_ok=True)


def _record(report: pytest.TestReport) -> BehaviourRecord:
    """Record a phase; a budget that decided its test has its own outcome and message."""
    outcome, found = _outcome(report), dict(report.user_properties).get(BUDGET)
    if not isinstance(found, dict):
        return BehaviourRecord(report.nodeid, outcome, _message(report))
    budget = CostBudget(**{name: value for name, value in found.items() if name != "message"})
    decided = {"skipped": "inconclusive"}.get(outcome, outcome) == budget.outcome
    if not decided:
        return BehaviourRecord(report.nodeid, outcome, _message(report), budget)
    return BehaviourRecord(report.nodeid, budget.outcome, str(found["message"]), budget)


def _outcome(report: pytest.TestReport) -> _Outcome:
    if report.outcome == "failed" and report.when != "call":
        return "error"
    return report.outcome


def _message(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the first line of a failure, or the reason of a skipped test."""
    if report.outcome == "passed":
        return ""
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        return f"expected to fail: {expected}".removesuffix(": ")[:_LONGEST]
    found = report.longrepr
    crash = getattr(found, "reprcrash", None)
    text = found[2].removeprefix("Skipped: ") if isinstance(found, tuple) else crash.message if crash else str(found)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = (lines[0] if crash or isinstance(found, tuple) else lines[-1]) if lines else ""
    return line.removeprefix("AssertionError: ")[:_LONGEST]
