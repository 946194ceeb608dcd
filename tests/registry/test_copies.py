"""A copy of what was read: its two sides answer as the registry did."""

import pytest

from mlci.registry.copied import Copied
from mlci.registry.copies import kept
from mlci.registry.copying import Copying
from mlci.registry.folder import FolderStore
from tests.registry.histories import sha


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "registry", "model")


@pytest.fixture
def copying(store, tmp_path):
    return Copying(store, tmp_path / "copy")


def test_a_file_of_another_size_is_not_held(store, copying, tmp_path):
    (tmp_path / "f").write_bytes(b"whole")
    store.put(tmp_path / "f", sha(b"whole"))
    copying.get(sha(b"whole"), tmp_path / "got")
    copied = Copied(tmp_path / "copy", copying.seal())
    for side in (copying, copied):
        assert [side.holds(sha(b"whole"), size) for size in (None, 4, 5, 6)] == [True, False, True, False]
    place = kept(tmp_path / "copy", sha(b"whole"))
    place.unlink()
    place.write_bytes(b"who")
    assert copied.holds(sha(b"whole"))
    assert not copied.holds(sha(b"whole"), 5)
