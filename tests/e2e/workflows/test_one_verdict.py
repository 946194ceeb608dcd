"""One verdict for one commit: a matrix, a re-run after a cancelled run, and two events."""

import contextlib
import os
import signal

import pytest

from tests.e2e.workflows.seen import CHECK, look
from tests.e2e.workflows.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "world") as repository:
        yield repository


def colour(seen):
    """Return the result of a required check of that name: its newest check and its newest status."""
    checks = [check for check in seen.checks if check["name"] == CHECK]
    return max(checks, key=lambda check: check["id"])["conclusion"], seen.status


def test_one_verdict__matrix_with_one_blocking_job(world, scenario):
    number = world.pull("candidate", "better")
    run = world.start("matrix.yml", "pull_request", number)
    seen = look(world, scenario, run, number=number, sha=world.fake.head(number))

    assert run.code == 1, run.log
    assert len(seen.checks) == 2
    assert colour(seen) == ("failure", "failure")
    assert "1 of 2 evaluations of this commit failed" in seen.page
    assert "model (two) · pull_request" in seen.page
    assert "ROC AUC fell from" in seen.page


def test_one_verdict__passing_rerun_after_a_cancelled_later_run(world, scenario):
    number = world.pull("candidate", "better")
    head = world.fake.head(number)
    first = look(world, scenario, world.start("rerun.yml", "pull_request", number), number=number, sha=head, step="1")
    assert colour(first) == ("failure", "failure")

    found = []

    def waiting(place):
        """True once the second run waits."""
        found.extend(place.glob("runner/*/hostexecutor/started"))
        return bool(found)

    try:
        run = world.start("rerun.yml", "pull_request", number, cancel_when=waiting)
    finally:
        for path in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(path.read_text("utf-8")), signal.SIGTERM)
    second = look(world, scenario, run, number=number, sha=head, step="2-cancelled")
    assert colour(second) == ("cancelled", "error"), run.log

    run = world.start("rerun.yml", "pull_request", number, run_id=1001, attempt=2)
    third = look(world, scenario, run, number=number, sha=head, step="3-again")
    assert run.code == 0, run.log
    assert colour(third) == ("success", "success")
    assert " run=1001.2 -->" in third.comment
    assert "all 4 gates passed</h2>" in third.page


def test_one_verdict__passing_push_beside_a_blocking_pull_request(world, scenario):
    number = world.pull("candidate", "better")
    head = world.fake.head(number)
    run = world.start("events.yml", "pull_request", number)
    blocked = look(world, scenario, run, number=number, sha=head, step="1-pull-request")
    assert colour(blocked) == ("failure", "failure"), run.log

    run = world.start("events.yml", "push", branch="candidate")
    both = look(world, scenario, run, number=number, sha=head, step="2-push")
    assert run.code == 0, run.log
    assert colour(both) == ("failure", "failure")
    assert "1 of 2 evaluations of this commit failed" in both.page
    assert "model · pull_request" in both.page
