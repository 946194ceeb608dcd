"""Snapshots of a registry: writer and reader answer as the registry did."""

import pytest

from mlci.errors import OutsideError
from mlci.registry import ledger
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from mlci.registry.stores.snapshot import SnapshotReader, SnapshotWriter, snapshot_path
from tests.support.registry.histories import sha, stamp, verdict


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "registry", "model")


@pytest.fixture
def copying(store, tmp_path):
    return SnapshotWriter(store, tmp_path / "copy")


def test_snapshot__file_of_another_size(store, copying, tmp_path):
    (tmp_path / "f").write_bytes(b"whole")
    store.put(tmp_path / "f", sha(b"whole"))
    copying.get(sha(b"whole"), tmp_path / "got")
    copied = SnapshotReader(tmp_path / "copy", copying.seal())
    for side in (copying, copied):
        assert [side.holds(sha(b"whole"), size) for size in (None, 4, 5, 6)] == [True, False, True, False]
    place = snapshot_path(tmp_path / "copy", sha(b"whole"))
    place.unlink()
    place.write_bytes(b"who")
    assert copied.holds(sha(b"whole"))
    assert not copied.holds(sha(b"whole"), 5)


def test_snapshot__entries_that_were_read_and_no_others(store, copying, tmp_path):
    for number in (1, 2, 4):
        store.append(number, b"%d" % number)
    assert copying.tail() == 4
    assert list(copying.read_to(2)) == [b"1", b"2"]
    copied = SnapshotReader(tmp_path / "copy", copying.seal())
    assert list(copied.read_to(2)) == [b"1", b"2"]
    found = copied.read_to(6)
    assert [next(found), next(found)] == [b"1", b"2"]
    with pytest.raises(OutsideError, match="entry 3 is not in the copy"):
        next(found)


def test_snapshot__whole_ledger(store, copying, tmp_path):
    for _ in range(20):
        Registry(store, stamp()).append(lambda _: verdict())
    written = list(ledger.iter_all(copying))
    assert len(written) == 20
    assert list(ledger.iter_all(SnapshotReader(tmp_path / "copy", copying.seal()))) == written
