"""`mlci init` in repositories that look like those of users, and the first `mlci run` in them."""

import errno
import json
import os
import pickle

import numpy as np
import pytest

from mlci.cli.commands.setting_up import init as command
from tests.support.project import mlci, write
from tests.support.repository import commit, git, init
from tests.support.training_repositories import METRICS, SPLITS_INSIDE, first_run, loans, saved

SCIKIT_LEARN = {
    "sklearn/__init__.py": "",
    "sklearn/model_selection.py": (
        "import numpy as np\n"
        "def train_test_split(*tables, test_size, random_state):\n"
        "    order = np.random.default_rng(random_state).permutation(len(tables[0]))\n"
        "    cut = int(len(order) * (1 - test_size))\n"
        "    return [table.iloc[rows] for table in tables for rows in (order[:cut], order[cut:])]\n"
    ),
    "sklearn/linear_model.py": (
        "import numpy as np\n"
        "class LogisticRegression:\n"
        "    def fit(self, X, y):\n"
        "        self.middle = X['income'].mean()\n"
        "    def predict_proba(self, X):\n"
        "        score = 1 / (1 + np.exp((X['income'] - self.middle) / 10))\n"
        "        return np.column_stack([1 - score, score])\n"
        "    def score(self, X, y):\n"
        "        return ((self.predict_proba(X)[:, 1] > 0.5) == y).mean()\n"
    ),
}
"""The parts of scikit-learn that the script calls, without the seconds that its import takes in each process."""


def test_init__script_that_splits_inside_and_saves_a_pickle(tmp_path):
    """The whole journey: init, run and undo."""
    place, tmp_path = write(tmp_path / "modules", SCIKIT_LEARN), tmp_path / "repository"
    before = {"train.py": SPLITS_INSIDE, "data/loans.csv": loans(), "requirements.txt": "scikit-learn\n"}
    commit(init(tmp_path), before)
    setup, ended = first_run(tmp_path, PYTHONPATH=str(place))
    assert ended.code == 0, ended.err
    assert ended.report["evaluation"]["rows"] == 200
    gates = {(gate["metric"], gate["scope"]["group"]): gate["outcome"] for gate in ended.report["gates"]}
    assert gates == dict.fromkeys([("roc_auc", None), ("accuracy", "f"), ("accuracy", "m")], "no_baseline")
    assert {row["slice"] for row in ended.report["metrics"]} == {None, "sex", "region"}
    assert ended.report["baseline"]["label"] == "main"
    assert "git apply .mlci/init/undo.patch" in setup.out
    assert setup.out.endswith("mlci doctor: Nothing to correct.\nNext: mlci run\n")
    git(tmp_path, "apply", ".mlci/init/undo.patch")
    assert (tmp_path / "train.py").read_text() == SPLITS_INSIDE


def test_init__predictions_that_exist(tmp_path):
    _, ended = first_run(write(tmp_path, saved()))
    assert ended.code == 0, ended.err
    text = (tmp_path / "mlci.yml").read_text()
    assert "\nbaseline: production\n" in text  # no branch exists to compare with
    for line in (
        "task: binary",
        "data: data/test.csv",
        "key: id",
        "label: outcome",
        'positive: "yes"',
        "slices: [group]",
    ):
        assert f"{line}\n" in text, line
    assert "predict: {file: out/predictions.csv, score: proba}" in text
    auc = next(row for row in ended.report["metrics"] if row["metric"] == "roc_auc")
    assert auc["candidate"] == 1.0


def test_init__before_the_first_commit(tmp_path):
    """The baseline is the branch that the first commit makes; until then there is none."""
    setup, ended = first_run(write(init(tmp_path), saved()))
    assert "baseline: {ref: main}\n" in (tmp_path / "mlci.yml").read_text()
    assert "\nNote: This repository has no commit yet" in setup.out
    assert "error:" not in setup.out
    assert (ended.code, {gate["outcome"] for gate in ended.report["gates"]}) == (0, {"no_baseline"})
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    again = mlci("run", "--json", cwd=tmp_path)
    assert {gate["outcome"] for gate in again.report["gates"]} == {"passed"}, again.err


@pytest.mark.parametrize("label", ["survived", "port"], ids=["label of the predictions", "classes of no column"])
def test_init__rows_without_labels(tmp_path, label):
    """Rows to predict are not an evaluation set, as in a competition; the script is followed."""
    rows = "".join(f"{i},{'abc'[i % 3]}\n" for i in range(60))
    predicted = "".join(f"{i},{i % 2}\n" for i in range(60))
    competition = {"test.csv": f"id,port\n{rows}", "submission.csv": f"id,{label}\n{predicted}"}
    write(tmp_path, {**inside(), **competition})
    ended = mlci("init", "--yes", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "label: defaulted\n" in (tmp_path / "mlci.yml").read_text()


def inside() -> dict[str, str]:
    """Return a script that splits its table."""
    return {"train.py": SPLITS_INSIDE, "data/loans.csv": loans(60)}


def coded() -> dict[str, str]:
    """Return a script that evaluates codes of the labels."""
    changed = SPLITS_INSIDE.replace('loans["defaulted"]', 'loans["defaulted"].map({"yes": 1, "no": 0})')
    return {"train.py": changed, "data/loans.csv": loans(60).replace(",1\n", ",yes\n").replace(",0\n", ",no\n")}


TEST_FILE = """\
import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
model = LogisticRegression().fit(train[["x"]], train["late"])
print(model.score(test[["x"]], test["late"]))
joblib.dump(model, "model.joblib")
"""


class Late:
    """A model that a script of scikit-learn could have pickled, without its seconds of imports."""

    feature_names_in_ = ("x",)

    def predict_proba(self, features):
        late = (features["x"] > 3).to_numpy().astype(float)
        return np.column_stack([1 - late, late])


def test_init__saved_model_and_a_test_file(tmp_path, monkeypatch):
    rows = "id,x,late\n" + "".join(f"{i},{i % 7},{int(i % 7 > 3)}\n" for i in range(70))
    write(tmp_path, {"train.py": TEST_FILE, "data/train.csv": rows, "data/test.csv": rows})
    setup = mlci("init", "--yes", cwd=tmp_path)
    assert setup.code == 0, setup.err
    assert (tmp_path / "train.py").read_text() == TEST_FILE
    text = (tmp_path / "mlci.yml").read_text()
    assert "  data: data/test.csv\n  key: id\n  label: late\n" in text
    assert "  run: python train.py\n  model: model.joblib\npredict: {run: python predict.py, score: score}\n" in text
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.joblib").write_bytes(pickle.dumps(Late()))
    for name, value in {
        "MLCI_MODEL": "model.joblib",
        "MLCI_DATA": "data/test.csv",
        "MLCI_PREDICTIONS": "p.csv",
    }.items():
        monkeypatch.setenv(name, value)
    exec(compile((tmp_path / "predict.py").read_text(), "predict.py", "exec"), {})  # noqa: S102 - what init wrote
    scores = [line.split(",") for line in (tmp_path / "p.csv").read_text().splitlines()]
    assert scores[0] == ["id", "score"]
    assert [float(score) > 0.5 for _, score in scores[1:]] == [i % 7 > 3 for i in range(70)]


@pytest.mark.parametrize(
    ("late", "ramp"),
    [(("no", "yes"), "model"), (("no", "yes", "?"), "script")],
)
def test_init__test_file_whose_label_is_compared(tmp_path, late, ramp):
    rows = "id,x,late\n" + "".join(f"{i},{i % 7},{late[i % len(late)]}\n" for i in range(70))
    script = TEST_FILE.replace('["late"]', '["late"] == "yes"')
    files = {"train.py": script, "data/train.csv": rows, "data/test.csv": rows, ".gitignore": "*.csv\n"}
    plan = json.loads(mlci("init", "--json", cwd=write(tmp_path, files)).out)
    text = plan["changes"][0]["text"]
    assert plan["on_ramp"] == ramp
    assert ('  key: id\n  label: late\n  positive: "yes"\n' in text) is (ramp == "model")
    assert any(note.startswith("train.py writes the rows of data/test.csv, because") for note in plan["notes"]) is (
        ramp == "script"
    )
    ignored = next(change["diff"] for change in plan["changes"] if change["path"] == ".gitignore")
    assert [line for line in ignored.splitlines() if line.startswith("+")][1:] == ["+.mlci/", "+model.joblib"]


def test_init__nothing_is_overwritten(tmp_path):
    given = {**saved(), ".github/workflows/mlci.yml": "mine\n", ".gitignore": "*.log"}
    ended = mlci("init", "--yes", cwd=write(tmp_path, given))
    assert ended.code == 0, ended.err
    assert "kept     .github/workflows/mlci.yml exists" in ended.out
    assert (tmp_path / ".github/workflows/mlci.yml").read_text() == "mine\n"
    assert (tmp_path / ".gitignore").read_text() == "*.log\n.mlci/\n"
    again = mlci("init", "--yes", cwd=tmp_path)
    assert (again.code, again.out) == (2, "")
    assert "mlci.yml exists and is not overwritten" in again.err


def test_init__no_terminal_to_ask_on(tmp_path):
    ended = mlci("init", cwd=write(tmp_path, saved()))
    assert ended.code == 2
    assert "`mlci init --yes` writes what is listed above" in ended.err
    assert not (tmp_path / "mlci.yml").exists()
    assert not (tmp_path / ".gitignore").exists()


def test_init__change_to_the_script_is_declined(tmp_path, monkeypatch):
    write(tmp_path, {"train.py": SPLITS_INSIDE, "data/loans.csv": loans(60)})
    monkeypatch.setattr(command.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(command.click, "confirm", lambda question, **_: question == "Write these files?")
    ended = mlci("init", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert (tmp_path / "train.py").read_text() == SPLITS_INSIDE
    assert "train.py is unchanged; `git apply .mlci/init/script.patch` adds the lines." in ended.out
    git(init(tmp_path), "apply", ".mlci/init/script.patch")
    assert 'holdout.to_csv("holdout.csv", index=False)' in (tmp_path / "train.py").read_text()


def test_init__checks_and_runs_on_consent(tmp_path, monkeypatch):
    write(tmp_path, {**saved(), ".github/workflows/mlci.yml": "on: push\njobs: {}\n"})
    monkeypatch.setattr(command.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(command.click, "confirm", lambda *_, **__: True)
    ended = mlci("init", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "production-empty" in ended.out
    assert (tmp_path / ".mlci/out/report.json").exists()


def test_init__disk_full_leaves_the_script_whole_and_a_way_back(tmp_path, monkeypatch):
    write(tmp_path, {"train.py": SPLITS_INSIDE, "data/loans.csv": loans(60)})

    written = []

    def fill(descriptor, data):
        written.append(os.write(descriptor, data if not written else data[:10]))  # the first one is the patch
        if len(written) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mlci.util.atomic_files._write", fill)
    ended = mlci("init", "--yes", cwd=tmp_path)
    assert (ended.code, "can't write train.py: No space left on device" in ended.err) == (2, True), ended.err
    assert (tmp_path / "train.py").read_text() == SPLITS_INSIDE
    assert (tmp_path / ".mlci/init/undo.patch").exists()


def test_init__plan_as_json(tmp_path):
    write(tmp_path, {"train.py": SPLITS_INSIDE, "data/loans.csv": loans(60)})
    ended = mlci("init", "--json", cwd=tmp_path)
    plan = json.loads(ended.out)
    assert plan["on_ramp"] == "script"
    answers = {answer["question"]: answer["value"] for answer in plan["answers"]}
    assert {name: answers[name] for name in ("task", "label", "positive", "key", "train")} == {
        "task": "binary", "label": "defaulted", "positive": "1", "key": "loan_id", "train": "python train.py",
    }  # fmt: skip
    assert [change["path"] for change in plan["changes"] if not change["new"]] == ["train.py"]
    assert plan["changes"][-1]["diff"].startswith("--- a/train.py\n+++ b/train.py\n@@")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "train.py"]


LIST_OF_ROWS = """\
import csv, random
rows = list(csv.DictReader(open("data/loans.csv")))
random.shuffle(rows)
y_test = [row["defaulted"] for row in rows[40:]]
y_pred = ["1" if float(row["income"]) < 40 else "0" for row in rows[40:]]
"""


def test_init__rows_without_an_index_that_are_shuffled(tmp_path):
    write(tmp_path, {"train.py": LIST_OF_ROWS, "data/loans.csv": loans(60)})
    plan = json.loads(mlci("init", "--json", "--data", "data/loans.csv", cwd=tmp_path).out)
    assert plan["notes"][1].startswith("--data data/loans.csv is not used: train.py writes the rows")
    key = next(answer for answer in plan["answers"] if answer["question"] == "key")
    assert key["value"] == "row"
    assert key["reason"] == "the position in the test part; it stays the same while the split and the data do"
    note = (
        "line 3 of train.py shuffles without a seed, so each training has other rows: call random.seed(42) before it."
    )
    assert note in plan["notes"]


def test_init__named_files_with_other_names(tmp_path):
    write(tmp_path, {"out/final.json": '{"accuracy": 0.5}', "train.py": METRICS})
    plan = json.loads(mlci("init", "--json", "--metrics", "./out/final.json", cwd=tmp_path).out)
    assert {"question": "metrics", "value": "out/final.json"}.items() <= plan["answers"][1].items()


def test_init__answers_by_options(tmp_path):
    write(tmp_path, {"rows.csv": "who,y,z\na,1,0\nb,0,1\n", "mine.csv": "who,p\na,1\nb,0\n"})
    options = ["--data", "rows.csv", "--label", "y", "--predictions", "mine.csv", "--decision", "p", "--slices", ""]
    _, ended = first_run(tmp_path, *options, "--model", "pair", "--task", "multiclass", "--key", "who")
    assert ended.code == 0, ended.err
    assert (ended.report["model"], ended.report["task"]) == ("pair", "multiclass")
    assert "slices" not in (tmp_path / "mlci.yml").read_text()


@pytest.mark.parametrize(
    ("files", "options", "words"),
    [
        ({}, [], "found no predictions, no metrics file and no script"),
        ({}, ["--metrics", "m.json"], "--metrics m.json: no file with numbers is there"),
        ({"metrics.json": '{"widgets": 3}'}, [], "no name shows which way is better"),
        (saved(), ["--label", "absent"], "--label absent: data/test.csv has no such column"),
        (saved(), ["--data", "absent.csv"], "--data absent.csv: the file does not exist"),
        (saved(), ["--predictions", "absent.csv"], "--predictions absent.csv: the file does not exist"),
        (saved(), ["--script", "absent.py"], "--script absent.py: the file does not exist"),
        (saved(), ["--key", "group"], "--key group: out/predictions.csv has no such column; it has 'id', 'proba'"),
        (saved(), ["--slices", "group,age"], "--slices age: data/test.csv has no such column"),
        (saved(), ["--score", "p"], "--score p: out/predictions.csv has no such column"),
        (saved(), ["--positive", "maybe"], "--positive maybe: no label of outcome has this value; it has 'no', 'yes'"),
        (saved(), ["--train", " "], "--train is empty"),
        (inside(), ["--label", "late"], "--label late: data/loans.csv has no such column; it has 'loan_id', 'income'"),
        (inside(), ["--key", "customer"], "--key customer: the test part of train.py has no such column"),
        (inside(), ["--slices", "age"], "--slices age: the test part of train.py has no such column"),
        (
            inside(),
            ["--positive", "1", "--task", "multiclass"],
            "--positive 1: a multiclass model has no positive",
        ),
        (coded(), ["--positive", "yes"], "train.py replaces the labels by codes before it evaluates"),
        (saved(), ["--positive", "yes", "--task", "multiclass"], "--positive yes: a multiclass model has no positive"),
        (inside(), ["--positive", "2"], "--positive 2: no label of defaulted has this value; it has '0', '1'"),
        ({**inside(), "fit.py": "pass"}, ["--script", "fit.py"], "no script whose test part and predictions init can"),
    ],
)
def test_init__nothing_to_start_from(tmp_path, files, options, words):
    ended = mlci("init", "--yes", *options, cwd=write(tmp_path, files))
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert not (tmp_path / "mlci.yml").exists()
