"""Behavioural tests: a command that runs pytest, what its plugin gets, and the results that it leaves.

The command finds ``MLCI_TESTS``, the path of a :class:`BehaviourSession`. Each pytest session writes a file beside it
when it ends. Status 1 of the command is accepted if a session reports a test that did not pass. While a session runs, a
file names its current test, so that a test which ends the interpreter can be named.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from mlci.errors import StepError, StepTimeoutError
from mlci.execution.interface import Runner
from mlci.execution.sanitize import sanitize
from mlci.execution.stages import Command, make_empty_folder
from mlci.metrics.cost_budget import CostBudget
from mlci.util.bounds import TESTS_BYTES
from mlci.util.safe_files import read_bounded

VARIABLE = "MLCI_TESTS"
SESSION_FILE = "session.json"
RESULTS = "results-*.json"
RUNNING = "running-*.txt"
"""Files of sessions that have not ended, each with the name of its current test."""
_MOST_BYTES = TESTS_BYTES.value
_LONGEST_NAME = 5_000
_ENDED = frozenset({0, 1})  # pytest: all passed; some failed


@dataclass(frozen=True, kw_only=True)
class PredictionTable:
    """A table of predictions and its columns; ``threshold`` is None if it decides as the configuration says."""

    path: str
    score: str | None = None
    decision: str | None = None
    threshold: float | None = None
    table: str | None = None
    probabilities: dict[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class BehaviourSession:
    """What tests get: paths of the configuration, both models' predictions, both models and the report."""

    config: str
    candidate: PredictionTable | None = None
    baseline: PredictionTable | None = None
    model: str | None = None
    baseline_model: str | None = None
    report: str | None = None


@dataclass(frozen=True)
class BehaviourRecord:
    """A test as pytest reported it."""

    name: str
    outcome: Literal["passed", "failed", "skipped", "inconclusive", "error"]
    message: str = ""
    budget: CostBudget | None = None


@dataclass(frozen=True)
class BehaviourRecords:
    """The tests of one pytest session, and its exit status."""

    status: int
    tests: tuple[BehaviourRecord, ...]


SESSION = TypeAdapter(BehaviourSession)
RECORDS = TypeAdapter(BehaviourRecords)


def run_behaviour_tests(
    runner: Runner, command: Command, session: BehaviourSession, folder: Path
) -> tuple[BehaviourRecord, ...]:
    """Run the command and return its tests; of tests with one name, the worst outcome.

    Args:
        runner: Runs the command.
        command: ``tests.run`` and its folder.
        session: What the tests get.
        folder: Temporary folder for session and results; it is emptied first.

    Raises:
        StepError: if the command failed for another reason than a test, or left no results.
    """
    make_empty_folder(folder)
    (folder / SESSION_FILE).write_bytes(SESSION.dump_json(session))
    failure = None
    try:
        runner.run(command.step(variables={VARIABLE: str(folder / SESSION_FILE)}, key="tests"))
    except StepError as error:
        failure = error
    for path in sorted(folder.glob(RUNNING)):
        raise _ended_inside(path, command, failure) from failure
    sessions = [_read_records(path, command.name) for path in sorted(folder.glob(RESULTS))]
    tests = [test for one in sessions for test in one.tests]
    explained = any(one.status == 1 for one in sessions) and any(test.outcome in {"failed", "error"} for test in tests)
    if failure is not None and not explained:
        raise failure
    _require_results(sessions, command)
    return _worst_by_name(tests)


def _ended_inside(path: Path, command: Command, failure: StepError | None) -> StepError:
    """Explain a pytest session that ended without its last hook: a test ended the interpreter."""
    if isinstance(failure, StepTimeoutError):
        return failure
    with path.open("rb") as file:
        name = sanitize(file.read(_LONGEST_NAME).decode(errors="replace")).strip()
    where = f"while `{name}` ran" if name else "before the first test ran"
    again = f"python -X faulthandler -m pytest {shlex.quote(name) if name else ''}".strip()
    said = f"\n{failure}" if failure is not None else ""
    return StepError(
        f"the interpreter of `{command.run}` ended {where}, so the results are lost\n"
        "usual reason: the test, or code that it calls, ends the process (`os._exit`), crashes in native code, or "
        f"takes all memory\nto see it: {again}{said}"
    )


_WORST_LAST = ("passed", "skipped", "inconclusive", "failed", "error")


def _worst_by_name(tests: Sequence[BehaviourRecord]) -> tuple[BehaviourRecord, ...]:
    worst: dict[str, BehaviourRecord] = {}
    for test in tests:
        worst[test.name] = max(worst.get(test.name, test), test, key=lambda one: _WORST_LAST.index(one.outcome))
    return tuple(worst.values())


def _require_results(sessions: Sequence[BehaviourRecords], command: Command) -> None:
    """Refuse a command without the plugin, and a pytest session that did not come to its end."""
    if not sessions:
        raise StepError(
            f"`{command.run}` ended well but left no results of tests: it does not run pytest, or in an environment "
            "without mlci. Install mlci beside the tests' requirements: `python -m pip install mlci`"
        )
    for one in sessions:
        if one.status not in _ENDED:
            raise StepError(
                f"a pytest session of `{command.run}` ended with status {one.status}, so its tests did not all run; "
                "run it by hand to see why"
            )


def _read_records(path: Path, name: str) -> BehaviourRecords:
    try:
        records = RECORDS.validate_json(read_bounded(path, _MOST_BYTES, links=False))
    except (OSError, ValidationError) as error:
        raise StepError(f"{name}: {path.name} is not a file of mlci's pytest plugin") from error
    if not all(test.budget is None or test.budget.is_finite for test in records.tests):
        raise StepError(f"{name}: {path.name} has a budget that is not a finite number")
    return records
