"""Messages about damage name the file to restore; `mlci ledger verify` fails whenever a promotion does."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from mlci.errors import OutsideError
from mlci.operations.registry import preflight
from mlci.operations.registry.rollback import roll_back
from mlci.registry import errors
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from mlci.registry.verification import verify_registry
from tests.support.registry.histories import promote_versions, sha, stamp, verdict

NOW = "2026-05-01T10:00:00+00:00"


@pytest.fixture(scope="module")
def registry_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damage")
    promote_versions(FolderStore(folder / "registry", "model"), folder, 4)
    return folder / "registry"


@pytest.fixture
def place(registry_folder, tmp_path) -> Path:
    return Path(shutil.copytree(registry_folder, tmp_path / "registry"))


def looks(place):
    """Return how a promotion and `mlci ledger verify` end."""
    found = []
    for look in (
        lambda store: preflight.check_registry(Registry(store).view(), now=NOW, despite=None),
        lambda store: verify_registry(store, contents=True, now=NOW),
    ):
        try:
            look(FolderStore(place, "model"))
            found.append(None)
        except OutsideError as error:
            found.append(". ".join(filter(None, (str(error), error.remedy))))
    return found


def test_verify_and_promote__whole(place):
    assert looks(place) == [None, None]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["missing", "altered"])
def test_verify_and_promote__a_damaged_entry(place, number, kind):
    path = place / f"model/ledger/{number:09d}.json"
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b'"actor":"ada"', b'"actor":"eve"'))
    for said in looks(place):
        assert f"`ledger/{number:09d}.json` in {place}/model" in said
        assert "Restore " in said
        assert "mlci rollback" not in said


def test_verify_and_promote__no_checkpoint(place):
    (place / "model/witness.json").unlink()
    for said in looks(place):
        assert "the checkpoint is missing" in said
        assert "Restore `witness.json`" in said
        assert "mlci rollback" not in said


def test_verify_and_promote__a_clock_that_is_behind(place):
    later = (dt.datetime.fromisoformat(NOW) + dt.timedelta(minutes=6)).isoformat()
    Registry(FolderStore(place, "model"), stamp(now=lambda: later)).append(lambda _: verdict())
    for said in looks(place):
        assert "before entry 5 (ada) was written" in said
        assert "Set the clock that is wrong" in said
        assert "mlci rollback" not in said


@pytest.mark.parametrize("number", [4, 3, 1])
def test_verify_and_promote__a_file_that_is_missing(place, number):
    """A roll-back is offered only if the damaged version is in production."""
    digest = sha(b"%d" % number)
    (place / f"model/files/{digest[:2]}/{digest}").unlink()
    promotion, verification = looks(place)
    for said in (promotion, verification):
        assert f"Restore `files/{digest[:2]}/{digest}` in {place}/model" in said
    assert ("mlci rollback --to VERSION" in promotion) is (number == 4)


def test_rollback__a_target_that_is_damaged(place):
    digest = sha(b"2")
    (place / f"model/files/{digest[:2]}/{digest}").unlink()
    with pytest.raises(CorruptError) as found:
        roll_back(Registry(FolderStore(place, "model"), stamp()), to=2, reason="r")
    assert f"Restore `files/{digest[:2]}/{digest}`" in found.value.remedy


@pytest.mark.parametrize(
    ("shown", "entry", "file"),
    [
        ("s3://b/p/model", "`ledger/000000007.json` in s3://b/p/model", f"`files/aa/{'a' * 64}` in s3://b/p/model"),
        (
            "github:o/n, branch mlci/model",
            "`ledger/000000007.json` in github:o/n, branch mlci/model",
            f"the release asset `{'a' * 64}` in github:o/n",
        ),
        ("mlflow:http://h (model)", "`mlci.number` = `7`", f"the artifact `{'a' * 64}` in mlflow:http://h"),
    ],
)
def test_places__of_every_store(shown, entry, file):
    assert entry in errors.entry_place(shown, 7)
    assert file in errors.file_place(shown, "a" * 64)
