"""A registry in Google Cloud Storage, on fake-gcs-server behind a translator of requests."""

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mlci.errors import OutsideError
from mlci.registry import ledger, verification
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Checkpoint
from tests.registry.e2e.google import Google
from tests.support.registry.buckets import QUICK
from tests.support.registry.contract import Contract
from tests.support.registry.histories import promotion, sha, stamp
from tests.support.registry.network import CALLS, Network, call_store, puts
from tests.support.registry.proxy import Fault, Proxy


@pytest.fixture
def bucket(google):
    return google


@pytest.fixture
def store_factory(google):
    return google.store


@pytest.fixture
def damage_checkpoint(google):
    return lambda _, data: google.put("pre/fix/model/witness.json", data)


@pytest.fixture
def alter(google):
    return lambda _, number, data: google.put(f"pre/fix/model/ledger/{number:09d}.json", data)


@pytest.fixture
def spoil(google):
    return lambda _, digest, data: google.spoil(digest, data)


class TestServerProperties:
    """Properties of the server itself, on which the other tests rely."""

    def test_fake_gcs_server__racing_creations(self, google):
        with ThreadPoolExecutor(20) as pool:
            ask = lambda racer: google.server.upload(google.name, "raced", b"%d" % racer, "0").status  # noqa: E731
            assert sorted(pool.map(ask, range(20))) == [200] + [412] * 19

    def test_fake_gcs_server__racing_replacements(self, google):
        google.put("object", b"old")
        path = google.server.about(google.name, "object")
        generation = str(google.server.ask("GET", path).json["generation"])
        with ThreadPoolExecutor(20) as pool:
            ask = lambda racer: google.server.upload(google.name, "object", b"%d" % racer, generation).status  # noqa: E731
            assert sorted(pool.map(ask, range(20))) == [200] + [412] * 19


class TestContract(Contract):
    pass


class TestNetwork(Network):
    pass


class TestLayout:
    def test_google_store__readable_object_names(self, google, tmp_path):
        (tmp_path / "f").write_bytes(b"x")
        google.store().put(tmp_path / "f", sha(b"x"))
        Registry(google.store(), stamp()).append(promotion)
        assert google.names() == [
            f"pre/fix/model/files/{sha(b'x')[:2]}/{sha(b'x')}",
            "pre/fix/model/ledger/000000001.json",
            "pre/fix/model/witness.json",
        ]

    def test_put__google_multipart_leaves_no_other_object(self, google, tmp_path):
        data = b"large" * 4_000_000
        (tmp_path / "f").write_bytes(data)
        with pytest.raises(OutsideError, match="changed"):
            google.store().put(tmp_path / "f", "0" * 64)
        assert google.names() == []
        google.store().put(tmp_path / "f", sha(data))
        assert google.names() == [f"pre/fix/model/files/{sha(data)[:2]}/{sha(data)}"]

    def test_tail__google_more_than_one_page(self, google):
        for number in range(1, 1_203):
            google.put(f"pre/fix/model/ledger/{number:09d}.json", b"x")
        store = google.store()
        assert store.tail() == 1_202
        store.write_checkpoint(Checkpoint(number=1_200, digest="a" * 64))
        proxy = Proxy(google.port)
        assert google.behind(proxy.port).store().tail() == 1_202
        assert len(proxy.seen) == 2  # the checkpoint, and the entries after it
        proxy.close()


class TestDamage:
    def test_verify_ledger__google_entry_changed_or_deleted(self, google):
        for _ in range(3):
            Registry(google.store(), stamp()).append(promotion)
        name = "pre/fix/model/ledger/000000002.json"
        whole = google.get(name)
        google.put(name, whole.replace(b'"actor":"ada"', b'"actor":"eve"'))
        with pytest.raises(CorruptError, match="entry 3 does not follow"):
            verification.verify_ledger(google.store())
        google.delete(name)
        with pytest.raises(CorruptError, match="entry 2 is missing"):
            verification.verify_ledger(google.store())
        google.put(name, whole)
        google.delete("pre/fix/model/ledger/000000003.json")
        with pytest.raises(CorruptError, match="cut back"):
            ledger.read_ledger_head(google.store())


class TestCheckpoint:
    """The one object that is written again, so that its generation counts."""

    def test_write_checkpoint__google_many_at_once(self, google):
        def leave(number):
            google.store(limits=QUICK).write_checkpoint(Checkpoint(number=number, digest=sha(b"%d" % number)))

        google.store().write_checkpoint(Checkpoint(number=1, digest=sha(b"1")))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(leave, [5, 3, 4, 2]))
        assert google.store().read_checkpoint().number <= 5
        google.store().write_checkpoint(Checkpoint(number=6, digest=sha(b"6")))
        assert google.store().read_checkpoint().number == 6

    def test_write_checkpoint__google_rate_limit(self, google):
        """Google accepts one write a second of an object, and answers 429 to more: https://cloud.google.com/storage/quotas."""
        proxy, busy = Proxy(google.port), b"429 Too Many Requests"
        shaky = google.behind(proxy.port).store(limits=QUICK)
        proxy.faults = [Fault("status", says=busy, when=lambda request: puts(request) and b"witness" in request)]
        for number in range(1, 4):
            assert Registry(shaky, stamp()).append(promotion).number == number
        assert google.store().read_checkpoint() is None
        proxy.faults = [Fault("status", says=busy, when=puts, times=2)]
        assert Registry(shaky, stamp()).append(promotion).number == 4
        assert google.store().read_checkpoint().number == 4
        assert verification.verify_ledger(google.store()).entries == 4
        proxy.close()


class TestMessages:
    @pytest.mark.parametrize("call", CALLS)
    def test_google_store__bucket_not_found(self, google_server, tmp_path, call):
        store = Google(google_server[0], "no-such-bucket").store(limits=QUICK)
        with pytest.raises(OutsideError, match="the bucket no-such-bucket does not exist; create it"):
            call_store(store, call, tmp_path)

    def test_google_store__no_credentials(self, google, tmp_path, monkeypatch):
        """If nothing is set, obstore asks the metadata server, whose address can be set."""
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP"):
            monkeypatch.setenv(name, "127.0.0.1:1")
        store = google.store(limits=QUICK, STORAGE_EMULATOR_HOST="", GOOGLE_BASE_URL=f"http://127.0.0.1:{google.port}")
        with pytest.raises(OutsideError, match="credentials were not found; set GOOGLE_APPLICATION_CREDENTIALS"):
            store.tail()

    def test_google_store__no_server(self, google):
        with pytest.raises(OutsideError, match="no connection to the store; check the address"):
            google.behind(1).store(limits=QUICK).tail()


class TestCredentials:
    """The server needs none, so the requests are recorded on the way."""

    @pytest.fixture
    def signatures(self, google):
        """Append, and return what the requests were signed with."""
        proxy, found = Proxy(google.port), []
        proxy.faults = [Fault("none", when=lambda request: found.append(signature(request)))]

        def send(**variables):
            place = google.behind(proxy.port)
            more = {"STORAGE_EMULATOR_HOST": "", "GOOGLE_BASE_URL": f"http://127.0.0.1:{proxy.port}"}
            assert place.store(limits=QUICK, **more, **variables).append(1, b"x")
            return found

        yield send
        proxy.close()

    def test_google_store__access_token(self, signatures):
        assert set(signatures(GOOGLE_OAUTH_ACCESS_TOKEN="ya29.token")) == {b"ya29.token"}

    def test_google_store__service_account(self, signatures, tmp_path):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        key_file = {
            "type": "service_account",
            "private_key": pem,
            "private_key_id": "7",
            "client_email": "ci@x.example",
        }
        (tmp_path / "key.json").write_text(json.dumps({**key_file, "project_id": "x", "client_id": "1"}), "utf-8")
        (token,) = set(signatures(GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "key.json")))
        signed, _, signature = token.rpartition(b".")
        key.public_key().verify(base64.urlsafe_b64decode(signature + b"=="), signed, PKCS1v15(), SHA256())
        assert json.loads(base64.urlsafe_b64decode(signed.split(b".")[1] + b"=="))["iss"] == "ci@x.example"


def signature(request):
    return re.search(rb"\r\nauthorization: Bearer ([^\r]*)\r\n", request, re.IGNORECASE)[1]
