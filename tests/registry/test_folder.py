"""A registry in a folder: the store's contract, foreign files, failures of the disk, and writers that are killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlci.errors import OutsideError
from mlci.registry import ledger, stored_files
from mlci.registry.errors import CorruptError
from mlci.registry.manifest import VersionFile
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from mlci.util import safe_files
from tests.support.registry.contract import Contract
from tests.support.registry.histories import sha, stamp, verdict

ROOT = Path(__file__).parents[2]
DIGEST = "ab" * 32


@pytest.fixture(autouse=True)
def flushed(monkeypatch):
    """No test cuts the power; when and what is flushed, one of them checks."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def store_factory(tmp_path):
    return lambda model="model": FolderStore(tmp_path / "registry", model)


@pytest.fixture(scope="module")
def writer():
    """Asks :mod:`tests.support.registry.writer`."""
    command = [sys.executable, "-m", "tests.support.registry.writer"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:

        def ask(**asked):
            process.stdin.write(
                json.dumps({name: str(v) if name == "folder" else v for name, v in asked.items()}) + "\n"
            )
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.fixture
def damage_checkpoint():
    return lambda store, data: (Path(store.shown) / "witness.json").write_bytes(data)


@pytest.fixture
def alter():
    return lambda store, number, data: (Path(store.shown) / f"ledger/{number:09d}.json").write_bytes(data)


@pytest.fixture
def spoil():
    def change(store, digest, data):
        path = Path(store.shown) / "files" / digest[:2] / digest
        path.unlink() if data is None else path.write_bytes(data)

    return change


class TestContract(Contract):
    def test_append_entry__many_writers(self, store_factory, writer, tmp_path):
        """The writers are separate processes."""
        assert writer(folder=tmp_path / "registry", writers=self.writers) == [0] * self.writers
        written = list(ledger.iter_all(store_factory()))
        assert sorted(int(entry.by.actor) for entry in written) == list(range(self.writers))
        self.holds_all(store_factory(), written)


class TestExistingFiles:
    @pytest.mark.parametrize("damaged", [b"", b"modeX", b"model and more"])
    def test_put__repairs_a_damaged_file(self, store_factory, tmp_path, damaged):
        """The size alone does not show every damage."""
        (tmp_path / "f").write_bytes(b"model")
        store_factory().put(tmp_path / "f", sha(b"model"))
        next(Path(store_factory().shown).rglob(sha(b"model"))).write_bytes(damaged)
        store_factory().put(tmp_path / "f", sha(b"model"))
        assert store_factory().get(sha(b"model"), tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == b"model"

    def test_describe__file_damaged_since(self, store_factory, tmp_path):
        store, data = store_factory(), b'{"a":1}'
        assert stored_files.describe(store, data) == stored_files.describe(store, data) == sha(data)
        next(Path(store.shown).rglob(sha(data))).write_bytes(b'{"a":2}')
        with pytest.raises(CorruptError, match="description to store was truncated or altered"):
            stored_files.describe(store, data)
        (tmp_path / "f").write_bytes(data)
        file = VersionFile(name="p.json", digest=sha(data), bytes=len(data))
        with pytest.raises(CorruptError, match=r"`p\.json` of version 3 was altered"):
            stored_files.put_verified(store, tmp_path / "f", file, of="version 3")


class TestLayout:
    def test_shown__is_the_folder_of_the_model(self, store_factory, tmp_path):
        assert store_factory().shown == str(tmp_path / "registry" / "model")

    def test_layout__readable_file_names(self, store_factory, tmp_path):
        store = store_factory()
        (tmp_path / "f").write_bytes(b"x")
        store.put(tmp_path / "f", sha(b"x"))
        Registry(store, stamp()).append(lambda _: verdict())
        found = {str(path.relative_to(store.shown)) for path in Path(store.shown).rglob("*") if path.is_file()}
        assert found == {"ledger/000000001.json", "witness.json", f"files/{sha(b'x')[:2]}/{sha(b'x')}"}

    def test_reads__create_no_file(self, store_factory, tmp_path):
        store = store_factory()
        (
            store.tail(),
            store.read_checkpoint(),
            store.read(1),
            store.holds("0" * 64),
            store.get("0" * 64, tmp_path / "got"),
        )
        assert list(tmp_path.iterdir()) == []

    def test_folder_store__root_is_a_link(self, tmp_path):
        (tmp_path / "share").mkdir()
        (tmp_path / "registry").symlink_to(tmp_path / "share")
        assert FolderStore(tmp_path / "registry", "model").append(1, b"x")
        assert (tmp_path / "share" / "model" / "ledger" / "000000001.json").read_bytes() == b"x"

    def test_tail__one_listing_for_many_entries(self, store_factory, monkeypatch):
        store = store_factory()
        store.append(1, b"x")
        for number in range(2, 2_001):
            (Path(store.shown) / "ledger" / f"{number:09d}.json").touch()
        listed = []
        monkeypatch.setattr(os, "listdir", lambda path, real=os.listdir: listed.append(path) or real(path))
        monkeypatch.setattr(os, "open", None)
        assert store.tail() == 2_000
        assert listed == [Path(store.shown) / "ledger"]

    @pytest.mark.parametrize("name", [".DS_Store", "1.json", "0000000002.json", "000000000.json", "000000002.json~"])
    def test_tail__other_files_in_the_ledger(self, store_factory, name):
        store = store_factory()
        store.append(1, b"x")
        (Path(store.shown) / "ledger" / name).write_bytes(b"")
        assert store.tail() == 1

    def test_read__oversized_entry(self, store_factory):
        store = store_factory()
        store.append(1, b"x")
        (Path(store.shown) / "ledger" / "000000001.json").write_bytes(b" " * 10_000_000)
        assert len(store.read(1)) == 256 * 1024 + 1
        with pytest.raises(CorruptError, match="entry 1 has"):
            ledger.read_ledger_head(store)


class TestForeignFiles:
    """Links and other things inside of a registry are refused by name, and never followed."""

    @pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe"])
    @pytest.mark.parametrize("where", ["ledger/000000001.json", "witness.json", f"files/{'0' * 2}/{'0' * 64}"])
    def test_read__foreign_file(self, store_factory, tmp_path, kind, where):
        store = store_factory()
        store.append(2, b"x")
        path = Path(store.shown) / where
        path.parent.mkdir(parents=True, exist_ok=True)
        self.plant(path, kind, tmp_path)
        look = {
            "l": lambda: store.read(1),
            "w": store.read_checkpoint,
            "f": lambda: store.get("0" * 64, tmp_path / "got"),
        }
        with pytest.raises(CorruptError, match=path.name):
            look[where[0]]()
        assert not (tmp_path / "got").exists()

    @pytest.mark.parametrize("kind", ["link", "dangling", "pipe"])
    @pytest.mark.parametrize("where", [".", "ledger", "tmp"])
    def test_append__foreign_folder(self, store_factory, tmp_path, kind, where):
        store = store_factory()
        path = Path(store.shown) / where
        path.parent.mkdir(parents=True, exist_ok=True)
        self.plant(path, kind, tmp_path)
        with pytest.raises(CorruptError, match=path.name):
            store.append(1, b"x")
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_append__number_is_a_link(self, store_factory, tmp_path):
        store = store_factory()
        store.append(1, b"x")
        (Path(store.shown) / "ledger" / "000000002.json").symlink_to(tmp_path / "victim")
        with pytest.raises(CorruptError, match="symbolic link"):
            store.append(2, b"x")
        assert not (tmp_path / "victim").exists()

    @pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
    @pytest.mark.parametrize("name", ["ledger/000000002.json", "witness.json", f"files/{DIGEST[:2]}/{DIGEST}"])
    def test_foreign_file__remedy_names_the_path(self, store_factory, tmp_path, kind, name):
        """In place of the next entry, the checkpoint or a version's file: removing it helps, a roll-back does not."""
        store = store_factory()
        read = {
            "l": ledger.read_ledger_head,
            "w": FolderStore.read_checkpoint,
            "f": lambda store: store.get(DIGEST, tmp_path / "got"),
        }
        store.append(1, b"x")
        path = Path(store.shown) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.plant(path, kind, tmp_path)
        with pytest.raises(CorruptError, match=re.escape(str(path))) as caught:
            read[name[0]](store)
        assert caught.value.remedy.startswith(f"Remove `{path}`; ")
        assert "roll" not in caught.value.remedy

    def plant(self, path, kind, tmp_path):
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        if kind == "link":
            path.symlink_to(tmp_path / "elsewhere")
        elif kind == "dangling":
            path.symlink_to(tmp_path / "nothing")
        elif kind == "folder":
            path.mkdir()
        else:
            os.mkfifo(path)


class TestFailures:
    def test_folder_store__path_is_a_file(self, tmp_path):
        (tmp_path / "registry").write_bytes(b"")
        with pytest.raises(CorruptError, match="registry is not a folder"):
            FolderStore(tmp_path / "registry", "model").tail()

    def test_append__disk_full(self, store_factory, monkeypatch):
        store = store_factory()
        store.append(1, b"x")

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OutsideError, match="could not write entry 2: No space left on device"):
            store.append(2, b"x")
        assert list((Path(store.shown) / "tmp").iterdir()) == []

    def test_append__file_system_without_hard_links(self, store_factory, monkeypatch):
        def refused(*_args, **_named):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refused)
        with pytest.raises(OutsideError, match="has no hard links"):
            store_factory().append(1, b"x")

    def test_append__removes_leftovers_after_a_day(self, store_factory):
        store = store_factory()
        store.append(1, b"x")
        old, new, other = (Path(store.shown) / "tmp" / name for name in ("tmp-1-a", "tmp-2-b", "note"))
        for path, age in ((old, 90_000), (new, 80_000), (other, 90_000)):
            path.write_bytes(b"half")
            os.utime(path, (time.time() - age,) * 2)
        store.append(2, b"x")
        assert not old.exists()
        assert new.exists()
        assert other.exists()

    def test_append__flushes_bytes_before_the_name_and_the_folder(self, store_factory, monkeypatch):
        store, done = store_factory(), []
        store.append(1, b"x")
        for name in ("write", "fsync", "link"):
            real = getattr(os, name)
            monkeypatch.setattr(os, name, lambda *a, n=name, r=real, **k: done.append(n) or r(*a, **k))
        store.append(2, b"x")
        assert done[:3] == ["write", "fsync", "link"]
        assert set(done[3:]) == {"fsync"}


def moments(changes):
    """Yield every moment that leaves another disk: before each change, in the middle of a write, and after the last.

    After a change and before the next one the disk is the same, and flushing changes nothing that a kill could lose.
    """
    for place, name in enumerate(changes):
        if name != "fsync":
            yield place, "before"
        if name == "write":
            yield place, "after"  # with half of the bytes
    yield len(changes) - 1, "after"


class TestKilledWriters:
    """A writer killed at each of its changes to the disk: the old state or the new one, and on it goes."""

    def test_append__killed_at_every_change(self, writer, tmp_path):
        whole = writer(folder=tmp_path / "whole", kill=None)
        assert whole["code"] == 0
        changes = whole["changes"]
        assert set(changes) >= {"mkdir", "open", "write", "fsync", "link", "replace", "unlink"}
        found = {self.killed(writer, tmp_path / f"{place}-{when}", [place, when]) for place, when in moments(changes)}
        assert found == {(False, False), (True, False), (True, True)}

    def killed(self, writer, folder, kill):
        assert writer(folder=folder, kill=kill)["code"] == -signal.SIGKILL, kill
        store = FolderStore(folder / "registry", "model")
        data = (folder / "model.bin").read_bytes()
        written = ledger.read_ledger_head(store).number  # compares newest entry, chain end and checkpoint
        kept = store.holds(sha(data))
        assert written in (0, 1)
        assert len(list(ledger.iter_all(store))) == written
        assert kept or not written  # no entry without its file
        if kept:
            assert store.get(sha(data), folder / "got")
            assert (folder / "got").read_bytes() == data
        assert writer(folder=folder, kill=None)["code"] == 0
        assert ledger.read_ledger_head(store).number == 1 + written
        assert store.read_checkpoint().number == 1 + written
        assert safe_files.size_or_none(Path(store.shown) / "files" / sha(data)[:2] / sha(data)) == len(data)
        return kept, bool(written)
