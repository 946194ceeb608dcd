"""A registry in the repository itself: the contract, real git's view, requests and permissions."""

import pytest

from mlci.errors import OutsideError
from mlci.registry import ledger, verification
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from tests.registry.e2e.repository.place import BRANCH, WHO, WITNESS, git, hasty
from tests.support.registry.contract import Contract
from tests.support.registry.histories import sha, stamp, verdict


@pytest.fixture
def store_factory(place):
    return place.store


class TestContract(Contract):
    racers = 6
    rounds = 2
    writers = 20

    @pytest.fixture
    def damage_checkpoint(self, place):
        def damage(_, data):
            blob = place.git("hash-object", "-w", "--stdin", text=data.decode())
            tree = place.git("mktree", text=f"100644 blob {blob}\twitness.json\n")
            place.git("update-ref", WITNESS, place.git(*WHO, "commit-tree", tree, "-m", "by hand"))

        return damage

    @pytest.fixture
    def alter(self, place):
        """Commit on top of the branch and move the checkpoint, which would show the change if it stayed."""

        def change(_, number, data):
            commit = place.edit(lambda clone: (clone / place.entry(number)).write_bytes(data))
            place.git("update-ref", WITNESS, commit)

        return change

    @pytest.fixture
    def spoil(self, place):
        def change(_, digest, data):
            row = place.asset(digest)
            if data is None:
                place.fake.state.remove("assets", row)
            else:
                row.update(digest=place.fake.state.keep(data), size=len(data))

        return change


class TestGit:
    def test_append__one_commit_an_entry_on_a_separate_branch(self, fresh):
        place = fresh(3)
        store = place.store()
        log = place.git("log", "--format=%s|%an|%p", BRANCH).splitlines()
        assert [line.split("|")[:2] for line in log] == [
            [f"mlci: entry {number} of model", "github-actions[bot]"] for number in (3, 2, 1)
        ]
        assert log[-1].endswith("|")  # the first has no parent
        assert place.git("rev-list", "--count", BRANCH) == "3"
        assert place.git("rev-parse", WITNESS) == place.git("rev-parse", BRANCH)
        for number in (1, 2, 3):
            assert place.git("show", f"{BRANCH}:{place.entry(number)}").encode() == store.read(number)
        place.git("fsck", "--strict", "--no-dangling")

    def test_folder_store__clone_of_the_branch(self, fresh, tmp_path):
        place = fresh(3)
        written = list(ledger.iter_all(place.store()))
        git(tmp_path, "clone", "-q", "--branch", "mlci/model", str(place.bare), "registry/model")
        folder = FolderStore(tmp_path / "registry", "model")
        assert list(ledger.iter_all(folder)) == written
        assert verification.verify_ledger(folder).findings == ()
        assert (tmp_path / "registry/model/README.md").read_text("utf-8").startswith("# Ledger of model\n")

    def test_append__project_branch_with_the_models_name(self, place):
        before = place.git("rev-parse", "refs/heads/main")
        place.filled(1)
        assert place.git("rev-parse", "refs/heads/main") == before
        assert place.git("for-each-ref", "--format=%(refname)", "refs/heads/mlci", "refs/mlci").split() == [
            BRANCH,
            WITNESS,
        ]

    @pytest.mark.parametrize("model", ["my.lock", "a.b_c-d", "Ünïcode", "-x", "@{1}", "HEAD"])
    def test_repository_store__any_model_name(self, place, model):
        store = place.store(model)
        Registry(store, stamp()).append(lambda _: verdict())
        assert ledger.read_ledger_head(place.store(model)).number == 1


class TestRequests:
    """The requests to GitHub: a workflow's token has 1,000 requests an hour."""

    def test_append__requests_of_the_first_entry(self, place):
        place.filled(1)
        assert place.asked() == [
            "GET /git/ref/mlci/witness/model",
            "GET /commits/heads/mlci/model",
            "GET ",  # the repository is there, so the ledger is empty
            "POST /git/trees",
            "POST /git/commits",
            "POST /git/refs",
            "POST /git/refs",
        ]

    def test_append__requests_of_another_process(self, place):
        place.filled(2)
        place.fake.forget_requests()
        place.filled(1)
        assert place.asked() == [
            "GET /git/ref/mlci/witness/model",
            "GET /contents/witness.json",
            "GET /commits/heads/mlci/model",
            "GET /contents/ledger/000000002.json",
            "POST /git/trees",
            "POST /git/commits",
            "PATCH /git/refs/heads/mlci/model",
            "PATCH /git/refs/mlci/witness/model",
        ]

    def test_append__requests_of_the_same_process(self, place):
        store = place.filled(2)
        place.fake.forget_requests()
        Registry(store, stamp()).append(lambda _: verdict())
        assert len(place.asked()) == 6

    @pytest.mark.parametrize("entries", [3, 14])
    def test_tail__requests_do_not_grow_with_the_ledger(self, fresh, entries):
        place = fresh(entries)
        store = place.store()
        assert store.tail() == entries
        assert len(place.asked()) == 1
        assert ledger.read_ledger_head(store).number == entries
        assert (len(place.asked()), store.requests) == (5, 5)

    def test_put__requests(self, place, tmp_path):
        store = place.store()
        for name in "abc":
            (tmp_path / name).write_bytes(name.encode())
        store.put(tmp_path / "a", sha(b"a"))
        first = place.asked()
        assert [line for line in first if "GET" not in line] == [
            "POST /git/trees",
            "POST /git/commits",
            "POST /git/refs",
            "POST /releases",
            f"POST /releases/{place.asset(sha(b'a'))['release']}/assets",
        ]
        assert len(first) == 6
        counts = {}
        for what, call in {
            "a second file": lambda: store.put(tmp_path / "b", sha(b"b")),
            "a file, by another process": lambda: place.store().put(tmp_path / "c", sha(b"c")),
            "a file that is there": lambda: place.store().put(tmp_path / "a", sha(b"a")),
            "a file is read": lambda: place.store().get(sha(b"a"), tmp_path / "got"),
            "looked for": lambda: place.store().holds(sha(b"a")),
            "looked for in vain": lambda: place.store().holds(sha(b"x")),
        }.items():
            place.fake.forget_requests()
            call()
            counts[what] = len(place.asked())
        assert counts == {
            "a second file": 1,
            "a file, by another process": 4,
            "a file that is there": 2,
            "a file is read": 3,
            "looked for": 2,
            "looked for in vain": 3,
        }


class TestPermissions:
    def test_read__permission_contents_read(self, fresh, tmp_path):
        place = fresh(private=True)
        (tmp_path / "f").write_bytes(b"x")
        place.filled(2).put(tmp_path / "f", sha(b"x"))
        reader = place.store(token=place.fake.token({"contents": "read"}))
        assert [entry.number for entry in ledger.iter_all(reader)] == [1, 2]
        assert verification.verify_ledger(reader).findings == ()
        assert reader.holds(sha(b"x"))
        assert reader.get(sha(b"x"), tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == b"x"

    @pytest.mark.parametrize("fork", [False, True])
    @pytest.mark.parametrize("filled", [False, True])
    def test_append__permission_is_missing(self, place, tmp_path, fork, filled):
        (tmp_path / "f").write_bytes(b"x")
        place.filled(1) if filled else None
        reader = place.store(token=place.fake.token({"contents": "read"}, fork=fork))
        for write in (
            lambda: Registry(reader, stamp()).append(lambda _: verdict()),
            lambda: reader.put(tmp_path / "f", sha(b"x")),
        ):
            with pytest.raises(
                OutsideError, match=r"\n\n    permissions:\n      contents: write\n\nRuns .* from forks"
            ):
                write()
        assert place.store().tail() == int(filled)

    def test_read__fine_grained_token_without_permission(self, fresh):
        place = fresh(private=True)
        place.fake.role("ada", "write")
        token = place.fake.token({"contents": "read"}, user="ada", fine_grained=True)
        with pytest.raises(OutsideError, match=r"repository permission \*Contents\*: read and write"):
            Registry(place.store(token=token), stamp()).append(lambda _: verdict())
        token = place.fake.token({"checks": "read"}, user="ada", fine_grained=True)
        with pytest.raises(OutsideError, match=r"repository permission \*Contents\*: read-only"):
            place.store(token=token).tail()

    def test_read__permission_is_missing(self, fresh):
        place = fresh(private=True)
        place.filled(1)
        blind = place.store(token=place.fake.token({"checks": "write"}))
        for look in (blind.tail, blind.read_checkpoint, lambda: blind.read(1), lambda: blind.holds("0" * 64)):
            with pytest.raises(OutsideError, match=r"\n\n    permissions:\n      contents: read\n"):
                look()

    def test_read__repository_not_found(self, fresh):
        place = fresh(private=True)
        place.filled(1)
        stranger = place.fake.token(user="mallory")
        for other in (place.store(token=stranger), place.store(name="octo-org/another")):
            with pytest.raises(OutsideError, match=r"not there for this token \(404\)"):
                other.tail()
            with pytest.raises(OutsideError, match=r"\(404\)"):
                other.holds("0" * 64)
            with pytest.raises(OutsideError, match=r"\(404\)"):
                other.append(1, b"x")

    def test_tail__invalid_token(self, place):
        with pytest.raises(OutsideError, match="token is not valid"):
            place.store(token="ghs_" + "0" * 40, patience=hasty()).tail()

    def test_errors__token_is_never_shown(self, place):
        place.fake.fail(kind="drop", times=0)
        with pytest.raises(OutsideError) as caught:
            place.store(patience=hasty()).tail()
        assert place.token not in str(caught.value)
        assert place.token not in repr(place.store().__dict__)
