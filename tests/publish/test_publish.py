"""Opening and publishing against the fake: the resulting state on GitHub, and the number of requests."""

from dataclasses import replace

import pytest

from mlci.cli.publishing.console import PublishConsole
from mlci.github.interface import CheckFields, CheckOutput
from mlci.publish.event import event_facts
from mlci.publish.permissions import permission_advice
from mlci.publish.result import Unfinished
from mlci.publish.runs import read_invocation
from tests.fake_github.state import git
from tests.support.publish.scene import BOT, MODEL, NAME, Clock, bad, good, publisher, push, stands, unsure, wide

CRASH = Unfinished(why="the evaluation ended with exit code 3", code=3)
CANCELLED = Unfinished(why="the job was cancelled or ran into its time limit", cancelled=True)


@pytest.fixture
def pull(fake):
    return fake.pull("topic")


@pytest.mark.parametrize(
    ("report", "conclusion", "text"),
    [
        (good(), "success", "✅ credit-risk"),
        (unsure(), "success", "1 gate inconclusive"),
        (bad(), "failure", "❌ credit-risk: blocked, 1 gate failed"),
        (CRASH, "failure", "the evaluation did not finish"),
        (CANCELLED, "cancelled", "the evaluation was cancelled"),
    ],
)
def test_publish__open_to_concluded(fake, pull, report, conclusion, text):
    one, sha = publisher(fake, pull, report=report), fake.head(pull)
    opened = one.open(fresh=True)
    assert [check["status"] for check in fake.check_runs(sha)] == ["in_progress"]
    assert [status["state"] for status in fake.statuses(sha)] == ["pending"]
    assert fake.comments(pull) == []
    done = one.publish(known=opened.check)
    stands(fake, pull, run=100, conclusion=conclusion, text=text)
    assert len(fake.check_runs(sha)) == 1
    assert (done.refused, done.failures, done.foreign) == ([], [], [])
    assert done.comment.url == fake.comments(pull)[0]["html_url"]
    assert done.check.url == fake.check_runs(sha)[0]["html_url"]
    assert fake.check_runs(sha)[0]["details_url"] == one.where.url


def test_publish__at_most_eight_requests(fake, pull):
    first = publisher(fake, pull, run=100)
    first.publish(known=first.open(fresh=True).check)
    assert len(fake.requests) <= 8, fake.requests  # the comment is created, and read again
    fake.forget_requests()
    second = publisher(fake, pull, run=101, report=bad())
    second.publish(known=second.open(fresh=True).check)
    assert len(fake.requests) <= 8, fake.requests
    for number in range(98):
        fake.comment(pull, f"comment {number}")
    fake.forget_requests()
    third = publisher(fake, pull, run=102, report=wide(50))
    third.open()  # without a note from one step to the next
    third.publish()
    assert len(fake.requests) <= 9, fake.requests
    stands(fake, pull, run=102, conclusion="failure", text="50 gates failed")
    assert len(fake.check_runs(fake.head(pull))[-1]["annotations"]) == 50


def test_publish__unchanged_report_writes_no_comment(fake, pull):
    publisher(fake, pull, run=100).publish()
    fake.forget_requests()
    again = publisher(fake, pull, run=101)
    assert again.publish().did[-1].startswith("comment on #1 unchanged")
    assert not [path for method, path, _ in fake.requests if "comments" in path and method != "GET"]


@pytest.mark.parametrize("gates", [1, 49, 50, 51, 100, 120])
def test_publish__annotations_in_batches(fake, pull, gates):
    one = publisher(fake, pull, report=wide(gates))
    for _ in range(2):
        one.publish()
        found = fake.check_runs(fake.head(pull))[0]["annotations"]
        assert sorted(one["start_line"] for one in found) == list(range(1, gates + 1))
    assert {one["annotation_level"] for one in found} == {"failure"}
    assert {one["path"] for one in found} == {"mlci.yml"}


def test_publish__comment_on_the_fourth_page(fake, pull):
    for number in range(350):
        fake.comment(pull, f"comment {number}")
    publisher(fake, pull, run=100).publish()
    for number in range(49):
        fake.comment(pull, f"later {number}")
    assert len(fake.comments(pull)) == 400
    publisher(fake, pull, run=101, report=bad()).publish()
    assert len(fake.comments(pull)) == 400
    assert fake.comments(pull)[350]["body"].startswith(f"<!-- mlci id={MODEL} ")
    stands(fake, pull, run=101, conclusion="failure", text="1 gate failed")


def test_publish__user_quotes_the_marker(fake, pull):
    body = publisher(fake, pull, run=999).plan
    quoted = body.target.version("I say it is green").body
    fake.comment(pull, quoted, user="octocat")
    fake.comment(pull, quoted, user="other-app[bot]")
    publisher(fake, pull, run=100, report=bad()).publish()
    assert [one["body"] for one in fake.comments(pull)[:2]] == [quoted, quoted]
    stands(fake, pull, run=100, conclusion="failure", text="1 gate failed")


def test_publish__two_models(fake, pull):
    one = publisher(fake, pull)
    one.publish()
    other = replace(one, where=replace(one.where, model="churn"), report=bad(model="churn"))
    other.publish()
    assert len(fake.comments(pull)) == 2
    assert [check["name"] for check in fake.check_runs()] == [NAME, "mlci / churn"]


@pytest.mark.parametrize(
    ("policy", "reports", "made"),
    [
        ("never", [bad()], [0]),
        ("on-failure", [good(), bad(), good()], [0, 1, 1]),
        ("on-failure", [CRASH], [1]),
        ("on-change", [good()], [1]),
    ],
)
def test_publish__comment_by_policy(fake, pull, policy, reports, made):
    for run, (report, count) in enumerate(zip(reports, made, strict=True), start=100):
        done = publisher(fake, pull, run=run, report=report, policy=policy).publish()
        assert len(fake.comments(pull)) == count
        assert fake.check_runs(fake.head(pull), NAME)[-1]["status"] == "completed"
        assert (done.comment is None) == (count == 0)


@pytest.mark.parametrize("policy", ["never", "on-failure", "on-change"])
@pytest.mark.parametrize("report", [bad(), CRASH, CANCELLED])
def test_publish__stale_success_is_replaced_under_any_policy(fake, pull, policy, report):
    publisher(fake, pull, run=100).publish()
    publisher(fake, pull, run=101, report=report, policy=policy).publish()
    assert len(fake.comments(pull)) == 1
    assert "✅" not in fake.comments(pull)[0]["body"].split("\n")[1]
    assert fake.check_runs(fake.head(pull), NAME)[-1]["conclusion"] in {"failure", "cancelled"}


def test_publish__older_run_changes_nothing_newer(fake, pull):
    publisher(fake, pull, run=1000, report=bad()).publish()
    before = fake.comments(pull)
    publisher(fake, pull, run=999).publish()
    assert fake.comments(pull) == before
    assert fake.statuses(fake.head(pull))[0]["state"] == "failure"
    assert [one["conclusion"] for one in fake.check_runs(fake.head(pull))] == ["failure", "failure"]  # the newest shows


def test_publish__older_run_later_without_checks(fake, pull):
    token = fake.token({"statuses": "write", "pull-requests": "write"})
    publisher(fake, pull, run=1000, report=bad(), token=token).publish()
    before, sha = fake.comments(pull), fake.head(pull)
    publisher(fake, pull, run=999, token=token).publish()
    assert fake.comments(pull) == before
    assert [one["state"] for one in fake.statuses(sha)] == ["failure"]
    older = publisher(fake, pull, run=999, token=token)
    push(fake)
    publisher(fake, pull, run=1001, report=bad(), token=token).publish()
    older.publish()  # the comment is about another commit now, so the older one's status is its own run's
    assert [one["state"] for one in fake.statuses(sha)] == ["success", "failure"]
    assert fake.statuses(fake.head(pull))[0]["state"] == "failure"
    assert " run=1001.1 " in fake.comments(pull)[0]["body"]


def test_publish__older_head(fake, pull):
    old = publisher(fake, pull, run=100)
    moved = push(fake)
    assert fake.head(pull) == moved
    new = publisher(fake, pull, run=101, report=bad())
    new.publish()
    old.publish()
    stands(fake, pull, run=101, conclusion="failure", text="1 gate failed")
    # As if the older run had read the comments before the newer one wrote: its text stands over the newer one's.
    row = fake.state.one("comments", repo=fake.repo["id"], number=pull)
    fake.state.change(row, body=old.plan.target.version("stale green").body)
    old.publish()
    stands(fake, pull, run=101, conclusion="failure", text="1 gate failed")


def test_publish__branch_deleted(fake, pull):
    one = publisher(fake, pull)
    gone = replace(one, where=replace(one.where, branch="deleted-after-the-merge"))
    assert gone.publish().failures == []
    stands(fake, pull, run=100, conclusion="success", text="✅")


def test_publish__another_attempt_creates_another_check(fake, pull):
    one = publisher(fake, pull, run=100)
    one.publish()
    again = publisher(fake, pull, run=100, attempt=2, report=bad())
    again.open()
    assert [check["status"] for check in fake.check_runs()] == ["completed", "in_progress"]
    again.publish()
    assert [check["external_id"] for check in fake.check_runs()] == ["100.1", "100.2"]
    assert [check["conclusion"] for check in fake.check_runs()] == ["success", "failure"]
    assert " run=100.2 " in fake.comments(pull)[0]["body"]


def test_publish__next_attempt_concludes_an_open_check(fake, pull):
    publisher(fake, pull, run=100).open()
    again = publisher(fake, pull, run=100, attempt=2)
    again.open()
    again.publish()
    (check,) = fake.check_runs()
    assert (check["external_id"], check["conclusion"]) == ("100.2", "success")


def test_publish__merge_group(fake, pull):
    event = event_facts("merge_group", fake.event("merge_group", pull), sha=None)
    one = publisher(fake, pull)
    group = replace(one, where=replace(one.where, head=event.head, pull=event.pull, branch=event.branch))
    group.publish(known=group.open(fresh=True).check)
    (check,) = fake.check_runs(event.head)
    assert (check["conclusion"], fake.statuses(event.head)[0]["state"]) == ("success", "success")
    assert fake.comments(pull) == []
    assert fake.check_runs(fake.head(pull)) == []


def test_publish__token_of_a_fork(fake):
    number = fake.pull("topic", fork=True)
    one = publisher(fake, number, token=fake.token(fork=True))
    assert one.where.reader == "the pull request comes from a fork"
    done = one.publish()
    assert [refused.permission for refused in done.refused] == ["checks"]
    assert done.failures == []
    assert len([method for method, *_ in fake.requests if method != "GET"]) == 1
    assert fake.comments(number) == fake.check_runs() == []


def test_publish__fork_under_pull_request_target(fake):
    number = fake.pull("topic", fork=True)
    one = publisher(fake, number, event="pull_request_target", report=bad())
    assert (one.where.branch, one.where.reader) == (None, None)
    one.publish()
    stands(fake, number, run=100, conclusion="failure", text="1 gate failed")


@pytest.mark.parametrize("lacks", ["checks", "statuses", "pull-requests"])
def test_publish__one_permission_is_missing(fake, pull, lacks):
    token = fake.token({name: "write" for name in ("checks", "statuses", "pull-requests") if name != lacks})
    done = publisher(fake, pull, token=token, report=bad()).publish()
    assert [refused.permission for refused in done.refused] == [lacks]
    assert done.failures == []
    assert len(fake.check_runs()) == (lacks != "checks")
    assert len(fake.statuses(fake.head(pull))) == (lacks != "statuses")
    assert len(fake.comments(pull)) == (lacks != "pull-requests")


def test_publish__personal_token(fake, pull):
    fake.role("octocat", "write")
    token = fake.token(user="octocat")
    for run in (100, 101):
        done = publisher(fake, pull, token=token, run=run, report=bad() if run == 101 else good()).publish()
        assert [refused.message for refused in done.refused] == ["You must authenticate via a GitHub App."]
    (comment,) = fake.comments(pull)
    assert (comment["user"]["login"], "1 gate failed" in comment["body"]) == ("octocat", True)


def test_publish__another_app(fake, pull):
    token = fake.token(app="our-checks")
    publisher(fake, pull, token=token).publish()
    publisher(fake, pull, token=token, run=101, report=bad()).publish()
    (comment,) = fake.comments(pull)
    assert comment["user"]["login"] == "our-checks[bot]"


def test_publish__conversation_locked(fake, pull):
    fake.change_pull(pull, locked=True)
    done = publisher(fake, pull).publish()
    assert [refused.message for refused in done.refused] == ["Unable to create comment because issue is locked."]
    assert fake.check_runs()[0]["conclusion"] == "success"


def test_publish__commit_with_too_many_statuses(fake, pull):
    sha = fake.head(pull)
    for _ in range(1_000):
        fake.state.add("statuses", repo=fake.repo["id"], sha=sha, context=NAME)
    done = publisher(fake, pull).publish()
    assert done.failures == []
    assert [refused.permission for refused in done.refused] == ["statuses"]
    assert "the maximum number of statuses" in permission_advice("statuses", done.refused[0].message)
    assert fake.check_runs()[0]["conclusion"] == "success"


def test_publish__foreign_check_of_the_same_name(fake, pull):
    evil = publisher(fake, pull, token=fake.token(app="evil"))
    fields = CheckFields(
        external_id="1.1", conclusion="success", output=CheckOutput(title="ok", summary="ok"), url=None
    )
    evil.client().create_check(head=evil.where.head, name=NAME, fields=fields, arrived=lambda: None)
    job = publisher(fake, pull)  # a job that carries the name: the same app, but not a run of mlci
    named = CheckFields(
        external_id="b0c1", conclusion="success", output=CheckOutput(title="ok", summary="ok"), url=None
    )
    job.client().create_check(head=evil.where.head, name=NAME, fields=named, arrived=lambda: None)
    done = publisher(fake, pull).publish()
    assert [(one.app, one.external_id) for one in done.foreign] == [("evil", "1.1"), ("github-actions", "b0c1")]
    own = fake.check_runs(fake.head(pull))[-1]
    assert (own["external_id"], own["conclusion"]) == ("100.1", "failure")
    assert own["output"]["title"].startswith("another check carries this name; ")
    assert fake.statuses(fake.head(pull))[0]["state"] == "error"
    body = fake.comments(pull)[0]["body"]
    assert body.split("\n")[1] == "## ⛔ Another check carries this name"
    assert ("[evil](" in body, "every gate passed" in body.lower()) == (True, True), body


@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.parametrize("external", ["f00d", "7.1", ""])
def test_publish__foreign_check_at_any_time(fake, pull, when, external):
    """A job of that name, or another app, before this run began or between two of its requests."""

    def imitate():
        seeded = fake.token(app="evil" if external == "7.1" else "github-actions")
        fields = CheckFields(
            external_id=external, conclusion="success", output=CheckOutput(title="ok", summary="ok"), url=None
        )
        one = publisher(fake, pull, token=seeded)
        one.client().create_check(head=one.where.head, name=NAME, fields=fields, arrived=lambda: None)

    one = publisher(fake, pull)
    one.open()
    if when == "before":
        imitate()
    else:
        fake.fail("POST", "/statuses/*", kind="hook", call=imitate, when="before")
    done = one.publish()
    assert len(done.foreign) == 1
    own = next(check for check in fake.check_runs(fake.head(pull)) if check["external_id"] == "100.1")
    assert (own["conclusion"], fake.statuses(fake.head(pull))[0]["state"]) == ("failure", "error")


def test_publish__jobs_of_a_matrix_are_not_foreign(fake, pull):
    for python in ("3.11", "3.12"):
        one = publisher(fake, pull)
        invocation = read_invocation(job="gate", matrix=f'{{"python": "{python}"}}')
        one.where = replace(one.where, invocation=invocation)
        assert one.publish().foreign == []
    assert fake.statuses(fake.head(pull))[0]["state"] == "success"


def test_publish__foreign_check_beside_a_long_report(fake, pull):
    evil = publisher(fake, pull, token=fake.token(app="evil"))
    evil.publish()
    done = publisher(fake, pull, report=wide(900)).publish()
    assert (done.failures, len(done.foreign)) == ([], 1)
    assert fake.check_runs(fake.head(pull))[-1]["conclusion"] == "failure"


def test_publish__foreign_check_with_the_same_run(fake, pull):
    for report in (good(), wide(70)):
        publisher(fake, pull, token=fake.token(app="evil"), report=report).publish()
    publisher(fake, pull, token=fake.token(app="worse")).open()
    one = publisher(fake, pull, report=wide(60))
    opened = one.open()
    done = one.publish()
    assert (opened.refused, opened.failures, done.refused, done.failures) == ([], [], [], [])
    (check,) = [check for check in fake.check_runs() if check["app"]["slug"] == "github-actions"]
    assert (check["conclusion"], len(check["annotations"])) == ("failure", 60)
    assert {one.app for one in done.foreign} == {"evil", "worse"}


def test_publish__newer_run_of_another_app_is_not_copied(fake, pull):
    publisher(fake, pull, run=999, token=fake.token(app="evil")).publish()
    publisher(fake, pull, run=100, report=bad()).publish()
    own = [one for one in fake.comments(pull) if one["user"]["login"] == BOT]
    assert len(own) == 1
    assert "1 gate failed" in own[0]["body"]


def test_publish__comment_deleted_between_list_and_edit(fake, pull):
    publisher(fake, pull, run=100).publish()

    def delete():
        row = fake.state.one("comments", repo=fake.repo["id"], number=pull)
        if row is not None:
            fake.state.remove("comments", row)

    fake.fail("PATCH", "/issues/comments/*", "hook", call=delete)
    done = publisher(fake, pull, run=101, report=bad()).publish()
    assert done.failures == []
    stands(fake, pull, run=101, conclusion="failure", text="1 gate failed")


def test_publish__several_comments_become_one(fake, pull):
    one = publisher(fake, pull)
    for run in (3, 9, 5):
        fake.comment(pull, publisher(fake, pull, run=run).plan.target.version(f"of {run}").body, user=BOT)
    oldest = fake.comments(pull)[0]["id"]
    one.publish()
    assert [comment["id"] for comment in fake.comments(pull)] == [oldest]
    stands(fake, pull, run=100, conclusion="success", text="✅")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/check-runs"), ("PATCH", "/check-runs/*"), ("POST", "/statuses/*"), ("POST", "/comments"), ("GET", "*")],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_publish__one_fault_anywhere(fake, pull, method, path, when):
    clock = Clock()
    fake.fail(method, path, "drop", when=when)
    one = publisher(fake, pull, report=wide(60), patience=clock.patience())
    opened, done = one.open(), one.publish()
    assert opened.failures == done.failures == []
    stands(fake, pull, run=100, conclusion="failure", text="60 gates failed")
    assert len(fake.check_runs()) == len(fake.comments(pull)) == 1
    assert len(fake.check_runs()[0]["annotations"]) == 60
    assert 0 < clock.at < 10


def test_publish__outage_of_one_endpoint(fake, pull):
    fake.fail("*", "/check-runs", times=0)
    done = publisher(fake, pull, patience=Clock().patience(total=10)).publish()
    assert len(done.failures) == 1
    assert "status 500" in done.failures[0]
    assert len(fake.statuses(fake.head(pull))) == 1


def test_publish__outage_is_bounded(fake, pull):
    clock = Clock()
    fake.fail(times=0)
    done = publisher(fake, pull, patience=clock.patience()).publish()
    assert done.failures
    assert clock.at <= 180
    assert len(fake.requests) <= 25


@pytest.mark.parametrize("nth", [1, 2])
def test_publish__stale_list_of_comments(fake, pull, nth):
    """The first list may lack an earlier comment of mlci, the second one the comment just created."""
    if nth == 1:
        publisher(fake, pull, run=99).publish()
    fake.fail("GET", "/issues/*/comments", "stale", size=1, nth=nth)
    assert publisher(fake, pull, report=bad()).publish().failures == []
    assert len(fake.comments(pull)) == 1
    stands(fake, pull, run=100, conclusion="failure", text="1 gate failed")


@pytest.mark.parametrize("branch", ["feature/a-b", "wild/ü#1", "100%41", "a;b&c=d"])
def test_publish__any_branch_name(fake, branch):
    git(fake.repo).write_ref(f"refs/heads/{branch}", fake.sha("refs/heads/topic"))
    number = fake.pull(branch)
    done = publisher(fake, number, report=bad()).publish()
    assert (done.failures, done.refused) == ([], [])
    assert (
        len([path for _, path, _ in fake.requests if path.endswith("/check-runs")]) == 3
    )  # list, create, verify: no more
    assert {status for _, _, status in fake.requests} == {200, 201}
    stands(fake, number, run=100, conclusion="failure", text="1 gate failed")


def test_publish_console__answers_cannot_command_the_runner(capsys):
    words = PublishConsole(as_json=False, in_actions=True)
    words.line("comment: http://x/\r\n::set-output name=verdict::pass")
    words.remark("warning", "said\n::set-env name=A::b\x1b[31m")
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 1
    assert shown.err == "::warning::said%0A: :set-env name=A::b\n"
