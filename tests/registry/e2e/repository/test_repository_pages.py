"""Long ledgers: read as one archive, or entry by entry if that fails."""

import io
import tarfile

import pytest

from mlci.errors import OutsideError
from mlci.registry import entries, ledger, verification
from mlci.registry.errors import CorruptError
from mlci.registry.stores.github_ledger_branch import FEW, unpack_archive
from tests.registry.e2e.repository.place import BRANCH, WHO, hasty

COUNT = 14


@pytest.fixture
def long_ledger(fresh):
    return fresh(COUNT)


def archives(place):
    return [line for line in place.asked() if "/tarball/" in line]


def test_read_to__archive_costs_few_requests(long_ledger):
    written = list(ledger.iter_all(long_ledger.store()))
    assert [entry.number for entry in written] == list(range(1, COUNT + 1))
    assert len(long_ledger.asked()) == 5
    assert archives(long_ledger) == [f"GET /tarball/{long_ledger.git('rev-parse', BRANCH)}"]


def test_read__archive_after_the_first_few_entries(long_ledger):
    store = long_ledger.store()
    assert all(store.read(number) for number in range(1, COUNT + 1))
    assert len([line for line in long_ledger.asked() if "/contents/" in line]) == FEW
    assert len(archives(long_ledger)) == 1


def test_read_to__one_archive_for_each_commit(long_ledger):
    long_ledger.edit(lambda clone: (clone / ".gitattributes").write_text("ledger/* export-ignore\n"))
    store = long_ledger.store()
    for _ in range(2):
        assert len(list(ledger.iter_all(store))) == COUNT
    assert len(archives(long_ledger)) == 1
    long_ledger.store().append(COUNT + 1, b"x")
    assert store.tail() == COUNT + 1
    assert list(store.read_to(COUNT + 1))[-1] == b"x"
    assert len(archives(long_ledger)) == 2


def test_read_to__few_entries_without_an_archive(long_ledger):
    store = long_ledger.store()
    store.tail()
    assert len(list(store.read_to(FEW))) == FEW
    assert archives(long_ledger) == []


def test_read_to__short_ledger_without_an_archive(fresh):
    place = fresh(FEW)
    assert verification.verify_ledger(place.store()).entries == FEW
    assert archives(place) == []


def test_append__entries_read_before_stay_cached(long_ledger):
    store = long_ledger.store()
    list(ledger.iter_all(store))
    before = len(long_ledger.asked())
    store.append(COUNT + 1, b"x")
    assert all(store.read(number) for number in range(1, COUNT + 2))
    assert len(long_ledger.asked()) == before + 3


@pytest.mark.parametrize(
    "fault",
    [{"status": 404}, {"status": 500}, {"kind": "drop"}, {"kind": "status", "status": 403}],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_read_to__archive_unavailable(long_ledger, fault):
    long_ledger.fake.fail("GET", "/tarball/*", times=0, **fault)
    store = long_ledger.store(patience=hasty())
    assert len(list(ledger.iter_all(store))) == COUNT
    long_ledger.fake.forget_requests()
    assert len(list(ledger.iter_all(store))) == COUNT
    assert archives(long_ledger) == []  # not asked for again


@pytest.mark.parametrize("data", [b"", b"no archive", b"\x1f\x8b" + b"x" * 100], ids=["empty", "other", "broken"])
def test_read_to__invalid_archive(long_ledger, data, monkeypatch):
    from tests.fake_github.served import contents  # noqa: PLC0415 - patched here alone

    monkeypatch.setattr(contents.storage, "address", lambda base, _: f"{base}/results/planted?sig=fake-signature")
    long_ledger.fake.state.blobs["planted"] = data
    assert len(list(ledger.iter_all(long_ledger.store(patience=hasty())))) == COUNT


def test_read_to__entry_excluded_from_archives(long_ledger):
    """`.gitattributes` can exclude files from git's archives; mlci reads them one by one."""
    long_ledger.edit(lambda clone: (clone / ".gitattributes").write_text("ledger/000000011.json export-ignore\n"))
    assert [entry.number for entry in ledger.iter_all(long_ledger.store())] == list(range(1, COUNT + 1))


def test_read_to__entry_changed_by_archives(long_ledger):
    long_ledger.edit(lambda clone: (clone / ".gitattributes").write_text("ledger/* export-subst\n"))
    assert len(list(ledger.iter_all(long_ledger.store()))) == COUNT

    def change(clone):
        (clone / long_ledger.entry(COUNT + 1)).write_text('{"actor":"$Format:%H$"}')

    long_ledger.edit(change)
    with pytest.raises(CorruptError, match=f"entry {COUNT + 1} is damaged"):
        list(ledger.iter_all(long_ledger.store()))


def pack_archive(*members, mode="w:gz"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, data, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(data)
            info.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def test_unpack_archive__entries_only(tmp_path):
    file = tarfile.REGTYPE
    data = pack_archive(
        ("root/ledger/000000001.json", b"one", file),
        ("root/ledger/000000002.json", b"", tarfile.SYMTYPE),
        ("root/ledger/000000003.json", b"x" * (entries.MOST_BYTES + 1), file),
        ("root/../ledger/000000004.json", b"x", file),
        ("/ledger/000000005.json", b"five", file),
        ("root/ledger/6.json", b"x", file),
        ("root/README.md", b"x", file),
        ("root/ledger/000000007.json/x", b"x", file),
    )
    (tmp_path / "a.tar.gz").write_bytes(data)
    assert dict(unpack_archive(tmp_path / "a.tar.gz")) == {1: b"one", 5: b"five"}


def test_unpack_archive__size_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("mlci.registry.stores.github_ledger_branch._MOST", 3_000)
    file = tarfile.REGTYPE
    names = [f"root/ledger/{number:09d}.json" for number in range(1, 10)]
    (tmp_path / "a.tar.gz").write_bytes(pack_archive(*((name, b"x" * 1_000, file) for name in names)))
    assert list(dict(unpack_archive(tmp_path / "a.tar.gz"))) == [1]


def test_unpack_archive__truncated(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(
        pack_archive(("root/ledger/000000001.json", b"x" * 9_000, tarfile.REGTYPE))[:60]
    )
    with pytest.raises((tarfile.TarError, EOFError)):
        dict(unpack_archive(tmp_path / "a.tar.gz"))


def test_read_to__branch_unreadable(long_ledger):
    long_ledger.fake.fail("GET", "/contents/*", times=0)
    store = long_ledger.store(patience=hasty())
    with pytest.raises(OutsideError):
        list(ledger.iter_all(store))


def test_read_to__archive_of_the_same_commit(long_ledger):
    store = long_ledger.store()
    assert store.tail() == COUNT
    at = long_ledger.git("rev-parse", BRANCH)
    tree = long_ledger.git("rev-parse", f"{BRANCH}^{{tree}}")
    long_ledger.git("update-ref", BRANCH, long_ledger.git(*WHO, "commit-tree", tree, "-p", at, "-m", "a note"))
    assert all(store.read(number) for number in range(1, COUNT + 1))
    assert archives(long_ledger) == [f"GET /tarball/{at}"]
