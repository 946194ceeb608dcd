"""Pull requests from forks under sealed mode, from the author's push to the merge button."""

import json
import subprocess
import sys

import pytest
import requests

from tests.e2e.workflows.loop import PROMOTE, granted_permissions
from tests.e2e.workflows.sealed import ARTIFACT, SealedLoop, checkout_of, files_of, variables_of
from tests.e2e.workflows.seen import CHECK
from tests.e2e.workflows.world import World


@pytest.fixture
def sealed(tmp_path, scenario):
    with World(tmp_path / "world", production=True) as world:
        world.promote()
        yield SealedLoop(world, scenario)


def test_sealed__fork_from_push_to_merge(sealed):
    world = sealed.world
    world.require(CHECK)
    number = world.pull("candidate", "better", fork=True)
    head = world.fake.head(number)
    with pytest.raises(requests.HTTPError, match="405"):
        world.merge(number)
    training = sealed.requested(number)
    run, opened = sealed.gate(training, "requested", sha=head, number=number, action="requested")
    assert run.code == 0, run.log
    assert (opened.check["status"], opened.status, opened.comments) == ("in_progress", "pending", [])

    trained = sealed.trained(training, number)
    assert trained.code == 0, trained.log
    assert world.fake.statuses(head)[0]["state"] == "pending"  # the author's job could write nothing
    run, seen = sealed.gate(training, "judged", sha=head, number=number)
    assert (run.code, run.jobs) == (0, {"gate": "success"}), run.log
    assert (seen.check["conclusion"], seen.status) == ("success", "success")
    assert "version 1" in seen.comment
    assert f"head={head[:7]}" in seen.comment.splitlines()[0]
    assert all(call.split()[0] == "GET" for call in seen.calls if "/actions/" in call)
    world.merge(number)
    sealed.scenario.saw("the required check let the merge button work")


def test_sealed__fork_with_lowered_limits(sealed):
    """The fork's mlci.yml is ignored: the limits are those of main."""
    world = sealed.world
    fork = world.fake.fork()
    world.push("candidate", "regression", to=fork)
    head = world.push("candidate", "lenient", to=fork)
    number = world.fake.pull("candidate", fork=True)
    training = sealed.requested(number)
    assert sealed.trained(training, number).code == 0
    run, seen = sealed.gate(training, "judged", sha=head, number=number)
    assert (run.code, run.jobs) == (1, {"gate": "failure"}), run.log
    assert (seen.check["conclusion"], seen.status) == ("failure", "failure")
    assert "ROC AUC fell from" in seen.page
    assert "may fall by 0.030" in seen.page


def test_sealed__merge_group(sealed):
    world = sealed.world
    number = world.pull("candidate", "better", fork=True)
    group = world.fake.event("merge_group", number)["merge_group"]
    head, branch = group["head_sha"], group["head_ref"].removeprefix("refs/heads/")
    training = sealed.requested(branch=branch, event="merge_group")
    trained = sealed.trained(training, number, event="merge_group", fork=False)
    assert trained.code == 0, trained.log
    assert [one["name"] for one in world.fake.state.all("artifacts", run=training)] == [ARTIFACT]
    run, seen = sealed.gate(training, "judged", sha=head, number=number)
    assert (run.code, run.jobs) == (0, {"gate": "success"}), run.log
    assert (seen.check["conclusion"], seen.check["head_sha"], seen.status) == ("success", head, "success")
    assert seen.comments == []


def test_sealed__blocked_promotion_on_a_changed_evaluation_set(sealed):
    """The workflow that promotes keeps production's predictions on the new rows, and the gate finds them."""
    world = sealed.world
    table = world.work / "holdout.csv"
    table.write_text("".join(table.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    world.push("moved", "regression")
    world.git("push", "--quiet", str(world.remote), "HEAD:refs/heads/main")
    token = world.fake.token(granted_permissions(PROMOTE.read_text("utf-8")))
    run = world.start(PROMOTE, "push", token=token)
    assert run.jobs == {"retrain": "failure", "promote": "failure"}, run.log
    assert "a gate blocks" in run.output
    assert json.loads(world.mlci("versions", "--json"))["champion"] == 1

    world.git("checkout", "--quiet", "-B", "main")
    number = world.pull("candidate", "better", fork=True)
    assert world.fake.pull_row(number)["mergeable"]
    change = checkout_of(world, f"refs/pull/{number}/merge")
    command = [sys.executable, "-m", "mlci", "sealed"]
    subprocess.run([*command, "predict"], cwd=change, env=variables_of(world, "pull_request", number), check=True)
    training = sealed.requested(number, status="completed", conclusion="success")
    world.fake.artifact(training, ARTIFACT, files_of(change / ".mlci" / "sealed"))
    gate = variables_of(world, "workflow_run", of=training)
    subprocess.run([*command, "gate"], cwd=checkout_of(world, "main"), env=gate, check=False)
    comment = world.fake.comments(number)[0]["body"]
    assert "version 1" in comment
    assert "899 rows" in comment
