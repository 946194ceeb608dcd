"""Training that makes the evaluation set: scripts that read, split, train, score, and write holdout and predictions.

Nothing of that is in git. The holdout is the hundred ids from the number in ``start.txt`` on, and the model is wrong
on k ids of ten, so on any multiple of ten rows its accuracy is 1 - k / 10.
"""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.project import change, config, expected_change, mlci, predictions, run
from tests.support.registry.lifecycle import promote_run
from tests.support.repository import commit, init, start_branch
from tests.support.training import LEFT, PREDICT, SCORES, SCRIPT, fresh, project

BY_ROW = {"script.py": SCRIPT, "predict.py": PREDICT}
MADE = "made by this change's own training"


@pytest.fixture(scope="module")
def promoted_project(tmp_path_factory):
    """Return a project whose version 1 is in production, to be copied."""
    folder = project(tmp_path_factory.mktemp("promoted"))
    assert promote_run(folder) == 1
    return folder


@pytest.fixture
def champion(promoted_project, tmp_path):
    return Path(shutil.copytree(promoted_project, tmp_path / "copy"))


def on_a_branch(folder, **files):
    start_branch(folder, "change")
    commit(fresh(folder), {f"{name}.txt": str(text) for name, text in files.items()})
    return folder


def evaluation(ended):
    return ended.report["evaluation"]


@pytest.mark.parametrize(("baseline", "predict"), [("production", SCORES), ("{ref: main}", LEFT)])
def test_run__fresh_checkout(tmp_path, baseline, predict):
    folder = project(tmp_path, baseline=baseline, predict=predict)
    if baseline == "production":
        assert promote_run(folder) == 1
    ended = run(on_a_branch(folder, k=3))
    assert change(ended) == expected_change(1, 3)
    assert evaluation(ended)["made_by_training"]
    assert evaluation(ended)["shared"] is None
    assert any(MADE in note for note in ended.report["notes"])


def test_run__fresh_checkout_and_a_file(tmp_path):
    folder = project(tmp_path, baseline="{file: old.csv}")
    commit(folder, {"old.csv": predictions(1)})
    commit(folder, {"start.txt": "40", "k.txt": "3"})
    ended = run(folder)
    assert change(ended) == expected_change(1, 3)
    assert evaluation(ended)["shared"] == {"added": 40, "removed": 40, "rows": 60, "changed": None, "repeated": None}


@pytest.mark.parametrize("baseline", ["production", "{ref: main}"])
def test_run__split_moved(request, tmp_path, baseline):
    if baseline == "production":
        folder = request.getfixturevalue("champion")
    else:
        folder = project(tmp_path, baseline=baseline, predict=SCORES)
    ended = run(on_a_branch(folder, start=40, k=3))
    assert change(ended) == expected_change(1, 3)
    assert evaluation(ended)["shared"] == {"added": 40, "removed": 40, "rows": 60, "changed": 0, "repeated": None}
    assert evaluation(ended)["rows"] == 60
    of = "version 1" if baseline == "production" else "main"
    words = f"the evaluation set changed: 40 rows added, 40 removed since {of}; compared on 60 shared rows"
    assert words in ended.report["notes"]
    # stages leave what the run leaves
    assert mlci("evaluate", cwd=fresh(folder)).code == 0
    judged = mlci("gate", "--json", cwd=folder)
    assert judged.report["evaluation"] == evaluation(ended)
    assert words in judged.report["notes"]


def test_run__too_few_shared_rows(tmp_path):
    folder = project(tmp_path, baseline="{ref: main}")
    ended = run(on_a_branch(folder, start=80))
    assert (ended.code, ended.out) == (2, "")
    assert "the evaluation set changed: 80 rows added, 80 removed since" in ended.err
    assert "only 20 rows are in both" in ended.err
    for line in (
        "random_state=42",
        "git add --force holdout.csv",
        "predict: {run: python predict.py}",
        "baseline: none",
    ):
        assert line in ended.err
    assert "roll" not in ended.err


def test_run__labels_of_shared_rows_differ(champion):
    ended = run(on_a_branch(champion, start=40, turned="55 60 61 62 130"))
    assert (ended.code, ended.out) == (2, "")
    assert (
        "`y` differs from the baseline's own evaluation set in 4 rows of both: id 55, id 60, id 61 and 1" in ended.err
    )
    assert "holdout.csv:16:" in ended.err


@pytest.mark.parametrize("tracked", [True, False])
def test_run__training_overwrites_existing_rows(tmp_path, tracked):
    """A committed set, and one that an earlier step of a workflow fetched."""
    folder = project(tmp_path, baseline="none")
    rows = "id,x,y\n" + "".join(f"{i},{i // 10 % 2},{i // 10 % 2}\n" for i in range(50, 150))
    commit(folder, {"holdout.csv": rows}) if tracked else (folder / "holdout.csv").write_text(rows)
    ended = run(folder)
    assert (ended.code, ended.out) == (2, "")
    assert "the evaluation set changed during the evaluation" in ended.err


def test_run__training_overwrites_its_own_earlier_rows(champion):
    assert (champion / "holdout.csv").exists()
    commit(champion, {"start.txt": "40", "k.txt": "3"})
    assert change(run(champion)) == expected_change(1, 3)


def test_run__committed_digests_are_not_trusted(champion):
    commit(champion, {".mlci/made-by-training": (champion / ".mlci/made-by-training").read_text(), "start.txt": "40"})
    ended = run(champion)
    assert (ended.code, ended.out) == (2, "")
    assert "the evaluation set changed during the evaluation" in ended.err


def test_run__changed_key_is_not_damage(tmp_path):
    folder = project(tmp_path)
    script = SCRIPT.replace("id,x,y", "id,row,x,y").replace('f"{i},{i // 10 % 2},', 'f"{i},{i},{i // 10 % 2},')
    commit(folder, {"script.py": script})
    assert promote_run(folder) == 1
    text = (folder / "mlci.yml").read_text().replace("key: id", "key: row")
    commit(fresh(folder), {"mlci.yml": text, "script.py": script.replace("id,p", "row,p")})
    ended = run(folder)
    assert (ended.code, ended.out) == (2, "")
    assert "`evaluation.key` is `row`, a column that the predictions of version 1 do not have" in ended.err
    assert "baseline: none" in ended.err


def test_run__training_leaves_no_rows(tmp_path):
    folder = project(tmp_path)
    commit(folder, {"script.py": SCRIPT.replace('"holdout.csv"', '"other.csv"')})
    ended = run(folder)
    assert (ended.code, ended.out) == (3, "")
    assert "did not write `holdout.csv`" in ended.err


@pytest.mark.parametrize("baseline", ["{ref: main}", "production"])
def test_run__rows_without_a_key_are_matched_by_content(tmp_path, baseline):
    folder = project(tmp_path, baseline=baseline, key=False)
    script = SCRIPT.replace('"id,p\\n"', '"p\\n"').replace('f"{i},{1 - i', 'f"{1 - i')
    commit(folder, {"script.py": script})
    if baseline == "production":
        assert promote_run(folder) == 1
    ended = run(on_a_branch(folder, start=40, k=3))
    assert change(ended) == expected_change(1, 3)
    assert evaluation(ended)["shared"]["rows"] == 60


def test_run__recorded_predictions_on_shared_rows(tmp_path):
    folder = project(tmp_path, predict=SCORES, key=False)
    bare = {
        name: text.replace('"id,p\\n"', '"p\\n"').replace('f"{i},{1 - i', 'f"{1 - i') for name, text in BY_ROW.items()
    }
    text = (folder / "mlci.yml").read_text().replace("script.py}", "script.py, model: model.txt}")
    commit(folder, {"mlci.yml": text, **bare})
    assert promote_run(folder) == 1
    on_a_branch(folder, start=40, k=3)
    for _ in range(2):  # the first run adds the champion's predictions on all of these rows to the registry
        ended = run(fresh(folder), "--record")
        assert change(ended) == expected_change(1, 3)
        assert evaluation(ended)["shared"]["rows"] == 60


def test_train__then_evaluate(champion):
    on_a_branch(champion, start=40, k=3)
    assert mlci("train", cwd=champion).code == 0
    assert mlci("evaluate", cwd=champion).code == 0
    assert change(mlci("gate", "--json", cwd=champion)) == expected_change(1, 3)


def test_promote__in_a_checkout_without_the_rows(champion):
    commit(fresh(champion), {"start.txt": "40"})
    assert mlci("run", cwd=champion).code == 0
    (champion / "holdout.csv").unlink()
    done = mlci("promote", "--json", cwd=champion)
    assert done.code == 0, done.err
    assert json.loads(done.out)["version"] == 2
    commit(fresh(champion), {"k.txt": "3"})
    ended = run(champion)
    assert change(ended) == expected_change(1, 3)
    assert evaluation(ended)["shared"] is None


def test_promote__judged_again_needs_the_rows(tmp_path):
    folder = project(tmp_path)
    assert mlci("run", cwd=folder).code == 0
    (folder / "holdout.csv").unlink()
    done = mlci("promote", "--again", cwd=folder)
    assert done.code == 2
    assert "mlci run && mlci promote" in done.err


def test_reproduce__training_makes_the_rows(champion):
    ended = mlci("reproduce", "1", "--json", "--environment", "job", cwd=fresh(champion))
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["outcome"] == "identical"


def test_run__same_content_by_another_path(tmp_path):
    folder = init(tmp_path) / "models" / "m"
    folder.mkdir(parents=True)
    text = config(baseline="production", train="", predict="predict: {file: preds.csv, decision: p}\n")
    rows = "".join(f"{i},{i // 10 % 2}\n" for i in range(100))
    decided = "".join(f"{i // 10 % 2}\n" for i in range(100))
    contents = {"holdout.csv": f"x,y\n{rows}", "preds.csv": f"p\n{decided}"}
    commit(folder, {"mlci.yml": text.replace("  key: id\n", ""), **contents})
    assert promote_run(folder) == 1
    (tmp_path / "link").symlink_to(folder)
    for given in ("models/m/mlci.yml", folder / "mlci.yml", "link/mlci.yml"):
        ended = run(tmp_path, "--config", given)
        assert ended.code == 0, ended.err
        assert ended.report["baseline"]["version"] == "1"
    (folder / "holdout.csv").write_text("x,y\n" + "".join(f"{i},{i // 10 % 2}\n" for i in reversed(range(100))))
    assert run(folder).code == 2  # the same rows in another order: predictions belong to positions
