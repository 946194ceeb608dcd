"""Removal of files: nothing that an entry names, and predictions only with an entry that says why."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from mlci.errors import OutsideError
from mlci.operations.recovery.copy_registry import CopyOptions, copy_registry
from mlci.operations.recovery.remove_files import find_removable, remove_files
from mlci.operations.registry import preflight
from mlci.operations.registry.rollback import roll_back
from mlci.recovery.retention import PredictionsOwner, RetentionPolicy
from mlci.registry import ledger, stored_files
from mlci.registry.errors import CorruptError, ErasedError
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from mlci.registry.verification import verify_registry
from tests.support.project import change, expected_change, mlci, run
from tests.support.registry import lifecycle
from tests.support.registry.histories import promote_versions, promotion, sha, stamp, version, waiver
from tests.support.registry.lifecycle import champion, promote_run, repository
from tests.support.repository import commit

NOW = datetime.now(UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def store(tmp_path):
    """Three versions."""
    store = FolderStore(tmp_path / "registry", "model")
    promote_versions(store, tmp_path, 3)
    return store


def put(store, folder, data, *, days=0.0):
    """Store a file that was written some days ago."""
    (folder / "loose").write_bytes(data)
    store.put(folder / "loose", sha(data))
    at = (NOW - timedelta(days=days)).timestamp()
    os.utime(path_of(store, sha(data)), (at, at))
    return sha(data)


def path_of(store, digest):
    return store._base / "files" / digest[:2] / digest


def of_version(number):
    return lambda owners, _: {owner.version for owner in owners} == {number}


def none(*_):
    return False


def collect(store, *, expired=none, apply=True, after=WEEK):
    registry = Registry(store, stamp())
    found = find_removable(registry, now=NOW, unused_after=after, expired=expired)
    if apply:
        remove_files(registry, found, reason="request 4711", now=NOW)
    return found


def digests(store):
    return {file.digest for file in store.files()}


def test_gc__unused_files_older_than_the_limit(store, tmp_path):
    whole = digests(store)
    old, recent = put(store, tmp_path, b"old", days=8), put(store, tmp_path, b"recent", days=6)
    listed = collect(store, apply=False)
    assert ([file.digest for file in listed.unused], listed.recent, listed.named) == ([old], 1, len(whole))
    assert digests(store) == {*whole, old, recent}
    collect(store)
    assert digests(store) == {*whole, recent}
    verify_registry(store, contents=True)
    assert store.tail() == 3  # no entry is needed for what no entry names


def test_gc__files_that_a_document_of_another_kind_names(store, tmp_path):
    """A digest in an entry, and digests in the document of that digest, count as named whatever the kind is."""
    inner = put(store, tmp_path, b"inner", days=99)
    document = put(store, tmp_path, json.dumps({"parts": [inner]}).encode(), days=99)
    Registry(store, stamp()).append(lambda _: waiver(head=document))
    assert collect(store).unused == ()
    backup = FolderStore(tmp_path / "backup", "model")
    copy_registry(store, backup, CopyOptions(scratch=tmp_path, contents=False, say=print))
    assert backup.holds(document)


def test_gc__manifest_lost(store):
    """Files that it names would look unused."""
    path_of(store, ledger.read_entry(store, 1).body.manifest).unlink()
    before = digests(store)
    with pytest.raises(CorruptError, match="the manifest of version 1 is missing"):
        collect(store, after=timedelta(0))
    assert digests(store) == before


def test_gc__named_by_an_entry_that_comes_in_between(store, tmp_path):
    manifest = version(store, tmp_path, 4)
    old = (NOW - timedelta(days=30)).timestamp()
    for digest in digests(store):
        os.utime(path_of(store, digest), (old, old))
    registry = Registry(store, stamp())
    found = find_removable(registry, now=NOW, unused_after=WEEK, expired=none)
    assert manifest in {file.digest for file in found.unused}
    promoted = Registry(Watched(store), stamp())

    class Busy(Watched):
        """A store in which another writer promotes right after the first look."""

        def tail(self):
            number = store.tail()
            if number == 3:
                promoted.append(lambda state: promotion(state).model_copy(update={"manifest": manifest}))
            return number

    remove_files(Registry(Busy(store), stamp()), found, reason="x", now=NOW)
    verify_registry(store, contents=True)


class Watched:
    """A store that passes everything on."""

    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        return getattr(self.store, name)

    def files(self):
        return self.store.files()

    def delete_file(self, digest):
        return self.store.delete_file(digest)


def test_erase__predictions_of_a_version(store, tmp_path):
    before = list(store.read_to(3))
    found = collect(store, expired=of_version(2))
    assert [file.digest for file in found.expired] == [sha(b"p2")]
    assert not store.holds(sha(b"p2"))
    assert list(store.read_to(3)) == before
    body = ledger.read_entry(store, 4).body
    assert (body.digests, body.reason, body.earlier) == ((sha(b"p2"),), "request 4711", None)
    audit = verify_registry(store, contents=True)
    assert audit.erased == 1
    assert [item.message for item in audit.findings] == [
        "1 file erased on 2026-05-01T10:00:00+00:00 by ada (entry 4): request 4711"
    ]
    collect(store, expired=of_version(1))
    assert ledger.read_entry(store, 5).body.earlier == 4
    view = Registry(store).view()
    assert {sha(b"p1"): 5, sha(b"p2"): 4} == {digest: item.entry for digest, item in view.erasures.items()}
    assert preflight.check_registry(view, now=stamp().now(), despite=None).wrong == ()
    assert roll_back(Registry(store, stamp()), to=2, reason="it drifts").version == 2
    promote_versions(store, tmp_path, 1)
    verify_registry(store, contents=True)


def test_erase__message_of_a_missing_file(store, tmp_path):
    collect(store, expired=of_version(2))
    file = Registry(store).view().version(2).manifest.predictions.file
    with pytest.raises(ErasedError, match=r"`predictions.csv` of version 2 was erased on .* by ada .*: request 4711"):
        stored_files.fetch_file(store, file, tmp_path / "got", of="version 2")
    path_of(store, sha(b"2")).unlink()
    with pytest.raises(CorruptError, match=r"`model.txt` of version 2 is missing"):
        verify_registry(store, contents=False)


def test_erase__stored_again_and_lost(store, tmp_path):
    """A later version has the same predictions; they are not erased any more."""
    collect(store, expired=of_version(1))
    (tmp_path / "loose").write_bytes(b"p1")
    store.put(tmp_path / "loose", sha(b"p1"))
    manifest = Registry(store).view().version(1).manifest
    described = manifest.model_copy(update={"version": 4}).model_dump_json(by_alias=True)
    digest = stored_files.describe(store, json.dumps(json.loads(described), sort_keys=True).encode())
    Registry(store, stamp()).append(lambda state: promotion(state).model_copy(update={"manifest": digest}))
    assert verify_registry(store, contents=True).erased == 0
    path_of(store, sha(b"p1")).unlink()
    with pytest.raises(CorruptError, match="version 4"):
        verify_registry(store, contents=True)


def test_erase__killed_before_the_file_is_deleted(store):
    class Dying(Watched):
        def delete_file(self, digest):
            raise KeyboardInterrupt(digest)

    with pytest.raises(KeyboardInterrupt):
        collect(Dying(store), expired=of_version(1))
    assert store.holds(sha(b"p1"))
    found = collect(store, expired=of_version(1))
    assert ([file.digest for file in found.unfinished], found.expired) == ([sha(b"p1")], ())
    assert (store.holds(sha(b"p1")), store.tail()) == (False, 4)


def test_erase__decision_in_between(store):
    registry = Registry(store, stamp())
    found = find_removable(registry, now=NOW, unused_after=None, expired=of_version(1))
    roll_back(Registry(store, stamp()), to=1, reason="back")
    with pytest.raises(OutsideError, match="a decision came in between"):
        remove_files(registry, found, reason="x", now=NOW)
    assert store.holds(sha(b"p1"))


def test_backup__erasure_reaches_the_backup_and_does_not_come_back(store, tmp_path):
    def copy(source, target):
        return copy_registry(source, target, CopyOptions(scratch=tmp_path, contents=True, say=print))

    older, backup = (FolderStore(tmp_path / name, "model") for name in ("older", "backup"))
    copy(store, older)
    copy(store, backup)
    collect(store, expired=of_version(1))
    assert copy(store, backup).erased == 1
    assert not backup.holds(sha(b"p1"))
    verify_registry(backup, contents=True)
    fresh = FolderStore(tmp_path / "fresh", "model")
    assert copy(backup, fresh).faults == []
    verify_registry(fresh, contents=True)
    assert copy(older, store).erased == 1  # from a backup that was made before the erasure
    assert not store.holds(sha(b"p1"))


@pytest.mark.parametrize(
    ("policy", "owners", "expired"),
    [
        (RetentionPolicy(versions=2), [(3, 0)], False),
        (RetentionPolicy(versions=2), [(2, 0)], True),
        (RetentionPolicy(versions=2), [(2, 0), (3, 0)], False),
        (RetentionPolicy(days=30), [(4, 31)], True),
        (RetentionPolicy(days=30), [(4, 30)], False),
        (RetentionPolicy(days=30), [(1, 400)], False),  # in production
        (RetentionPolicy(versions=2, days=30), [(3, 31)], True),
        (RetentionPolicy(versions=2, days=30), [(3, 29)], False),
    ],
)
def test_retention__has_expired(policy, owners, expired):
    found = [PredictionsOwner(version=number, days=days) for number, days in owners]
    assert policy.has_expired(found, newest=4, champion=1) is expired


def test_gc_command__retention(tmp_path):
    project = repository(tmp_path / "project", 3, more="retention: {versions: 1}\n")
    store = lifecycle.store(project)
    promote_versions(store, tmp_path, 2)
    dry = mlci("registry", "gc", cwd=project)
    assert (dry.code, dry.out.splitlines()[0]) == (
        0,
        "would remove 0 unused files and 1 file of predictions (2 bytes); 7 files stay",
    )
    assert store.holds(sha(b"p1"))
    done = mlci("registry", "gc", "--apply", "--json", cwd=project)
    assert (done.code, [file["digest"] for file in done.report["predictions"]]) == (0, [sha(b"p1")])
    shown = mlci("show", 1, cwd=project).out
    assert "predictions.csv was erased on" in shown
    assert "retention: predictions are kept for the newest version" in shown
    assert "1 file erased on purpose" in mlci("ledger", "verify", "--files", cwd=project).out
    assert "erased 1 file: retention" in mlci("ledger", "log", cwd=project).out
    for wrong in (("erase", "2", "--reason", "x"), ("erase", "7", "--reason", "x"), ("gc", "--older-than", "5m")):
        assert mlci("registry", *wrong, cwd=project).code == 2


def test_run__against_a_version_with_erased_predictions(tmp_path):
    """Its own model scores the rows, as it does when the evaluation set moves."""
    project = champion(tmp_path / "project", 3)
    commit(project, {"k.txt": "2"})
    assert promote_run(project) == 2
    assert mlci("registry", "erase", 1, "--reason", "request 4711", cwd=project).code == 0
    assert mlci("rollback", "--reason", "it drifts", cwd=project).code == 0
    ended = run(project)
    assert (ended.code, ended.report["baseline"]["version"]) == (0, "1")
    assert change(ended) == expected_change(3, 2)
    assert any("were erased" in note for note in ended.report["notes"])
