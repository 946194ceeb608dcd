"""Fixtures of every end-to-end test, and the lines about scenarios at the end."""

import re
import time

import pytest

from tests.e2e.harness.job import Job
from tests.e2e.harness.language import Language
from tests.e2e.machine import KEPT, STANDINS, environment, make_checkout
from tests.e2e.workflows.keep import Scenario, index


def pytest_sessionstart(session):
    """Once, before any worker starts: what is about to be run, as a user of the actions gets it."""
    if not hasattr(session.config, "workerinput"):
        for stored in KEPT.glob("*/scenario.json"):
            stored.unlink()
        make_checkout()


def pytest_terminal_summary(terminalreporter):
    """One line a scenario: what was seen, and where to look."""
    scenarios = index()
    if scenarios:
        terminalreporter.section("what was seen; all of it is kept: .e2e/index.html")
    for scenario in scenarios:
        seen = "; ".join(scenario["seen"])
        words = f"{scenario['outcome']:6} {scenario['name']} ({scenario['seconds']:.0f} s): {seen}"
        terminalreporter.write_line(words)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[OUTCOME] = report.outcome
    return report


OUTCOME = pytest.StashKey[str]()


@pytest.fixture
def scenario(request):
    """A folder in .e2e under the test's name; what the test says it saw becomes a line on the terminal."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", request.node.name.removeprefix("test_")).strip("-")
    kept, began, clock = Scenario(name), time.time(), time.monotonic()
    yield kept
    kept.facts(
        "scenario.json",
        {
            "name": name.replace("-", " "),
            "folder": kept.folder.name,
            "outcome": request.node.stash.get(OUTCOME, "error"),
            "began": began,
            "seconds": time.monotonic() - clock,
            "seen": kept.seen,
        },
    )


@pytest.fixture(scope="session")
def language():
    with Language() as service:
        yield service


@pytest.fixture
def job(language, tmp_path):
    """A job without a repository; GitHub's own actions are replaced."""
    standins = {f"actions/{folder.name}": folder for folder in STANDINS.iterdir() if folder.is_dir()}
    github = {"repository": "o/r", "run_id": "7", "token": "secret", "event_name": "pull_request"}
    return Job(
        language=language,
        scratch=tmp_path / "job",
        github=github,
        standins=standins,
        machine=environment(tmp_path / "home") | {"E2E_ARTIFACTS": str(tmp_path / "artifacts")},
    )
