"""Recorder of outcomes: one file for each pytest session, beside the session's own."""

import os
from pathlib import Path
from typing import Literal

import pytest

from mlci.execution.behaviour_stage import RECORDS, BehaviourRecord, BehaviourRecords

_LONGEST = 500
_Outcome = Literal["passed", "failed", "skipped", "error"]


class BehaviourRecorder:
    """Collects the outcome of every test and writes all of them when the session ends.

    A test is in error if its set-up or its clean-up failed, or its file could not be read. An expected failure
    (``xfail``) is recorded as skipped.
    """

    def __init__(self, folder: Path) -> None:
        """Record into a file in ``folder``."""
        self._folder = folder
        self._tests: dict[str, BehaviourRecord] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of a test: a later phase replaces the test itself only if it did not pass."""
        if report.when == "call" or report.outcome != "passed":
            self._tests[report.nodeid] = BehaviourRecord(report.nodeid, _outcome(report), _message(report))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take a file that could not be collected."""
        if report.failed:
            self._tests[report.nodeid] = BehaviourRecord(report.nodeid, "error", _message(report))

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the file; a part of it would not be read."""
        records = BehaviourRecords(int(exitstatus), tuple(self._tests.values()))
        target = self._folder / f"results-{os.getpid()}-{id(self)}.json"
        started = target.with_suffix(".part")
        started.write_bytes(RECORDS.dump_json(records))
        started.replace(target)


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
