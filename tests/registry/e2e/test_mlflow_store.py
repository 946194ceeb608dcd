"""A registry in MLflow: the contract on its real server, and on a database without a server."""

import json
import os
import shutil
import subprocess
import sys
import threading
import uuid

import mlflow
import pytest

from mlci.errors import OutsideError
from mlci.registry import ledger, verification
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Checkpoint
from mlci.registry.stores.mlflow import store as mlflow_store
from mlci.registry.stores.mlflow.files import FILE
from tests.registry.e2e.mlflow_server import QUICK, open_store
from tests.registry.e2e.servers import ROOT
from tests.support.registry.contract import Contract
from tests.support.registry.histories import sha, stamp, verdict

# Of MLflow's own, on a database without a server: SQLAlchemy 2.1 says so once, while the tables are described.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


class TestServer(Contract):
    writers = 12
    racers = 20
    rounds = 3
    long = 120  # more than a page

    @pytest.fixture
    def store_factory(self, mlflow_service, mlflow_place):
        return lambda model="model": open_store(mlflow_service.uri, mlflow_place + model)

    @pytest.fixture
    def damage_checkpoint(self):
        def damage(store, data):
            where = store.experiment.id()
            store.tracking.once("x", lambda it: it.set_experiment_tag(where, "mlci.witness.000000001", data.decode()))

        return damage

    @pytest.fixture
    def alter(self):
        """Every tag of a claim, with the digest that belongs to them."""

        def change(store, number, data):
            at = store._first(number).version
            for key, value in mlflow_store.claim_tags(number, data).items():
                store.tracking.once("x", lambda it, k=key, v=value: it.set_model_version_tag(store._ledger, at, k, v))

        return change

    @pytest.fixture
    def spoil(self, tmp_path):
        def change(store, digest, data):
            (run,) = store.experiment.runs({FILE: digest})
            if data is None:
                store.tracking.once("x", lambda it: it.delete_run(run.info.run_id))
            else:
                (tmp_path / digest).write_bytes(data)
                store.tracking.once("x", lambda it: it.log_artifact(run.info.run_id, str(tmp_path / digest)))

        return change


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory):
    """An empty database of MLflow; creating one takes seconds."""
    path = tmp_path_factory.mktemp("made") / "mlflow.db"
    open_store(f"mlflow:sqlite:///{path}").tail()
    return path


class TestDatabase(TestServer):
    """SQLite without a server, a fresh one for every test."""

    writers = 8
    racers = 10
    rounds = 2
    long = 40

    @pytest.fixture
    def store_factory(self, empty_database, tmp_path):
        (tmp_path / "base").mkdir()
        shutil.copy(empty_database, tmp_path / "base" / "mlflow.db")
        return lambda model="model": open_store("mlflow:sqlite:///mlflow.db", model, folder=tmp_path / "base")


@pytest.fixture(scope="module")
def writers():
    """Start writers, each a process; returns their exit statuses."""
    command = [sys.executable, "-m", "tests.registry.e2e.mlflow_writers"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as crowd:

        def start(uri, model, count, kill=None) -> list[int]:
            crowd.stdin.write(json.dumps({"uri": uri, "model": model, "writers": count, "kill": kill}) + "\n")
            crowd.stdin.flush()
            return json.loads(crowd.stdout.readline())

        yield start
        crowd.stdin.close()


def test_append_entry__many_processes(mlflow_service, mlflow_place, writers):
    model = f"{mlflow_place}many"
    assert writers(mlflow_service.uri, model, 24) == [0] * 24
    store = open_store(mlflow_service.uri, model)
    assert verification.verify_ledger(store).entries == 24
    assert ledger.read_ledger_head(store).state.uses == {"sha256:rows": 24}
    assert {entry.by.actor for entry in ledger.iter_all(store)} == {f"writer {number}" for number in range(24)}
    assert store.holds(sha(b"model"))


@pytest.mark.parametrize("when", ["before", "after"])
def test_append_entry__writer_killed_at_any_request(mlflow_service, mlflow_place, writers, when):
    found = []
    for place in range(60):
        model = f"{mlflow_place}{place}"
        (status,) = writers(mlflow_service.uri, model, 1, kill=[place, when])
        store = open_store(mlflow_service.uri, model)
        found.append(ledger.read_ledger_head(store).number)
        assert found[-1] == 0 or store.holds(sha(b"model"))
        assert Registry(store, stamp()).append(lambda _: verdict()).number == found[-1] + 1
        assert verification.verify_ledger(store).findings == ()
        if status == 0:
            break
    assert status == 0
    assert found == sorted(found)
    assert set(found) == {0, 1}


class TestClaims:
    def test_append__second_claim_is_void(self, mlflow_service, mlflow_place):
        store = open_store(mlflow_service.uri, mlflow_place)
        assert store.append(1, b"first")
        store._claim(1, b"second")
        store._claim(2, b"third")
        store._claim(1, b"late")
        assert not store.append(1, b"second")
        assert [open_store(mlflow_service.uri, mlflow_place).read(number) for number in (1, 2)] == [b"first", b"third"]
        assert store.tail() == 2

    def test_tail__late_claims_of_slow_writers(self, mlflow_service, mlflow_place):
        store = open_store(mlflow_service.uri, mlflow_place)
        for number in (1, 2, 3):
            assert store.append(number, b"x")
        for _ in range(25):
            store._claim(1, b"late")
        assert store.tail() == 3

    @pytest.mark.parametrize("page", [1, 3, 100])
    def test_read_to__any_claims(self, mlflow_service, mlflow_place, monkeypatch, page):
        """Void and late claims, numbers that are missing or out of order, unrelated and deleted versions."""
        monkeypatch.setattr("mlci.registry.stores.mlflow.store._MANY", page)
        store = open_store(mlflow_service.uri, mlflow_place)
        for place, number in enumerate([1, 2, 1, 4, 3, 3, 2, 8, 5, 4, 50, 6, 2, 7, 7, 9]):
            store._claim(number, b"%d by %d" % (number, place))
        store._version(store._ledger, mlflow_store.CLAIM_SOURCE, {"mlci.number": "x"}, "x")
        store._claim(11, b"11")
        for gone in ("2", "9"):  # of 2 another claim counts from now on, of 5 there is none
            store.tracking.once("x", lambda it, at=gone: it.delete_model_version(store._ledger, at))
        wanted = [store.read(number) for number in range(1, 13)]
        assert wanted[:5] == [b"1 by 0", b"2 by 6", b"3 by 4", b"4 by 3", None]
        for last in range(13):
            assert list(open_store(mlflow_service.uri, mlflow_place).read_to(last)) == wanted[:last]

    def test_read_to__version_deleted_meanwhile(self, mlflow_service, mlflow_place, monkeypatch):
        monkeypatch.setattr("mlci.registry.stores.mlflow.store._MANY", 2)
        store = open_store(mlflow_service.uri, mlflow_place)
        for number, entry in ((1, b"first"), (2, b"first"), (3, b"first"), (3, b"void"), (4, b"first")):
            store._claim(number, entry)
        found = store.read_to(4)
        assert next(found) == b"first"
        store.tracking.once("x", lambda it: it.delete_model_version(store._ledger, "1"))
        assert list(found) == [b"first"] * 3

    def test_append__largest_entry(self, mlflow_service, mlflow_place):
        store = open_store(mlflow_service.uri, mlflow_place)
        data = os.urandom(200_000)
        assert store.append(1, data)
        assert store.read(1) == data

    def test_append__changed_tag_keeps_its_number(self, mlflow_service, mlflow_place):
        store = open_store(mlflow_service.uri, mlflow_place)
        Registry(store, stamp()).append(lambda _: verdict())
        name = store._ledger
        store.tracking.once("x", lambda it: it.set_model_version_tag(name, "1", "mlci.entry.000", "{}"))
        for look in (
            lambda: store.read(1),
            lambda: ledger.read_ledger_head(store),
            lambda: store.append(1, b"another"),
        ):
            with pytest.raises(CorruptError, match="entry 1 is damaged"):
                look()

    def test_read_to__stops_at_a_changed_tag(self, mlflow_service, mlflow_place):
        store = open_store(mlflow_service.uri, mlflow_place)
        for number in (1, 2, 3):
            store.append(number, b"x")
        name = store._ledger
        store.tracking.once("x", lambda it: it.set_model_version_tag(name, "2", "mlci.entry.000", "{}"))
        found = store.read_to(3)
        assert next(found) == b"x"
        with pytest.raises(CorruptError, match="entry 2 is damaged"):
            next(found)

    def test_verify_ledger__mlflow_entry_deleted(self, mlflow_service, mlflow_place):
        store = open_store(mlflow_service.uri, mlflow_place)
        for _ in range(3):
            Registry(store, stamp()).append(lambda _: verdict())
        store.tracking.once("x", lambda it: it.delete_model_version(store._ledger, "2"))
        with pytest.raises(CorruptError, match="entry 2 is missing"):
            list(ledger.iter_all(store))
        store.tracking.once("x", lambda it: it.delete_model_version(store._ledger, "3"))
        with pytest.raises(CorruptError, match="ends at entry 1, but entry 3 was there: it was cut back"):
            ledger.read_ledger_head(store)

    def test_read_ledger_head__mlflow_ledger_deleted(self, mlflow_service, mlflow_place):
        store = open_store(mlflow_service.uri, mlflow_place)
        Registry(store, stamp()).append(lambda _: verdict())
        store.tracking.once("x", lambda it: it.delete_registered_model(store._ledger))
        with pytest.raises(CorruptError, match="ends at entry 0, but entry 1 was there"):
            ledger.read_ledger_head(store)


class TestCheckpoint:
    def test_write_checkpoint__mlflow_many_at_once(self, mlflow_service, mlflow_place):
        stores = [open_store(mlflow_service.uri, mlflow_place) for _ in range(8)]
        stores[0].experiment.id()
        together = threading.Barrier(8)

        def leave(place):
            together.wait()
            stores[place].write_checkpoint(Checkpoint(number=place + 1, digest=sha(b"%d" % place)))

        threads = [threading.Thread(target=leave, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stores[0].read_checkpoint() == Checkpoint(number=8, digest=sha(b"7"))

    def test_read_checkpoint__mlflow_experiment_deleted(self, mlflow_service, mlflow_place):
        store = open_store(mlflow_service.uri, mlflow_place)
        store.write_checkpoint(Checkpoint(number=1, digest="a" * 64))
        where = store.experiment.id()
        store.tracking.once("x", lambda it: it.delete_experiment(where))
        with pytest.raises(CorruptError, match=rf"was deleted; restore it.* {where}"):
            open_store(mlflow_service.uri, mlflow_place).read_checkpoint()


class TestFiles:
    @pytest.fixture
    def stored_artifact(self, mlflow_service, mlflow_place, tmp_path):
        """A store with one file, its digest, and where the server keeps it."""
        data = uuid.uuid4().bytes * 1_000
        (tmp_path / "model.bin").write_bytes(data)
        store = open_store(mlflow_service.uri, mlflow_place)
        store.put(tmp_path / "model.bin", sha(data))
        return store, sha(data), mlflow_service.artifact(sha(data))

    @pytest.mark.parametrize("change", ["missing", "cut", "longer"])
    def test_put__repairs_a_changed_artifact(self, stored_artifact, tmp_path, change):
        store, digest, path = stored_artifact
        if change == "missing":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:100] if change == "cut" else path.read_bytes() + b"x")
        assert not store.holds(digest)
        with pytest.raises(CorruptError, match=rf"file {digest} is damaged: the artifact of run \w+ "):
            store.get(digest, tmp_path / "got")
        assert not (tmp_path / "got").exists()
        store.put(tmp_path / "model.bin", digest)
        assert store.get(digest, tmp_path / "got")
        assert sha((tmp_path / "got").read_bytes()) == digest

    def test_holds__artifact_and_tag_truncated_together(self, stored_artifact):
        store, digest, path = stored_artifact
        (run,) = store.experiment.runs({"mlci.file": digest})
        path.write_bytes(path.read_bytes()[:100])
        store.tracking.once("x", lambda it: it.set_tag(run.info.run_id, "mlci.bytes", "100"))
        assert store.holds(digest)
        assert not store.holds(digest, 16_000)

    def test_put__same_file_twice_is_silent(self, stored_artifact, tmp_path, capfd):
        store, digest, _ = stored_artifact
        store.put(tmp_path / "model.bin", digest)
        store.get(digest, tmp_path / "got")
        assert capfd.readouterr() == ("", "")
        assert len(store.experiment.runs({"mlci.file": digest})) == 1

    def test_holds__leftover_of_a_killed_upload(self, stored_artifact, tmp_path):
        store, _, _ = stored_artifact
        (tmp_path / "b").write_bytes(b"half")
        store.experiment.upload(tmp_path / "b", {"mlci.bytes": "4"}, name="b", size=4)
        assert not store.holds(sha(b"half"))
        assert not store.get(sha(b"half"), tmp_path / "got")


class TestMessages:
    def test_mlflow_store__no_server(self):
        store = open_store("http://127.0.0.1:9", limits=QUICK, pause=lambda _: None)
        with pytest.raises(OutsideError, match=r"no connection to the server|did not answer in 4 s"):
            store.tail()

    def test_mlflow_store__other_server(self, s3_port):
        store = open_store(f"http://127.0.0.1:{s3_port}/x", limits=QUICK, pause=lambda _: None)
        with pytest.raises(OutsideError, match=rf"registry http://127.0.0.1:{s3_port}/x: could not "):
            store.tail()

    def test_mlflow_store__telemetry_is_off(self, mlflow_service):
        open_store(mlflow_service.uri).tail()
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert mlflow.telemetry.get_telemetry_client() is None
