"""A registry in Azure Blob Storage, on Azurite."""

import uuid

import pytest

from mlci.errors import OutsideError
from mlci.registry import ledger, verification
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Checkpoint
from tests.registry.e2e.servers import AZURITE, Azure, free_port, serving
from tests.support.registry.buckets import QUICK
from tests.support.registry.contract import Contract
from tests.support.registry.histories import promotion, stamp
from tests.support.registry.network import appends
from tests.support.registry.proxy import Fault, Proxy


@pytest.fixture(scope="session")
def azurite_port(tmp_path_factory):
    port, folder = free_port(), tmp_path_factory.mktemp("azurite")
    command = ["node", str(AZURITE), "--blobPort", str(port), "--inMemoryPersistence", "--disableTelemetry"]
    with serving([*command, "--silent", "--skipApiVersionCheck"], port, cwd=folder):
        yield port


@pytest.fixture
def azure(azurite_port):
    return Azure(azurite_port, f"container-{uuid.uuid4().hex}").made()


@pytest.fixture
def store_factory(azure):
    return azure.store


@pytest.fixture
def damage_checkpoint(azure):
    return lambda _, data: azure.put("pre/fix/model/witness.json", data)


@pytest.fixture
def alter(azure):
    return lambda _, number, data: azure.put(f"pre/fix/model/ledger/{number:09d}.json", data)


@pytest.fixture
def spoil(azure):
    return lambda _, digest, data: azure.spoil(digest, data)


class TestContract(Contract):
    pass


class TestDamage:
    def test_verify_ledger__azure_entry_changed_or_deleted(self, azure):
        for _ in range(3):
            Registry(azure.store(), stamp()).append(promotion)
        path = "pre/fix/model/ledger/000000002.json"
        whole = azure.get(path)
        azure.put(path, whole.replace(b'"actor":"ada"', b'"actor":"eve"'))
        with pytest.raises(CorruptError, match="entry 3 does not follow"):
            verification.verify_ledger(azure.store())
        azure.delete(path)
        with pytest.raises(CorruptError, match="entry 2 is missing"):
            verification.verify_ledger(azure.store())
        azure.put(path, whole)
        azure.delete("pre/fix/model/ledger/000000003.json")
        with pytest.raises(CorruptError, match="cut back"):
            ledger.read_ledger_head(azure.store())


class TestMessages:
    def test_azure_store__container_not_found(self, azurite_port):
        store = Azure(azurite_port, "no-such-container").store(limits=QUICK)
        for ask in (store.tail, lambda: store.read(1), lambda: store.append(1, b"x"), lambda: store.holds("0" * 64)):
            with pytest.raises(OutsideError, match="the container no-such-container does not exist; create it"):
                ask()

    def test_azure_store__wrong_key(self, azure):
        other = "A" * 86 + "=="
        # Azurite's code for it is AuthorizationFailure; the service itself documents AuthenticationFailed.
        with pytest.raises(OutsideError, match=r"access denied \(AuthorizationFailure\)"):
            azure.store(limits=QUICK, AZURE_STORAGE_ACCOUNT_KEY=other).tail()

    def test_azure_store__no_credentials(self, azure):
        store = azure.store(limits=QUICK, AZURE_STORAGE_ACCOUNT_KEY="", AZURE_MSI_ENDPOINT="http://127.0.0.1:1")
        with pytest.raises(OutsideError, match="credentials were not found; set AZURE_STORAGE_ACCOUNT_NAME"):
            store.tail()

    def test_azure_store__signature_is_never_shown(self, azure):
        variables = {"AZURE_STORAGE_ACCOUNT_KEY": "", "AZURE_STORAGE_SAS_TOKEN": "sv=2021-12-02&sig=SECRET%3D"}
        store = azure.behind(1).store(limits=QUICK, **variables)
        with pytest.raises(OutsideError) as found:
            store.tail()
        assert "SECRET" not in f"{found.value} {store.shown}"
        assert found.value.__cause__ is None


def test_append_entry__azure_answers_lost(azure):
    proxy = Proxy(azure.port)
    store = azure.behind(proxy.port).store(limits=QUICK)
    for number in range(1, 4):
        proxy.faults = [Fault("lose", when=appends, times=1)]
        assert Registry(store, stamp()).append(promotion).number == number
        assert proxy.faults[0].times == 0
    store.write_checkpoint(Checkpoint(number=3, digest="a" * 64))
    assert verification.verify_ledger(azure.store()).entries == 3
    proxy.close()
