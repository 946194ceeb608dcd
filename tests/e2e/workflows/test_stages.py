"""The actions of the separate stages: over several jobs with artifacts between them, and as steps of one job."""

import contextlib
import os
import signal

import pytest

from tests.e2e.workflows.seen import look
from tests.e2e.workflows.world import World

MOST_REQUESTS = 8


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "world") as repository:
        yield repository


@pytest.mark.parametrize(
    ("change", "verdict", "conclusion", "jobs"),
    [
        ("better", "pass", "success", ["success"] * 5),
        ("crash", "error", "failure", ["success", "failure", "skipped", "skipped", "failure"]),
    ],
)
def test_stages__over_jobs(world, scenario, change, verdict, conclusion, jobs):
    number = world.pull("candidate", change)
    run = world.start("stages.yml", "pull_request", number)
    seen = look(world, scenario, run, number=number, sha=world.fake.head(number))

    assert run.outputs("publish")["verdict"] == verdict, run.log
    assert (seen.check["conclusion"], len(seen.comments)) == (conclusion, 1)
    assert seen.requests <= MOST_REQUESTS
    ended = [run.jobs.get(name, "skipped") for name in ("open", "train", "evaluate", "gate", "publish")]
    assert ended == jobs


def test_stages__cancelled_run(world, scenario):
    """With mlci called by steps of the workflow: act skips all of an action in a cancelled run. GitHub's runner does
    not, as the harness shows (test_actions.py)."""
    number = world.pull("candidate", "slow")
    found = []

    def training(place):
        """True once the candidate's training runs."""
        found.extend(place.glob("runner/*/hostexecutor/started"))
        return bool(found)

    try:
        run = world.start("by-hand.yml", "pull_request", number, cancel_when=training)
    finally:
        for path in found:  # act leaves the training behind
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(path.read_text("utf-8")), signal.SIGTERM)
    seen = look(world, scenario, run, number=number, sha=world.fake.head(number))

    assert run.code == 1
    assert (seen.check["status"], seen.check["conclusion"], seen.status) == ("completed", "cancelled", "error"), run.log
    assert "the evaluation was cancelled" in seen.page
    assert run.outputs("publish")["verdict"] == "error"
