"""Files as release assets: whole, verified, separate from the project's releases, and within GitHub's limits."""

import hashlib
import os

import pytest

from mlci.errors import OutsideError
from mlci.github.file_transfer import allowed_upload
from mlci.github.transport import Access
from mlci.registry.stores.github_store import RepositoryStore
from tests.registry.e2e.repository.place import hasty
from tests.support.registry.histories import sha

DATA = b"model " * 5_000


@pytest.fixture
def source(tmp_path):
    (tmp_path / "model.bin").write_bytes(DATA)
    return tmp_path / "model.bin"


def download(store, tmp_path, digest=None):
    got = tmp_path / "got"
    got.unlink(missing_ok=True)
    return got.read_bytes() if store.get(digest or sha(DATA), got) else None


def leftover(place, digest, release):
    """Add the asset that is left of a broken upload ("Upload a release asset", *This may leave an empty asset*)."""
    return place.fake.state.add(
        "assets",
        repo=place.fake.repo["id"],
        release=release,
        name=digest,
        label=None,
        content_type="application/octet-stream",
        size=0,
        state="open",
        digest=None,
        uploader="github-actions[bot]",
        downloads=0,
    )


def release_of(place, source, tmp_path):
    """The id of a release that is there because something was uploaded to it."""
    (tmp_path / "first").write_bytes(b"first")
    place.store().put(tmp_path / "first", sha(b"first"))
    return place.asset(sha(b"first"))["release"]


def test_put__latest_release_of_the_project_is_kept(place, source):
    main = place.git("rev-parse", "refs/heads/main")
    own = place.fake.state.add(
        "releases",
        repo=place.fake.repo["id"],
        tag_name="v1.0.0",
        target_commitish="main",
        name="v1",
        body=None,
        draft=False,
        prerelease=False,
        author="octocat",
        published_at="2026-01-01T00:00:00Z",
    )
    place.store().put(source, sha(DATA))
    (made,) = (row for row in place.fake.state.all("releases") if row is not own)
    assert (made["draft"], made["prerelease"], made["name"]) == (False, True, "mlci: files of model (1)")
    tag = place.git("rev-list", "refs/tags/mlci/model/files-1").split()
    assert len(tag) == 1
    assert tag != [main]
    assert place.git("ls-tree", "--name-only", tag[0]) == "README.md"


def test_put__asset_uploaded_once_under_its_digest(place, source):
    store = place.store()
    for _ in range(3):
        store.put(source, sha(DATA))
        place.store().put(source, sha(DATA))
    (row,) = place.fake.state.all("assets")
    assert (row["name"], row["size"], row["digest"]) == (sha(DATA), len(DATA), sha(DATA))


def test_put__leftover_of_a_broken_upload(place, source, tmp_path):
    leftover(place, sha(DATA), release_of(place, source, tmp_path))
    store = place.store(patience=hasty())
    assert not store.holds(sha(DATA))
    assert download(store, tmp_path) is None
    store.put(source, sha(DATA))
    assert download(place.store(), tmp_path) == DATA
    assert len(place.fake.state.all("assets", name=sha(DATA))) == 1


def test_put__another_writer_is_uploading(place, source, tmp_path):
    row = leftover(place, sha(DATA), release_of(place, source, tmp_path))
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            row.update(state="uploaded", size=len(DATA), digest=place.fake.state.keep(DATA))

    place.store(patience=hasty(sleep=wait)).put(source, sha(DATA))
    assert place.asset(sha(DATA)) is row
    assert not [line for line in place.asked() if line.startswith("DELETE")]


def test_put__altered_asset(place, source, tmp_path):
    place.store().put(source, sha(DATA))
    row = place.asset(sha(DATA))
    row.update(digest=place.fake.state.keep(DATA[:-1] + b"X"))
    store = place.store()
    assert not store.holds(sha(DATA))
    assert hashlib.sha256(download(store, tmp_path)).hexdigest() != sha(DATA)  # the caller checks, and names the file
    store.put(source, sha(DATA))
    assert place.store().holds(sha(DATA))
    assert download(place.store(), tmp_path) == DATA


def test_get__deleted_and_uploaded_again(place, source, tmp_path):
    store = place.store()
    store.put(source, sha(DATA))
    place.fake.state.remove("assets", place.asset(sha(DATA)))
    assert download(store, tmp_path) is None
    assert not place.store().holds(sha(DATA))
    place.store().put(source, sha(DATA))
    assert download(store, tmp_path) == DATA


def test_holds__asset_without_a_digest(place, source, tmp_path):
    place.store().put(source, sha(DATA))
    row = place.asset(sha(DATA))
    row.update(digest=None)
    assert place.store().holds(sha(DATA))
    place.store().put(source, sha(DATA))
    assert place.asset(sha(DATA)) is row
    row.update(size=len(DATA) - 1)
    assert place.store().holds(sha(DATA))
    assert not place.store().holds(sha(DATA), len(DATA))
    place.store().put(source, sha(DATA))
    assert place.asset(sha(DATA)) is not row


def full(place, release, count):
    for number in range(count):
        leftover(place, f"{number:064x}", release).update(state="uploaded", size=1)


@pytest.mark.parametrize("seen", [True, False], ids=["before", "meanwhile"])
def test_put__full_release(place, source, tmp_path, seen):
    release = release_of(place, source, tmp_path)
    store = place.store()
    if not seen:
        store.holds("f" * 64)  # lists the release as it is now
    full(place, release, 999)
    store.put(source, sha(DATA))
    assert place.asset(sha(DATA))["release"] != release
    tags = place.git("for-each-ref", "--format=%(refname)", "refs/tags/mlci").split()
    assert tags == ["refs/tags/mlci/model/files-1", "refs/tags/mlci/model/files-2"]
    assert download(place.store(), tmp_path) == DATA
    assert place.store().holds(sha(b"first"))
    assert place.store().holds(f"{998:064x}")


def test_get__release_deleted_by_the_user(place, source, tmp_path):
    release = release_of(place, source, tmp_path)
    full(place, release, 999)
    place.store().put(source, sha(DATA))
    state = place.fake.state
    for row in state.all("assets", release=release):
        state.remove("assets", row)
    state.remove("releases", state.one("releases", id=release))
    assert download(place.store(), tmp_path) == DATA
    assert not place.store().holds(sha(b"first"))
    place.git("update-ref", "-d", "refs/tags/mlci/model/files-1")
    assert download(place.store(), tmp_path) == DATA


def test_put__immutable_releases(place, source, tmp_path):
    release = release_of(place, source, tmp_path)
    place.fake.state.one("releases", id=release)["immutable"] = True
    with pytest.raises(OutsideError, match=r"release immutability\* of the repository is on"):
        place.store().put(source, sha(DATA))
    assert place.store().holds(sha(b"first"))


def test_put__models_with_a_common_prefix(place, source, tmp_path):
    place.store("model").put(source, sha(DATA))
    place.store("model-2").put(source, sha(DATA))
    assert len(place.fake.state.all("assets")) == 2
    assert not place.store("mode").holds(sha(DATA))


def test_put__two_gigabytes(place, tmp_path):
    with (tmp_path / "huge").open("wb") as stream:
        stream.truncate(1 << 31)
    with pytest.raises(OutsideError, match=r"less than 2 GiB, and this one has 2,147,483,648 bytes; .*s3://"):
        place.store().put(tmp_path / "huge", "0" * 64)
    assert place.asked() == []


def test_get__token_is_not_sent_to_the_storage(place, source, tmp_path):
    """The fake's storage, like GitHub's, refuses requests with a token."""
    place.store().put(source, sha(DATA))
    assert download(place.store(), tmp_path) == DATA


@pytest.mark.parametrize(
    ("api", "upload", "good"),
    [
        ("https://api.github.com", "https://uploads.github.com/repos/o/r/releases/1/assets", True),
        ("https://api.acme.ghe.com", "https://uploads.acme.ghe.com/x", True),
        ("https://git.acme.example/api/v3", "https://git.acme.example/api/uploads/x", True),
        ("https://api.github.com", "https://uploads.github.com.evil.example/x", False),
        ("https://api.github.com", "http://uploads.github.com/x", False),
        ("https://api.github.com", "https://uploads.github.com@evil.example/x", False),
        ("https://git.acme.example/api/v3", "https://uploads.github.com/x", False),
    ],
)
def test_allowed_upload__github_hosts_only(api, upload, good):
    assert allowed_upload(api, upload) is good


def test_get__download_of_another_length(place, source, tmp_path):
    place.store().put(source, sha(DATA))
    digest = place.asset(sha(DATA))["digest"]
    for data, words in [(DATA[:-1], "broke off after 29,999 of 30,000"), (DATA + b"x", "more than 30,000 bytes")]:
        place.fake.state.blobs[digest] = data
        with pytest.raises(OutsideError, match=words):
            download(place.store(patience=hasty()), tmp_path)
        assert not (tmp_path / "got").exists()
        assert not [name for name in os.listdir(tmp_path) if name.startswith("tmp-")]  # noqa: PTH208 - names alone


def test_get__storage_answers_404(place, source, tmp_path):
    place.store().put(source, sha(DATA))
    place.fake.state.blobs.clear()
    with pytest.raises(OutsideError, match="the host that stores it answered 404"):
        download(place.store(patience=hasty()), tmp_path)


def test_get__target_not_writable(place, source, tmp_path):
    place.store().put(source, sha(DATA))
    with pytest.raises(OutsideError, match="could not be written"):
        place.store().get(sha(DATA), tmp_path / "no" / "such" / "folder")


@pytest.mark.parametrize("location", ["http://elsewhere.example/x", "ftp://x/y", "file:///etc/passwd"])
def test_get__redirect_to_http(place, source, tmp_path, monkeypatch, location):
    from tests.fake_github import storage  # noqa: PLC0415 - patched here alone

    place.store().put(source, sha(DATA))
    monkeypatch.setattr(storage, "address", lambda *_: location)
    with pytest.raises(OutsideError, match="not https"):
        download(place.store(patience=hasty()), tmp_path)


def test_repository_store__http_address_gets_no_token():
    access = Access(url="http://api.example.org", token="x", agent="mlci/test")
    with pytest.raises(Exception, match="only sent to an https address"):
        RepositoryStore(access, "o/r", "model")
