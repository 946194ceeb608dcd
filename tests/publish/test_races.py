"""Many publishers at once, and killed publishers: one comment of the newest run, and one concluded check."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from mlci.github.client import Client
from mlci.operations.publish.publish import open_publication, publish_report
from mlci.publish.result import Unfinished
from tests.support.publish.scene import BOT, NAME, Clock, bad, direct, good, publisher, push, stands, unsure, wide

N = 20


@pytest.fixture
def pull(fake):
    return fake.pull("topic")


def at_once(publishers, *, seed):
    """Let them all begin together, each after a random moment, in a random order."""
    chance = random.Random(seed)
    waits = [chance.uniform(0, 0.15) for _ in publishers]
    barrier = threading.Barrier(len(publishers))

    def one(pair):
        who, wait = pair
        barrier.wait()
        threading.Event().wait(wait)
        return who.publish()

    order = list(zip(publishers, waits, strict=True))
    chance.shuffle(order)
    with ThreadPoolExecutor(len(publishers)) as pool:
        return list(pool.map(one, order))


def one_comment_of(fake, pull, run, text):
    own = [one for one in fake.comments(pull) if one["user"]["login"] == BOT]
    assert [one["body"].partition(" run=")[2].partition(" ")[0] for one in own] == [f"{run}.1"]
    assert text in own[0]["body"]


def test_publish__twenty_at_once(fake, pull):
    fake.faults.pace(jitter=0.03)
    token = fake.token()
    publishers = [
        publisher(fake, pull, run=run, report=wide(run - 90) if run < 109 else bad(), token=token)
        for run in range(95, 95 + N - 5)
    ]
    publishers += [publisher(fake, pull, run=9, report=good(), token=token) for _ in range(5)]  # and one run five times
    done = at_once(publishers, seed=1)
    assert [failure for one in done for failure in one.failures] == []
    stands(fake, pull, run=109, conclusion="failure", text="1 gate failed")
    checks = fake.check_runs(fake.head(pull), NAME)
    assert {check["status"] for check in checks} == {"completed"}


def test_publish__twenty_on_different_heads(fake, pull):
    publisher(fake, pull, run=1).publish()
    token, publishers = fake.token(), []
    for run in range(100, 100 + N):
        if run % 5 == 0:
            push(fake)
        publishers.append(publisher(fake, pull, run=run, report=wide(run - 90), token=token))
    fake.faults.pace(jitter=0.03, seed=2)
    done = at_once(publishers, seed=2)
    assert [failure for one in done for failure in one.failures] == []
    one_comment_of(fake, pull, 100 + N - 1, f"{100 + N - 91} gates failed")
    assert f" head={fake.head(pull)} " in fake.comments(pull)[0]["body"]


def test_publish__newer_run_between_read_and_write(fake, pull):
    """The older run reads, the newer one publishes, the older one writes: the newer text must come back."""
    publisher(fake, pull, run=1).publish()
    newer = publisher(fake, pull, run=101, report=bad())
    fake.fail("PATCH", "/issues/comments/*", "hook", call=_later(newer.publish))
    publisher(fake, pull, run=100, report=unsure()).publish()
    one_comment_of(fake, pull, 101, "1 gate failed")


def test_publish__two_that_find_no_comment(fake, pull):
    other = publisher(fake, pull, run=101, report=bad())
    fake.fail("POST", "/issues/*/comments", "hook", call=_later(other.publish))
    publisher(fake, pull, run=100).publish()
    assert len(fake.comments(pull)) == 1
    one_comment_of(fake, pull, 101, "1 gate failed")


def _later(call):
    """Run a whole publisher inside of another one's request, once, outside of the fake's lock."""
    begun = threading.Event()

    def now():
        if not begun.is_set():
            begun.set()
            thread = threading.Thread(target=call)
            thread.start()
            thread.join(20)
            assert not thread.is_alive()

    return now


class Killed(BaseException):
    """The process is gone."""


def killed_at(fake, token, n, *, when):
    """A client whose process dies at its n-th request, before or after the request had its effect."""
    send = direct(fake, token)
    left = [n]

    def dying(*request):
        left[0] -= 1
        if left[0] == 0 and when == "before":
            raise Killed
        answer = send(*request)
        if left[0] == 0:
            raise Killed
        return answer

    return Client(dying, repository=fake.name, patience=Clock().patience())


def whole(one, client):
    """Open and publish as two steps of one job do, without a note between them."""
    open_publication(one.where, client)
    publish_report(one.plan, client)


@pytest.mark.parametrize(
    ("gates", "when", "there"),
    [(70, "before", False), (70, "after", True), (0, "before", True), (0, "after", False)],
)
def test_publish__killed_at_any_request_and_run_again(fake, pull, gates, when, there):
    """Every request has its own run on one pull request; each begins with a comment, or without one."""
    token, boundary, ended = fake.token(), 0, False
    while not ended:
        boundary += 1
        one = publisher(fake, pull, run=100 + boundary, report=crash(boundary), token=token)
        if gates:
            one = replace(one, report=wide(gates + boundary))
        try:
            whole(one, killed_at(fake, token, boundary, when=when))
            ended = True
        except Killed:
            whole(one, Client(direct(fake, token), repository=fake.name))
        stands(
            fake,
            pull,
            run=100 + boundary,
            conclusion="failure",
            text=f"{gates + boundary} gates failed" if gates else f"crash {boundary}",
        )
        (check,) = [check for check in fake.check_runs(name=NAME) if check["external_id"] == f"{100 + boundary}.1"]
        lines = sorted(one["start_line"] for one in check["annotations"])
        assert lines == (list(range(1, gates + boundary + 1)) if gates else [])
        if not there:
            fake.state.remove("comments", fake.state.one("comments", repo=fake.repo["id"], number=pull))
    assert boundary >= 9  # every request of a whole publication was a boundary


def crash(number):
    return Unfinished(why=f"it is crash {number}", code=3)


def test_publish__killed_with_an_open_check(fake, pull):
    """The check was opened before and noted: whatever is lost, the second try concludes the same check."""
    token = fake.token()
    for boundary in range(1, 9):
        one = publisher(fake, pull, run=100 + boundary, report=wide(60 + boundary), token=token)
        opened = one.open(fresh=True)
        try:
            publish_report(one.plan, killed_at(fake, token, boundary, when="after"), known=opened.check)
        except Killed:
            one.publish()
        (check,) = [check for check in fake.check_runs(name=NAME) if check["external_id"] == f"{100 + boundary}.1"]
        assert check["status"] == "completed"
        assert sorted(one["start_line"] for one in check["annotations"]) == list(range(1, 61 + boundary))
        stands(fake, pull, run=100 + boundary, conclusion="failure", text=f"{60 + boundary} gates failed")
