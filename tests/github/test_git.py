"""Pull requests of real branches, and events about them."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.fake_github import contract, events
from tests.fake_github.gitrepo import ENVIRONMENT
from tests.fake_github.state import git

# GitHub writes some payloads of events in another way than answers of the API; the rest has to be valid there too.
PULL = contract.operations()["pulls/get"]


def test_pull_request__push_moves_the_head(fake, push):
    number = fake.pull("topic")
    before = fake.head(number)
    after = push(Path(fake.repo["git"]), "topic", {"train.py": "C = 1\n"})
    assert fake.head(number) == after != before
    assert fake.pull_body(number)["commits"] == 2
    event = fake.event("pull_request", number, action="synchronize")
    assert (event["before"], event["after"]) == (before, after)


def test_pull_request__refs_can_be_fetched(fake):
    number = fake.pull("topic", fork=True)
    refs = git(fake.repo).refs(f"refs/pull/{number}/")
    assert set(refs) == {f"refs/pull/{number}/head", f"refs/pull/{number}/merge"}
    parents = git(fake.repo).commit(refs[f"refs/pull/{number}/merge"][0])["parents"]
    assert parents == [fake.sha("main"), fake.head(number)]


def test_pull_request__closed_keeps_its_head(fake, push):
    number = fake.pull("topic")
    before = fake.head(number)
    fake.change_pull(number, state="closed")
    push(Path(fake.repo["git"]), "topic", {"train.py": "C = 1\n"})
    assert fake.head(number) == before


def test_pull_request__conflict(fake, push):
    number = fake.pull("topic")
    assert fake.pull_body(number)["mergeable"]
    push(Path(fake.repo["git"]), "main", {"train.py": "C = 9\n"})
    assert (fake.pull_body(number)["mergeable"], fake.pull_body(number)["mergeable_state"]) == (False, "dirty")


def test_event__of_a_fork(fake):
    number = fake.pull("topic", fork=True)
    event = fake.event("pull_request", number)["pull_request"]
    assert event["head"]["repo"]["full_name"] == "contributor/model"
    assert event["head"]["repo"]["fork"]
    assert event["base"]["repo"]["full_name"] == "octo-org/model"
    assert event["head"]["label"] == "contributor:topic"


@pytest.mark.parametrize("action", ["opened", "synchronize", "closed", "labeled", "ready_for_review", "reopened"])
def test_event__pull_request_as_in_the_api(fake, action):
    number = fake.pull("topic")
    event = fake.event("pull_request", number, action=action)
    assert (event["action"], event["number"]) == (action, number)
    assert contract.response_errors(PULL, 200, event["pull_request"]) == []


def test_event__fields_of_githubs_examples(fake):
    folder = events.PAYLOADS
    number = fake.pull("topic")
    named = {
        "merge_group": "merge_group__checks_requested.payload",
        "push": "push__payload",
        "workflow_dispatch": "workflow_dispatch__payload",
        "pull_request": "pull_request__opened.payload",
        "workflow_run": "workflow_run__completed.payload",
    }
    for name, file in named.items():
        example = json.loads((folder / f"{file}.json").read_text("utf-8"))
        event = fake.event(name, number, **({"of": fake.run(number)} if name == "workflow_run" else {}))
        assert set(example) - set(event) <= {"organization", "installation"}
        for key, value in example.items():
            if isinstance(value, dict) and key in event and key not in {"repository", "inputs"}:
                assert set(value) - set(event[key]) <= {"username"}, (name, key)


def test_event__workflow_run_of_a_fork_names_no_pull_request(fake):
    own, fork = (fake.run(fake.pull("topic", fork=one), name="mlci train") for one in (False, True))
    fake.change_run(fork, status="in_progress", conclusion=None)
    events = [fake.event("workflow_run", of=run, action="requested")["workflow_run"] for run in (own, fork)]
    assert [len(run["pull_requests"]) for run in events] == [1, 0]
    assert [run["conclusion"] for run in events] == ["success", None]
    assert events[1]["head_repository"]["full_name"] == "contributor/model"


def test_event__merge_group_branch(fake):
    number = fake.pull("topic")
    group = fake.event("merge_group", number)["merge_group"]
    assert fake.sha(group["head_ref"]) == group["head_sha"] == group["head_commit"]["id"]
    assert git(fake.repo).commit(group["head_sha"])["parents"] == [fake.sha("main"), fake.sha("topic")]


def test_environment__variables_of_the_runner(fake, tmp_path):
    number = fake.pull("topic")
    variables = fake.environment("pull_request", number, folder=tmp_path / "job", run=7, attempt=2)
    assert (variables["GITHUB_REF"], variables["GITHUB_RUN_ID"], variables["GITHUB_RUN_ATTEMPT"]) == (
        "refs/pull/1/merge",
        "7",
        "2",
    )
    assert variables["GITHUB_SHA"] == fake.sha("refs/pull/1/merge") != fake.head(number)
    assert json.loads(Path(variables["GITHUB_EVENT_PATH"]).read_text("utf-8"))["number"] == number
    assert Path(variables["GITHUB_OUTPUT"]).read_text("utf-8") == ""
    for name, ref in {
        "push": "refs/heads/main",
        "schedule": "refs/heads/main",
        "workflow_dispatch": "refs/heads/main",
    }.items():
        other = fake.environment(name, folder=tmp_path / name)
        assert (other["GITHUB_REF"], other["GITHUB_SHA"]) == (ref, fake.sha("main"))
    target = fake.environment("pull_request_target", number, folder=tmp_path / "target")
    assert target["GITHUB_SHA"] == fake.sha("main")


def test_repository__passes_git_fsck(fake):
    fake.pull("topic")
    fake.event("merge_group", 1)
    command = ["git", "--git-dir", fake.repo["git"], "fsck", "--strict", "--no-progress"]
    assert subprocess.run(command, env=ENVIRONMENT, check=False, capture_output=True).returncode == 0
