"""A baseline that is better or worse by a known amount: the report shows that change for every kind of baseline."""

import os
import sys
import zipfile

import pytest

from mlci.execution import skops_stage
from tests.support import project
from tests.support.project import (
    BY_FILE,
    BY_TRAINING,
    KNOWN,
    TOTALS,
    change,
    config,
    expected_change,
    files,
    holdout,
    predictions,
    repository,
    run,
    write,
)
from tests.support.repository import commit, git, start_branch

BY_METRICS = "predict:\n  metrics: metrics.json\n"


@pytest.mark.parametrize(("before", "after", "known"), KNOWN)
def test_run__known_change_by_commands_of_another_commit(tmp_path, before, after, known):
    ended = run(repository(tmp_path, files(before), files(after)))
    assert change(ended) == expected_change(before, after)
    assert change(ended)[2] == pytest.approx(known)
    assert ended.code == (1 if known < 0 else 0), ended.err
    assert ended.report["baseline"]["commit"] == git(tmp_path, "rev-parse", "main")
    assert ended.report["candidate"]["commit"] == git(tmp_path, "rev-parse", "HEAD")
    assert git(tmp_path, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize(("before", "after", "known"), KNOWN[:1])
def test_run__known_change_by_committed_predictions(tmp_path, before, after, known):
    ended = run(
        repository(
            tmp_path,
            {**files(0, **BY_FILE), "preds.csv": predictions(before)},
            {**files(0, **BY_FILE), "preds.csv": predictions(after)},
        )
    )
    assert change(ended) == expected_change(before, after)


@pytest.mark.parametrize(("before", "after", "known"), KNOWN[1:])
def test_run__known_change_by_a_file_of_predictions(tmp_path, before, after, known):
    write(tmp_path, {**files(after, baseline="{file: old.csv}"), "old.csv": predictions(before)})
    ended = run(tmp_path)
    assert change(ended) == expected_change(before, after)
    assert ended.report["baseline"] == {"source": "file", "version": None, "commit": None, "label": "old.csv"}


def test_run__known_change_by_two_columns_of_one_file(tmp_path):
    rows = [f"{i},{i // 10 % 2},{int(i % 10 < 2) ^ (i // 10 % 2)}" for i in range(100)]
    predict = {"train": "", "predict": "predict: {file: both.csv, decision: new}\n"}
    write(tmp_path, files(0, baseline="{file: both.csv, decision: old}", **predict))
    (tmp_path / "both.csv").write_text("\n".join(["id,new,old", *rows]) + "\n")
    assert change(run(tmp_path)) == expected_change(2, 0)


@pytest.mark.parametrize(("before", "after", "known"), KNOWN)
def test_run__known_change_by_metrics_files_of_two_commits(tmp_path, before, after, known):
    def contents(k):
        text = TOTALS.format(train="", metrics="metrics.json", baseline="{ref: main}")
        return {"mlci.yml": text, "metrics.json": f'{{"test": {{"accuracy": {1 - k / 10}}}}}'}

    ended = run(repository(tmp_path, contents(before), contents(after)))
    assert change(ended, "test.accuracy") == expected_change(before, after)
    assert ended.code == (1 if known < 0 else 0)


@pytest.mark.parametrize(("before", "after", "known"), KNOWN[1:])
def test_run__known_change_by_metrics_that_training_writes(tmp_path, before, after, known):
    train = f"train:\n  run: {project.PYTHON} train.py\n"
    script = 'k = int(open("k.txt").read())\nopen("metrics.json", "w").write(f\'{{"test": {{"accuracy": {1-k/10}}}}}\')'

    def contents(k):
        text = TOTALS.format(train=train, metrics="metrics.json", baseline="{ref: main}")
        return {"mlci.yml": text, "train.py": script, "k.txt": str(k)}

    repository(tmp_path, contents(before), contents(after))
    for _ in range(2):  # made, then from the cache
        assert change(run(tmp_path), "test.accuracy") == expected_change(before, after)


def test_run__known_change_by_two_metrics_files(tmp_path):
    text = TOTALS.format(train="", metrics="new.json", baseline="{file: old.yaml}")
    write(tmp_path, {"mlci.yml": text, "new.json": '{"test": {"accuracy": 0.7}}', "old.yaml": "test: {accuracy: 0.9}"})
    assert change(run(tmp_path), "test.accuracy") == expected_change(1, 3)


SCORER = """\
import json, sys, zipfile
import duckdb
asked = json.load(open(sys.argv[1]))
assert (asked["task"], asked["key"], asked["trusted"]) == ("binary", "id", ["planted.Model"])
k = int(zipfile.ZipFile(asked["path"]).read("k"))
decided = f"SELECT id, CASE WHEN id::INT % 10 < {k} THEN 1 - x::INT ELSE x::INT END AS decision"
scored = f"SELECT *, decision / 2 AS score FROM ({decided} FROM '{asked['features']}')"
duckdb.sql(scored).write_parquet(asked["target"])
json.dump({"seconds": 0.1, "score": "score", "decision": "decision", "notes": []}, open(asked["result"], "w"))
"""
"""Stand-in for `mlci.execution.skops_scorer`, which imports scikit-learn for seconds; the model is the number k."""


def test_run__known_change_by_saved_models(tmp_path, monkeypatch):
    repo, scorer = tmp_path / "repo", tmp_path / "scorer.py"
    scorer.write_text(SCORER)
    monkeypatch.setattr(skops_stage.environment, "isolated_command", lambda _, path: [sys.executable, scorer, path])
    project.init(repo)
    contents = files(0, train="", predict="predict: {model: planted.skops, trusted: [planted.Model]}\n")
    for k, branch in ((1, "main"), (3, "change")):
        if branch != "main":
            start_branch(repo, branch)
        with zipfile.ZipFile(repo / "planted.skops", "w") as archive:
            archive.writestr("schema.json", "{}")
            archive.writestr("k", str(k))
        git(repo, "add", "planted.skops")
        commit(repo, {".gitignore": ".mlci/\n", **contents, "k.txt": str(k)})
    assert change(run(repo)) == expected_change(1, 3)


def test_run__same_commit(tmp_path):
    repository(tmp_path, files(2), files(2))
    ended = run(tmp_path)
    assert change(ended) == expected_change(2, 2)
    assert ended.code == 0
    assert any("same commit" in note for note in ended.report["notes"])


def test_run__changed_evaluation_set_scores_both_models(tmp_path):
    candidate = {**files(3), "holdout.csv": holdout(rows=60, first=500)}
    ended = run(repository(tmp_path, files(1), candidate))
    assert change(ended) == expected_change(1, 3)
    assert ended.report["evaluation"]["rows"] == 60


def test_run__committed_predictions_of_other_rows(tmp_path):
    before = {**files(0, **BY_FILE), "preds.csv": predictions(1)}
    after = {**files(0, **BY_FILE), "preds.csv": predictions(3, first=500), "holdout.csv": holdout(first=500)}
    ended = run(repository(tmp_path, before, after))
    assert (ended.code, ended.out) == (2, "")
    assert "baseline" in ended.err


class TestBaselineIsNotTheCandidate:
    """Each way in which the candidate's own predictions could pass for the baseline's."""

    @pytest.mark.parametrize(
        "name", ["preds.csv", "./preds.csv", "sub/../preds.csv", "link.csv", "hard.csv", "{absolute}/preds.csv"]
    )
    def test_run__baseline_is_the_candidates_file(self, tmp_path, name):
        (tmp_path / "sub").mkdir()
        name = name.format(absolute=tmp_path)
        write(tmp_path, {**files(0, baseline=f"{{file: '{name}'}}", **BY_FILE), "preds.csv": predictions(3)})
        (tmp_path / "link.csv").symlink_to("preds.csv")
        os.link(tmp_path / "preds.csv", tmp_path / "hard.csv")
        ended = run(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert "compared with itself" in ended.err

    @pytest.mark.parametrize("name", ["metrics.json", "./metrics.json", "link.json"])
    def test_run__baseline_is_the_candidates_metrics_file(self, tmp_path, name):
        text = TOTALS.format(train="", metrics="metrics.json", baseline=f"{{file: {name}}}")
        write(tmp_path, {"mlci.yml": text, "metrics.json": '{"test": {"accuracy": 0.7}}'})
        (tmp_path / "link.json").symlink_to("metrics.json")
        ended = run(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert "compared with itself" in ended.err

    @pytest.mark.parametrize("key", ["file", "model", "metrics"])
    @pytest.mark.parametrize("way", ["absolute", "symlink", "above"])
    def test_run__path_leaves_the_baselines_commit(self, tmp_path, key, way):
        folder = tmp_path / "repo"
        name = {"absolute": f"{folder}/thing", "symlink": "link", "above": f"../../../../{folder}/thing"}[way]
        if key == "metrics":
            text = TOTALS.format(train="", metrics=f"'{name}'", baseline="{ref: main}")
        else:
            decision = ", decision: p" if key == "file" else ""
            text = config(baseline="{ref: main}", train="", predict=f"predict: {{{key}: '{name}'{decision}}}\n")
        contents = {"mlci.yml": text, "holdout.csv": holdout(), "thing": predictions(3)}
        project.init(folder)
        write(folder, contents)
        (folder / "link").symlink_to(folder / "thing")
        git(folder, "add", "link")
        commit(folder, contents)
        commit(folder, {"thing": predictions(4)})
        ended = run(folder)
        assert (ended.code, ended.out) == (2, ""), ended.err
        assert "outside" in ended.err

    def test_run__trained_model_at_an_absolute_path(self, tmp_path):
        train = f"train:\n  run: {project.PYTHON} train.py\n  model: {tmp_path}/model.txt\n"
        ended = run(repository(tmp_path, files(1, train=train), files(3, train=train)))
        assert (ended.code, ended.out) == (2, "")
        assert "outside" in ended.err
        assert not (tmp_path / "model.txt").exists()

    def test_run__training_overwrites_the_baselines_file(self, tmp_path):
        train = f"train:\n  run: cp new.csv old.csv; {project.PYTHON} train.py\n  model: model.txt\n"
        write(tmp_path, files(3, baseline="{file: old.csv}", train=train))
        write(tmp_path, {"old.csv": predictions(1), "new.csv": predictions(3)})
        ended = run(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert "old.csv" in ended.err

    def test_run__training_makes_the_baselines_file(self, tmp_path):
        train = f"train:\n  run: cp new.csv old.csv; {project.PYTHON} train.py\n  model: model.txt\n"
        write(tmp_path, {**files(3, baseline="{file: old.csv}", train=train), "new.csv": predictions(3)})
        ended = run(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert "old.csv" in ended.err

    @pytest.mark.parametrize("key", ["  key: id\n", ""])
    @pytest.mark.parametrize("how", ["labels", "order"])
    def test_run__training_changes_rows_after_the_baseline_was_scored(self, tmp_path, key, how):
        """The baseline's predictions are for the earlier rows, and match the new ones only by name or position."""
        edit = {"labels": r"sed -i 's/^0,0,0/0,0,1/'", "order": "sed -i '2h;2d;3G'"}[how]
        train = f"train:\n  run: {edit} holdout.csv; {project.PYTHON} train.py\n  model: model.txt\n"
        before, after = files(1), files(3, train=train)
        for given in (before, after):
            given["mlci.yml"] = given["mlci.yml"].replace("  key: id\n", key)
            given["predict.py"] = (
                project.PREDICT if key else project.PREDICT.replace("id,p", "p").replace("{row['id']},", "")
            )
        ended = run(repository(tmp_path, before, after))
        if key and how == "order":
            assert change(ended) == expected_change(1, 3)
        else:
            assert (ended.code, ended.out) == (2, "")
            assert "the evaluation set changed during the evaluation" in ended.err

    @pytest.mark.parametrize("baseline", ["{file: old.csv}", "none"])
    @pytest.mark.parametrize("key", ["  key: id\n", ""])
    def test_run__training_labels_its_own_rows(self, tmp_path, baseline, key):
        train = f"train:\n  run: cp easy.csv holdout.csv; {project.PYTHON} train.py\n  model: model.txt\n"
        given = {**files(3, baseline=baseline, train=train), "easy.csv": holdout().replace(",1\n", ",0\n")}
        given["mlci.yml"] = given["mlci.yml"].replace("  key: id\n", key)
        ended = run(write(tmp_path, {**given, "old.csv": predictions(1)}))
        assert given["easy.csv"] != given["holdout.csv"]
        assert (ended.code, ended.out) == (2, "")
        assert "the evaluation set changed during the evaluation" in ended.err

    def test_run__training_makes_missing_rows(self, tmp_path):
        train = f"train:\n  run: cp made.csv holdout.csv; {project.PYTHON} train.py\n  model: model.txt\n"
        given = {**files(3, baseline="{file: old.csv}", train=train), "old.csv": predictions(1), "made.csv": holdout()}
        del given["holdout.csv"]
        assert change(run(write(tmp_path, given))) == expected_change(1, 3)

    def test_run__training_writes_the_same_content(self, tmp_path):
        train = f"train:\n  run: cp old.csv x; cp x old.csv; {project.PYTHON} train.py\n  model: model.txt\n"
        write(tmp_path, {**files(3, baseline="{file: old.csv}", train=train), "old.csv": predictions(1)})
        assert change(run(tmp_path)) == expected_change(1, 3)

    def test_run__prediction_step_changes_labels(self, tmp_path):
        forging = 'import re\ntext = open("holdout.csv").read()\n'
        flipped = 're.sub("([01])$", lambda y: str(1 - int(y[1])), text, flags=re.M)'
        predict = f"{project.PREDICT}{forging}open('holdout.csv', 'w').write({flipped})\n"
        given = {**files(9, baseline="{file: old.csv}"), "old.csv": predictions(1), "predict.py": predict}
        ended = run(write(tmp_path, given))
        assert (ended.code, ended.out) == (2, "")
        assert "holdout.csv: predict changed the evaluation set while it predicted for its rows" in ended.err

    def test_run__baselines_training_overwrites_the_candidates_predictions(self, tmp_path):
        """The candidate is judged by a file in its folder."""
        train = f"train:\n  run: cp preds.csv '{tmp_path}/preds.csv'; touch preds.csv\n"
        before = {**files(1, **{**BY_FILE, "train": train}), "preds.csv": predictions(1)}
        ended = run(repository(tmp_path, before, {**files(3, **BY_FILE), "preds.csv": predictions(3)}))
        assert (ended.code, ended.out) == (2, "")
        assert "wrote to the candidate's `preds.csv`" in ended.err

    @pytest.mark.parametrize("variable", ["PYTHONPATH", "GITHUB_WORKSPACE"])
    def test_run__environment_variable_with_the_candidates_folder(self, tmp_path, variable):
        script = project.TRAIN.replace('"k.txt"', f'os.environ["{variable}"] + "/k.txt"')
        before, after = {**files(1), "train.py": script}, {**files(3), "train.py": script}
        repository(tmp_path, before, after)
        assert change(run(tmp_path, **{variable: str(tmp_path)})) == expected_change(1, 3)

    def test_run__leftover_model_in_the_candidates_folder(self, tmp_path):
        """The baseline does not save its model; the candidate's, ignored by git, must not be used instead."""
        silent = {**files(1, train=f"train: {{run: 'exec {project.sys.executable} -c pass'}}\n")}
        repository(tmp_path, silent, files(3))
        (tmp_path / "model.txt").write_text("3")
        ended = run(tmp_path)
        assert (ended.code, ended.out) == (3, "")
        assert "baseline" in ended.err

    def test_run__another_threshold_is_a_change(self, tmp_path):
        """The scores stay the same and the candidate decides at another threshold."""
        scores = "\n".join(["id,p", *(f"{i},{0.4 if i // 10 % 2 else 0.1}" for i in range(100))]) + "\n"
        predict = "predict: {{file: preds.csv, score: p, threshold: {}}}\n"
        before = {**files(0, train="", predict=predict.format(0.3)), "preds.csv": scores}
        after = {**files(0, train="", predict=predict.format(0.5)), "preds.csv": scores}
        ended = run(repository(tmp_path, before, after))
        assert change(ended) == pytest.approx((1.0, 0.5, -0.5))
        assert ended.code == 1


def test_run__leftover_model_of_an_earlier_training(tmp_path):
    train = BY_TRAINING.replace("train.py", "-c pass")
    write(tmp_path, {**files(3, baseline="none", train=train, more="  - {metric: accuracy, min: 0.5}\n")})
    (tmp_path / "model.txt").write_text("0")
    ended = run(tmp_path)
    assert (ended.code, ended.out) == (3, "")
    assert "as it was before" in ended.err


def test_run__equal_scores_with_other_decisions_are_a_change(tmp_path):
    rows = [(i, i // 10 % 2, i % 10 < 3) for i in range(100)]
    lines = [f"{i},{0.9 if y else 0.1},{y},{int(wrong) ^ y}" for i, y, wrong in rows]
    text = config(
        baseline="{file: both.csv, score: s, decision: old}",
        train="",
        predict="predict: {file: both.csv, score: s, decision: new}\n",
        more="  - {metric: roc_auc, max_drop: 0}\n",
    )
    write(tmp_path, {"mlci.yml": text, "holdout.csv": holdout()})
    (tmp_path / "both.csv").write_text("\n".join(["id,s,old,new", *lines]) + "\n")
    ended = run(tmp_path)
    assert change(ended) == expected_change(0, 3)
    assert change(ended, "roc_auc") == (1.0, 1.0, 0.0)
    assert ended.code == 1


def test_run__score_file_uses_the_baselines_threshold(tmp_path):
    rows = "".join(f"{i},{int(i % 4 == 0)},{0.8 if i % 4 == 0 else 0.6 if i % 4 == 1 else 0.1}\n" for i in range(200))
    text = (
        "model: cut\ntask: binary\nevaluation: {data: rows.csv, key: id, label: y, metrics: [accuracy]}\n"
        "predict: {file: rows.csv, score: s, threshold: 0.5}\n"
        "baseline: {file: rows.csv, score: s, threshold: 0.7}\n"
        "gates: [{metric: accuracy, max_drop: 0.05}]\n"
    )
    write(tmp_path, {"mlci.yml": text, "rows.csv": f"id,y,s\n{rows}"})
    ended = run(tmp_path)
    assert change(ended) == pytest.approx((1.0, 0.75, -0.25))
    assert ended.code == 1
