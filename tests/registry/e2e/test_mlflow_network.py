"""A registry in MLflow behind a failing network, and on a server that is killed."""

import threading
import time

import pytest

from mlci.errors import OutsideError
from mlci.registry import ledger, verification
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Checkpoint
from tests.registry.e2e import mlflow_server
from tests.registry.e2e.mlflow_server import QUICK, open_store
from tests.support.registry.histories import sha, stamp, verdict
from tests.support.registry.network import BOUND, CALLS, outcome
from tests.support.registry.proxy import Fault, Proxy

FAULTS = [
    Fault("refuse"),
    Fault("lose"),
    Fault("cut", keep=5),
    Fault("stall", seconds=30),
    Fault("drip", seconds=1),
    Fault("garble"),
    Fault("status"),
]


@pytest.fixture
def proxy(mlflow_service):
    one = Proxy(mlflow_service.port)
    yield one
    one.close()


def behind(proxy, model):
    return open_store(f"http://127.0.0.1:{proxy.port}", model, limits=QUICK, pause=lambda _: None)


def list_calls(store, folder):
    """Return what to call, and what is right where it was done."""
    return {
        "tail": (store.tail, 1),
        "read": (lambda: store.read(1), b"first"),
        "read_to": (lambda: list(store.read_to(1)), [b"first"]),
        "read_checkpoint": (store.read_checkpoint, Checkpoint(number=1, digest=sha(b"first"))),
        "holds": (lambda: store.holds(sha(b"whole")), True),
        "get": (lambda: store.get(sha(b"whole"), folder / "got"), True),
        "put": (lambda: store.put(folder / "new", sha(b"new")), None),
        "append": (lambda: store.append(2, b"second"), True),
        "write_checkpoint": (lambda: store.write_checkpoint(Checkpoint(number=2, digest="a" * 64)), None),
    }


@pytest.fixture
def ready(mlflow_service, mlflow_place, tmp_path):
    """A store with an entry, a checkpoint and a file."""
    (tmp_path / "whole").write_bytes(b"whole")
    (tmp_path / "new").write_bytes(b"new")
    store = open_store(mlflow_service.uri, mlflow_place)
    store.put(tmp_path / "whole", sha(b"whole"))
    store.append(1, b"first")
    store.write_checkpoint(Checkpoint(number=1, digest=sha(b"first")))
    return store


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind)
def test_mlflow_store__lasting_fault(ready, mlflow_place, proxy, tmp_path, fault, call):
    proxy.faults = [fault]
    ask, right = list_calls(behind(proxy, mlflow_place), tmp_path)[call]
    answer = outcome(ask)
    assert isinstance(answer, OutsideError) or answer == right
    assert not isinstance(answer, OutsideError) or not (tmp_path / "got").exists()
    assert ready.read(2) in (None, b"second")
    assert answer is not True or call != "append" or ready.read(2) == b"second"


@pytest.mark.parametrize("call", CALLS)
def test_mlflow_store__passing_fault(ready, mlflow_place, proxy, tmp_path, call):
    store = behind(proxy, mlflow_place)
    store.tracking.limits = mlflow_server.PATIENT
    proxy.faults = [Fault("lose", times=1), Fault("status", times=1), Fault("refuse", times=1)]
    ask, right = list_calls(store, tmp_path)[call]
    assert outcome(ask) == right


def test_append__mlflow_answer_lost_after_the_claim(ready, mlflow_place, proxy):
    store = behind(proxy, mlflow_place)
    store.tracking.limits = mlflow_server.PATIENT
    proxy.faults = [Fault("lose", when=lambda request: b"model-versions/create" in request, times=2)]
    assert store.append(2, b"second")
    assert not store.append(2, b"another")
    assert ready.tail() == 2


def test_append_entry__mlflow_server_killed(tmp_path):
    promised, ends = [], []

    def write(store):
        while not ends:
            try:
                promised.append(Registry(store, stamp()).append(lambda _: verdict()))
            except OutsideError as error:
                ends.append(error)

    with mlflow_server.serving(tmp_path / "server") as server:
        stores = [open_store(server.uri, limits=QUICK) for _ in range(3)]
        open_store(server.uri).tail()
        threads = [threading.Thread(target=write, args=(store,)) for store in stores]
        for thread in threads:
            thread.start()
        while len(promised) < 5 and not ends:
            time.sleep(0.05)
        server.kill()
        for thread in threads:
            thread.join(BOUND)
        assert not any(thread.is_alive() for thread in threads)
        assert ends
        server.start()
        again = open_store(server.uri)
        kept = list(ledger.iter_all(again))
        assert all(entry in kept for entry in promised)
        assert len(kept) <= len(promised) + len(stores)
        assert Registry(again, stamp()).append(lambda _: verdict()).number == len(kept) + 1
        assert verification.verify_ledger(again).findings == ()
