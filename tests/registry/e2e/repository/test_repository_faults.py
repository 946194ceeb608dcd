"""The repository store on a failing network, with GitHub's faults and killed writers: the old state or the new one."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlci.errors import OutsideError
from mlci.registry import ledger, verification
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Checkpoint
from tests.registry.e2e.repository.place import BRANCH, WITNESS, hasty
from tests.support.registry.histories import sha, stamp, verdict

WRITER = Path(__file__).with_name("writer.py")
FAULTS = [
    {"kind": "drop", "when": "before"},
    {"kind": "drop", "when": "after"},
    {"kind": "garbage", "when": "after"},
    {"kind": "secondary"},
]
ALWAYS = [
    *FAULTS[:3],
    {"kind": "status", "status": 502, "when": "before"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "truncated"},
    {"kind": "primary", "seconds": 3_600},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, fault.values())))
def test_append__fault_at_any_request(place, fault):
    place.filled(2)  # only the second append reads whether the first one left a checkpoint
    place.fake.forget_requests()
    place.filled(1)
    count = len(place.asked())
    for nth in range(1, count + 1):
        met = place.fake.fail(nth=nth, **fault)
        store = place.store(patience=hasty())
        assert Registry(store, stamp()).append(lambda _: verdict()).number == 3 + nth
        assert met.hits == 1
    assert verification.verify_ledger(place.store()).entries == 3 + count
    assert place.git("rev-parse", WITNESS) == place.git("rev-parse", BRANCH)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, fault.values())))
def test_put__fault_at_any_request(place, tmp_path, fault):
    for nth in range(1, 8):
        data = b"%d" % nth
        (tmp_path / "f").write_bytes(data)
        place.fake.faults.clear()
        place.fake.fail(nth=nth, **fault)
        store = place.store(patience=hasty())
        store.put(tmp_path / "f", sha(data))
        assert store.get(sha(data), tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == data
    assert len(place.fake.state.all("assets")) == 7


def test_append__answer_lost_and_another_entry_follows(place):
    store, other = place.filled(1), place.store()
    place.fake.fail("PATCH", "/git/refs/heads/mlci/model", "drop", when="after", call=lambda: ledger_by(other, "other"))
    assert Registry(store, stamp(actor="me")).append(lambda _: verdict()) is not None
    assert [entry.by.actor for entry in ledger.iter_all(place.store())] == ["1", "me", "other"]


def ledger_by(store, actor):
    return Registry(store, stamp(actor=actor)).append(lambda _: verdict())


def test_append__push_lost_and_another_writer_first(place):
    store = place.filled(1)
    store.tail()
    place.fake.fail(
        "PATCH",
        "/git/refs/heads/mlci/model",
        "drop",
        when="before",
        call=lambda: ledger_by(place.store(), "other"),
    )
    assert not store.append(2, b"mine")
    assert [entry.by.actor for entry in ledger.iter_all(place.store())] == ["1", "other"]


@pytest.mark.parametrize("fault", ALWAYS, ids=lambda fault: "-".join(map(str, fault.values())))
def test_repository_store__lasting_fault(place, tmp_path, fault):
    place.filled(1)
    place.fake.fail(times=0, **fault)
    store = place.store(patience=hasty())
    for look in (
        store.tail,
        store.read_checkpoint,
        lambda: store.read(1),
        lambda: store.append(2, b"x"),
        lambda: store.write_checkpoint(Checkpoint(number=1, digest="0" * 64)),
        lambda: store.holds("0" * 64),
        lambda: store.get("0" * 64, tmp_path / "got"),
    ):
        place.fake.forget_requests()
        with pytest.raises(OutsideError):
            look()
        assert len(place.asked()) <= 5
    place.fake.faults.clear()
    assert place.store().tail() == 1


def test_repository_store__rate_limit_for_an_hour(place):
    place.filled(1)
    place.fake.rate_limit(place.token, remaining=0)
    with pytest.raises(OutsideError, match=r"rate limit.*mlci waits 180 s in all"):
        place.store().tail()


def test_repository_store__server_stalls(place):
    place.fake.fail(kind="timeout", seconds=30, times=0)
    with pytest.raises(OutsideError, match="did not answer in time"):
        place.store(patience=hasty(attempts=2), seconds=0.2).tail()


def test_repository_store__time_limit_of_each_operation(place):
    """A run may train for an hour between its first and its last read of the ledger."""
    now = [0.0]
    store = place.store(patience=hasty(clock=lambda: now[0]))
    assert store.tail() == 0
    now[0] = 3_600.0
    assert store.append(1, b"x")


class Writers:
    """The process that forks writers."""

    def __init__(self, place):
        self.place = place
        self.process = subprocess.Popen(
            [sys.executable, WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def write(self, file, actor, *, place=None, kill=None, when="after"):
        place = place or self.place
        job = {"url": place.fake.url, "token": place.token, "repository": place.fake.name}
        self.say(json.dumps(job | {"file": str(file), "actor": actor}))
        child = int(self.process.stdout.readline())
        if kill:
            place.fake.kill_after(kill, lambda: os.kill(child, signal.SIGKILL), when=when)
        self.say("go")
        return int(self.process.stdout.readline())

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


def test_append__writer_killed_at_any_request(place, fresh, tmp_path):
    (tmp_path / "f").write_bytes(b"model")
    with Writers(place) as writers:
        assert writers.write(tmp_path / "f", "first") == 0
        count = len(place.asked())
        outcomes = []
        for nth in range(1, count + 1):
            here = fresh()
            assert writers.write(tmp_path / "f", "killed", place=here, kill=nth) == -signal.SIGKILL
            assert len(here.asked()) == nth
            store = here.store()
            before = [entry.by.actor for entry in ledger.iter_all(store)]
            assert writers.write(tmp_path / "f", "next", place=here) == 0
            assert [entry.by.actor for entry in ledger.iter_all(store)] == [*before, "next"]
            assert store.read_checkpoint().number == len(before) + 1
            assert store.holds(sha(b"model"))
            assert len(here.fake.state.all("assets")) == len(here.fake.state.all("releases")) == 1
            here.git("fsck", "--strict", "--no-dangling")
            outcomes.append(before)
    assert count == 13
    assert outcomes == [[]] * 11 + [["killed"]] * 2
