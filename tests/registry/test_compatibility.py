"""Records of a newer mlci are distinguished from damaged ones; the message names the version to upgrade to."""

import json

import pytest

from mlci import __version__
from mlci.errors import InputError, OutsideError
from mlci.operations import bundle
from mlci.operations.registry.rollback import roll_back
from mlci.registry import errors, registry, stored_files, verification
from mlci.registry.errors import CorruptError, NewerError
from mlci.registry.registry import Registry
from mlci.registry.stores import interface as registry_store
from mlci.registry.stores.folder import FolderStore
from mlci.registry.stores.interface import Checkpoint
from mlci.util.digests import canonical_json
from tests.support.registry.histories import Memory, history, promotion, sha, stamp, verdict, version


def write_as_newer_mlci(store: Memory, number: int, **changes) -> None:
    """Let another mlci have written an entry, and all later ones after it."""
    previous = None
    for at in sorted(store.kept):
        document = json.loads(store.kept[at])
        document |= changes if at == number else {}
        document["previous"] = previous
        document["state"]["digests"] = {
            key: sha(store.kept[int(key)]) for key in document["state"].get("digests", {}) if int(key) < at
        }
        store.kept[at] = canonical_json(document)
        previous = sha(store.kept[at])
    store.seen = Checkpoint(number=max(store.kept), digest=previous)


NEWER = {
    "schema": {"schema": "mlci/ledger/2"},
    "schema and versions": {"schema": "mlci/ledger/2", "writer": "3.1.4", "reader": "3.0"},
    "kind": {"body": {"kind": "retired", "version": 1}},
    "field": {"shadow": True},
    "field of a body": {"body": {**verdict().model_dump(mode="json"), "cost": 1.5}, "writer": "3.1.4"},
    "reader": {"writer": "3.1.4", "reader": "3.0"},
    "value": {"body": {"kind": "verdict", "verdict": "maybe"}, "writer": "3.1.4"},
}


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("change", NEWER)
def test_ledger__an_entry_of_a_newer_mlci(change, number):
    store = history([("promotion", 0), ("verdict", 0), ("verdict", 1)])
    write_as_newer_mlci(store, number, **NEWER[change])
    looks = [lambda: verification.verify_ledger(store)]
    looks += [lambda: Registry(store, stamp()).append(promotion)] * (number == 3)
    for look in looks:
        with pytest.raises(NewerError) as found:
            look()
        said = str(found.value)
        assert f"memory: entry {number} was written by a newer mlci" in said
        assert f"this is mlci {__version__}. It is not damaged. Upgrade to " in said
        least = NEWER[change].get("reader", NEWER[change].get("writer"))
        assert (f"mlci {least} or later" if least else "the newest mlci") in said
        assert not isinstance(found.value, CorruptError)
    assert store.tail() == 3


@pytest.mark.parametrize("change", NEWER)
def test_ledger__an_entry_that_was_changed_to_look_newer(change):
    store = history([("promotion", 0), ("verdict", 0), ("verdict", 1)])
    document = json.loads(store.kept[2]) | NEWER[change]
    store.kept[2] = canonical_json(document)
    with pytest.raises(CorruptError, match="entry 2 is damaged"):
        verification.verify_ledger(store)


def test_entries__name_writer_and_reader():
    store = Memory()
    Registry(store, stamp()).append(promotion)
    document = json.loads(store.kept[1])
    assert (document["writer"], document["reader"]) == (__version__, errors.READER)
    assert not errors.is_newer(errors.READER)


@pytest.mark.parametrize(
    ("text", "than", "newer"),
    [
        ("0.2", "0.1.9", True),
        ("0.10", "0.9", True),
        ("1", "1.0.0", False),
        ("1.0.1", "1", True),
        ("0.1.0", "0.1.0", False),
        ("0.0.9", "0.1", False),
        ("2.0.0.dev3+g1", "1.9", True),
        ("soon", "0.1", False),
        (None, "0.1", False),
        (9, "0.1", False),
    ],
)
def test_is_newer__versions(text, than, newer):
    assert errors.is_newer(text, than) is newer


def manifest_of(store, folder, **changes):
    """Promote a version whose manifest a newer mlci wrote."""
    digest = version(store, folder, 1)
    document = json.loads((folder / "registry/model/files" / digest[:2] / digest).read_bytes()) | changes
    digest = stored_files.describe(store, canonical_json(document))
    author = registry.Author(by=stamp().by, now=stamp().now, nonce=stamp().nonce, writer="3.1.4")
    Registry(store, author).append(lambda state: promotion(state).model_copy(update={"manifest": digest}))


@pytest.mark.parametrize("changes", [{"schema": "mlci/version/2"}, {"signature": "x"}, {"schema": "mlci/version/1.1"}])
def test_manifest__of_a_newer_mlci(tmp_path, changes):
    store = FolderStore(tmp_path / "registry", "model")
    manifest_of(store, tmp_path, **changes)
    Registry(store, stamp()).append(promotion)
    looks = (
        lambda: Registry(store).view().version(1),
        lambda: roll_back(Registry(store, stamp()), to=1, reason="r"),
    )
    for look in looks:
        with pytest.raises(NewerError, match=r"the manifest of version 1 was written by a newer mlci \(3\.1\.4\)"):
            look()


def test_manifest__that_no_mlci_writes(tmp_path):
    store = FolderStore(tmp_path / "registry", "model")
    digest = version(store, tmp_path, 1)
    document = json.loads((tmp_path / "registry/model/files" / digest[:2] / digest).read_bytes()) | {"files": 7}
    digest = stored_files.describe(store, canonical_json(document))
    Registry(store, stamp()).append(lambda state: promotion(state).model_copy(update={"manifest": digest}))
    with pytest.raises(CorruptError, match="the manifest of version 1 can't be read"):
        Registry(store).view().version(1)


def test_checkpoint__of_a_newer_mlci():
    data = canonical_json({"number": 1, "digest": "a" * 64, "signature": "x"})
    with pytest.raises(NewerError, match=r"place: witness\.json was written by a newer mlci"):
        registry_store.parse_checkpoint(data, shown="place")
    with pytest.raises(OutsideError, match="damaged"):
        registry_store.parse_checkpoint(b'{"number":0,"signature":1}', shown="place")


def test_bundle__of_a_newer_mlci(tmp_path):
    (tmp_path / "bundle").mkdir()
    data = canonical_json({"schema": "mlci/bundle/2"})
    (tmp_path / "bundle/bundle.json").write_bytes(data)
    (tmp_path / "bundle/bundle.sha256").write_bytes(bundle.seals_labels(data))
    with pytest.raises(InputError, match="was written by a newer mlci"):
        bundle.read_bundle(tmp_path)
