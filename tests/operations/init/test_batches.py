"""Lines that `mlci init` adds to scripts that evaluate in loops over batches, executed on arrays, not on tensors."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from mlci.operations.init.scripts.addition import find_rows, write_addition
from mlci.operations.init.scripts.losses import REGRESSION_LOSSES
from mlci.operations.init.scripts.script import read_script
from mlci.operations.init.scripts.script_facts import choose_point

IMPORTS = "import torch\nfrom sklearn.metrics import accuracy_score\n"
BATCHES = f"""\
{IMPORTS}import numpy as np
DataLoader = list
first, second = np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([[5.0, 0.0]])
test_loader = DataLoader([(first, np.array([1, 1])), (second, np.array([0]))])
train_loader, epochs = DataLoader([(second, np.array([0]))]), 2
model = lambda rows: rows
"""
LABELS, DECISIONS = ["1", "1", "0"], ["1", "0", "0"]
COUNTED = """\
for t in range(epochs):
    for X, y in train_loader:
        pred = model(X)
        right = (pred.argmax(1) == y).mean()
    correct = 0
    for X, y in test_loader:
        pred = model(X)
        correct += (pred.argmax(1) == y).sum()
"""
IN_A_FUNCTION = """\
def accuracy(dataloader):
    correct = total = 0
    for index, (xb, yb) in enumerate(dataloader):
        predicted = np.argmax(model(xb), 1)
        total += len(yb)
        correct += np.sum(np.equal(predicted, yb)) if total < 0 else (predicted == yb).sum()
    return correct / total
print(accuracy(test_loader))
"""
LISTED = """\
y_true, y_pred = [], []
for batch in test_loader:
    inputs, labels = batch
    outputs = model(inputs)
    y_pred.extend(outputs.argmax(1))
    y_true.extend(labels)
print(accuracy_score(y_true, y_pred))
"""
RETURNED = """\
def predict(loader):
    found, given = [], []
    for inputs, targets in loader:
        found.append(model(inputs).argmax(1))
        given.append(targets)
    return np.concatenate(given), np.concatenate(found)
truth, decided = predict(test_loader)
print(accuracy_score(truth, decided))
"""
COMPARED = """\
all_labels, all_preds = [], []
for inputs, labels in test_loader:
    all_preds += model(inputs).argmax(1).tolist()
    all_labels += labels.tolist()
print(np.mean(np.array(all_preds) == np.array(all_labels)))
"""


def change(script):
    facts = read_script("train.py", script)
    point = choose_point(facts)
    rows = find_rows(point, None, splits=facts.splits, pandas="pandas", label=None)
    files = ("holdout.csv", "predictions.csv")
    return write_addition(facts, point, rows, task="multiclass", positive=None, files=files).text, point


def column(path, name):
    return [row[name] for row in csv.DictReader(path.read_text("utf-8").splitlines())]


@pytest.mark.parametrize(
    "script", [COUNTED, IN_A_FUNCTION, LISTED, RETURNED, COMPARED], ids=["counted", "function", "list", "return", "=="]
)
def test_addition__loop_over_batches(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changed, point = change(BATCHES + script)
    code = compile(changed.replace(IMPORTS, ""), "train.py", "exec")
    exec(code, {"accuracy_score": lambda one, other: np.mean(np.equal(one, other))})  # noqa: S102 - this test's script
    assert column(tmp_path / "holdout.csv", "label") == LABELS
    assert column(tmp_path / "predictions.csv", "decision") == DECISIONS
    assert point.repeated == (script == COUNTED)


def test_point__models_in_a_loop():
    script = BATCHES + "for name, model in models.items():\n" + "".join(f"    {line}\n" for line in LISTED.splitlines())
    assert choose_point(read_script("train.py", script)) is None


def test_point__training_batches_alone():
    script = BATCHES + COUNTED.partition("    correct")[0]
    assert choose_point(read_script("train.py", script)) is None


def test_facts__shuffled_test_part():
    script = "loader = DataLoader(test_set, shuffle=True)\ntrain = DataLoader(train_set, shuffle=True)\n"
    assert [found.line for found in read_script("train.py", script).shuffles] == [1]


PARTS = "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)\n"


def test_addition__last_batch_is_not_the_test_part():
    """Labels of a batch are forgotten after the loop, as is the prediction for an example."""
    script = f"{PARTS}clf = SVC().fit(X_train, y_train)\nfor X_val, y_val in val_loader:\n    pass\n"
    script += "prediction = clf.predict([[1]])\ny_pred = clf.predict(X_test)\nprint(accuracy_score(y_test, y_pred))\n"
    script += "prediction = clf.predict(example)\n"
    _, point = change(script)
    assert (point.labels, point.decision) == ("y_test", "y_pred")


def test_addition__threshold_is_not_the_label():
    script = (
        f"{PARTS}clf = RandomForestClassifier().fit(X_train, y_train)\nfound = tune(clf.predict_proba(X_test)[:, 1])\n"
    )
    script += "best = found['best']\nscores = clf.predict_proba(X_test)[:, 1]\n"
    assert change(script)[1].labels == "y_test"


def test_addition__classes_of_probabilities():
    script = f"{PARTS}clf = SVC().fit(X_train, y_train)\np = clf.predict_proba(X_test)\n"
    script += "print(roc_auc_score(y_test, p, multi_class='ovr'))\n"
    assert "enumerate(clf.predict(X_test))" in change(script)[0]


def test_addition__classes_that_occur_are_not_the_labels():
    script = f"{PARTS}labels, counts = np.unique(y_test, return_counts=True)\nclf = SVC().fit(X_train, y_train)\n"
    _, point = change(f"{script}y_hat = clf.predict(X_test)\n")
    assert (point.labels, point.decision) == ("y_test", "y_hat")


REGRESSION = f"""\
{IMPORTS}import numpy as np
from torch import nn
import torch.nn.functional as F
DataLoader = list
first, second = np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([[5.0, 0.0]])
test_loader = DataLoader([(first, np.array([[3.0], [4.0]])), (second, np.array([[5.5]]))])
train_loader, epochs = DataLoader([(second, np.array([[0.0]]))]), 2
model = lambda rows: rows.sum(axis=1, keepdims=True)
"""
BY_CRITERION = """\
criterion = nn.MSELoss()
for epoch in range(epochs):
    for X, y in train_loader:
        loss = criterion(model(X), y)
    test_loss = 0.0
    for X, y in test_loader:
        pred = model(X)
        test_loss += criterion(pred, y).item()
"""
BY_FUNCTION = """\
def evaluate(model, loader, loss_fn):
    total = 0.0
    for batch in loader:
        inputs, targets = batch
        total += loss_fn(model(inputs), targets).item()
    return total
print(evaluate(model, test_loader, nn.L1Loss()))
"""
BY_NAME = """\
total = 0.0
for inputs, targets in test_loader:
    outputs = model(inputs)
    total += F.mse_loss(outputs, targets, reduction="sum").item()
"""


class Loss(float):
    def item(self):
        return float(self)


def squared(pred, target, **_):
    return Loss(np.mean((np.asarray(pred) - np.asarray(target)) ** 2))


@pytest.mark.parametrize("script", [BY_CRITERION, BY_FUNCTION, BY_NAME], ids=["criterion", "function", "functional"])
def test_addition__loss_of_a_regression(script, tmp_path, monkeypatch):
    """A script that computes nothing but a loss writes what its network predicts, as numbers."""
    monkeypatch.chdir(tmp_path)
    facts = read_script("train.py", REGRESSION + script)
    point = choose_point(facts)
    assert point.metric in REGRESSION_LOSSES
    rows = find_rows(point, None, splits=facts.splits, pandas="pandas", label=None)
    files = ("holdout.csv", "predictions.csv")
    changed = write_addition(facts, point, rows, task="regression", positive=None, files=files).text
    losses = SimpleNamespace(MSELoss=lambda: squared, L1Loss=lambda: squared, mse_loss=squared)
    lines = [
        line
        for line in changed.splitlines()
        if not line.startswith((*IMPORTS.splitlines(), "from torch", "import torch"))
    ]
    exec(compile("\n".join(lines), "train.py", "exec"), {"nn": losses, "F": losses})  # noqa: S102 - this test's script
    assert column(tmp_path / "holdout.csv", "label") == ["3.0", "4.0", "5.5"]
    assert column(tmp_path / "predictions.csv", "score") == ["4.0", "3.0", "5.0"]


def test_point__loss_of_training_batches_alone():
    script = REGRESSION + BY_CRITERION.partition("    test_loss")[0]
    assert choose_point(read_script("train.py", script)) is None


def test_point__metric_is_preferred_to_a_loss():
    script = f"{PARTS}pred = model(X_test)\nloss = nn.MSELoss()(pred, y_test)\nprint(r2_score(y_test, pred))\n"
    assert change(script)[1].metric == "r2_score"


def test_addition__decisions_by_a_threshold_are_not_scores():
    """Scores that were compared with a threshold are written as decisions, so that the threshold counts."""
    script = f"{PARTS}clf = tune(RandomForestClassifier()).fit(X_train, y_train)\n"
    script += "chosen = (clf.predict_proba(X_test)[:, 1] >= 0.3).astype(int)\nprint(precision_score(y_test, chosen))\n"
    _, point = change(script)
    assert (point.decision, point.score) == ("chosen", None)


def test_point__ids_are_not_labels():
    """Rows to predict have ids and no labels, as in a competition."""
    script = "test = pd.read_csv('test.csv')\nids = test['PassengerId']\nmodel = pickle.load(open('m.pkl', 'rb'))\n"
    script += "preds = model.predict(test[['age']])\n"
    assert choose_point(read_script("predict.py", script)) is None


def test_point__only_feature_is_not_the_label():
    """A frame of one column may be the features; the script splits, fits and evaluates nothing."""
    script = "df = pd.read_csv('pay.csv')\nX = df[['years']]\ny = df['pay']\n" + PARTS
    _, point = change(
        f"{script}model = LinearRegression()\nmodel.fit(X_train, y_train)\njoblib.dump(model, 'm.joblib')\n"
    )
    assert (point.features, point.labels, point.decision) == ("X_test", "y_test", "model.predict(X_test)")
    script = script.replace("df['pay']", "df[['pay']]")
    assert (
        change(f"{script}model = SVR().fit(X_train, y_train)\nprint(model.score(X_test, y_test))\n")[1].labels
        == "y_test"
    )


def test_point__model_that_is_fitted_on_all_rows_again():
    """The final model saw the test part, so the lines stay where the model of the training part predicts."""
    script = f"{PARTS}model = SVC().fit(X_train, y_train)\npred = model.predict(X_test)\n"
    _, point = change(
        f"{script}print(accuracy_score(y_test, pred))\nfinal = SVC()\nfinal.fit(X, y)\njoblib.dump(final, 'm.joblib')\n"
    )
    assert (point.model, point.decision) == ("model", "pred")
