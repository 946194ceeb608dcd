"""`mlci init` in repositories that save a model by pickle or joblib and evaluate it on no rows."""

import json

import pytest

from tests.support.project import mlci, write
from tests.support.training_repositories import first_run, plan

TRAIN = """\
import pickle

import pandas as pd
from majority import Mean, MeanClassifier

rows = pd.read_csv("data/train.csv")
X, y = rows.drop(columns=["churned", "id"]), rows["churned"]
model = MeanClassifier().fit(X, y)
pickle.dump(model, open("model.pkl", "wb"))
"""
MODELS = """\
import numpy as np

class Mean:
    def fit(self, X, y):
        self.feature_names_in_, self.middle = np.array(list(X.columns)), X["age"].mean()
        return self
    def predict(self, X):
        return (X["age"] > self.middle).astype(int).to_numpy()

class MeanClassifier(Mean):
    def predict_proba(self, X):
        score = 1 / (1 + np.exp(self.middle - X["age"]))
        return np.column_stack([1 - score, score])
"""
COLUMNS = "id,age,region,churned\n"


def table(rows, start=0, head=COLUMNS):
    lines = (f"{start + i},{20 + i % 40},{'ns'[i % 2]},{int(i % 40 > 18 + i % 3)}\n" for i in range(rows))
    return head + "".join(lines)


def repository(folder, **changed):
    files = {"train.py": TRAIN, "majority.py": MODELS, "data/train.csv": table(300), "data/test.csv": table(160, 1_000)}
    return write(folder, {name: text for name, text in {**files, **changed}.items() if text is not None})


def test_init__test_file_that_the_script_never_reads(tmp_path):
    """The whole journey: a `predict.py` is written, training runs, and the model is judged on the other file."""
    setup, ended = first_run(repository(tmp_path))
    assert ended.code == 0, ended.err
    assert ended.report["evaluation"]["rows"] == 160
    auc = next(row for row in ended.report["metrics"] if row["metric"] == "roc_auc")
    assert auc["candidate"] > 0.95
    assert "its name is that of an evaluation set, and train.py does not read it" in setup.out
    assert "train.py does not read data/test.csv, so it was assumed that none of its rows are among those" in setup.out
    text = (tmp_path / "mlci.yml").read_text()
    assert "key: id\n" in text
    assert "slices: [region]\n" in text
    assert "model: model.pkl\n" in text


def test_init__notebook_that_trains_and_saves(tmp_path):
    cells = [{"cell_type": "code", "source": TRAIN, "metadata": {}, "outputs": [], "execution_count": None}]
    notebook = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"
    found = plan(repository(tmp_path, **{"train.py": None, "fit.ipynb": notebook}))
    assert found["on_ramp"] == "model"
    answers = {answer["question"]: answer["value"] for answer in found["answers"]}
    assert answers["train"].startswith("jupyter nbconvert")
    assert any("python -m pip install nbconvert ipykernel" in note for note in found["notes"])
    assert (answers["data"], answers["label"], answers["task"]) == ("data/test.csv", "churned", "binary")


def test_init__named_rows(tmp_path):
    """`--data` names the rows whatever their file is called, and a script that saves a scaler, too, is understood."""
    scaled = TRAIN + 'pickle.dump(StandardScaler().fit(X), open("scaler.pkl", "wb"))\n'
    repository(tmp_path, **{"train.py": scaled, "data/test.csv": None, "data/autumn.csv": table(100, 2_000)})
    found = plan(tmp_path, "--data", "data/autumn.csv")
    text = next(change["text"] for change in found["changes"] if change["path"] == "mlci.yml")
    assert "data: data/autumn.csv\n" in text
    assert "model: model.pkl\n" in text


REFUSALS = {
    "no other rows": ({"data/test.csv": None}, (), "train.py trains on data/train.csv and saves model.pkl, and evalua"),
    "rows without labels": (
        {"data/test.csv": "id,age,region\n1,30,n\n"},
        (),
        "that it is not trained on: `mlci init --data holdout.csv --label churned`; or let train.py keep rows back",
    ),
    "the training rows": ({}, ("--data", "data/train.csv"), "--data data/train.csv: train.py trains on it"),
    "other columns": (
        {"train.py": TRAIN.replace(".fit(X, y)", ".fit(StandardScaler().fit_transform(X), y)")},
        (),
        "train.py changes the columns before it trains, so model.pkl alone can't predict from a table: save a Pipeline",
    ),
    "unknown columns": (
        {
            "train.py": TRAIN.replace(".fit(X, y)", ".fit(features, y)")
            .replace("X, y", "features, y")
            .replace('rows.drop(columns=["churned", "id"])', "prepare(rows)")
        },
        (),
        "train.py trains on features, and init can't tell which columns of a table these are",
    ),
    "codes": (
        {"train.py": TRAIN.replace('rows["churned"]', 'rows["churned"].map({"yes": 1, "no": 0})')},
        ("--data", "data/test.csv"),
        "train.py replaces the labels by codes before it trains",
    ),
    "another label": ({}, ("--data", "data/test.csv", "--label", "left"), "--label left: data/test.csv has no such"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_init__model_that_can_not_be_evaluated(tmp_path, case):
    changed, options, words = REFUSALS[case]
    ended = mlci("init", "--yes", *options, cwd=repository(tmp_path, **changed))
    assert (ended.code, words in ended.err) == (2, True), ended.err
    assert not (tmp_path / "mlci.yml").exists()


def test_init__saved_model_without_a_script(tmp_path):
    """The path of the model is in `predict.py`, which a pull request that changes the model does not change."""
    repository(tmp_path, **{"train.py": None, "models/encoder.pkl": "1", "models/churn.joblib": "2"})
    found = plan(tmp_path)
    texts = {change["path"]: change["text"] for change in found["changes"]}
    assert 'model = joblib.load("models/churn.joblib")' in texts["predict.py"]
    assert "train:" not in texts["mlci.yml"]
    assert "predict: {run: python predict.py, decision: decision}" in texts["mlci.yml"]
    assert any("No script was seen to train models/churn.joblib" in note for note in found["notes"])
