"""The model's issue on the fake of GitHub: opened, updated, closed, never two; and the event that asks to retrain."""

import pytest

from mlci.config.lifecycle.monitor import Monitor
from mlci.github.issues import IssueClient
from mlci.github.transport import Access, transport
from mlci.monitor.document import MonitorDocument
from mlci.monitor.history import SeriesView
from mlci.monitor.issue_choice import IssueText, choose_changes
from mlci.operations.monitor.publish_issue import publish_issue
from mlci.util.retry_policy import RetryPolicy
from tests.fake_github.fake import Fake
from tests.support.production import CONFIG, Week

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


def test_issue__opened_updated_and_closed(published, fake):
    code, _, issues = published([WELL])
    assert (code, issues) == (0, [])
    code, document, issues = published([WELL, DECAYED])
    assert code == 1
    [issue] = issues
    assert (issue["state"], issue["title"]) == ("open", "mlci monitor: scored, alarm since 2026-01-12")
    assert issue["labels"] == ["mlci-monitor"]
    assert "| accuracy.max_drop | alarm | 2026-01-12 | 0&#46;892 → 0.6475 on 400 rows; change -0.2445 " in issue["body"]
    sent = len(fake.requests)
    published([WELL, DECAYED])
    assert [one[0] for one in fake.requests[sent:]] == ["GET"]  # nothing changed, so nothing is written
    code, _, [again] = published([WELL, DECAYED, DECAYED])
    assert (again["number"], again["state"]) == (issue["number"], "open")
    assert again["body"] != issue["body"]
    code, document, [closed] = published([WELL, DECAYED, DECAYED, WELL, WELL])
    assert (code, document["state"], closed["state"]) == (0, "ok", "closed")
    assert closed["title"] == "mlci monitor: scored, well"
    code, document, [reopened] = published([WELL, DECAYED, DECAYED, WELL, WELL, DECAYED])
    assert (code, reopened["state"], reopened["number"]) == (1, "open", issue["number"])


def test_issue__retraining_is_requested_once_for_each_alarm(published, fake):
    text = CONFIG.replace("window: week", "window: week\n  retrain: mlci-retrain")
    (published.folder / "mlci.yml").write_text(text, "utf-8")
    fake.fail("POST", "/dispatches", kind="status", status=422)
    code, error, _ = published([WELL, DECAYED])
    assert code == 4
    assert "does not let mlci send the event mlci-retrain" in error
    published([WELL, DECAYED])
    published([WELL, DECAYED, DECAYED])
    [event] = fake.dispatches()
    assert event["event_type"] == "mlci-retrain"
    assert event["client_payload"]["since"] == "2026-01-12T00:00"
    assert "accuracy.max_drop" in event["client_payload"]["gates"]


def test_issue__missing_permission_and_token(monitored, published, fake):
    variables = {"GITHUB_REPOSITORY": fake.name, "GITHUB_API_URL": fake.url}
    code, error = monitored([DECAYED], "--publish", **variables, MLCI_TOKEN=fake.token({"issues": "read"}))
    assert code == 4
    assert "      issues: write" in error
    code, error = monitored([DECAYED], "--publish", MLCI_TOKEN="", GITHUB_TOKEN="", GITHUB_REPOSITORY="")
    assert code == 2
    assert "GITHUB_TOKEN" in error
    code, _, [issue] = published([DECAYED])  # what the registry has is shown by the next run that may
    assert (code, issue["state"]) == (1, "open")


BEGAN = "2026-01-12T00:00"
GATE = SeriesView(series="accuracy.max_drop", state="alarm", since=BEGAN, finding="bad")
ALARM = MonitorDocument(model="scored", version=1, unit="week", state="alarm", since=BEGAN, series=(GATE,))
SETTINGS = Monitor(data="log.csv", time="at")


def client(fake):
    access = Access(url=fake.url, token=fake.token(TOKEN), agent="tests")
    patience = RetryPolicy(attempts=4, total=30.0, sleep=lambda _: None)
    return IssueClient(transport(access), repository=fake.name, patience=patience)


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
