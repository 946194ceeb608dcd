"""The model's issue on the fake of GitHub: opened, updated, closed, never two; and the event that asks to retrain."""

import json
from dataclasses import replace
from functools import partial

import pytest

from mlci.config.lifecycle.monitor import Monitor
from mlci.errors import OutsideError
from mlci.github import retry
from mlci.github.issues import IssueClient
from mlci.github.transport import Access, transport
from mlci.monitor.document import MonitorDocument
from mlci.monitor.findings import WindowFindings
from mlci.monitor.history import ModelStanding, SeriesView, WindowRecord, add_windows
from mlci.monitor.issue_choice import IssueText, choose_changes
from mlci.operations.monitor.publish_issue import publish_issue, request_retraining
from mlci.operations.monitor.records import keep_history, read_history
from mlci.registry.registry import Registry
from mlci.util.retry_policy import RetryPolicy
from tests.fake_github.fake import Fake
from tests.support.production import Week, week_end, write_log
from tests.support.project import mlci
from tests.support.registry.histories import Memory, promote_versions, stamp

WELL, DECAYED = Week(), Week(wrong=0.35)
TOKEN = {"issues": "write", "contents": "write"}


@pytest.fixture
def fake(tmp_path):
    with Fake(tmp_path / "model.git") as fake:
        yield fake


@pytest.fixture
def published(monitored, fake):
    """Monitor and publish on the fake; return exit code, document and the repository's issues."""
    names = {"GITHUB_REPOSITORY": fake.name, "GITHUB_API_URL": fake.url, "GITHUB_SERVER_URL": fake.url}

    def run(weeks, *arguments):
        variables = {**names, "MLCI_TOKEN": fake.token(TOKEN)}
        return (*monitored(weeks, "--publish", *arguments, **variables), fake.issues())

    run.folder = monitored.folder
    return run


def test_issue__opened_and_closed(published):
    code, _, [issue] = published([WELL, DECAYED])
    assert code == 1
    assert (issue["state"], issue["title"]) == ("open", "mlci monitor: scored, alarm since 2026-01-12")
    assert issue["labels"] == ["mlci-monitor"]
    assert "| accuracy.max_drop | alarm | 2026-01-12 | 0&#46;8920 → 0.6475 on 400 rows; change −0.24" in issue["body"]
    code, document, [closed] = published([WELL, DECAYED, WELL, WELL])
    assert (code, document["state"], closed["state"]) == (0, "ok", "closed")
    assert (closed["number"], closed["title"]) == (issue["number"], "mlci monitor: scored, well")


def test_issue__requests_and_waits_are_events(published, fake, monkeypatch):
    monkeypatch.setattr(retry, "POLICY", replace(retry.POLICY, sleep=lambda _: None))
    fake.fail("GET", "/issues", kind="drop")
    write_log(published.folder, [WELL, DECAYED], columns="id x region score p at")
    token = fake.token(TOKEN)
    names = {"GITHUB_REPOSITORY": fake.name, "GITHUB_API_URL": fake.url, "MLCI_TOKEN": token}
    ended = mlci("--log", "json", "monitor", "--now", week_end(2), "--publish", cwd=published.folder, **names)
    events = [json.loads(line) for line in ended.err.splitlines()]
    sent = [one["verb"] for one in events if one["event"] == "request_sent"]
    assert sent == [
        "GET",
        "GET",
        "POST",
        "GET",
    ]  # a dropped listing, its repetition, the issue, a look for a second one
    assert [one["service"] for one in events if one["event"] == "request_delayed"] == ["github"]


def test_issue__no_token(monitored):
    code, error = monitored([DECAYED], "--publish", MLCI_TOKEN="", GITHUB_TOKEN="", GITHUB_REPOSITORY="")
    assert code == 2
    assert "GITHUB_TOKEN" in error


BEGAN = "2026-01-12T00:00"
GATE = SeriesView(series="accuracy.max_drop", state="alarm", since=BEGAN, finding="bad")
ALARM = MonitorDocument(model="scored", version=1, unit="week", state="alarm", since=BEGAN, series=(GATE,))
SETTINGS = Monitor(data="log.csv", time="at")


def client(fake, permissions=TOKEN):
    access = Access(url=fake.url, token=fake.token(permissions), agent="tests")
    patience = RetryPolicy(attempts=4, total=30.0, sleep=lambda _: None)
    return IssueClient(transport(access), repository=fake.name, patience=patience)


def test_issue__updated_only_if_something_changed(fake):
    publish_issue(ALARM, SETTINGS, client(fake))
    assert publish_issue(ALARM, SETTINGS, client(fake)).did == "unchanged"
    warned = SeriesView(series="drift[x]", state="warn", since=BEGAN, finding="bad")
    window = WindowFindings(start=BEGAN, end="2026-01-19T00:00", version=1, rows=9, labelled=0)
    more = ALARM.model_copy(update={"series": (GATE, warned), "windows": (window,)})
    assert publish_issue(more, SETTINGS, client(fake)).did == "updated"
    [issue] = fake.issues()
    assert "| drift&#91;x&#93; | warning |" in issue["body"]


def test_issue__missing_permission(fake):
    with pytest.raises(OutsideError, match="      issues: write"):
        publish_issue(ALARM, SETTINGS, client(fake, {"issues": "read"}))
    assert fake.issues() == []


def test_retraining__requested_once_for_each_alarm(fake, tmp_path):
    store = Memory()
    promote_versions(store, tmp_path, 1)
    registry, settings = Registry(store, stamp()), SETTINGS.model_copy(update={"retrain": "mlci-retrain"})
    record = WindowRecord(start=BEGAN, end="2026-01-19T00:00", version=1, rows=9, labelled=9)
    change = partial(add_windows, records=[record], keep=9, patience=2)
    keep_history(registry, change, version=1, assessed=lambda _: ModelStanding(state="alarm", since=BEGAN))

    def request():
        history = read_history(registry.view())
        return request_retraining(ALARM, settings, client(fake), registry, history=history)

    fake.fail("POST", "/dispatches", kind="status", status=422)
    with pytest.raises(OutsideError, match="the next run sends the event again"):
        request()
    assert [request(), request()] == [True, False]
    [event] = fake.dispatches()
    assert event["event_type"] == "mlci-retrain"
    assert event["client_payload"] == {
        "model": "scored", "version": 1, "since": BEGAN, "gates": ["accuracy.max_drop"]
    }  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
def test_issue__lost_answer_of_the_creation_makes_no_second_one(fake, when):
    fake.fail("POST", "/issues", kind="drop", when=when)
    done = publish_issue(ALARM, SETTINGS, client(fake))
    assert done.did == "opened"
    assert [one["state"] for one in fake.issues()] == ["open"]


def test_issue__another_persons_text_without_the_label_is_left_alone(fake):
    body = "<!-- mlci-monitor id=scored episode=none -->\n"
    client(fake).create(title="mine", body=body, label="question", arrived=lambda: None)
    publish_issue(ALARM, SETTINGS, client(fake))
    assert [(one["title"], one["body"] == body) for one in fake.issues()] == [
        ("mine", True), ("mlci monitor: scored, alarm since 2026-01-12", False)
    ]  # fmt: skip


class Shown:
    def __init__(self, number, body, *, is_open=True, title="t"):
        self.number, self.body, self.is_open, self.title = number, body, is_open, title


def text(*, is_open, episode="2026-01-12T00:00", body="b\n"):
    return IssueText(model="scored", episode=episode if is_open else None, is_open=is_open, title="t", body=body)


def test_choice__of_two_issues_the_older_stays():
    marked = text(is_open=True).marked
    changes = choose_changes([Shown(4, marked), Shown(9, marked)], text(is_open=True))
    assert [(one.number, one.state, one.reason) for one in changes] == [(9, "closed", "not_planned")]


def test_choice__closed_by_a_person_stays_closed_until_the_next_alarm():
    closed = Shown(4, text(is_open=True).marked, is_open=False)
    assert choose_changes([closed], text(is_open=True)) == []
    [later] = choose_changes([closed], text(is_open=True, episode="2026-03-02T00:00"))
    assert (later.state, later.reason) == ("open", "reopened")


def test_choice__not_known_leaves_the_state():
    unknown = IssueText(model="scored", episode=None, is_open=None, title="t", body="other\n")
    [change] = choose_changes([Shown(4, text(is_open=True).marked)], unknown)
    assert (change.state, change.body is not None) == (None, True)
    assert choose_changes([], unknown) == []
