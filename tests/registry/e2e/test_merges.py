"""Two merges at once: one order, each version judged against its predecessor, no entry lost."""

import json
import threading

import pytest

from mlci.registry import ledger
from mlci.registry.entry_kinds import Actor, Promotion
from mlci.registry.registry import Author, Registry
from mlci.util.digests import canonical_json, sha256_of
from tests.support.project import mlci, run
from tests.support.registry.lifecycle import champion, manifest, promote, promote_run, state
from tests.support.repository import commit, git


class TestOlderBuild:
    """A merge's build that ends after the next one's: judged, good, and not to replace what is newer."""

    def late(self, tmp_path, *, k=0):
        """Two commits after the champion's; the later one is promoted, the bundle is the earlier one's."""
        folder = champion(tmp_path / "project", 3)
        commit(folder, {"k.txt": str(k)})
        assert run(folder, "--out", "older").code == 0
        commit(folder, {"k.txt": "1"})
        assert promote_run(folder) == 2
        return folder

    def test_promote__older_build(self, tmp_path):
        folder = self.late(tmp_path)
        older, newer = (git(folder, "rev-parse", "--short=7", name) for name in ("HEAD~1", "HEAD"))
        ended = promote(folder, "--out", "older")
        assert ended.code == 1
        why = f"it was made from {older}, and version 2 was made from the later commit {newer}, which is in production"
        assert ended.report["refused"].startswith(why)
        assert (ended.report["promoted"], ended.report["judged_again"]) == (False, [])
        assert state(folder).champion == 2

    def test_promote__older_build_in_a_checkout_of_its_commit(self, tmp_path):
        folder = self.late(tmp_path)
        git(folder, "checkout", "--quiet", "HEAD~1")
        assert promote(folder, "--out", "older").code == 1
        assert state(folder).champion == 2

    def test_promote__older_build_after_a_rollback(self, tmp_path):
        folder = self.late(tmp_path)
        assert mlci("rollback", "--reason", "r", cwd=folder).code == 0
        ended = promote(folder, "--out", "older")
        assert (ended.code, ended.report["version"]) == (0, 3), ended.err

    def test_promote__same_commit_again(self, tmp_path):
        folder = champion(tmp_path / "project", 3)
        more = "\nimport os\nopen('model.txt', 'a').write(' ' * os.path.exists('.mlci/other'))\n"
        commit(folder, {"train.py": (folder / "train.py").read_text() + more})
        assert promote_run(folder) == 2
        (folder / ".mlci/other").touch()
        assert promote_run(folder) == 3
        assert manifest(folder, 2)["recipe"] == manifest(folder, 3)["recipe"]

    def test_promote__older_branch(self, tmp_path):
        folder = champion(tmp_path / "project", 3)
        commit(folder, {"k.txt": "1"})
        assert promote_run(folder) == 2
        git(folder, "checkout", "--quiet", "-b", "fix", "HEAD~1")
        commit(folder, {"k.txt": "0"})
        assert promote_run(folder) == 3

    def test_promote__uncommitted_changes_on_an_older_commit(self, tmp_path):
        folder = champion(tmp_path / "project", 3)
        commit(folder, {"k.txt": "1"})
        assert promote_run(folder) == 2
        git(folder, "checkout", "--quiet", "HEAD~1")
        (folder / "k.txt").write_text("0")
        assert promote_run(folder) == 3

    def test_promote__later_commit_not_in_the_clone(self, tmp_path):
        """The clone is older than the later commit."""
        folder = champion(tmp_path / "project", 3, more=f"registry: {tmp_path}/shared\n")
        commit(folder, {"k.txt": "0"})
        git(tmp_path, "clone", "--quiet", "project", "clone")
        assert run(tmp_path / "clone").code == 0
        commit(folder, {"k.txt": "1"})
        assert promote_run(folder) == 2
        ended = promote(tmp_path / "clone")
        assert (ended.code, ended.report["version"]) == (0, 3), ended.err
        assert any(
            "version 2 is not in this clone" in note and "fetch-depth: 0" in note for note in ended.report["notes"]
        )


class TestConcurrentMerges:
    @pytest.mark.parametrize(("one", "two"), [(1, 1), (0, 2)])
    def test_promote__two_merges_at_once(self, tmp_path, one, two):
        """Each was judged against version 1; the later one is judged again, against the earlier."""
        root = champion(tmp_path / "one", 3, more=f"registry: {tmp_path}/shared\n")
        git(tmp_path, "clone", "--quiet", "one", "two")
        for name, k in (("one", one), ("two", two)):
            commit(tmp_path / name, {"k.txt": str(k), "name": name})
            assert run(tmp_path / name).code == 0
        ended = {}
        start = threading.Barrier(2)

        def go(name):
            from tests.registry.processes import cli  # noqa: PLC0415 - real processes

            start.wait()
            ended[name] = cli("promote", "--json", cwd=tmp_path / name)

        threads = [threading.Thread(target=go, args=(name,)) for name in ("one", "two")]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert {done.returncode for done in ended.values()} <= {0, 1}, [done.stderr for done in ended.values()]
        from mlci.registry.stores.folder import FolderStore  # noqa: PLC0415

        seen = list(ledger.iter_all(FolderStore(tmp_path / "shared", "planted")))
        order = [entry.body for entry in seen if isinstance(entry.body, Promotion)]
        assert [(body.version, body.replaced) for body in order] == [
            (number + 1, number or None) for number in range(len(order))
        ]
        assert len(order) == 1 + [done.returncode for done in ended.values()].count(0)
        if (one, two) == (1, 1):
            assert len(order) == 3
        for number in range(2, len(order) + 1):
            shown_ = json.loads(mlci("show", number, "--json", cwd=root).out)["manifest"]
            path = tmp_path / "shared/planted/files" / shown_["report"]["digest"][:2] / shown_["report"]["digest"]
            assert json.loads(path.read_text())["baseline"]["version"] == str(number - 1)

    def test_promote__other_writers_always_first(self, tmp_path, monkeypatch):
        commit(champion(tmp_path, 3), {"k.txt": "3", "x": ""})
        run(tmp_path)
        real = Registry.append
        stamp = Author(by=Actor(), now=lambda: "2026-01-01T00:00:00+00:00", nonce=lambda: "x")

        def overtaken(registry, decide):
            store_ = registry.store
            now = ledger.read_ledger_head(store_).state
            content = {**manifest(tmp_path, now.versions), "version": now.versions + 1}
            path = tmp_path / "loose"
            path.write_bytes(
                canonical_json(
                    {**content, "seconds": {"x": 1.0}, "recipe": {**content["recipe"], "seed": now.versions}}
                )
            )
            digest = sha256_of(path.read_bytes())
            store_.put(path, digest)
            body = Promotion(version=now.versions + 1, manifest=digest, replaced=now.champion)
            real(Registry(store_, stamp), lambda _: body)
            return real(Registry(store_, stamp), decide)

        monkeypatch.setattr(Registry, "append", overtaken)
        ended = promote(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "other promotions came first 20 times in a row" in ended.err
