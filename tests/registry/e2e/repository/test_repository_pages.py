"""Long ledgers: read as one archive, or entry by entry if that fails."""

import io
import tarfile

import pytest

from mlci.errors import OutsideError
from mlci.registry import entries, ledger, verification
from mlci.registry.errors import CorruptError
from mlci.registry.stores.github.ledger_branch import FEW, unpack_archive
from tests.registry.e2e.repository.place import BRANCH, WHO, hasty

COUNT = 14


@pytest.fixture
def filled(fresh):
    return fresh(COUNT)


def archives(place):
    return [line for line in place.asked() if "/tarball/" in line]


def test_read_to__archive_costs_few_requests(filled):
    written = list(ledger.iter_all(filled.store()))
    assert [entry.number for entry in written] == list(range(1, COUNT + 1))
    assert len(filled.asked()) == 5
    assert archives(filled) == [f"GET /tarball/{filled.git('rev-parse', BRANCH)}"]


def test_read__archive_after_the_first_few_entries(filled):
    store = filled.store()
    assert all(store.read(number) for number in range(1, COUNT + 1))
    assert len([line for line in filled.asked() if "/contents/" in line]) == FEW
    assert len(archives(filled)) == 1


def test_read_to__one_archive_for_each_commit(filled):
    filled.edit(lambda clone: (clone / ".gitattributes").write_text("ledger/* export-ignore\n"))
    store = filled.store()
    for _ in range(2):
        assert len(list(ledger.iter_all(store))) == COUNT
    assert len(archives(filled)) == 1
    filled.store().append(COUNT + 1, b"x")
    assert store.tail() == COUNT + 1
    assert list(store.read_to(COUNT + 1))[-1] == b"x"
    assert len(archives(filled)) == 2


def test_read_to__few_entries_without_an_archive(filled):
    store = filled.store()
    store.tail()
    assert len(list(store.read_to(FEW))) == FEW
    assert archives(filled) == []


def test_read_to__short_ledger_without_an_archive(fresh):
    place = fresh(FEW)
    assert verification.verify_ledger(place.store()).entries == FEW
    assert archives(place) == []


def test_append__entries_read_before_stay_cached(filled):
    store = filled.store()
    list(ledger.iter_all(store))
    before = len(filled.asked())
    store.append(COUNT + 1, b"x")
    assert all(store.read(number) for number in range(1, COUNT + 2))
    assert len(filled.asked()) == before + 3


@pytest.mark.parametrize(
    "fault",
    [{"status": 404}, {"status": 500}, {"kind": "drop"}, {"kind": "status", "status": 403}],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_read_to__archive_unavailable(filled, fault):
    filled.fake.fail("GET", "/tarball/*", times=0, **fault)
    store = filled.store(patience=hasty())
    assert len(list(ledger.iter_all(store))) == COUNT
    filled.fake.forget_requests()
    assert len(list(ledger.iter_all(store))) == COUNT
    assert archives(filled) == []  # not asked for again


@pytest.mark.parametrize("data", [b"", b"no archive", b"\x1f\x8b" + b"x" * 100], ids=["empty", "other", "broken"])
def test_read_to__invalid_archive(filled, data, monkeypatch):
    from tests.fake_github.served import contents  # noqa: PLC0415 - patched here alone

    monkeypatch.setattr(contents.storage, "address", lambda base, _: f"{base}/results/planted?sig=fake-signature")
    filled.fake.state.blobs["planted"] = data
    assert len(list(ledger.iter_all(filled.store(patience=hasty())))) == COUNT


def test_read_to__entry_excluded_from_archives(filled):
    """`.gitattributes` can exclude files from git's archives; mlci reads them one by one."""
    filled.edit(lambda clone: (clone / ".gitattributes").write_text("ledger/000000011.json export-ignore\n"))
    assert [entry.number for entry in ledger.iter_all(filled.store())] == list(range(1, COUNT + 1))


def test_read_to__entry_changed_by_archives(filled):
    filled.edit(lambda clone: (clone / ".gitattributes").write_text("ledger/* export-subst\n"))
    assert len(list(ledger.iter_all(filled.store()))) == COUNT

    def change(clone):
        (clone / filled.entry(COUNT + 1)).write_text('{"actor":"$Format:%H$"}')

    filled.edit(change)
    with pytest.raises(CorruptError, match=f"entry {COUNT + 1} is damaged"):
        list(ledger.iter_all(filled.store()))


def packed(*members, mode="w:gz"):
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
    data = packed(
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
    monkeypatch.setattr("mlci.registry.stores.github.ledger_branch._MOST", 3_000)
    file = tarfile.REGTYPE
    names = [f"root/ledger/{number:09d}.json" for number in range(1, 10)]
    (tmp_path / "a.tar.gz").write_bytes(packed(*((name, b"x" * 1_000, file) for name in names)))
    assert list(dict(unpack_archive(tmp_path / "a.tar.gz"))) == [1]


def test_unpack_archive__truncated(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(packed(("root/ledger/000000001.json", b"x" * 9_000, tarfile.REGTYPE))[:60])
    with pytest.raises((tarfile.TarError, EOFError)):
        dict(unpack_archive(tmp_path / "a.tar.gz"))


def test_read_to__branch_unreadable(filled):
    filled.fake.fail("GET", "/contents/*", times=0)
    store = filled.store(patience=hasty())
    with pytest.raises(OutsideError):
        list(ledger.iter_all(store))


def test_read_to__archive_of_the_same_commit(filled):
    store = filled.store()
    assert store.tail() == COUNT
    at = filled.git("rev-parse", BRANCH)
    tree = filled.git("rev-parse", f"{BRANCH}^{{tree}}")
    filled.git("update-ref", BRANCH, filled.git(*WHO, "commit-tree", tree, "-p", at, "-m", "a note"))
    assert all(store.read(number) for number in range(1, COUNT + 1))
    assert archives(filled) == [f"GET /tarball/{at}"]
