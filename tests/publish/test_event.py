"""Event payloads: GitHub's own examples, and variants of them for cases without an example."""

import copy
import json
from pathlib import Path

import pytest

from mlci.publish import event as publish_event
from mlci.publish.event import event_facts
from tests.fake_github.events import PAYLOADS

HEAD = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
GITHUB_SHA = "a" * 40
PULLS = sorted(path.name for path in PAYLOADS.glob("pull_request__*.json"))


def example(name):
    return publish_event.parse_payload((PAYLOADS / name).read_bytes(), path=name)


def change_payload(name, **changes):
    """A payload with values put at dotted paths; `...` removes one."""
    payload = copy.deepcopy(dict(example(name)))
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = payload
        for parent in parents:
            at = at[parent]
        at.pop(last) if value is ... else at.update({last: value})
    return payload


def opened_payload(**changes):
    return change_payload("pull_request__opened.payload.json", **changes)


def test_examples__enough_pull_requests():
    assert len(PULLS) >= 6


@pytest.mark.parametrize("name", PULLS)
@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_event_facts__pull_request_head_not_merge(name, event):
    found = event_facts(event, example(name), sha=GITHUB_SHA)
    assert (found.head, found.why, found.reader) == (HEAD, None, None)
    assert found.pull == example(name)["number"]
    assert found.branch == example(name)["pull_request"]["head"]["ref"]


def test_event_commits__merge_but_not_base():
    assert event_facts("pull_request", opened_payload(), sha=GITHUB_SHA).commits(GITHUB_SHA) == {HEAD, GITHUB_SHA}
    assert event_facts("pull_request_target", opened_payload(), sha=GITHUB_SHA).commits(GITHUB_SHA) == {HEAD}
    assert event_facts("schedule", {}, sha=GITHUB_SHA).commits(GITHUB_SHA) == {GITHUB_SHA}
    assert event_facts("workflow_run", {}, sha=GITHUB_SHA).commits(GITHUB_SHA) == {GITHUB_SHA}
    assert event_facts("schedule", {}, sha=None).commits(None) == frozenset()


def test_event_facts__draft():
    assert event_facts("pull_request", opened_payload(pull_request__draft=True), sha=None).head == HEAD


@pytest.mark.parametrize(
    "changes",
    [
        {"pull_request__head__repo": None},
        {"pull_request__head__repo": ...},
        {"pull_request__head__repo__full_name": "contributor/Hello-World"},
        {"pull_request__head__repo__full_name": 7},
    ],
)
def test_event_facts__fork(changes):
    event = opened_payload(**changes)
    found = event_facts("pull_request", event, sha=None)
    assert (found.head, found.branch, found.reader) == (HEAD, None, "the pull request comes from a fork")
    assert event_facts("pull_request_target", event, sha=None).reader is None  # its token is the base's
    assert event_facts("pull_request_target", event, sha=None).branch is None


def test_event_facts__repository_names_ignore_case():
    full = example("pull_request__opened.payload.json")["pull_request"]["head"]["repo"]["full_name"]
    assert (
        event_facts("pull_request", opened_payload(pull_request__head__repo__full_name=full.upper()), sha=None).reader
        is None
    )


@pytest.mark.parametrize(("sender", "actor"), [("dependabot[bot]", None), ("octocat", "dependabot[bot]")])
def test_event_facts__dependabot(sender, actor):
    found = event_facts("pull_request", opened_payload(sender__login=sender), sha=None, actor=actor)
    assert found.reader == "Dependabot started the run"
    assert found.head == HEAD


@pytest.mark.parametrize(
    "changes", [{"pull_request": None}, {"pull_request__head": []}, {"pull_request__head__sha": "x"}]
)
def test_event_facts__pull_request_without_a_head(changes):
    found = event_facts("pull_request", opened_payload(**changes), sha=GITHUB_SHA)
    assert found.head is None
    assert "no pull request with a head commit" in found.why


def test_event_facts__merge_group():
    found = event_facts("merge_group", example("merge_group__checks_requested.payload.json"), sha=GITHUB_SHA)
    assert found.head == example("merge_group__checks_requested.payload.json")["merge_group"]["head_sha"]
    assert (found.pull, found.why) == (None, None)


def test_event_facts__push_that_deletes():
    example_that_deletes = example("push__payload.json")
    assert example_that_deletes["after"] == "0" * 40
    assert event_facts("push", example_that_deletes, sha=GITHUB_SHA).why == "the push deleted a branch or tag"
    pushed = change_payload("push__payload.json", after="b" * 40, deleted=False)
    assert event_facts("push", pushed, sha=GITHUB_SHA).head == "b" * 40
    assert (
        event_facts("push", change_payload("push__payload.json", after="b" * 40), sha=None).head is None
    )  # `deleted` says so


@pytest.mark.parametrize("name", ["workflow_dispatch", "repository_dispatch", "schedule"])
def test_event_facts__workflow_dispatch_and_schedule(name):
    found = event_facts(name, example("workflow_dispatch__payload.json"), sha=GITHUB_SHA)
    assert (found.head, found.pull) == (GITHUB_SHA, None)
    assert event_facts(name, {}, sha=None).why == "GITHUB_SHA names no commit"


@pytest.mark.parametrize("name", ["workflow_run", "issue_comment", "deployment", "", "evil\n::set-output name=x::y"])
def test_event_facts__events_of_the_default_branch(name):
    found = event_facts(name, example("workflow_run__completed.payload.json"), sha=GITHUB_SHA)
    assert found.head is None
    assert "does not know which commit" in found.why
    assert "\n" not in found.why
    assert "::" not in found.why


def test_event_facts__every_example():
    given = Path(__file__).parents[3] / "shared" / "data" / "github-events"
    folder = given if given.is_dir() else PAYLOADS
    names = sorted(folder.glob("*.json"))
    assert names
    for path in names:
        assert publish_event.parse_payload(path.read_bytes(), path=path.name) == json.loads(path.read_text())
