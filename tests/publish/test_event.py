"""GitHub's own example payloads, and those that it gives no example of, made from them by hand."""

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


def changed(name, **changes):
    """A payload with values put at dotted paths; `...` removes one."""
    told = copy.deepcopy(dict(example(name)))
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = told
        for parent in parents:
            at = at[parent]
        at.pop(last) if value is ... else at.update({last: value})
    return told


def opened(**changes):
    return changed("pull_request__opened.payload.json", **changes)


def test_there_are_examples():
    assert len(PULLS) >= 6


@pytest.mark.parametrize("name", PULLS)
@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_every_action_of_a_pull_request_is_about_its_head_and_not_about_the_merge(name, event):
    found = event_facts(event, example(name), sha=GITHUB_SHA)
    assert (found.head, found.why, found.reader) == (HEAD, None, None)
    assert found.pull == example(name)["number"]
    assert found.branch == example(name)["pull_request"]["head"]["ref"]


def test_a_report_may_be_about_the_merge_but_not_about_the_base():
    assert event_facts("pull_request", opened(), sha=GITHUB_SHA).commits(GITHUB_SHA) == {HEAD, GITHUB_SHA}
    assert event_facts("pull_request_target", opened(), sha=GITHUB_SHA).commits(GITHUB_SHA) == {HEAD}
    assert event_facts("schedule", {}, sha=GITHUB_SHA).commits(GITHUB_SHA) == {GITHUB_SHA}
    assert event_facts("workflow_run", {}, sha=GITHUB_SHA).commits(GITHUB_SHA) == {GITHUB_SHA}
    assert event_facts("schedule", {}, sha=None).commits(None) == frozenset()


def test_a_draft_is_published_like_any_other():
    assert event_facts("pull_request", opened(pull_request__draft=True), sha=None).head == HEAD


@pytest.mark.parametrize(
    "changes",
    [
        {"pull_request__head__repo": None},
        {"pull_request__head__repo": ...},
        {"pull_request__head__repo__full_name": "contributor/Hello-World"},
        {"pull_request__head__repo__full_name": 7},
    ],
)
def test_a_fork_reads_only_and_its_branch_is_not_one_of_ours(changes):
    event = opened(**changes)
    found = event_facts("pull_request", event, sha=None)
    assert (found.head, found.branch, found.reader) == (HEAD, None, "the pull request comes from a fork")
    assert event_facts("pull_request_target", event, sha=None).reader is None  # its token is the base's
    assert event_facts("pull_request_target", event, sha=None).branch is None


def test_names_of_repositories_know_no_case():
    full = example("pull_request__opened.payload.json")["pull_request"]["head"]["repo"]["full_name"]
    assert (
        event_facts("pull_request", opened(pull_request__head__repo__full_name=full.upper()), sha=None).reader is None
    )


@pytest.mark.parametrize(("sender", "actor"), [("dependabot[bot]", None), ("octocat", "dependabot[bot]")])
def test_dependabot_reads_only(sender, actor):
    found = event_facts("pull_request", opened(sender__login=sender), sha=None, actor=actor)
    assert found.reader == "Dependabot started the run"
    assert found.head == HEAD


@pytest.mark.parametrize(
    "changes", [{"pull_request": None}, {"pull_request__head": []}, {"pull_request__head__sha": "x"}]
)
def test_a_pull_request_without_a_head_is_not_published_on_the_merge_commit(changes):
    found = event_facts("pull_request", opened(**changes), sha=GITHUB_SHA)
    assert found.head is None
    assert "no pull request with a head commit" in found.why


def test_a_merge_group_has_a_head_and_no_comment():
    found = event_facts("merge_group", example("merge_group__checks_requested.payload.json"), sha=GITHUB_SHA)
    assert found.head == example("merge_group__checks_requested.payload.json")["merge_group"]["head_sha"]
    assert (found.pull, found.why) == (None, None)


def test_a_push_that_deletes_has_nothing_to_report_on():
    example_that_deletes = example("push__payload.json")
    assert example_that_deletes["after"] == "0" * 40
    assert event_facts("push", example_that_deletes, sha=GITHUB_SHA).why == "the push deleted a branch or tag"
    pushed = changed("push__payload.json", after="b" * 40, deleted=False)
    assert event_facts("push", pushed, sha=GITHUB_SHA).head == "b" * 40
    assert (
        event_facts("push", changed("push__payload.json", after="b" * 40), sha=None).head is None
    )  # `deleted` says so


@pytest.mark.parametrize("name", ["workflow_dispatch", "repository_dispatch", "schedule"])
def test_runs_by_hand_and_by_the_clock_are_about_the_commit_they_run_on(name):
    found = event_facts(name, example("workflow_dispatch__payload.json"), sha=GITHUB_SHA)
    assert (found.head, found.pull) == (GITHUB_SHA, None)
    assert event_facts(name, {}, sha=None).why == "GITHUB_SHA names no commit"


@pytest.mark.parametrize("name", ["workflow_run", "issue_comment", "deployment", "", "evil\n::set-output name=x::y"])
def test_events_that_run_on_the_default_branch_are_never_reported_on_it(name):
    found = event_facts(name, example("workflow_run__completed.payload.json"), sha=GITHUB_SHA)
    assert found.head is None
    assert "does not know which commit" in found.why
    assert "\n" not in found.why
    assert "::" not in found.why


def test_all_examples_of_the_webhooks_package_parse():
    given = Path(__file__).parents[3] / "shared" / "data" / "github-events"
    folder = given if given.is_dir() else PAYLOADS
    names = sorted(folder.glob("*.json"))
    assert names
    for path in names:
        assert publish_event.parse_payload(path.read_bytes(), path=path.name) == json.loads(path.read_text())
