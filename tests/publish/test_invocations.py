"""Invocations, and the joint verdict of several on one commit, by the command on the fake."""

import json
from dataclasses import replace

import pytest

from mlci.github.interface import CheckRun
from mlci.publish.commit_verdict import (
    Attempt,
    AttemptRecord,
    invocation_table,
    join_attempts,
    joined_title,
    newest_attempts,
    read_attempt,
    read_record,
    text_of_check,
    write_record,
)
from mlci.publish.runs import LONGEST_LABEL, Run, read_invocation
from tests.publish.job import Job
from tests.support.publish.scene import NAME, bad, good, publisher, unsure

REF = "octo-org/model/.github/workflows/mlci.yml@refs/pull/7/merge"
MODEL = {"GITHUB_WORKFLOW_REF": REF, "GITHUB_JOB": "model"}


def key(**facts):
    whole = {"workflow": REF, "event": "pull_request", "base": "main", "job": "model", "matrix": '{"python": "3.11"}'}
    return read_invocation(**whole | facts).key


def test_invocation__is_workflow_event_job_and_matrix():
    others = [
        {"workflow": REF.replace("mlci.yml", "other.yml")},
        {"event": "push"},
        {"base": "next"},
        {"job": "slow"},
        {"matrix": '{"python": "3.12"}'},
        {"matrix": None},
        {"matrix": "{not JSON"},
    ]
    keys = [key(), *(key(**other) for other in others)]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"workflow": REF.replace("7/merge", "8/merge")}, {}),
        ({"matrix": '{"a": 1, "b": [2]}'}, {"matrix": '{ "b": [2],\n "a": 1 }'}),
        ({"matrix": "null"}, {"matrix": ""}),
        ({"matrix": "{}"}, {"matrix": None}),
    ],
)
def test_invocation__same_question_in_another_form(one, other):
    assert key(**one) == key(**other)


@pytest.mark.parametrize(
    ("facts", "label"),
    [
        ({"job": "model", "event": "push", "workflow": REF}, "model · push · mlci.yml"),
        ({"job": "model", "event": "push", "matrix": '{"python": "3.11", "fast": true}'}, "model (3.11, true) · push"),
        ({"job": "m" * 99}, "m" * (LONGEST_LABEL - 1) + "…"),
        ({"job": "model", "matrix": "[" * 100_000}, f"model ({'[' * (LONGEST_LABEL - 8)}…"),
        ({}, "unknown"),
    ],
)
def test_invocation__label(facts, label):
    assert read_invocation(**facts).label == label


@pytest.mark.parametrize("text", ["a -- b --> c", "<!-- x -->", "tab\there", "Grün · 日本", "100 %", "\x1b[31m", ""])
def test_record__round_trip(text):
    record = AttemptRecord(key="0123456789abcdef", label=text, own="failure", title=text)
    written = write_record("## report\n\nwith `<!-- mlci-attempt -->` in it", record)
    assert read_record(written) == read_record(written.replace("\n", "\r\n")) == record
    assert written.splitlines()[-1].count("-->") == 1
    assert read_record(f"{written}\nmore") is None


def an_attempt(number, run, own, *, cell="1"):
    record = AttemptRecord(key=cell * 16, label=f"cell {cell}", own=own, title=f"{own} of {number}")
    text = write_record(f"text of {number}", record)
    ended = None if own == "open" else {"error": "failure"}.get(own, own)
    facts = {"id": number, "head": "a" * 40, "url": f"https://u/{number}", "run": Run(*run), "record": record}
    status = "in_progress" if ended is None else "completed"
    shows = {"status": status, "conclusion": ended, "title": record.title, "summary": text}
    return Attempt(text=text, **facts, **shows)


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        ([(1, (1001, 1)), (2, (1002, 1)), (3, (1001, 2))], 3),  # the person runs 1001 again
        ([(1, (1002, 1)), (2, (1001, 1))], 1),  # its runner was slow to start
        ([(1, (1001, 1)), (3, (1002, 1)), (2, (1001, 2))], 3),
        ([(1, (1001, 1)), (2, (1001, 2)), (3, (1001, 10))], 3),
    ],
)
def test_newest__is_the_attempt_that_began_last(found, counts):
    ones = [an_attempt(number, run, "success") for number, run in found]
    assert [one.id for one in newest_attempts(reversed(ones))] == [counts]


def test_newest__indistinguishable_jobs_all_count():
    twins = [an_attempt(1, (7, 1), "failure"), an_attempt(2, (7, 1), "success")]
    assert join_attempts(twins).own == "failure"
    assert join_attempts([*twins, an_attempt(3, (7, 2), "success")]).own == "success"


@pytest.mark.parametrize(
    ("owns", "worst", "said"),
    [
        (["success", "success"], "success", "2 of 2 evaluations passed: cell 2: success of 2"),
        (["success", "open"], "open", "1 of 2 evaluations has not finished yet: cell 2"),
        (["open", "failure"], "failure", "1 of 2 evaluations failed: cell 2: failure of 2"),
        (["cancelled", "error"], "error", "1 of 2 evaluations did not finish: cell 2: error of 2"),
        (["cancelled", "open"], "cancelled", "1 of 2 evaluations was cancelled: cell 1: cancelled of 1"),
    ],
)
def test_join__worst_counts_and_is_named(owns, worst, said):
    ones = [an_attempt(place, (7, 1), own, cell=str(place)) for place, own in enumerate(owns, start=1)]
    found = join_attempts(ones)
    assert (found.own, joined_title(found)) == (worst, said)
    wanted = text_of_check(ones[-1], found, model="m")
    assert (wanted.conclusion == "success") == (worst == "success")
    again = read_attempt(replace_shown(ones[-1], wanted))
    assert (again.record, again.text) == (ones[-1].record, ones[-1].text)  # its own verdict is still there


def replace_shown(one, wanted):
    texts = {"name": NAME, "head": one.head, "app": "a", "external_id": str(one.run), "status": one.status}
    facts = {"conclusion": wanted.conclusion, "title": wanted.title, "summary": wanted.summary, "url": one.url}
    return CheckRun(id=one.id, annotations=0, **texts, **facts)


def test_table__bounded_and_escaped():
    ones = [an_attempt(place, (7, 1), "failure", cell=format(place % 16, "x")) for place in range(1, 2)]
    many = [
        replace(one, record=replace(one.record, key=format(place, "016x"), label="|<@a>" * 12, title="日" * 200))
        for place in range(1, 200)
        for one in ones
    ]
    written = invocation_table(join_attempts(many), model="credit-risk")
    assert len(written.encode()) < 4_500
    assert "more | |" in written
    assert "<@a>" not in written


# -- by the command


def run(job, report, code, *, number, attempt=1, event=None, **environment):
    """Open and publish as the action does, in a separate job."""
    event = event or job.event
    head = {"branch": "topic"} if event == "push" else {}
    here = Job(
        job.fake, job.folder.parent / f"job-{number}-{attempt}-{len(environment)}", job.pull, event=event, **head
    )
    here.facts |= {"attempt": attempt}
    here.leave(report, head=job.head)
    token = job.fake.token()
    facts = {**MODEL, **environment}

    def opened():
        assert here.run("--open", run=number, token=token, **facts).code == 0

    def published():
        ended = "cancelled" if code == "" else "failure" if code == "1" else "success"
        if code == "":
            (here.folder / ".mlci/out/report.json").unlink()
        return here.run("--ended", ended, "--code", code, run=number, token=token, **facts)

    return opened, published


@pytest.fixture
def job(fake, tmp_path):
    return Job(fake, tmp_path / "work", fake.pull("topic"))


def colour(job):
    """Return the result of a required `mlci / …`: its newest check and its newest status."""
    newest_check = max(job.fake.check_runs(job.head, NAME), key=lambda one: one["id"])
    return newest_check["conclusion"], job.fake.statuses(job.head)[0]["state"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("together", [True, False])
def test_matrix__one_job_blocks_in_any_order(job, order, together):
    cells = [
        run(job, bad(), "1", number=100, MLCI_MATRIX='{"python": "3.11"}', X=""),
        run(job, good(), "0", number=100, MLCI_MATRIX='{"python": "3.12"}', X="", Y=""),
    ]
    opens = [cells[place][0] for place in order]
    publishes = [cells[place][1] for place in order]
    steps = [*opens, *publishes] if together else [opens[0], publishes[0], opens[1], publishes[1]]
    for step in steps:
        step()
        assert colour(job) != ("success", "success") or (not together and step is publishes[0])
    assert colour(job) == ("failure", "failure")
    (comment,) = job.fake.comments(job.pull)
    assert "❌ credit-risk: 1 of 2 evaluations of this commit failed" in comment["body"]
    assert "model (3.11) · pull_request · mlci.yml" in comment["body"]
    assert "1 gate failed" in job.fake.statuses(job.head)[0]["description"]


def test_matrix__worst_counts_without_its_values(job):
    cells = [
        run(job, bad(), "1", number=100, X=""),
        run(job, good(), "0", number=100, X="", Y=""),
    ]
    for opened, _ in cells:
        opened()
    for _, published in cells:
        published()
    assert colour(job) == ("failure", "failure")


def test_rerun__passing_attempt_replaces_a_cancelled_later_run(job):
    for report, code, number, attempt_number, left in (
        (bad(), "1", 1001, 1, ("failure", "failure")),
        (bad(), "", 1002, 1, ("cancelled", "error")),
        (good(), "0", 1001, 2, ("success", "success")),
    ):
        opened, published = run(job, report, code, number=number, attempt=attempt_number)
        opened()
        published()
        assert colour(job) == left
    (comment,) = job.fake.comments(job.pull)
    assert " run=1001.2 -->" in comment["body"]
    assert "✅" in comment["body"].splitlines()[1]


@pytest.mark.parametrize("first", ["push", "pull_request"])
def test_events__passing_push_does_not_cover_a_blocking_pull_request(job, first):
    reports = {"push": (good(), "0"), "pull_request": (bad(), "1")}
    second = "push" if first == "pull_request" else "pull_request"
    for number, event in enumerate((first, second), start=100):
        report, code = reports[event]
        opened, published = run(job, report, code, number=number, event=event)
        opened()
        published()
    assert colour(job) == ("failure", "failure")
    opened, published = run(job, good(), "0", number=200)  # the pull request's next run passes
    opened()
    published()
    assert colour(job) == ("success", "success")
    assert "✅ credit-risk: 2 of 2 evaluations" in job.fake.comments(job.pull)[0]["body"]


def test_events__later_blocking_push_is_in_the_comment(job):
    for number, (report, code, event) in enumerate([(good(), "0", "pull_request"), (bad(), "1", "push")], start=100):
        opened, published = run(job, report, code, number=number, event=event)
        opened()
        published()
    (comment,) = job.fake.comments(job.pull)
    assert "1 of 2 evaluations of this commit failed" in comment["body"]
    assert colour(job) == ("failure", "failure")


def test_two_jobs__one_opens_and_the_other_concludes(job):
    """Also in another attempt, in which the job that opened is not run again and its outputs are reused."""
    open_job = {**MODEL, "GITHUB_JOB": "open"}
    job.run("--open", **open_job)
    handed = job.outputs()["check"]
    for attempt_number, (report, code, left) in enumerate(
        [(bad(), "1", ("failure", "failure")), (good(), "0", ("success", "success"))], start=1
    ):
        job.leave(report)
        job.facts = {"attempt": attempt_number}
        arguments = ("--ended", "success", "--code", code, "--check", handed)
        job.run(*arguments, RUNNER_TEMP=str(job.folder.parent), **{**MODEL, "GITHUB_JOB": "publish"})
        assert colour(job) == left
    assert len(job.fake.check_runs(job.head)) == 2


def test_one_attempt__worst_of_its_results_stays(fake):
    pull = fake.pull("topic")
    for report in (unsure(), bad(), good()):
        publisher(fake, pull, report=report).publish()
    (check,) = fake.check_runs(fake.head(pull))
    assert (check["conclusion"], fake.statuses(fake.head(pull))[0]["state"]) == ("failure", "failure")


def test_record__check_names_the_invocation(job):
    opened, published = run(job, good(), "0", number=100, MLCI_MATRIX=json.dumps({"python": "3.11"}))
    opened()
    (check,) = job.fake.check_runs()
    assert read_record(check["output"]["summary"]).own == "open"
    published()
    (check,) = job.fake.check_runs()
    record = read_record(check["output"]["summary"])
    assert (record.own, record.label) == ("success", "model (3.11) · pull_request · mlci.yml")
    assert len(job.fake.requests) <= 8
