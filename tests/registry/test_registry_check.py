"""`mlci registry check`, and the first append to an object store that ignores conditional writes."""

import datetime as dt

import pytest

from mlci.cli.registry_factory import clock
from mlci.errors import OutsideError
from mlci.operations.registry.probe import probe_registry
from mlci.registry import ledger
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from mlci.registry.stores.object_store import ObjectStore
from tests.support.project import config, mlci
from tests.support.registry.histories import Memory, promotion, stamp, verdict

NAMES = ["read", "write", "list", "conditional writes", "read back", "latency", "clock", "delete"]


@pytest.fixture
def bucket(monkeypatch):
    """A bucket in memory, and what its requests do."""
    import obstore  # noqa: PLC0415
    from obstore.store import MemoryStore  # noqa: PLC0415

    memory, real = MemoryStore(), {name: getattr(obstore, name) for name in ("put", "delete", "list")}
    monkeypatch.setattr("mlci.registry.stores.object_store_uri.store_client", lambda *_: memory)

    class Bucket:
        def store(self, model="model"):
            return ObjectStore("s3://bucket/prefix", model, {})

        def keys(self):
            return [item["path"] for page in real["list"](memory) for item in page]

        def ignores_conditions(self):
            def put(client, path, data, *, mode=None, **named):
                return real["put"](client, path, data, **named, **({} if mode == "create" else {"mode": mode}))

            monkeypatch.setattr(obstore, "put", put)

        def refuses(self, call):
            def refused(*_, **__):
                raise PermissionError(f"{call} is not allowed")

            monkeypatch.setattr(obstore, call, refused)

    return Bucket()


def outcomes(found):
    return {one.name: one.outcome for one in found}


def check_store(opened, now=clock):
    seconds = iter(range(1_000)).__next__
    return probe_registry(opened, "model", now=now, seconds=lambda: float(seconds()))


def test_check__a_folder(tmp_path):
    found = check_store(lambda model: FolderStore(tmp_path / "registry", model))
    assert outcomes(found) == dict.fromkeys(NAMES, "passed")
    assert list(tmp_path.iterdir()) == []
    Registry(FolderStore(tmp_path / "registry", "model"), stamp()).append(lambda _: verdict())
    before = sorted(tmp_path.rglob("*"))
    assert outcomes(check_store(lambda model: FolderStore(tmp_path / "registry", model)))["read"] == "passed"
    assert sorted(tmp_path.rglob("*")) == before


def test_check__a_bucket_leaves_nothing_behind(bucket):
    assert outcomes(check_store(bucket.store)) == dict.fromkeys(NAMES, "passed")
    assert bucket.keys() == []


def test_check__a_clock_that_is_wrong(bucket):
    late = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)).isoformat()
    found = check_store(bucket.store, now=lambda: late)
    (failed,) = [one for one in found if one.outcome == "failed"]
    assert (failed.name, "1:59:" in failed.detail or "2:00:" in failed.detail) == ("clock", True)


def test_check__a_clock_behind_the_newest_entry(tmp_path):
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)).isoformat()
    Registry(FolderStore(tmp_path, "model"), stamp(now=lambda: later)).append(lambda _: verdict())
    (failed,) = [one for one in check_store(lambda model: FolderStore(tmp_path, model)) if one.outcome == "failed"]
    assert (failed.name, "before entry 1 (ada) was written" in failed.detail) == ("read", True)


def test_check__a_store_that_ignores_conditions(bucket):
    bucket.ignores_conditions()
    found = check_store(bucket.store)
    assert outcomes(found) == {"read": "passed", "write": "failed", "delete": "passed"}
    assert "ignores conditional writes (`If-None-Match: *`)" in found[1].detail
    assert bucket.keys() == []


def test_append__first_to_a_store_that_ignores_conditions(bucket):
    bucket.ignores_conditions()
    with pytest.raises(OutsideError, match=r"ignores conditional writes .* versitygw without `--nometa`"):
        Registry(bucket.store(), stamp()).append(promotion)
    assert bucket.keys() == []
    assert ledger.read_ledger_head(bucket.store()) == ledger.EMPTY


def test_append__first_by_a_writer_who_may_not_delete(bucket):
    bucket.refuses("delete")
    assert Registry(bucket.store(), stamp()).append(promotion).number == 1
    (probe,) = [key for key in bucket.keys() if "probe" in key]  # noqa: SIM118
    assert probe.startswith("prefix/model/tmp/probe-")


def test_check__a_store_that_takes_no_probe():
    assert outcomes(probe_registry(lambda _: Memory(), "model", now=clock, seconds=lambda: 0.0)) == {
        "read": "passed",
        "write": "skipped",
    }


def test_command__a_folder_and_one_that_can_not_be_written(tmp_path):
    (tmp_path / "mlci.yml").write_text(config(baseline="production"))
    ended = mlci("registry", "check", "--json", cwd=tmp_path)
    assert (ended.code, ended.report["usable"]) == (0, True), ended.err
    assert [one["name"] for one in ended.report["checks"]] == NAMES
    assert not (tmp_path / ".mlci/registry").exists()
    (tmp_path / ".mlci").mkdir(exist_ok=True)
    (tmp_path / ".mlci/registry").write_text("in the way")
    ended = mlci("registry", "check", cwd=tmp_path)
    assert (ended.code, ended.out.splitlines()[0].split()[:2]) == (4, ["failed", "read"])
