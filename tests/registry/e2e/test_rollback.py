"""`mlci rollback`, and the output of versions, show and ledger."""

import pytest

from mlci.registry import ledger
from mlci.registry.registry import Registry
from tests.support.project import change, expected_change, mlci, run
from tests.support.registry.histories import swap_promotion
from tests.support.registry.lifecycle import (
    DAMAGE,
    MODEL,
    champion,
    file_of,
    manifest,
    manifest_digest,
    promote,
    promote_run,
    repository,
    state,
    store,
)
from tests.support.repository import commit, git


class TestRollback:
    def versions(self, folder, *ks):
        champion(folder, ks[0])
        for k in ks[1:]:
            commit(folder, {"k.txt": str(k)})
            promote_run(folder)
        return folder

    def back(self, folder, *more, reason="it drifts", **environment):
        return mlci("rollback", "--json", "--reason", reason, *more, cwd=folder, **environment)

    def test_rollback__one_step_with_reason_and_author(self, tmp_path):
        self.versions(tmp_path, 3, 2, 1)
        ended = self.back(tmp_path, GITHUB_ACTOR="octocat")
        assert ended.report == {"version": 2, "replaced": 3, "entry": 4}
        entry = list(ledger.iter_all(store(tmp_path)))[-1]
        assert (entry.by.actor, entry.body.reason) == ("octocat", "it drifts")
        assert change(run(tmp_path)) == expected_change(2, 1)
        assert self.back(tmp_path).report == {"version": 1, "replaced": 2, "entry": 5}
        ended = self.back(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert "version 1 is the first one" in ended.err
        assert self.back(tmp_path, "--to", 3).report == {"version": 3, "replaced": 1, "entry": 6}
        assert self.back(tmp_path, "--to", 3).report == {"version": 3, "replaced": 3, "entry": None}
        again = mlci("rollback", "--to", 3, "--reason", "again", cwd=tmp_path)
        assert (again.code, again.out) == (0, "version 3 is in production already; nothing was written\n")
        assert store(tmp_path).tail() == 6

    def test_promote__rolled_back_version_again(self, tmp_path):
        """The workflow that promoted it runs again: the same bytes, with a passing verdict."""
        self.versions(tmp_path, 3, 1)
        self.back(tmp_path)
        assert run(tmp_path).code == 0
        ended = promote(tmp_path)
        assert ended.code == 1
        assert "version 2 holds these bytes and was rolled back: it drifts" in ended.report["refused"]
        assert "`mlci rollback --to 2` restores it on purpose" in ended.report["refused"]
        commit(tmp_path, {"k.txt": "2"})
        assert promote_run(tmp_path) == 3

    def test_promote__rolled_back_version_after_another_promotion(self, tmp_path):
        """The rolled-back bundle waits, production moves on from another branch, then the bundle is promoted."""
        champion(tmp_path, 4)
        base = git(tmp_path, "rev-parse", "HEAD")
        commit(tmp_path, {"k.txt": "2"})
        assert run(tmp_path, "--out", "waits").code == 0
        assert promote(tmp_path, "--out", "waits").report["version"] == 2
        self.back(tmp_path, reason="x \x1b[31m\n::error::y")
        git(tmp_path, "checkout", "--quiet", "-b", "other", base)
        commit(tmp_path, {"k.txt": "3", "other": "x"})
        assert promote_run(tmp_path) == 3
        ended = promote(tmp_path, "--out", "waits")
        assert (ended.code, ended.report["promoted"]) == (1, False)
        assert "version 2 holds these bytes and was rolled back: x" in ended.report["refused"]
        said = mlci("promote", "--out", "waits", cwd=tmp_path)
        assert (said.code, "\x1b" in said.out) == (1, False)
        assert not [line for line in said.out.splitlines() if line.lstrip().startswith("::")]

    @pytest.mark.parametrize("steps", [[[], []], [["--to", 1]]])
    def test_promote__any_rolled_back_version_again(self, tmp_path, steps):
        """After two rollbacks of one step, and after one over two versions, both versions stay rolled back."""
        self.versions(tmp_path, 3, 2, 1)
        for step in steps:
            self.back(tmp_path, *step)
        for number, commit_of in ((3, "HEAD"), (2, "HEAD~1")):
            git(tmp_path, "checkout", "--quiet", commit_of)
            assert run(tmp_path).code == 0
            ended = promote(tmp_path)
            assert ended.code == 1
            assert f"version {number} holds these bytes and" in ended.report["refused"]
            assert f"`mlci rollback --to {number}` restores it on purpose" in ended.report["refused"]
        assert state(tmp_path).champion == 1

    def test_promote__same_files_by_another_commit_after_a_rollback(self, tmp_path):
        self.versions(tmp_path, 3, 1)
        self.back(tmp_path)
        commit(tmp_path, {"README": "not a word about the model"})
        assert run(tmp_path).code == 0
        ended = promote(tmp_path)
        assert (ended.code, ended.report["version"]) == (0, 3)
        assert ended.report["notes"] == ["version 2 has the same model files, and was rolled back: it drifts"]

    @pytest.mark.parametrize(
        ("more", "says"),
        [(["--to", 9], "has no version 9"), (["--to", 0], "Invalid value"), ([], "nothing to roll back")],
    )
    def test_rollback__version_not_found(self, tmp_path, more, says):
        folder = champion(tmp_path, 1) if more else repository(tmp_path, 1)
        ended = self.back(folder, *more)
        assert (ended.code, ended.out) == (2, "")
        assert says in ended.err

    def test_rollback__no_reason(self, tmp_path):
        self.versions(tmp_path, 3, 1)
        assert mlci("rollback", cwd=tmp_path).code == 2
        assert self.back(tmp_path, reason="  ").code == 2
        assert state(tmp_path).champion == 2

    @pytest.mark.parametrize("damage", DAMAGE)
    @pytest.mark.parametrize("what", ["model", "report", "manifest"])
    def test_rollback__damaged_target(self, tmp_path, damage, what):
        self.versions(tmp_path, 3, 1)
        document = manifest(tmp_path, 1)
        digest = {
            "model": document["files"][0]["digest"],
            "report": document["report"]["digest"],
            "manifest": manifest_digest(tmp_path, 1),
        }[what]
        DAMAGE[damage](file_of(tmp_path, digest))
        ended = self.back(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "version 1" in ended.err
        assert state(tmp_path).champion == 2

    def test_rollback__old_entry_replaced(self, tmp_path):
        """The entry, the manifest and every file are readable; only the chain shows the change."""
        self.versions(tmp_path, 3, 1)
        planted = swap_promotion(store(tmp_path), tmp_path, 1)
        (tmp_path / f".mlci/registry/{MODEL}/ledger/000000001.json").write_bytes(planted)
        for words in (["rollback", "--to", 1, "--reason", "r"], ["show", 1], ["versions"], ["diff", 1, 2]):
            ended = mlci(*words, cwd=tmp_path)
            assert (ended.code, ended.out) == (4, "")
            assert "entry 1 is not the one that later entries name: it was changed or replaced" in ended.err
        assert state(tmp_path).champion == 2

    def test_run_and_promote__champions_entry_replaced(self, tmp_path):
        self.versions(tmp_path, 3, 2)
        commit(tmp_path, {"k.txt": "1"})
        assert run(tmp_path, "--record").code == 0
        planted = swap_promotion(store(tmp_path), tmp_path, 2)
        (tmp_path / f".mlci/registry/{MODEL}/ledger/000000002.json").write_bytes(planted)
        for ended in (mlci("promote", cwd=tmp_path), run(tmp_path), mlci("reproduce", 2, cwd=tmp_path)):
            assert (ended.code, ended.out) == (4, "")
            assert "entry 2 is not the one that later entries name" in ended.err
        assert (state(tmp_path).champion, store(tmp_path).tail()) == (2, 3)

    def test_rollback__another_promotion_meanwhile(self, tmp_path, monkeypatch):
        self.versions(tmp_path, 3, 2)
        real = Registry.append

        def overtaken(registry, decide):
            monkeypatch.setattr(Registry, "append", real)
            commit(tmp_path, {"k.txt": "1"})
            promote_run(tmp_path)
            return real(registry, decide)

        monkeypatch.setattr(Registry, "append", overtaken)
        ended = self.back(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "version 3 was promoted meanwhile and nothing was rolled back" in ended.err
        monkeypatch.setattr(Registry, "append", overtaken)


def test_versions_show_and_log__no_version(tmp_path):
    repository(tmp_path, 1)
    assert "has no version" in mlci("versions", cwd=tmp_path).out
    assert mlci("versions", "--json", cwd=tmp_path).report == {"model": "planted", "champion": None, "versions": []}
    assert mlci("show", cwd=tmp_path).code == 2
    assert "has no entry yet" in mlci("ledger", "log", cwd=tmp_path).out
    assert "0 entries, 0 versions, 0 files there; none is in production" in mlci("ledger", "verify", cwd=tmp_path).out
    assert not (tmp_path / ".mlci/registry").exists()


def test_versions_show_and_log__two_versions(tmp_path):
    champion(tmp_path, 3)
    commit(tmp_path, {"k.txt": "1"})
    run(tmp_path, "--record")
    assert promote(tmp_path, "--note", "a\x1b[31mred", GITHUB_ACTOR="octocat").code == 0
    lines = mlci("versions", cwd=tmp_path).out.splitlines()
    assert lines[2].split()[:3] == ["2", "in", "production"]
    assert "octocat" in lines[2]
    assert "\x1b" not in lines[2]
    assert lines[3].startswith("1 ")
    listed = mlci("versions", "--json", cwd=tmp_path).report
    assert [row["version"] for row in listed["versions"]] == [2, 1]
    card = mlci("show", 1, cwd=tmp_path)
    assert "1 of planted\n" in card.out
    assert "model.txt  1 bytes" in card.out
    assert mlci("show", 7, cwd=tmp_path).code == 2
    assert [row["rolled_back"] for row in listed["versions"]] == [None, None]
    log = mlci("ledger", "log", cwd=tmp_path).out.splitlines()
    assert "octocat: promoted version 2, instead of version 1: a" in log[0]
    assert "judged pass against version 1 on sha256:" in log[1]
    assert [row["number"] for row in mlci("ledger", "log", "--json", cwd=tmp_path).report] == [1, 2, 3]
    verified = mlci("ledger", "verify", "--files", "--json", cwd=tmp_path).report
    assert (verified["entries"], verified["state"]["champion"], verified["findings"]) == (3, 2, [])


def test_versions__rolled_back_version(tmp_path):
    """The reason is shown if the line has room; its control characters are removed."""
    commit(champion(tmp_path, 3), {"k.txt": "1"})
    promote_run(tmp_path)
    assert mlci("rollback", "--reason", "it\x1b[31m drifts", cwd=tmp_path).code == 0
    row, before = mlci("versions", cwd=tmp_path, COLUMNS="120").out.splitlines()[2:]
    assert row.split("  ")[:6] == ["2", "", "", "", "", "rolled back: it drifts"]
    assert before.split()[:3] == ["1", "in", "production"]
    row, before = mlci("versions", cwd=tmp_path, COLUMNS="70").out.splitlines()[2:]
    assert row.split("  ")[5] == "rolled back"
    assert before.split()[:3] == ["1", "in", "production"]
    listed = mlci("versions", "--json", cwd=tmp_path).report["versions"]
    assert [row["rolled_back"] for row in listed] == ["it\x1b[31m drifts", None]
    assert mlci("rollback", "--to", 2, "--reason", "it does not", cwd=tmp_path).code == 0
    assert "rolled back" not in mlci("versions", cwd=tmp_path).out


@pytest.mark.parametrize("damage", DAMAGE)
def test_ledger_verify__old_version_damaged(tmp_path, damage):
    """No run reads an old version's model."""
    commit(champion(tmp_path, 3), {"k.txt": "1"})
    promote_run(tmp_path)
    DAMAGE[damage](file_of(tmp_path, manifest(tmp_path, 1)["files"][0]["digest"]))
    lacks = {
        "missing": "`model.txt` of version 1 is missing or truncated (sha256 ",
        "truncated": "`model.txt` of version 1 was truncated or altered: it does not have its 1 bytes (sha256 ",
    }
    looked = mlci("ledger", "verify", cwd=tmp_path)
    assert (looked.code, lacks.get(damage, "") in looked.err) == (0 if damage == "altered" else 4, True)
    ended = mlci("ledger", "verify", "--files", cwd=tmp_path)
    assert (ended.code, ended.out) == (4, "")
    assert "`model.txt` of version 1" in ended.err


def test_ledger_verify__workflow_summary(tmp_path):
    """GitHub renders the summary as Markdown, so text from the ledger is sanitized there too."""
    summary, outputs = tmp_path / "summary.md", tmp_path / "outputs.txt"
    there = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(outputs)}
    champion(tmp_path / "whole", 3)
    assert mlci("ledger", "verify", "--files", cwd=tmp_path / "whole", **there).code == 0
    whole = summary.read_text()
    assert whole.startswith("- the ledger is whole: 1 entry, 1 version, ")
    assert "read and whole; version 1 is in production" in whole
    assert outputs.read_text().startswith("anchor<<")
    outputs.write_text("")
    file_of(tmp_path / "whole", manifest(tmp_path / "whole", 1)["files"][0]["digest"]).write_text("<b>")
    for more in ([], ["--json"]):
        summary.write_text("")
        ended = mlci("ledger", "verify", "--files", *more, cwd=tmp_path / "whole", **there)
        assert (ended.code, ended.out) == (4, "")
        assert "::error::" in ended.err
        assert "- the ledger is not whole: " in summary.read_text()
        assert "of version 1 was altered" in summary.read_text()
    assert outputs.read_text() == ""


def test_ledger_verify__workflow_with_an_empty_folder(tmp_path):
    """An empty folder is an empty registry, in which no damage can be found."""
    repository(tmp_path, 1)
    ended = mlci("ledger", "verify", cwd=tmp_path, GITHUB_ACTIONS="true")
    assert (ended.code, "0 entries" in ended.out) == (0, True)
    assert "`registry: .mlci/registry` is a folder that this runner loses when the job ends" in ended.err
