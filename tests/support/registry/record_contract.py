"""The contract of every store for entries and files of the time after a merge; a part of `contract.Contract`."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import get_args

import pytest

from mlci.config.lifecycle.monitor import Monitor
from mlci.monitor.history import WindowRecord, add_windows
from mlci.operations.cost.records import record_cost
from mlci.operations.monitor.monitor import assess_history
from mlci.operations.monitor.records import keep_history, read_history
from mlci.operations.recovery.copy_registry import CopyOptions, copy_registry
from mlci.registry import ledger, verification
from mlci.registry.entry_kinds import Body, ErasureRecord
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from mlci.report.document import RunCost
from tests.support.registry.histories import DIGEST, choose, promote_versions, sha, stamp

KINDS = sorted(part.model_fields["kind"].default for part in get_args(get_args(Body)[0]))
SETTINGS = Monitor(data="log.csv", time="at", window="day")
COST = RunCost(runner="linux", usd_per_minute=0.006, seconds=61, minutes=2, usd=0.012)


def watch(store, day):
    """Add one window of production, as a monitor of that day does."""
    start, end = (f"2026-01-{number:02}T00:00" for number in (day, day + 1))
    record = WindowRecord(start=start, end=end, version=1, rows=500, labelled=500)
    change = partial(add_windows, records=[record], keep=40, patience=2)
    assessed = partial(assess_history, settings=SETTINGS, today="2026-01-01")
    return keep_history(Registry(store, stamp()), change, version=1, assessed=assessed)


def days_of(store):
    return [int(one.start[8:10]) for one in read_history(Registry(store, stamp()).view()).windows]


class RecordContract:
    def test_append_entry__every_kind(self, store_factory, tmp_path):
        """Each kind is read by a second process as it was written, and the state names the newest ones."""
        promote_versions(store_factory(), tmp_path, 2)
        written = {}
        for kind in KINDS:
            entry = Registry(store_factory(), stamp()).append(lambda state, kind=kind: choose(state, kind, 0))
            written[entry.body.kind] = entry
        assert sorted(written) == KINDS
        assert list(ledger.iter_all(store_factory()))[2:] == list(written.values())
        state = ledger.read_ledger_head(store_factory()).state
        assert (state.monitored, state.erased) == (written["monitored"].number, written["erased"].number)
        assert state.spent is not None
        assert [month.micro_usd for month in state.spent.values()] == [written["cost"].body.micro_usd]
        assert verification.verify_ledger(store_factory()).entries == len(KINDS) + 2

    def test_keep_history__several_monitors_at_once(self, store_factory, tmp_path):
        promote_versions(store_factory(), tmp_path, 1)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda day: watch(store_factory(), day), (1, 2, 3)))
        assert days_of(store_factory()) == [1, 2, 3]
        _, again = watch(store_factory(), 2)
        assert again is None  # nothing changed, so nothing is appended
        assert store_factory().tail() == 4

    def test_record_cost__same_report_twice(self, store_factory):
        for _ in range(2):
            record_cost(Registry(store_factory(), stamp()), COST, digest=DIGEST, month="2026-05")
        record_cost(Registry(store_factory(), stamp()), COST, digest=sha(b"other"), month="2026-05")
        spent = ledger.read_ledger_head(store_factory()).state.spent
        assert spent is not None
        assert (spent["2026-05"].runs, spent["2026-05"].micro_usd) == (2, 24_000)

    @pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")  # of MLflow's client
    def test_copy_registry__to_a_folder_and_back(self, store_factory, tmp_path):
        """History, costs and an erasure go with the versions; a second copy finds nothing to do."""
        promote_versions(store_factory(), tmp_path, 2)
        watch(store_factory(), 1)
        record_cost(Registry(store_factory(), stamp()), COST, digest=DIGEST, month="2026-05")
        erased = ErasureRecord(digests=(sha(b"p1"),), reason="request 4711", earlier=None)
        Registry(store_factory(), stamp()).append(lambda _: erased)
        store_factory().delete_file(sha(b"p1"))
        options = CopyOptions(scratch=tmp_path, contents=False, say=lambda _: None)
        folder = FolderStore(tmp_path / "copy", "model")
        out = copy_registry(store_factory(), folder, options)
        assert (out.entries, out.erased, out.faults) == (5, 1, [])
        assert not folder.holds(sha(b"p1"))
        back = copy_registry(folder, store_factory("restored"), options)
        assert (back.entries, back.files, back.faults) == (5, out.files, [])
        assert days_of(store_factory("restored")) == [1]
        found = verification.verify_registry(store_factory("restored"), contents=True)
        assert found.entries == 5
        again = copy_registry(folder, store_factory("restored"), options)
        assert (again.entries, again.files) == (0, 0)
