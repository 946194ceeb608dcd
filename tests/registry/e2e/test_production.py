"""`baseline: production`: the champion's own numbers on the candidate's rows, or no judgement at all."""

import json

import pytest

from mlci.registry import ledger
from mlci.registry.entry_kinds import Actor
from mlci.util.digests import sha256_of
from tests.support.project import (
    BY_FILE,
    BY_RUNNING,
    KNOWN,
    change,
    expected_change,
    holdout,
    mlci,
    predictions,
    run,
    write,
)
from tests.support.registry.lifecycle import (
    ABSOLUTE,
    DAMAGE,
    TOTALS,
    append_version,
    bodies,
    champion,
    count_trainings,
    file_of,
    files,
    manifest,
    manifest_digest,
    put,
    repository,
    state,
    store,
)
from tests.support.repository import commit, git

SCORES = "its own model scores the new rows"


@pytest.mark.parametrize(("before", "after", "known"), KNOWN)
def test_run__known_change_against_the_champion(tmp_path, before, after, known):
    commit(champion(tmp_path, before), {"k.txt": str(after)})
    ended = run(tmp_path)
    assert change(ended) == expected_change(before, after)
    assert change(ended)[2] == pytest.approx(known)
    assert ended.code == (1 if known < 0 else 0), ended.err
    reference = {"source": "production", "version": "1", "commit": git(tmp_path, "rev-parse", "HEAD~1"), "label": None}
    assert ended.report["baseline"] == reference


def test_run__candidate_is_the_champion(tmp_path):
    ended = run(champion(tmp_path, 2))
    assert change(ended) == expected_change(2, 2)
    assert ended.report["baseline"]["version"] == "1"


@pytest.mark.parametrize(("k", "code", "outcome"), [(3, 0, "passed"), (6, 1, "failed")])
def test_run__no_champion_yet(tmp_path, k, code, outcome):
    ended = run(repository(tmp_path, k, more=ABSOLUTE))
    assert ended.code == code
    assert [gate["outcome"] for gate in ended.report["gates"]] == ["no_baseline", outcome]
    assert ended.report["gates"][0]["reason"] == "no baseline yet; it is recorded when this merges"
    assert ended.report["baseline"] == {"source": "production", "version": None, "commit": None, "label": None}
    comment = (tmp_path / ".mlci/out/comment.md").read_text()
    assert "no baseline yet; it is recorded when this merges" in comment
    assert "no baseline yet · 100 rows" in comment


def test_run__production_is_the_default_baseline(tmp_path):
    contents = files(1)
    contents["mlci.yml"] = contents["mlci.yml"].replace("baseline: production\n", "")
    assert run(write(tmp_path, contents)).report["baseline"]["source"] == "production"


def test_run__registry_unreadable(tmp_path):
    repository(tmp_path, 1)
    (tmp_path / ".mlci").mkdir()
    (tmp_path / ".mlci/registry").write_text("a file")
    ended = run(tmp_path)
    assert (ended.code, ended.out) == (4, "")
    assert "registry" in ended.err
    assert count_trainings(tmp_path) == 0
    assert not (tmp_path / ".mlci/out/report.json").exists()


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("predictions", "`predictions.csv` of version 1"),
        ("manifest", "the manifest of version 1"),
        ("entry", "entry 1"),
    ],
)
def test_run__damaged_champion(tmp_path, damage, what, named):
    champion(tmp_path, 1)
    before = count_trainings(tmp_path)
    paths = {
        "predictions": lambda: file_of(tmp_path, manifest(tmp_path)["predictions"]["file"]["digest"]),
        "manifest": lambda: file_of(tmp_path, manifest_digest(tmp_path)),
        "entry": lambda: tmp_path / ".mlci/registry/planted/ledger/000000001.json",
    }
    DAMAGE[damage](paths[what]())
    ended = run(tmp_path)
    assert (ended.code, ended.out) == (4, "")
    cut_back = what == "entry" and damage == "missing"
    assert ("cut back" if cut_back else named) in ended.err
    assert what == "entry" or damage in ended.err or "truncated or altered" in ended.err
    assert count_trainings(tmp_path) == before
    assert not (tmp_path / ".mlci/out/report.json").exists()
    for command in (("ledger", "verify", "--files"), ("promote",)):
        assert mlci(*command, cwd=tmp_path).code in {2, 4}


def test_run__predictions_of_the_version_for_other_rows(tmp_path):
    champion(tmp_path, 1)
    file = {"name": "predictions.csv", **put(tmp_path, predictions(1, first=500).encode())}
    append_version(tmp_path, predictions={"file": file})
    ended = run(tmp_path)
    assert (ended.code, ended.out) == (4, "")
    assert "the predictions of version 2 do not fit the rows that its manifest names" in ended.err


def test_run__file_name_leaves_the_registry(tmp_path):
    champion(tmp_path, 1)
    file = {"name": "../../mlci.yml", **put(tmp_path, predictions(1).encode())}
    append_version(tmp_path, predictions={"file": file})
    ended = run(tmp_path)
    assert (ended.code, ended.out) == (4, "")
    assert "the manifest of version 2 can't be read" in ended.err


class TestMovedEvaluationSet:
    """The champion's own model scores the new rows, with the code of its own commit."""

    def moved(self, folder, before=1, after=3):
        """The candidate changes the rows, the model and the code; the champion's code cannot read the new one."""
        champion(folder, before)
        turned = files(after)["predict.py"].replace("< k", "< k - 1")  # the model file says one more now
        commit(folder, {"holdout.csv": holdout(60, first=500), "k.txt": str(after + 1), "predict.py": turned})
        return folder

    @pytest.mark.parametrize(("before", "after", "known"), KNOWN)
    def test_moved_rows__known_change(self, tmp_path, before, after, known):
        assert (before - after) / 10 == pytest.approx(known)
        ended = run(self.moved(tmp_path, before, after))
        assert change(ended) == expected_change(before, after), ended.err
        assert ended.report["evaluation"]["rows"] == 60
        assert ended.report["baseline"]["version"] == "1"
        assert count_trainings(tmp_path) == 2  # the champion once, the candidate once
        assert f"baseline: the evaluation set moved since version 1; {SCORES}\n" in ended.err
        assert any("its own model scored the new rows" in note for note in ended.report["notes"])
        assert git(tmp_path, "worktree", "list").count("\n") == 0
        assert len(bodies(tmp_path)) == 1

    def test_moved_rows__recorded_scores_are_reused(self, tmp_path):
        self.moved(tmp_path)
        assert change(run(tmp_path, "--record")) == expected_change(1, 3)
        assert [body.kind for body in bodies(tmp_path)] == ["promotion", "rescored", "verdict"]
        again = run(tmp_path, "--record")
        assert SCORES not in again.err
        assert change(again) == expected_change(1, 3)
        assert [body.kind for body in bodies(tmp_path)] == ["promotion", "rescored", "verdict", "verdict"]
        assert mlci("ledger", "verify", "--files", cwd=tmp_path).code == 0

    def test_moved_rows__recorded_scores_damaged(self, tmp_path):
        self.moved(tmp_path)
        run(tmp_path, "--record")
        description = json.loads(file_of(tmp_path, bodies(tmp_path)[1].predictions).read_bytes())
        DAMAGE["altered"](file_of(tmp_path, description["file"]["digest"]))
        ended = run(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "`predictions.csv` of version 1 was altered" in ended.err
        assert "entry 2" in mlci("ledger", "verify", "--files", cwd=tmp_path).err

    def test_moved_rows__predict_step_of_the_version_fails(self, tmp_path):
        """No change to the candidate's mlci.yml would help."""
        champion(tmp_path, 1, predict=BY_RUNNING.replace("predict.py", "$LEFT predict.py"))
        commit(tmp_path, {"holdout.csv": holdout(60, first=500), "k.txt": "2"})
        ended = run(tmp_path, LEFT="gone.py")
        assert (ended.code, ended.out) == (3, "")
        assert "error: baseline predict failed" in ended.err
        assert (
            "to change: `predict.run` and `predict.timeout` in mlci.yml of version 1. As that is made already"
            in ended.err
        )
        assert "promote first a version whose predict step takes the old rows and the new ones" in ended.err

    def test_moved_rows__damaged_model(self, tmp_path):
        self.moved(tmp_path)
        DAMAGE["altered"](file_of(tmp_path, manifest(tmp_path)["files"][0]["digest"]))
        ended = run(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "`model.txt` of version 1 was altered" in ended.err
        assert SCORES not in ended.err

    def test_moved_rows__model_of_several_files(self, tmp_path):
        train = files(1)["train.py"] + (
            'import pathlib\nm = pathlib.Path(os.environ["MLCI_MODEL"])\nm.unlink()\n(m / "sub").mkdir(parents=True)\n'
            '(m / "sub/k").write_text(k)\n(m / "name").write_text("x")\n'
        )
        predict = files(1)["predict.py"].replace('open(os.environ.get("MLCI_MODEL", "model.txt"))', 'open("m/sub/k")')
        assert 'open("m/sub/k")' in predict
        by = files(1)["mlci.yml"].replace("model: model.txt", "model: m")
        repository(tmp_path, 2)
        script = {
            "train.py": train.replace("m.unlink()", "import shutil; m.is_dir() and shutil.rmtree(m) or m.unlink()")
        }
        script["train.py"] = script["train.py"].replace(
            'open(os.environ.get("MLCI_MODEL", "model.txt"), "w").write(k)\n', ""
        )
        script["train.py"] = script["train.py"].replace(" or m.unlink()", "")
        commit(tmp_path, {**script, "predict.py": predict, "mlci.yml": by, ".gitignore": ".mlci/\nm/\ntrained.log\n"})
        assert mlci("run", cwd=tmp_path).code == 0
        assert mlci("promote", cwd=tmp_path).code == 0
        assert [file["name"] for file in manifest(tmp_path)["files"]] == ["name", "sub/k"]
        commit(tmp_path, {"holdout.csv": holdout(60, first=500), "k.txt": "4"})
        assert change(run(tmp_path)) == expected_change(2, 4)

    def test_moved_rows__version_without_a_model(self, tmp_path):
        repository(tmp_path, 0, **BY_FILE)
        commit(tmp_path, {"preds.csv": predictions(1)})
        assert (mlci("run", cwd=tmp_path).code, mlci("promote", cwd=tmp_path).code) == (0, 0)
        commit(tmp_path, {"preds.csv": predictions(1, first=500), "holdout.csv": holdout(first=500)})
        ended = run(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert "has predictions only" in ended.err
        assert SCORES not in ended.err  # it could not, and nothing says that it does
        assert f"`baseline: {{ref: {git(tmp_path, 'rev-parse', 'HEAD~1')}}}`" in ended.err

    def test_moved_rows__commit_not_in_the_clone(self, tmp_path):
        self.moved(tmp_path / "all")
        git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tmp_path}/all", "shallow")
        text = (tmp_path / "shallow/mlci.yml").read_text() + f"registry: {tmp_path}/all/.mlci/registry\n"
        (tmp_path / "shallow/mlci.yml").write_text(text)
        ended = run(tmp_path / "shallow")
        assert (ended.code, ended.out) == (2, "")
        assert "is not in this clone" in ended.err
        assert "fetch-depth: 0" in ended.err
        assert SCORES not in ended.err

    def test_moved_rows__version_made_outside_of_git(self, tmp_path):
        write(tmp_path, files(1))
        assert (mlci("run", cwd=tmp_path).code, mlci("promote", cwd=tmp_path).code) == (0, 0)
        (tmp_path / "holdout.csv").write_text(holdout(first=500))
        ended = run(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert "was made outside of git" in ended.err
        assert SCORES not in ended.err


def test_run__rows_without_a_key(tmp_path):
    contents = files(2)
    contents["mlci.yml"] = contents["mlci.yml"].replace("  key: id\n", "")
    contents["predict.py"] = contents["predict.py"].replace('"id,p\\n"', '"p\\n"').replace("{row['id']},", "")
    repository(tmp_path, 2)
    commit(tmp_path, contents)
    assert (mlci("run", cwd=tmp_path).code, mlci("promote", cwd=tmp_path).code) == (0, 0)
    commit(tmp_path, {"k.txt": "4"})
    assert change(run(tmp_path)) == expected_change(2, 4)
    head, *lines = holdout().splitlines()
    commit(tmp_path, {"holdout.csv": "\n".join([head, *reversed(lines)]) + "\n"})
    ended = run(tmp_path)
    assert change(ended) == expected_change(2, 4)
    assert SCORES in ended.err


def test_run__metrics_files(tmp_path):
    repository(tmp_path, 1)
    commit(tmp_path, {"mlci.yml": TOTALS, "metrics.json": '{"test": {"accuracy": 0.9}}'})
    first = run(tmp_path)
    assert [gate["outcome"] for gate in first.report["gates"]] == ["no_baseline"]
    assert mlci("promote", cwd=tmp_path).code == 0
    commit(tmp_path, {"metrics.json": '{"test": {"accuracy": 0.7}}'})
    ended = run(tmp_path, "--record")
    assert change(ended, "test.accuracy") == pytest.approx((0.9, 0.7, -0.2))
    assert ended.code == 1
    assert state(tmp_path).uses == {"metrics": 1}


def test_run__registry_in_git(tmp_path):
    champion(tmp_path, 1)
    git(tmp_path, "add", "--force", ".mlci/registry")
    git(tmp_path, "commit", "--quiet", "-m", "planted")
    ended = run(tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "so a pull request could write its own baseline" in ended.err


def test_run__mlflow_database_in_git(tmp_path):
    project = repository(tmp_path, 1, more="registry: mlflow:sqlite:///kept/mlflow.db\n")
    commit(project, {"kept/mlflow.db": "planted"})
    ended = run(project)
    assert (ended.code, ended.out) == (2, "")
    assert "so a pull request could write its own baseline" in ended.err


def test_run__link_in_git_to_another_registry(tmp_path):
    project = repository(tmp_path / "project", 1)
    (tmp_path / "planted").mkdir()
    (project / ".mlci").mkdir()
    (project / ".mlci/registry").symlink_to(tmp_path / "planted")
    git(project, "add", "--force", ".mlci/registry")
    git(project, "commit", "--quiet", "-m", "planted")
    ended = run(project)
    assert (ended.code, ended.out) == (2, "")
    assert "so a pull request could write its own baseline" in ended.err


def test_run__candidate_writes_the_baselines_predictions(tmp_path):
    """It knows its own predictions path, so it can find the baseline's."""
    champion(tmp_path, 1)
    script = files(3)["predict.py"] + (
        'import pathlib\nour = pathlib.Path(os.environ["MLCI_PREDICTIONS"])\n'
        '(our.parents[1] / "baseline/predictions.csv").write_text(our.read_text())\n'
    )
    commit(tmp_path, {"k.txt": "3", "predict.py": script})
    ended = run(tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "wrote to the baseline's predictions of version 1" in ended.err


def test_run__candidate_writes_the_evaluation_set(tmp_path):
    champion(tmp_path, 1)
    script = files(3)["train.py"] + (
        'text = open("holdout.csv").read().splitlines()\n'
        'open("holdout.csv", "w").write("\\n".join(text[:-10]) + "\\n")\n'
    )
    commit(tmp_path, {"k.txt": "3", "train.py": script})
    ended = run(tmp_path)
    assert (ended.code, ended.out) in {(2, ""), (4, "")}
    assert not (tmp_path / ".mlci/out/report.json").exists()


def test_run__candidate_flips_labels(tmp_path):
    champion(tmp_path, 1)
    script = (
        files(3)["train.py"]
        + 'text = open("holdout.csv").read()\nopen("holdout.csv", "w").write(text.replace("10,1,1", "10,1,0"))\n'
    )
    commit(tmp_path, {"k.txt": "3", "train.py": script})
    ended = run(tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "the evaluation set changed during the evaluation" in ended.err


def test_run__registry_folder_of_a_workflow_is_lost(tmp_path):
    repository(tmp_path, 1)
    ended = run(tmp_path, GITHUB_ACTIONS="true")
    assert "::warning file=mlci.yml,line=1::`registry: .mlci/registry` is a folder that this runner loses" in ended.err
    commit(tmp_path, {"mlci.yml": files(1, more="registry: elsewhere\n")["mlci.yml"]})
    assert "::warning" not in run(tmp_path, GITHUB_ACTIONS="true").err


def test_run__costs_of_the_version(tmp_path):
    more = "  - {metric: model_megabytes, max_rise: 10%}\n  - {metric: train_seconds, max: 60}\n"
    commit(champion(tmp_path, 1, more=more), {"k.txt": "10"})  # two bytes instead of one
    ended = run(tmp_path)
    assert change(ended, "model_megabytes") == (1e-6, 2e-6, 1e-6)
    known = manifest(tmp_path)["costs"]["predict_seconds_per_1k_rows"]
    assert change(ended, "predict_seconds_per_1k_rows")[0] == pytest.approx(known)


class TestHoldoutUses:
    def test_holdout_uses__same_candidate_counts_once(self, tmp_path):
        champion(tmp_path, 3)
        counts = []
        for k in (3, 2, 2, 3, 1):
            commit(tmp_path, {"k.txt": str(k), "note": f"{len(counts)}"})
            counts.append(run(tmp_path, "--record").report["evaluation"]["uses"])
        assert counts == [1, 2, 2, 2, 3]
        assert [body.again for body in bodies(tmp_path) if body.kind == "verdict"] == [False, False, True, True, False]
        assert list(state(tmp_path).uses.values()) == [3]

    def test_holdout_uses__other_gates_count_again(self, tmp_path):
        champion(tmp_path, 3)
        assert run(tmp_path, "--record").report["evaluation"]["uses"] == 1
        commit(tmp_path, {"mlci.yml": files(3, more=ABSOLUTE)["mlci.yml"]})
        assert run(tmp_path, "--record").report["evaluation"]["uses"] == 2

    def test_holdout_uses__run_without_record(self, tmp_path):
        champion(tmp_path, 3)
        assert run(tmp_path).report["evaluation"]["uses"] is None
        run(tmp_path, "--record")
        assert run(tmp_path).report["evaluation"]["uses"] == 1
        assert len(bodies(tmp_path)) == 2

    def test_run_record__report_and_actor(self, tmp_path):
        champion(tmp_path, 3)
        workflow = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "7"}
        run(tmp_path, "--record", GITHUB_ACTOR="octocat", GITHUB_SHA="c" * 40, **workflow)
        entry = list(ledger.iter_all(store(tmp_path)))[-1]
        assert entry.by == Actor(actor="octocat", commit="c" * 40, run="https://github.com/o/r/actions/runs/7")
        assert entry.body.report == sha256_of((tmp_path / ".mlci/out/report.json").read_bytes())
        assert (entry.body.verdict, entry.body.against) == ("pass", 1)

    def test_run_record__file_baseline(self, tmp_path):
        write(tmp_path, {**files(2, baseline="{file: old.csv}"), "old.csv": predictions(2)})
        assert run(tmp_path, "--record").report["evaluation"]["uses"] == 1
        assert bodies(tmp_path)[0].against is None
