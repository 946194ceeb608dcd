"""`mlci promote` and `mlci rollback`: the judged bytes or none, in one order, told to whoever looks."""

import json
import threading

import pytest

from mlci.registry import entries, ledger
from mlci.registry.entries import By, Promotion
from mlci.registry.ledger import Stamp
from tests.registry.lifecycle import (
    bodies,
    champion,
    files,
    kept,
    manifest,
    manifest_digest,
    promoted,
    repository,
    state,
    store,
    trained,
)
from tests.registry.test_production import ABSOLUTE, DAMAGE, TOTALS
from tests.usecases.project import change, commit, git, holdout, mlci, predictions, run, write
from tests.usecases.test_planted import shown

PARTS = ["bundle.json", "bundle.sha256", "report.json", "predictions.csv", "model/model.txt", "config/mlci.yml"]


def promote(folder, *more, **environment):
    return mlci("promote", "--json", *more, cwd=folder, **environment)


class TestTheBundle:
    def test_it_holds_what_was_judged(self, tmp_path):
        repository(tmp_path, 3)
        commit(tmp_path, {"requirements.txt": "x==1\n", "sub/uv.lock": "elsewhere"})
        ended = run(tmp_path)
        bundle = tmp_path / ".mlci/out/bundle"
        content = json.loads((bundle / "bundle.json").read_text())
        assert "version" not in content
        assert content["schema"] == "mlci/bundle/1"
        assert (bundle / "model/model.txt").read_text() == "3"
        digest = entries.digest((bundle / "predictions.csv").read_bytes())
        assert content["predictions"]["file"] == {"name": "predictions.csv", "digest": digest, "bytes": 495}
        assert content["predictions"]["fingerprint"] == ended.report["evaluation"]["fingerprint"]
        assert ended.report["candidate"]["predictions"] == f"sha256:{digest}"
        assert ended.report["candidate"]["model"] == f"sha256:{content['files'][0]['digest']}"
        assert (bundle / "report.json").read_text() == ended.out
        recipe = content["recipe"]
        assert (recipe["commit"], recipe["dirty"]) == (git(tmp_path, "rev-parse", "HEAD"), False)
        assert (recipe["config_path"], recipe["model"], recipe["folder"]) == ("mlci.yml", "model.txt", False)
        assert [item["name"] for item in content["environment"]["lock"]] == ["requirements.txt"]
        assert content["metrics"]["accuracy"] == 0.7
        assert content["environment"]["packages"]["duckdb"]

    def test_pointers_to_data_are_named(self, tmp_path):
        repository(tmp_path, 3)
        lock = "stages:\n  train:\n    cmd: x\n    deps:\n    - {path: raw.csv, hash: md5, md5: bbb, size: 1}\n"
        dvc = "outs:\n- md5: aaa\n  size: 1\n  path: holdout.bin\n"
        oid = "c" * 64
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 5\n"
        (tmp_path / "big.bin").write_text(pointer)
        git(tmp_path, "add", "big.bin")
        commit(tmp_path, {"data/holdout.dvc": dvc, "dvc.lock": lock, "broken.dvc": "outs: [", "x.dvc": "- 1"})
        commit(tmp_path, {".gitattributes": "*.bin filter=lfs\n"})
        run(tmp_path)
        content = json.loads((tmp_path / ".mlci/out/bundle/bundle.json").read_text())
        named = {"data/holdout.bin": "md5:aaa", "raw.csv": "md5:bbb", "big.bin": f"sha256:{oid}"}
        assert content["data"]["pointers"] == named

    def test_it_can_be_left_out(self, tmp_path):
        run(repository(tmp_path, 3))
        assert run(tmp_path, "--no-bundle").report["candidate"]["predictions"] is None
        assert not (tmp_path / ".mlci/out/bundle").exists()
        ended = promote(tmp_path)
        assert ended.code == 2
        assert "bundle.json: is not there; `mlci run` leaves it" in ended.err

    def test_a_run_that_fails_leaves_no_older_one(self, tmp_path):
        run(repository(tmp_path, 3))
        commit(tmp_path, {"predict.py": "raise SystemExit(1)"})
        assert run(tmp_path).code == 3
        assert not (tmp_path / ".mlci/out/bundle").exists()

    def test_what_a_killed_run_left_is_swept(self, tmp_path):
        repository(tmp_path, 3)
        (tmp_path / ".mlci/out/.mlci-bundle-x/model").mkdir(parents=True)
        run(tmp_path)
        assert not (tmp_path / ".mlci/out/.mlci-bundle-x").exists()

    def test_predictions_of_several_files_are_not_kept(self, tmp_path):
        predict = {"train": "", "predict": "predict: {file: 'p*.csv', decision: p}\n"}
        write(tmp_path, {**files(1, **predict), "p1.csv": predictions(1, 50), "p2.csv": predictions(1, 50, 50)})
        ended = run(tmp_path)
        assert ended.code == 0, ended.err
        assert "no bundle: the predictions are several files" in ended.err

    @pytest.mark.parametrize("damage", DAMAGE)
    @pytest.mark.parametrize("part", PARTS)
    def test_other_bytes_than_the_judged_ones_are_not_promoted(self, tmp_path, part, damage):
        run(repository(tmp_path, 3))
        DAMAGE[damage](tmp_path / ".mlci/out/bundle" / part)
        ended = promote(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert ("bundle.json" if part == "bundle.sha256" and damage != "missing" else part) in ended.err
        assert state(tmp_path).champion is None
        assert mlci("ledger", "verify", cwd=tmp_path).code == 0

    @pytest.mark.parametrize(
        ("change_", "says"),
        [
            (lambda report: report["candidate"].update(predictions="sha256:" + "0" * 64), "other predictions"),
            (lambda report: report["candidate"].update(model=None), "other model files"),
            (lambda report: report["evaluation"].update(fingerprint="sha256:" + "0" * 64), "other rows"),
        ],
    )
    def test_a_report_about_something_else(self, tmp_path, change_, says):
        run(repository(tmp_path, 3))
        bundle = tmp_path / ".mlci/out/bundle"
        report = json.loads((bundle / "report.json").read_text())
        change_(report)
        data = json.dumps(report).encode()
        (bundle / "report.json").write_bytes(data)
        content = json.loads((bundle / "bundle.json").read_text())
        content["report"].update(digest=entries.digest(data), bytes=len(data))
        (bundle / "bundle.json").write_text(json.dumps(content))
        digest = entries.digest((bundle / "bundle.json").read_bytes())
        (bundle / "bundle.sha256").write_text(f"{digest}  bundle.json\n")
        ended = promote(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert f"judged {says} than the bundle holds" in ended.err

    def test_another_models_bundle(self, tmp_path):
        run(repository(tmp_path, 3))
        commit(tmp_path, {"mlci.yml": files(3)["mlci.yml"].replace("model: planted", "model: other")})
        ended = promote(tmp_path)
        assert ended.code == 2
        assert "is of the model `planted`, not `other`" in ended.err


class TestPromotion:
    def test_it_says_what_it_did_and_who(self, tmp_path):
        run(repository(tmp_path, 3))
        ended = promote(tmp_path, "--note", "first", GITHUB_ACTOR="octocat")
        expected = {"promoted": True, "version": 1, "replaced": None, "entry": 1, "verdict": "warn"}
        assert ended.report == {**expected, "judged_again": [], "refused": None, "notes": []}
        entry = ledger.read(store(tmp_path), 1)
        assert (entry.by.actor, entry.body.note) == ("octocat", "first")
        commit(tmp_path, {"k.txt": "1"})
        run(tmp_path)
        said = mlci("promote", cwd=tmp_path)
        expected = "version 2 of planted is in production; it replaces version 1 (passed on 100 rows; entry 2)\n"
        assert (said.code, said.out) == (0, expected)

    def test_twice_is_once(self, tmp_path):
        champion(tmp_path, 3)
        ended = promote(tmp_path)
        assert (ended.code, ended.report["promoted"], ended.report["version"]) == (0, False, 1)
        run(tmp_path)  # made again, by the same commit: the same bytes
        assert promote(tmp_path).report["promoted"] is False
        assert len(bodies(tmp_path)) == 1

    def test_what_a_gate_blocks_is_not_promoted(self, tmp_path):
        commit(champion(tmp_path, 1), {"k.txt": "3"})
        assert run(tmp_path).code == 1
        ended = promote(tmp_path)
        assert (ended.code, ended.report["refused"]) == (1, "a gate blocks")
        assert state(tmp_path).champion == 1

    def test_files_that_were_there_and_are_damaged_are_named(self, tmp_path):
        champion(tmp_path, 3)
        lost = kept(tmp_path, manifest(tmp_path)["recipe"]["config"]["digest"])
        DAMAGE["altered"](lost)
        commit(tmp_path, {"k.txt": "1"})
        run(tmp_path)
        ended = promote(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "`mlci.yml` of the bundle for version 2 was altered" in ended.err
        assert state(tmp_path).champion == 1

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_a_damaged_champion_is_not_replaced_unseen(self, tmp_path, damage):
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        run(tmp_path)
        DAMAGE[damage](kept(tmp_path, manifest_digest(tmp_path)))
        ended = promote(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "the manifest of version 1" in ended.err
        assert state(tmp_path).champion == 1

    def test_a_ledger_that_was_cut_back(self, tmp_path):
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        promoted(tmp_path)
        run(tmp_path)
        (tmp_path / ".mlci/registry/planted/ledger/000000002.json").unlink()
        for command in ("promote", "run"):
            ended = mlci(command, cwd=tmp_path)
            assert (ended.code, ended.out) == (4, "")
            assert "it was cut back" in ended.err

    def test_uncommitted_changes_are_named(self, tmp_path):
        repository(tmp_path, 3)
        (tmp_path / "k.txt").write_text("2")
        run(tmp_path)
        assert "uncommitted changes" in promote(tmp_path).report["notes"][0]


class TestJudgedAgain:
    """A verdict about another champion, other rows or other gates is given again before anything is promoted."""

    def another(self, folder, k):
        """Promote a model that is wrong on k rows of ten while the checkout's own bundle waits."""
        aside = folder / ".mlci/aside"
        (folder / ".mlci/out").rename(aside)
        before = git(folder, "rev-parse", "HEAD")
        git(folder, "checkout", "--quiet", "-b", f"other{k}", "HEAD~1")
        commit(folder, {"k.txt": str(k), "other": "x"})
        assert promoted(folder) == 2
        git(folder, "checkout", "--quiet", before)
        mlci_out = folder / ".mlci/out"
        mlci_out.rename(folder / ".mlci/done")
        aside.rename(mlci_out)

    @pytest.mark.parametrize(("other", "code"), [(2, 0), (0, 1)])
    def test_the_champion_moved(self, tmp_path, other, code):
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        run(tmp_path)
        times = trained(tmp_path)
        self.another(tmp_path, other)
        ended = promote(tmp_path)
        assert ended.code == code, ended.err
        assert ended.report["judged_again"] == ["it was judged against version 1, and version 2 is in production"]
        assert (ended.report["promoted"], ended.report["replaced"]) == ((True, 2) if code == 0 else (False, None))
        assert state(tmp_path).champion == (3 if code == 0 else 2)
        assert trained(tmp_path) == times + 1  # the other one; nothing is trained to judge again
        report = json.loads((tmp_path / ".mlci/out/report.json").read_text())
        assert report["baseline"]["version"] == "2"
        accuracy = next(row for row in report["metrics"] if row["metric"] == "accuracy")
        assert (accuracy["baseline"], accuracy["candidate"]) == pytest.approx((1 - other / 10, 0.9))
        if code == 0:
            assert manifest(tmp_path, 3)["report"]["digest"] == entries.digest(
                (tmp_path / ".mlci/out/report.json").read_bytes()
            )

    def test_it_is_recorded_as_the_same_look(self, tmp_path):
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        run(tmp_path, "--record")
        self.another(tmp_path, 2)
        assert promote(tmp_path).code == 0
        assert [body.kind for body in bodies(tmp_path)] == ["promotion", "verdict", "promotion", "verdict", "promotion"]
        assert list(state(tmp_path).uses.values()) == [1]

    def test_the_rows_moved(self, tmp_path):
        """Both models score the new rows, each by its own file and its own commit's code."""
        commit(champion(tmp_path, 3), {"k.txt": "1"})
        run(tmp_path)
        times = trained(tmp_path)
        commit(tmp_path, {"holdout.csv": holdout(60, first=500), "predict.py": "raise SystemExit(1)"})
        ended = promote(tmp_path)
        assert ended.code == 0, ended.err
        assert ended.report["judged_again"] == ["the evaluation set moved"]
        assert trained(tmp_path) == times
        assert manifest(tmp_path, 2)["data"]["rows"] == 60
        kinds = [body.kind for body in bodies(tmp_path)]
        assert kinds == ["promotion", "rescored", "verdict", "promotion"]
        assert promote(tmp_path).report["promoted"] is False  # the same model, whatever its rows
        commit(tmp_path, {"k.txt": "2", "predict.py": files(1)["predict.py"]})
        assert change(run(tmp_path)) == shown(1, 2)
        assert mlci("ledger", "verify", "--files", cwd=tmp_path).code == 0

    def test_the_gates_moved(self, tmp_path):
        run(repository(tmp_path, 3, more=ABSOLUTE))
        tighter = files(3, more=ABSOLUTE.replace("0.5", "0.8"))["mlci.yml"]
        commit(tmp_path, {"mlci.yml": tighter})
        ended = promote(tmp_path)
        assert ended.code == 1
        assert ended.report["judged_again"] == ["what it is judged on changed in the configuration"]
        assert state(tmp_path).champion is None

    def test_words_of_the_configuration_that_decide_nothing_may_move(self, tmp_path):
        run(repository(tmp_path, 3))
        commit(tmp_path, {"mlci.yml": "# a comment\n" + files(3)["mlci.yml"]})
        assert promote(tmp_path).report["judged_again"] == []

    def test_what_was_judged_against_something_else(self, tmp_path):
        champion(tmp_path, 1)
        text = files(3, baseline="none", more=ABSOLUTE)["mlci.yml"]
        commit(tmp_path, {"k.txt": "3", "mlci.yml": text})
        assert run(tmp_path).code == 0
        ended = promote(tmp_path)
        assert ended.code == 1
        assert "not judged against production" in ended.report["judged_again"][0]
        assert state(tmp_path).champion == 1

    def test_numbers_of_a_metrics_file(self, tmp_path):
        repository(tmp_path, 1)
        text = TOTALS.replace("gates:", "baseline: none\ngates:") + "  - {metric: test.accuracy, min: 0.5}\n"
        for value, code in ((0.9, 0), (0.7, 1)):
            commit(tmp_path, {"mlci.yml": text, "metrics.json": f'{{"test": {{"accuracy": {value}}}}}'})
            assert run(tmp_path).code == 0
            assert promote(tmp_path).code == code
        assert state(tmp_path).champion == 1


class TestTwoAtOnce:
    @pytest.mark.parametrize(("one", "two"), [(1, 1), (0, 2)])
    def test_they_end_in_one_order_and_nothing_is_lost(self, tmp_path, one, two):
        """Two merges, each judged against version 1; the later one is judged again, against the earlier."""
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
        from mlci.registry.folder import FolderStore  # noqa: PLC0415

        seen = list(ledger.walk(FolderStore(tmp_path / "shared", "planted")))
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

    def test_others_that_are_always_faster(self, tmp_path, monkeypatch):
        commit(champion(tmp_path, 3), {"k.txt": "3", "x": ""})
        run(tmp_path)
        real = ledger.append
        stamp = Stamp(by=By(), now=lambda: "2026-01-01T00:00:00+00:00", nonce=lambda: "x")

        def overtaken(store_, _, decide):
            now = ledger.tail(store_).state
            content = {**manifest(tmp_path, now.versions), "version": now.versions + 1}
            path = tmp_path / "loose"
            path.write_bytes(
                entries.canonical(
                    {**content, "seconds": {"x": 1.0}, "recipe": {**content["recipe"], "seed": now.versions}}
                )
            )
            digest = entries.digest(path.read_bytes())
            store_.put(path, digest)
            body = Promotion(version=now.versions + 1, manifest=digest, replaced=now.champion)
            real(store_, stamp, lambda _: body)
            return real(store_, stamp, decide)

        monkeypatch.setattr("mlci.usecases.promote.ledger.append", overtaken)
        ended = promote(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "other promotions came first 20 times in a row" in ended.err


class TestRollback:
    def versions(self, folder, *ks):
        champion(folder, ks[0])
        for k in ks[1:]:
            commit(folder, {"k.txt": str(k)})
            promoted(folder)
        return folder

    def back(self, folder, *more, reason="it drifts", **environment):
        return mlci("rollback", "--json", "--reason", reason, *more, cwd=folder, **environment)

    def test_one_step_with_reason_and_author(self, tmp_path):
        self.versions(tmp_path, 3, 2, 1)
        ended = self.back(tmp_path, GITHUB_ACTOR="octocat")
        assert ended.report == {"version": 2, "replaced": 3, "entry": 4}
        entry = list(ledger.walk(store(tmp_path)))[-1]
        assert (entry.by.actor, entry.body.reason) == ("octocat", "it drifts")
        assert change(run(tmp_path)) == shown(2, 1)
        assert self.back(tmp_path).report == {"version": 1, "replaced": 2, "entry": 5}
        ended = self.back(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert "version 1 is the first one" in ended.err
        assert self.back(tmp_path, "--to", 3).report == {"version": 3, "replaced": 1, "entry": 6}
        assert self.back(tmp_path, "--to", 3).report == {"version": 3, "replaced": 3, "entry": None}

    def test_what_was_rolled_back_does_not_come_back_by_itself(self, tmp_path):
        """The workflow that promoted it is run again: the same bytes, judged and good."""
        self.versions(tmp_path, 3, 1)
        self.back(tmp_path)
        assert run(tmp_path).code == 0
        ended = promote(tmp_path)
        assert ended.code == 1
        assert "version 2 holds these bytes and was rolled back: it drifts" in ended.report["refused"]
        assert "`mlci rollback --to 2` would bring it back" in ended.report["refused"]
        commit(tmp_path, {"k.txt": "2"})
        assert promoted(tmp_path) == 3

    @pytest.mark.parametrize(
        ("more", "says"),
        [(["--to", 9], "has no version 9"), (["--to", 0], "Invalid value"), ([], "nothing to roll back")],
    )
    def test_there_is_no_such_version(self, tmp_path, more, says):
        folder = champion(tmp_path, 1) if more else repository(tmp_path, 1)
        ended = self.back(folder, *more)
        assert (ended.code, ended.out) == (2, "")
        assert says in ended.err

    def test_a_reason_has_to_be_given(self, tmp_path):
        self.versions(tmp_path, 3, 1)
        assert mlci("rollback", cwd=tmp_path).code == 2
        assert self.back(tmp_path, reason="  ").code == 2
        assert state(tmp_path).champion == 2

    @pytest.mark.parametrize("damage", DAMAGE)
    @pytest.mark.parametrize("what", ["model", "report", "manifest"])
    def test_not_to_a_version_that_is_damaged(self, tmp_path, damage, what):
        self.versions(tmp_path, 3, 1)
        held = manifest(tmp_path, 1)
        digest = {
            "model": held["files"][0]["digest"],
            "report": held["report"]["digest"],
            "manifest": manifest_digest(tmp_path, 1),
        }[what]
        DAMAGE[damage](kept(tmp_path, digest))
        ended = self.back(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "version 1" in ended.err
        assert state(tmp_path).champion == 2

    def test_another_promotion_in_between(self, tmp_path, monkeypatch):
        self.versions(tmp_path, 3, 2)
        real = ledger.append

        def overtaken(store_, stamp, decide):
            monkeypatch.setattr("mlci.usecases.rollback.ledger.append", real)
            commit(tmp_path, {"k.txt": "1"})
            promoted(tmp_path)
            return real(store_, stamp, decide)

        monkeypatch.setattr("mlci.usecases.rollback.ledger.append", overtaken)
        ended = self.back(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "version 3 was promoted meanwhile and nothing was rolled back" in ended.err
        monkeypatch.setattr("mlci.usecases.rollback.ledger.append", overtaken)


def test_nothing_yet(tmp_path):
    repository(tmp_path, 1)
    assert "has no version" in mlci("versions", cwd=tmp_path).out
    assert mlci("versions", "--json", cwd=tmp_path).report == {"model": "planted", "champion": None, "versions": []}
    assert mlci("show", cwd=tmp_path).code == 2
    assert "has no entry yet" in mlci("ledger", "log", cwd=tmp_path).out
    assert "0 entries, 0 versions, 0 files there; none is in production" in mlci("ledger", "verify", cwd=tmp_path).out
    assert not (tmp_path / ".mlci/registry").exists()


def test_versions_show_and_log(tmp_path):
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
    log = mlci("ledger", "log", cwd=tmp_path).out.splitlines()
    assert "octocat: promoted version 2, instead of version 1: a" in log[0]
    assert "judged pass against version 1 on sha256:" in log[1]
    assert [row["number"] for row in mlci("ledger", "log", "--json", cwd=tmp_path).report] == [1, 2, 3]
    verified = mlci("ledger", "verify", "--files", "--json", cwd=tmp_path).report
    assert (verified["entries"], verified["state"]["champion"], verified["findings"]) == (3, 2, [])


@pytest.mark.parametrize("damage", DAMAGE)
def test_verify_finds_what_no_run_looks_at(tmp_path, damage):
    """An old version's model: nothing reads it until somebody rolls back."""
    commit(champion(tmp_path, 3), {"k.txt": "1"})
    promoted(tmp_path)
    DAMAGE[damage](kept(tmp_path, manifest(tmp_path, 1)["files"][0]["digest"]))
    assert mlci("ledger", "verify", cwd=tmp_path).code == (4 if damage == "missing" else 0)
    ended = mlci("ledger", "verify", "--files", cwd=tmp_path)
    assert (ended.code, ended.out) == (4, "")
    assert "`model.txt` of version 1" in ended.err
