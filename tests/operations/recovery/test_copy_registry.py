"""Backup and restore: the copy is the same bytes, also after a kill at any step; another history is never touched."""

import json
import shutil

import pytest

from mlci.cli.registry.copy_stores import copy_environment
from mlci.errors import OutsideError
from mlci.operations.recovery.copy_registry import CopyOptions, copy_registry
from mlci.registry import entries, ledger
from mlci.registry.entry_kinds import PredictionsAdded, ReproductionRecorded
from mlci.registry.errors import CorruptError
from mlci.registry.manifest import Predictions, VersionFile
from mlci.registry.registry import Registry
from mlci.registry.stored_files import describe
from mlci.registry.stores.folder import FolderStore
from mlci.registry.verification import verify_registry
from mlci.util.digests import canonical_json
from tests.support.project import mlci
from tests.support.registry import lifecycle
from tests.support.registry.histories import promote_versions, sha, stamp, verdict, waiver
from tests.support.registry.lifecycle import repository


class KilledError(Exception):
    """The process is gone."""


class Dying:
    """A store whose process dies before or after the n-th write."""

    def __init__(self, store, at, *, after):
        self.store, self.at, self.after, self.writes = store, at, after, 0

    def __getattr__(self, name):
        real = getattr(self.store, name)
        return self.counted(real) if name in {"put", "append", "write_checkpoint", "delete_file"} else real

    def counted(self, real):
        def call(*arguments):
            self.writes += 1
            if self.writes == self.at and not self.after:
                raise KilledError
            done = real(*arguments)
            if self.writes == self.at:
                raise KilledError
            return done

        return call

    @property
    def shown(self):
        return self.store.shown

    def files(self):
        return self.store.files()

    def delete_file(self, digest):
        return self.counted(self.store.delete_file)(digest)


@pytest.fixture(scope="module")
def histories(tmp_path_factory):
    """Two registries, built once: a few entries, and the same with enough evaluation sets for a snapshot."""
    folder = tmp_path_factory.mktemp("histories")
    small = FolderStore(folder / "small", "model")
    add_few_entries(small, folder)
    shutil.copytree(folder / "small", folder / "large")
    large = FolderStore(folder / "large", "model")
    for number in range(entries.MOST_ITEMS + 1):
        append(large, verdict(f"sha256:{number}"))
    assert ledger.read_ledger_head(large).entry_state.snapshot is not None
    return folder


def add_few_entries(store, folder):
    """Add two versions, added predictions, a spread and a waiver."""
    promote_versions(store, folder, 2)
    data = b"id,p\n1,0\n"
    (folder / "more.csv").write_bytes(data)
    store.put(folder / "more.csv", sha(data))
    file = VersionFile(name="more.csv", digest=sha(data), bytes=len(data))
    added = Predictions(fingerprint="sha256:more", file=file)
    digest = describe(store, canonical_json(added.model_dump(mode="json")))
    append(store, PredictionsAdded(version=2, fingerprint="sha256:more", predictions=digest))
    append(store, ReproductionRecorded(version=1, outcome="within", spread=describe(store, b"{}"), runs=3))
    append(store, waiver(head="b" * 64))


@pytest.fixture
def small(histories, tmp_path):
    return FolderStore(shutil.copytree(histories / "small", tmp_path / "registry"), "model")


@pytest.fixture
def source(histories, tmp_path):
    return FolderStore(shutil.copytree(histories / "large", tmp_path / "registry"), "model")


@pytest.fixture
def target(tmp_path):
    return FolderStore(tmp_path / "backup", "model")


@pytest.fixture
def copy(tmp_path):
    def call(source, target, *, contents=False):
        (tmp_path / "scratch").mkdir(exist_ok=True)
        options = CopyOptions(scratch=tmp_path / "scratch", contents=contents, say=lambda _: None)
        return copy_registry(source, target, options)

    return call


def append(store, body):
    return Registry(store, stamp()).append(lambda _: body)


def content(store):
    """Everything of a registry: bytes of entries, checkpoint, digests and sizes of files."""
    files = {file.digest: file.bytes for file in store.files()}
    return list(store.read_to(store.tail())), store.read_checkpoint(), files


def path_of(store, digest):
    return store._base / "files" / digest[:2] / digest


def test_backup__same_bytes_and_only_what_is_missing(source, target, copy, tmp_path):
    first = copy(source, target)
    assert content(target) == content(source)
    assert (first.entries, first.entries_there, first.files_there, first.faults) == (70, 0, 0, [])
    assert first.files == len(content(source)[2])
    verify_registry(target, contents=True)
    promote_versions(source, tmp_path, 1)
    second = copy(source, target)
    assert (second.entries, second.entries_there, second.files_there) == (1, 70, first.files)
    assert second.bytes == sum(content(source)[2].values()) - first.bytes
    assert content(target) == content(source)


def test_backup__killed_at_every_step_and_resumed(small, tmp_path, copy):
    source = small
    counted = Dying(FolderStore(tmp_path / "whole", "model"), 0, after=False)
    copy(source, counted)
    assert counted.writes == len(content(source)[2]) + 5 + 1
    for at in range(1, counted.writes + 1):
        for after in (False, True):
            target = FolderStore(tmp_path / f"killed-{at}-{after}", "model")
            with pytest.raises(KilledError):
                copy(source, Dying(target, at, after=after))
            for entry in ledger.iter_all(target):  # every entry that is there has its files
                assert copy_of_named(target, entry)
            resumed = copy(source, target)
            assert resumed.entries_there + resumed.entries == 5
            assert content(target) == content(source)


def copy_of_named(store, entry):
    """Check that what an entry names by itself is there."""
    digest = getattr(entry.body, "manifest", None) or getattr(entry.body, "spread", None)
    return digest is None or store.holds(digest)


def test_restore__into_an_empty_registry_and_an_older_one(source, target, copy, tmp_path):
    copy(source, target)
    older = FolderStore(tmp_path / "older", "model")
    promote_versions(source, tmp_path, 1)
    append(source, verdict())
    copy(target, older)
    copy(source, target)
    again = copy(target, older, contents=True)
    assert (again.entries, again.entries_there) == (2, 70)
    assert content(older) == content(source)
    assert append(older, verdict("sha256:next")).number == 73


def test_restore__missing_and_damaged_files(source, target, copy):
    copy(source, target)
    whole = content(source)
    model, predictions, manifest = sha(b"1"), sha(b"p2"), ledger.read_entry(source, 2).body.manifest
    path_of(source, model).unlink()
    path_of(source, predictions).write_bytes(b"pX")
    path_of(source, manifest).write_bytes(b"{}")
    result = copy(target, source, contents=True)
    assert (result.files, result.replaced, result.faults) == (3, 1, [])
    verify_registry(source, contents=True)
    assert content(source) == whole


def test_restore__missing_entry_in_the_middle(source, target, copy):
    copy(source, target)
    whole = content(source)
    (source._base / "ledger" / "000000007.json").unlink()
    assert copy(target, source).entries == 1
    assert content(source) == whole


def test_backup__file_lost_from_the_registry(source, target, copy, tmp_path):
    """The rest is copied, and the fault is named, whether the backup has the file or not."""
    copy(source, target)
    path_of(source, sha(b"1")).unlink()
    known = copy(source, target)
    assert [fault.split("; ")[1] for fault in known.faults] == [f"{target.shown} has it"]
    fresh = FolderStore(tmp_path / "fresh", "model")
    lost = copy(source, fresh)
    assert len(lost.faults) == 1
    assert "`model.txt` of version 1 is missing" in lost.faults[0]
    assert (lost.entries, fresh.tail()) == (70, 70)


def test_backup__manifest_lost_from_the_registry(source, target, copy, tmp_path):
    digest = ledger.read_entry(source, 1).body.manifest
    copy(source, target)
    path_of(source, digest).unlink()
    assert [fault.split("; ")[-1] for fault in copy(source, target).faults] == [f"{target.shown} has it"]
    lost = copy(source, FolderStore(tmp_path / "fresh", "model"))
    assert [fault for fault in lost.faults if "the manifest of version 1 is missing" in fault] == lost.faults != []


@pytest.mark.parametrize("contents", [False, True])
def test_backup__target_of_another_history(source, target, copy, tmp_path, contents):
    promote_versions(target, tmp_path, 1)
    before = content(target)
    with pytest.raises(CorruptError, match=r"holds another history.*: entry 1 is not the same\. Nothing was written"):
        copy(source, target, contents=contents)
    assert content(target) == before


def test_backup__entry_of_the_target_altered(source, target, copy):
    copy(source, target)
    path = target._base / "ledger" / "000000004.json"
    path.write_bytes(path.read_bytes().replace(b'"ada"', b'"eve"'))
    with pytest.raises(CorruptError, match="entry 4 is not the same") as caught:
        copy(source, target)
    assert "`ledger/000000004.json`" in caught.value.remedy


def test_backup__checkpoint_of_another_history(source, target, copy):
    """The target's ledger is gone, and its checkpoint is not of this registry."""
    target._base.mkdir(parents=True)
    (target._base / "witness.json").write_bytes(canonical_json({"number": 3, "digest": "a" * 64}))
    with pytest.raises(CorruptError, match="entry 3 is not the same"):
        copy(source, target)


def test_restore__checkpoint_is_later_than_the_backup(source, target, copy):
    copy(source, target)
    append(source, verdict("sha256:late"))
    for path in (source._base / "ledger").iterdir():
        path.unlink()
    result = copy(target, source)
    assert result.entries == 70
    assert "once had entry 71" in result.faults[0]
    with pytest.raises(CorruptError, match="ends at entry 70, but entry 71 was there"):
        ledger.read_ledger_head(source)


def test_backup__of_a_damaged_ledger(source, target, copy):
    path = source._base / "ledger" / "000000004.json"
    path.write_bytes(path.read_bytes().replace(b'"ada"', b'"eve"'))
    with pytest.raises(CorruptError, match="entry 5 does not follow"):
        copy(source, target)
    assert target.tail() == 0


def test_restore__another_writer_appends_meanwhile(source, target, copy):
    class Busy(Dying):
        def append(self, number, entry):
            self.store.append(number, b"by another writer")
            return self.store.append(number, entry)

    with pytest.raises(OutsideError, match="another writer appended entry 1 meanwhile"):
        copy(source, Busy(target, 0, after=False))


@pytest.fixture
def project(tmp_path):
    """A repository with a version in its registry."""
    folder = repository(tmp_path / "project", 3)
    promote_versions(lifecycle.store(folder), tmp_path)
    return folder


def test_backup_command__round_trip(tmp_path, project):
    nothing = mlci("restore", tmp_path / "backup", cwd=project)
    assert (nothing.code, "has no entry" in nothing.err) == (4, True)
    done = mlci("backup", tmp_path / "backup", cwd=project)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("backed up 1 entry and 5 files (")
    (project / ".mlci/registry").rename(tmp_path / "lost")
    back = mlci("restore", tmp_path / "backup", "--json", cwd=project)
    assert (back.code, json.loads(back.out)["entries"]) == (0, 1)
    assert mlci("ledger", "verify", "--files", cwd=project).code == 0
    itself = mlci("backup", ".mlci/registry", cwd=project)
    assert (itself.code, "is the registry itself" in itself.err) == (2, True)


def test_backup_command__registry_is_older_than_its_backup(tmp_path, project):
    """A whole copy of an earlier state is in the registry's place."""
    assert mlci("backup", tmp_path / "backup", cwd=project).code == 0
    saved = (project / ".mlci/registry").rename(tmp_path / "saved")
    assert mlci("restore", tmp_path / "backup", cwd=project).code == 0
    append(lifecycle.store(project), verdict())
    assert mlci("backup", tmp_path / "backup", cwd=project).code == 0
    (project / ".mlci/registry").rename(tmp_path / "newer")
    saved.rename(project / ".mlci/registry")
    assert mlci("ledger", "verify", cwd=project).code == 0  # consistent in itself
    found = mlci("backup", tmp_path / "backup", cwd=project)
    assert found.code == 4
    assert "ends at entry 1, and its backup at entry 2" in found.err
    assert "brings entry 2 back" in found.err
    assert mlci("restore", tmp_path / "backup", cwd=project).code == 0
    assert mlci("backup", tmp_path / "backup", cwd=project).code == 0


def test_backup_command__address_of_no_registry(project):
    done = mlci("backup", "s4://bucket", cwd=project)
    assert (done.code, "'s4://bucket': must be" in done.err) == (2, True)


def test_backup_command__own_credentials():
    """`MLCI_BACKUP_…` reaches the backup's store alone."""
    found = copy_environment({"AWS_REGION": "a", "MLCI_BACKUP_AWS_REGION": "b", "HOME": "c"})
    assert (found["AWS_REGION"], found["HOME"]) == ("b", "c")
