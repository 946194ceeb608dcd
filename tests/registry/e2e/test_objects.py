"""A registry in an object store, on a real S3 server: the contract, damage, a failing network, and messages."""

import pytest

from mlci.errors import InputError, OutsideError
from mlci.registry import layout, ledger, stored_files, verification
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from mlci.registry.stores.object_store import ObjectStore
from tests.support.registry.buckets import QUICK
from tests.support.registry.contract import Contract
from tests.support.registry.histories import promotion, sha, stamp, verdict
from tests.support.registry.network import CALLS, Network, call_store

LEDGER = "pre/fix/model/ledger"


@pytest.fixture
def bucket(s3):
    return s3


@pytest.fixture
def store_factory(s3):
    return s3.store


@pytest.fixture
def damage_checkpoint(s3):
    return lambda _, data: s3.put("pre/fix/model/witness.json", data)


@pytest.fixture
def alter(s3):
    return lambda _, number, data: s3.put(f"pre/fix/model/ledger/{number:09d}.json", data)


@pytest.fixture
def spoil(s3):
    return lambda _, digest, data: s3.spoil(digest, data)


class TestContract(Contract):
    writers = 20
    rounds = 3


def test_describe__s3_object_with_other_bytes(s3):
    """Putting a file checks sizes only; `describe` reads the bytes."""
    digest = stored_files.describe(s3.store(), b'{"a":1}')
    s3.put(f"pre/fix/model/files/{digest[:2]}/{digest}", b'{"a":2}')
    with pytest.raises(CorruptError, match="description to store was truncated or altered"):
        stored_files.describe(s3.store(), b'{"a":1}')


class TestLayout:
    def test_s3_store__readable_object_names(self, s3, tmp_path):
        (tmp_path / "f").write_bytes(b"x")
        s3.store().put(tmp_path / "f", sha(b"x"))
        Registry(s3.store(), stamp()).append(lambda _: verdict())
        assert s3.keys() == [
            f"pre/fix/model/files/{sha(b'x')[:2]}/{sha(b'x')}",
            "pre/fix/model/ledger/000000001.json",
            "pre/fix/model/witness.json",
        ]
        assert s3.store().shown == f"s3://{s3.name}/pre/fix/model"

    def test_s3_store__no_prefix(self, s3):
        store = ObjectStore(f"s3://{s3.name}", "model", s3.environment)
        assert store.append(1, b"x")
        assert s3.keys() == ["model/ledger/000000001.json"]
        assert store.tail() == 1

    @pytest.mark.parametrize(
        "url",
        [
            "s3://",
            "s3:///x",
            "http://bucket/x",
            "s3://bucket/../x",
            "s3://bucket/a//b",
            "s3://bucket/x?sig=1",
            "s3://user:pass@bucket/x",
            "az://c/x y",
            "gs://b/#",
        ],
    )
    def test_object_store__invalid_address(self, url):
        with pytest.raises(InputError, match="an object store is written") as found:
            ObjectStore(url, "model", {})
        assert "pass" not in str(found.value)

    def test_put__s3_multipart_with_another_digest(self, s3, tmp_path):
        (tmp_path / "f").write_bytes(b"x" * 20_000_000)
        with pytest.raises(OutsideError, match="changed"):
            s3.store().put(tmp_path / "f", "0" * 64)
        assert s3.keys() == []

    def test_put__s3_repairs_an_object_of_another_size(self, s3, tmp_path):
        (tmp_path / "f").write_bytes(b"whole")
        s3.store().put(tmp_path / "f", sha(b"whole"))
        s3.put(s3.keys()[0], b"who")
        s3.store().put(tmp_path / "f", sha(b"whole"))
        assert s3.get(s3.keys()[0]) == b"whole"


class TestDamage:
    """Objects changed behind the registry's back."""

    @pytest.fixture
    def five(self, s3):
        for body in (promotion, lambda _: verdict(), promotion, lambda _: verdict(), promotion):
            Registry(s3.store(), stamp()).append(body)
        return s3

    def key(self, number):
        return f"{LEDGER}/{layout.entry_name(number)}"

    @pytest.mark.parametrize("number", range(1, 6))
    def test_verify_ledger__s3_entry_deleted(self, five, number):
        five.delete(self.key(number))
        expected = "cut back" if number == 5 else f"entry {number} is missing"
        with pytest.raises(CorruptError, match=expected):
            verification.verify_ledger(five.store())

    @pytest.mark.parametrize("number", range(1, 6))
    @pytest.mark.parametrize(
        "change", [lambda data: data[:-9], lambda data: data.replace(b'"actor":"ada"', b'"actor":"eve"')]
    )
    def test_verify_ledger__s3_entry_changed(self, five, number, change):
        five.put(self.key(number), change(five.get(self.key(number))))
        with pytest.raises(CorruptError, match=rf"entry ({number}|{number + 1}) "):
            verification.verify_ledger(five.store())

    def test_read_ledger_head__s3_all_entries_deleted(self, five):
        for number in range(1, 6):
            five.delete(self.key(number))
        with pytest.raises(CorruptError, match="ends at entry 0, but entry 5 was there"):
            ledger.read_ledger_head(five.store())

    def test_verify_ledger__s3_checkpoint_deleted(self, five):
        five.delete("pre/fix/model/witness.json")
        assert ledger.read_ledger_head(five.store()).number == 5
        assert "checkpoint is missing" in verification.verify_ledger(five.store()).findings[0].message

    def test_read__s3_oversized_entry(self, five):
        five.put(self.key(5), b" " * 3_000_000)
        assert len(five.store().read(5)) == 256 * 1024 + 1
        with pytest.raises(CorruptError, match="entry 5"):
            ledger.read_ledger_head(five.store())

    def test_get__s3_truncated_object_is_returned(self, five, tmp_path):
        (tmp_path / "f").write_bytes(b"whole")
        five.store().put(tmp_path / "f", sha(b"whole"))
        key = next(key for key in five.keys() if "/files/" in key)  # noqa: SIM118 - a method
        five.put(key, b"who")
        assert five.store().get(sha(b"whole"), tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == b"who"


class TestNetwork(Network):
    pass


class TestMessages:
    """Messages name missing settings, and show no secret and no signed address."""

    @pytest.mark.parametrize("call", CALLS)
    def test_s3_store__bucket_not_found(self, s3_port, s3, tmp_path, call):
        store = type(s3)(s3_port, "no-such-bucket").store(limits=QUICK)
        with pytest.raises(OutsideError, match="the bucket no-such-bucket does not exist; create it"):
            call_store(store, call, tmp_path)

    def test_s3_store__no_credentials(self, s3):
        store = s3.store(
            limits=QUICK, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_METADATA_ENDPOINT="http://127.0.0.1:1"
        )
        with pytest.raises(OutsideError, match="credentials were not found; set AWS_ACCESS_KEY_ID"):
            store.tail()

    def test_s3_store__secret_key_missing(self, s3):
        with pytest.raises(OutsideError, match="credentials were not found; set AWS_ACCESS_KEY_ID"):
            s3.store(limits=QUICK, AWS_SECRET_ACCESS_KEY="").tail()

    def test_get__target_folder_not_found(self, s3, tmp_path):
        (tmp_path / "f").write_bytes(b"x")
        s3.store().put(tmp_path / "f", sha(b"x"))
        with pytest.raises(OutsideError, match="No such file or directory"):
            s3.store().get(sha(b"x"), tmp_path / "none" / "got")

    def test_object_store__obstore_not_installed(self, s3, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
        with pytest.raises(InputError, match=r"pip install 'mlci\[objects\]'"):
            s3.store()
