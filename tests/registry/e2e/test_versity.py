"""A registry on an S3 server that keeps objects as files and checks signatures: versitygw."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlci.errors import OutsideError
from mlci.registry import layout, ledger, verification
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Checkpoint
from tests.registry.e2e.servers import VERSITY, free_port, serving
from tests.support.registry.buckets import QUICK, S3
from tests.support.registry.contract import Contract
from tests.support.registry.histories import promotion, stamp
from tests.support.registry.proxy import Proxy


@contextlib.contextmanager
def running(folder: Path, *flags: str) -> Iterator[int]:
    """Serve the buckets of a folder; yield the port."""
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "ROOT_ACCESS_KEY": "AKIDEXAMPLE", "ROOT_SECRET_KEY": "not-a-secret"}
    with serving([str(VERSITY), "--port", f"127.0.0.1:{port}", "posix", *flags, str(folder)], port, env=environment):
        yield port


@pytest.fixture(scope="session")
def versity(tmp_path_factory):
    """The server's port and the folder of its buckets."""
    folder = tmp_path_factory.mktemp("versity")
    with running(folder) as port:
        yield port, folder


@pytest.fixture
def bucket(versity):
    return S3(versity[0], f"bucket-{uuid.uuid4().hex}").made()


@pytest.fixture
def store_factory(bucket):
    return bucket.store


@pytest.fixture
def damage_checkpoint(bucket):
    return lambda _, data: bucket.put("pre/fix/model/witness.json", data)


@pytest.fixture
def alter(bucket):
    return lambda _, number, data: bucket.put(f"pre/fix/model/ledger/{number:09d}.json", data)


@pytest.fixture
def spoil(bucket):
    return lambda _, digest, data: bucket.spoil(digest, data)


class TestContract(Contract):
    pass


class TestMessages:
    def test_versity_store__wrong_key(self, bucket):
        wrong = replace(bucket, secret=bucket.secret[::-1])
        with pytest.raises(OutsideError, match=r"credentials were refused.*check AWS_ACCESS_KEY_ID"):
            wrong.store(limits=QUICK).tail()

    def test_versity_store__no_permission(self, bucket):
        store = bucket.store(limits=QUICK, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_SKIP_SIGNATURE="true")
        with pytest.raises(OutsideError, match=r"access denied \(AccessDenied\); the credentials need s3:GetObject"):
            store.tail()
        with pytest.raises(OutsideError, match="need s3:PutObject"):
            store.append(1, b"x")


def test_tail__ten_thousand_entries_in_two_requests(versity, bucket):
    port, folder = versity
    Registry(bucket.store(), stamp()).append(promotion)
    place = Path(folder) / bucket.name / "pre" / "fix" / "model" / "ledger"
    for number in range(2, 10_001):
        (place / layout.entry_name(number)).write_bytes(b"x")
    proxy = Proxy(port)
    store = bucket.behind(proxy.port).store()
    assert store.tail() == 10_000
    store.write_checkpoint(Checkpoint(number=9_990, digest="a" * 64))
    proxy.seen.clear()
    assert store.tail() == 10_000
    assert len(proxy.seen) == 2  # the checkpoint, and the entries after it
    proxy.close()


def test_verify_ledger__versity_after_promotions(bucket):
    for number in range(1, 4):
        assert Registry(bucket.store(), stamp()).append(promotion).number == number
    assert verification.verify_ledger(bucket.store()).findings == ()


def test_append__server_ignores_conditional_writes(tmp_path):
    """With `--nometa` versitygw stores no ETags and overwrites an object that `If-None-Match: *` protects."""
    with running(tmp_path, "--nometa") as port:
        bucket = S3(port, "plain").made()
        for _ in range(2):
            bucket.client.put_object(Bucket=bucket.name, Key="object", Body=b"x", IfNoneMatch="*")
        bucket.delete("object")
        with pytest.raises(OutsideError, match=r"ignores conditional writes .* versitygw without `--nometa`"):
            Registry(bucket.store(), stamp()).append(promotion)
        assert bucket.keys() == []
        assert ledger.read_ledger_head(bucket.store()) == ledger.EMPTY
