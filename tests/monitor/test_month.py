"""A month of daily runs with an outage in the middle: no window is lost, and there is never a second issue."""

from functools import partial

import pytest

from mlci.config.lifecycle.monitor import Monitor
from mlci.errors import OutsideError
from mlci.github.issues import IssueClient
from mlci.github.transport import Access, transport
from mlci.monitor.document import MonitorDocument
from mlci.monitor.history import SeriesPoint, WindowRecord, add_windows
from mlci.operations.monitor.monitor import assess_history
from mlci.operations.monitor.publish_issue import publish_issue
from mlci.operations.monitor.records import keep_history, read_history
from mlci.registry.registry import Registry
from mlci.util.retry_policy import RetryPolicy
from tests.fake_github.fake import Fake
from tests.support.registry.histories import Memory, promote_versions, stamp

SETTINGS = Monitor(data="log.csv", time="at", window="day", keep=40)
GATE = "accuracy.max_drop"
DAYS = range(1, 31)
BAD = {9, 10, 11, 12, 13, 14, 15, 16, 17, 25}
GITHUB_DOWN, REGISTRY_DOWN = range(10, 17), {13, 14}


class Unsteady(Memory):
    """A store that cannot be reached while ``down``, or that ends the process after its next entry."""

    down = False
    dies = False

    def tail(self):
        if self.down:
            raise OutsideError("the registry does not answer")
        return super().tail()

    def append(self, number, entry):
        done = super().append(number, entry)
        if self.dies:
            self.dies = False
            raise KeyboardInterrupt
        return done


def record(day):
    finding = "bad" if day in BAD else "ok"
    return WindowRecord(
        start=f"2026-01-{day:02}T00:00",
        end=f"2026-01-{day + 1:02}T00:00",
        version=1,
        rows=500,
        labelled=500,
        points={GATE: SeriesPoint(finding=finding, value=0.8)},
        alarms=(GATE,),
    )


def run(registry, fake, day):
    """Do what a run of a day does after it has read the log: all windows that are not recorded, then the issue."""
    known = {one.start for one in read_history(registry.view()).windows}
    records = [record(one) for one in range(1, day + 1) if record(one).start not in known]
    change = partial(add_windows, records=records, keep=SETTINGS.keep, patience=SETTINGS.patience)
    assessed = partial(assess_history, settings=SETTINGS, today="2026-01-01")
    history, _ = keep_history(registry, change, version=1, assessed=assessed)
    standing = assessed(history)
    document = MonitorDocument(
        model="scored",
        version=1,
        unit="day",
        state=standing.state,
        since=standing.since,
        series=standing.series,
        timeline=history.windows,
    )
    access = Access(url=fake.url, token=fake.token({"issues": "write"}), agent="tests")
    client = IssueClient(transport(access), repository=fake.name, patience=RetryPolicy(attempts=1))
    return standing.state, publish_issue(document, SETTINGS, client).did


def test_month__outage_of_github_and_registry(tmp_path):
    store = Unsteady()
    promote_versions(store, tmp_path, 1)
    registry, did = Registry(store, stamp()), {}
    with Fake(tmp_path / "model.git") as fake:
        fake.fail("POST", "/issues", kind="drop", when="after")  # day 9: the issue is made, and the answer is lost
        for day in DAYS:
            store.down, store.dies = day in REGISTRY_DOWN, day == 20
            fault = fake.fail(path="/issues*", kind="status", status=502, times=0) if day in GITHUB_DOWN else None
            try:
                did[day] = run(registry, fake, day)
            except (OutsideError, KeyboardInterrupt):
                did[day] = None
            if fault is not None:
                fake.faults.ordered.remove(fault)
            assert len(fake.issues()) <= 1
        assert [one.start for one in read_history(registry.view()).windows] == [record(day).start for day in DAYS]
        [issue] = fake.issues()
        assert issue["state"] == "closed"
    assert {day for day, done in did.items() if done is None} == {20, *GITHUB_DOWN}
    assert did[9] == ("alarm", "opened")
    assert did[17] == ("alarm", "unchanged")
    assert did[19] == ("ok", "closed")
    assert did[25] == ("alarm", "reopened")
    assert did[27] == ("ok", "closed")


@pytest.mark.parametrize("first", [1, 2])
def test_month__two_monitors_at_once_lose_nothing(tmp_path, first):
    store = Memory()
    promote_versions(store, tmp_path, 1)
    registry = Registry(store, stamp())
    assessed = partial(assess_history, settings=SETTINGS, today="2026-01-01")
    raced = []

    def change(history):
        if not raced:  # another monitor writes between this one's read and its entry
            raced.append(1)
            other = partial(add_windows, records=[record(first)], keep=40, patience=2)
            keep_history(registry, other, version=1, assessed=assessed)
        return add_windows(history, [record(3 - first)], keep=40, patience=2)

    keep_history(registry, change, version=1, assessed=assessed)
    assert len(read_history(registry.view()).windows) == 2
