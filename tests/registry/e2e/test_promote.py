"""`mlci promote`: the evaluated bytes or none, judged again if the champion, the rows or the gates changed."""

import json

import pytest

from mlci.registry import ledger
from mlci.util.digests import sha256_of
from tests.support.project import change, expected_change, holdout, mlci, run
from tests.support.registry.lifecycle import (
    ABSOLUTE,
    DAMAGE,
    TOTALS,
    bodies,
    champion,
    count_trainings,
    file_of,
    files,
    manifest,
    manifest_digest,
    promote,
    promote_run,
    repository,
    reseal,
    state,
    store,
)
from tests.support.repository import commit, git


class TestPromotion:
    def test_promote__report_and_entry(self, tmp_path):
        run(repository(tmp_path, 3))
        ended = promote(tmp_path, "--note", "first", GITHUB_ACTOR="octocat")
        expected = {"promoted": True, "version": 1, "replaced": None, "entry": 1, "verdict": "warn"}
        assert ended.report == {**expected, "judged_again": [], "refused": None, "notes": []}
        entry = ledger.read_entry(store(tmp_path), 1)
        assert (entry.by.actor, entry.body.note) == ("octocat", "first")
        commit(tmp_path, {"k.txt": "1"})
        run(tmp_path)
        said = mlci("promote", cwd=tmp_path)
        expected = "version 2 of planted is in production; it replaces version 1 (passed on 100 rows; entry 2)\n"
        assert (said.code, said.out) == (0, expected)

    def test_promote__twice(self, tmp_path):
        champion(tmp_path, 3)
        ended = promote(tmp_path)
        assert (ended.code, ended.report["promoted"], ended.report["version"]) == (0, False, 1)
        run(tmp_path)  # made again, by the same commit: the same bytes
        assert promote(tmp_path).report["promoted"] is False
        assert len(bodies(tmp_path)) == 1

    def test_promote__records_the_verdict_once(self, tmp_path):
        """It is a use of the evaluation set, promoted or not, as `mlci run --record` leaves it."""
        champion(tmp_path, 2)
        commit(tmp_path, {"k.txt": "1"})
        rows = run(tmp_path).report["evaluation"]["fingerprint"]
        assert promote(tmp_path, "--record").code == 0
        assert promote(tmp_path, "--record").report["promoted"] is False
        assert [body.kind for body in bodies(tmp_path)] == ["promotion", "promotion", "verdict"]
        assert state(tmp_path).uses == {rows: 1}
        recorded = bodies(tmp_path)[-1]
        commit(tmp_path, {"k.txt": "4"})
        assert run(tmp_path).code == 1
        assert promote(tmp_path, "--record").code == 1
        blocked = bodies(tmp_path)[-1]
        assert (recorded.verdict, recorded.against, blocked.verdict, blocked.against) == ("pass", 1, "block", 2)
        assert state(tmp_path).uses == {rows: 2}
        run(tmp_path, "--record")
        by_run = bodies(tmp_path)[-1]
        assert (by_run.again, by_run.predictions, by_run.policy) == (True, blocked.predictions, blocked.policy)
        assert state(tmp_path).uses == {rows: 2}

    def test_promote__blocked_by_a_gate(self, tmp_path):
        commit(champion(tmp_path, 1), {"k.txt": "3"})
        assert run(tmp_path).code == 1
        ended = promote(tmp_path)
        assert (ended.code, ended.report["refused"]) == (1, "a gate blocks")
        assert state(tmp_path).champion == 1

    def test_promote__stored_files_damaged(self, tmp_path):
        champion(tmp_path, 3)
        lost = file_of(tmp_path, manifest(tmp_path)["recipe"]["config"]["digest"])
        DAMAGE["altered"](lost)
        commit(tmp_path, {"k.txt": "1"})
        run(tmp_path)
        ended = promote(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "`mlci.yml` of version 1 was altered" in ended.err
        assert state(tmp_path).champion == 1
        assert promote(tmp_path, "--despite", "the bundle has it whole").report["version"] == 2
        assert mlci("ledger", "verify", "--files", cwd=tmp_path).code == 0  # the bundle's took its place

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_promote__damaged_champion(self, tmp_path, damage):
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        run(tmp_path)
        DAMAGE[damage](file_of(tmp_path, manifest_digest(tmp_path)))
        ended = promote(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "the manifest of version 1" in ended.err
        assert state(tmp_path).champion == 1

    def test_promote__truncated_ledger(self, tmp_path):
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        promote_run(tmp_path)
        run(tmp_path)
        (tmp_path / ".mlci/registry/planted/ledger/000000002.json").unlink()
        for command in ("promote", "run"):
            ended = mlci(command, cwd=tmp_path)
            assert (ended.code, ended.out) == (4, "")
            assert "it was cut back" in ended.err

    def test_promote__note_too_long(self, tmp_path):
        run(repository(tmp_path, 3))
        for command in (("promote", "--note"), ("rollback", "--reason")):
            ended = mlci(*command, "x" * 2001, cwd=tmp_path)
            assert (ended.code, ended.out) == (2, "")
            assert "2,001 characters; the ledger takes 2,000" in ended.err
        assert bodies(tmp_path) == []

    def test_promote__long_command(self, tmp_path):
        train = files(3)["mlci.yml"].replace("  run: ", f"  run: X={'x' * 5000} ", 1)
        repository(tmp_path, 3)
        commit(tmp_path, {"mlci.yml": train})
        assert promote_run(tmp_path) == 1

    def test_promote__uncommitted_changes(self, tmp_path):
        repository(tmp_path, 3)
        (tmp_path / "k.txt").write_text("2")
        run(tmp_path)
        assert "uncommitted changes" in promote(tmp_path).report["notes"][0]


class TestReevaluation:
    """A verdict about another champion, other rows or other gates is given again before anything is promoted."""

    def another(self, folder, k):
        """Promote a model that is wrong on k rows of ten while the checkout's own bundle waits."""
        aside = folder / ".mlci/aside"
        (folder / ".mlci/out").rename(aside)
        before = git(folder, "rev-parse", "HEAD")
        git(folder, "checkout", "--quiet", "-b", f"other{k}", "HEAD~1")
        commit(folder, {"k.txt": str(k), "other": "x"})
        assert promote_run(folder) == 2
        git(folder, "checkout", "--quiet", before)
        mlci_out = folder / ".mlci/out"
        mlci_out.rename(folder / ".mlci/done")
        aside.rename(mlci_out)

    def test_promote__blocked_against_a_rolled_back_version(self, tmp_path):
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        assert promote_run(tmp_path) == 2
        commit(tmp_path, {"k.txt": "2"})
        assert run(tmp_path).code == 1
        assert promote(tmp_path).report["refused"] == "a gate blocks"
        assert mlci("rollback", "--reason", "it drifts", cwd=tmp_path).code == 0
        ended = promote(tmp_path)
        assert (ended.code, ended.report["version"], ended.report["replaced"]) == (0, 3, 1)
        assert ended.report["judged_again"] == ["it was judged against version 2, and version 1 is in production"]

    @pytest.mark.parametrize(("other", "code"), [(2, 0), (0, 1)])
    def test_promote__champion_changed_meanwhile(self, tmp_path, other, code):
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        run(tmp_path)
        times = count_trainings(tmp_path)
        self.another(tmp_path, other)
        ended = promote(tmp_path)
        assert ended.code == code, ended.err
        assert ended.report["judged_again"] == ["it was judged against version 1, and version 2 is in production"]
        assert (ended.report["promoted"], ended.report["replaced"]) == ((True, 2) if code == 0 else (False, None))
        assert state(tmp_path).champion == (3 if code == 0 else 2)
        assert count_trainings(tmp_path) == times + 1  # the other one; nothing is trained to judge again
        report = json.loads((tmp_path / ".mlci/out/report.json").read_text())
        assert report["baseline"]["version"] == "2"
        accuracy = next(row for row in report["metrics"] if row["metric"] == "accuracy")
        assert (accuracy["baseline"], accuracy["candidate"]) == pytest.approx((1 - other / 10, 0.9))
        if code == 0:
            assert manifest(tmp_path, 3)["report"]["digest"] == sha256_of(
                (tmp_path / ".mlci/out/report.json").read_bytes()
            )

    def test_promote__judged_again_is_the_same_holdout_use(self, tmp_path):
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        run(tmp_path, "--record")
        self.another(tmp_path, 2)
        assert promote(tmp_path).code == 0
        assert [body.kind for body in bodies(tmp_path)] == ["promotion", "verdict", "promotion", "verdict", "promotion"]
        assert list(state(tmp_path).uses.values()) == [1]

    def test_promote__rows_changed_meanwhile(self, tmp_path):
        """Both models score the new rows, each with its own file and the code of its own commit."""
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        run(tmp_path)
        times = count_trainings(tmp_path)
        commit(tmp_path, {"holdout.csv": holdout(60, first=500), "predict.py": "raise SystemExit(1)"})
        ended = promote(tmp_path)
        assert ended.code == 0, ended.err
        assert ended.report["judged_again"] == ["the evaluation set moved"]
        assert "the evaluation set moved since version 1; its own model scores the new rows\n" in ended.err
        assert count_trainings(tmp_path) == times
        assert manifest(tmp_path, 2)["data"]["rows"] == 60
        kinds = [body.kind for body in bodies(tmp_path)]
        assert kinds == ["promotion", "rescored", "verdict", "promotion"]
        assert promote(tmp_path).report["promoted"] is False  # the same model, whatever its rows
        commit(tmp_path, {"k.txt": "2", "predict.py": files(1)["predict.py"]})
        assert change(run(tmp_path)) == expected_change(1, 2)
        assert mlci("ledger", "verify", "--files", cwd=tmp_path).code == 0

    def test_promote__gates_changed_meanwhile(self, tmp_path):
        run(repository(tmp_path, 3, more=ABSOLUTE))
        tighter = files(3, more=ABSOLUTE.replace("0.5", "0.8"))["mlci.yml"]
        commit(tmp_path, {"mlci.yml": tighter})
        ended = promote(tmp_path)
        assert ended.code == 1
        assert ended.report["judged_again"] == ["the gates, the policy or the slices changed in the configuration"]
        assert state(tmp_path).champion is None

    def test_promote__comment_in_the_configuration_changed(self, tmp_path):
        run(repository(tmp_path, 3))
        commit(tmp_path, {"mlci.yml": "# a comment\n" + files(3)["mlci.yml"]})
        assert promote(tmp_path).report["judged_again"] == []

    def test_promote__judged_without_a_baseline(self, tmp_path):
        champion(tmp_path, 1)
        text = files(3, baseline="none", more=ABSOLUTE)["mlci.yml"]
        commit(tmp_path, {"k.txt": "3", "mlci.yml": text})
        assert run(tmp_path).code == 0
        ended = promote(tmp_path)
        assert ended.code == 1
        assert "not judged against production" in ended.report["judged_again"][0]
        assert state(tmp_path).champion == 1

    def test_promote__again(self, tmp_path):
        """The report may come from a job that others can write to; the predictions decide."""
        commit(champion(tmp_path, 1), {"k.txt": "3"})
        assert run(tmp_path).code == 1
        forged = tmp_path / ".mlci/out/bundle"
        report = json.loads((forged / "report.json").read_text())
        report["verdict"] = "pass"
        passed = {"outcome": "passed", "blocks": False, "waivable": False}
        report["gates"] = [{**gate, **passed} for gate in report["gates"]]
        reseal(forged, report)
        ended = promote(tmp_path, "--again")
        assert (ended.code, ended.report["judged_again"]) == (1, ["`--again` was given"])
        assert state(tmp_path).champion == 1

    def test_promote__metrics_file(self, tmp_path):
        repository(tmp_path, 1)
        text = TOTALS.replace("gates:", "baseline: none\ngates:") + "  - {metric: test.accuracy, min: 0.5}\n"
        for value, code in ((0.9, 0), (0.7, 1)):
            commit(tmp_path, {"mlci.yml": text, "metrics.json": f'{{"test": {{"accuracy": {value}}}}}'})
            assert run(tmp_path).code == 0
            assert promote(tmp_path).code == code
        assert state(tmp_path).champion == 1
