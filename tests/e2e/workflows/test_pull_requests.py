"""One workflow with one step, on the events of a pull request."""

import json

import pytest

from tests.e2e.workflows.seen import look
from tests.e2e.workflows.world import World

WORKFLOW = "one-step.yml"
MOST_REQUESTS = 8


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "world") as repository:
        yield repository


def test_workflow__pull_request_opened(world, scenario):
    number = world.pull("candidate", "better")
    run = world.start(WORKFLOW, "pull_request", number, uv=False)
    seen = look(world, scenario, run, number=number, sha=world.fake.head(number))

    assert (run.code, run.outputs("mlci")["verdict"]) == (0, "pass"), run.log
    assert seen.comments[0]["user"]["login"] == "github-actions[bot]"
    assert seen.comment.startswith(f"<!-- mlci id=churn head={world.fake.head(number)[:7]}")
    assert "churn: all 4 gates passed</h2>" in seen.page
    assert (seen.check["status"], seen.check["conclusion"], seen.status) == ("completed", "success", "success")
    assert seen.check["external_id"] == "1001.1"
    assert "all 4 gates passed" in seen.summary
    assert run.outputs("mlci")["comment-url"] == seen.comments[0]["html_url"]
    assert run.outputs("mlci")["check-url"] == seen.check["html_url"]
    assert seen.requests <= MOST_REQUESTS
    opened, *_ = seen.calls
    concluded = f"PATCH /check-runs/{seen.check['id']}"
    assert (opened, seen.calls.count(concluded)) == ("POST /check-runs", 1)
    assert seen.check["started_at"] < seen.check["completed_at"]

    names = {path.name for path in world.artifact("mlci-report-churn").iterdir()}
    assert "/actions/runs/1001/artifacts/" in seen.page
    scenario.saw(f"artifact with {', '.join(sorted(names))}")
    assert {"report.json", "report.html", "comment.md", "summary.md", "junit.xml"} <= names
    report = json.loads((world.artifact("mlci-report-churn") / "report.json").read_text("utf-8"))
    assert report["candidate"]["commit"] == world.fake.head(number)  # and not the merge commit, which is checked out


def test_workflow__second_push_updates_the_comment(world, scenario):
    number = world.pull("candidate", "better")
    first_head = world.fake.head(number)
    first = look(
        world, scenario, world.start(WORKFLOW, "pull_request", number), number=number, sha=first_head, step="1-opened"
    )
    second_head = world.push("candidate", "again")
    run = world.start(WORKFLOW, "pull_request", number, action="synchronize")
    second = look(world, scenario, run, number=number, sha=second_head, step="2-pushed")

    assert run.code == 0, run.log
    assert second.comments[0]["id"] == first.comments[0]["id"]
    assert second.comment != first.comment
    assert f"head={second_head[:7]}" in second.comment.splitlines()[0]
    assert (first.check["conclusion"], second.check["conclusion"]) == ("success", "success")
    assert second.check["head_sha"] == second_head
    assert second.requests <= MOST_REQUESTS


def test_workflow__regression(world, scenario):
    number = world.pull("candidate", "better")
    green = look(
        world,
        scenario,
        world.start(WORKFLOW, "pull_request", number),
        number=number,
        sha=world.fake.head(number),
        step="1-green",
    )
    head = world.push("candidate", "regression")
    run = world.start(WORKFLOW, "pull_request", number, action="synchronize")
    red = look(world, scenario, run, number=number, sha=head, step="2-red")

    assert (run.code, run.outputs("mlci")["verdict"]) == (1, "block"), run.log
    assert red.comments[0]["id"] == green.comments[0]["id"]
    assert "1 of 4 gates failed" in red.page
    assert "ROC AUC fell from" in red.page
    assert (green.check["conclusion"], red.check["conclusion"], red.status) == ("success", "failure", "failure")
    [failed] = [one for one in red.check["annotations"] if one["annotation_level"] == "failure"]
    assert (failed["path"], failed["start_line"]) == ("mlci.yml", 18)
    assert "the verdict is [block]" in run.output


@pytest.mark.parametrize(("change", "verdict", "code"), [("better", "pass", 0), ("regression", "block", 1)])
def test_workflow__fork_with_a_read_only_token(world, scenario, change, verdict, code):
    number = world.pull("candidate", change, fork=True)
    run = world.start(WORKFLOW, "pull_request", number, token=world.fake.token(fork=True))
    seen = look(world, scenario, run, number=number, sha=world.fake.head(number))

    assert (run.code, run.outputs("mlci")["verdict"]) == (code, verdict), run.log
    assert (seen.comments, seen.checks, seen.statuses) == ([], [], [])
    assert "churn" in seen.summary
    assert (world.artifact("mlci-report-churn") / "report.json").exists()
    [notice] = run.annotations("notice")
    scenario.saw(f"notice: {notice.splitlines()[0]}")
    assert all(status in {200, 403} for _, _, status in world.fake.requests)


def test_workflow__merge_queue(world, scenario):
    number = world.pull("candidate", "better")
    payload = world.fake.event("merge_group", number)
    run = world.start(WORKFLOW, "merge_group", number)
    head = payload["merge_group"]["head_sha"]
    seen = look(world, scenario, run, number=number, sha=head)

    assert (run.code, run.outputs("mlci")["verdict"]) == (0, "pass"), run.log
    assert seen.comments == []
    assert (seen.check["conclusion"], seen.check["head_sha"], seen.status) == ("success", head, "success")


def test_workflow__crash_in_training(world, scenario):
    number = world.pull("candidate", "better")
    look(
        world,
        scenario,
        world.start(WORKFLOW, "pull_request", number),
        number=number,
        sha=world.fake.head(number),
        step="1-green",
    )
    head = world.push("candidate", "crash")
    run = world.start(WORKFLOW, "pull_request", number, action="synchronize")
    seen = look(world, scenario, run, number=number, sha=head, step="2-crashed")

    assert run.code == 1, run.log
    assert run.outputs("mlci")["verdict"] == "error"  # although the crash printed `::set-output name=verdict::pass`
    assert "evaluation did not finish" in seen.page
    assert "/actions/runs/1002" in seen.page
    assert (seen.check["conclusion"], seen.status) == ("failure", "error")
    assert "did not finish" in seen.summary


def test_workflow__unreadable_configuration(world, scenario):
    number = world.pull("candidate", "typo")
    run = world.start(WORKFLOW, "pull_request", number)
    seen = look(world, scenario, run, number=number, sha=world.fake.head(number))

    assert run.code == 1, run.log
    assert run.outputs("mlci").get("verdict", "") != "pass"
    assert any("unknown key `gate`" in message for message in run.annotations("error"))
    assert all(check["conclusion"] == "failure" for check in seen.checks)
