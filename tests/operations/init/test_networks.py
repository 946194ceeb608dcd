"""Lines that `mlci init` adds to scripts with PyTorch and Keras, executed with stand-ins for both frameworks."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.project import mlci, write
from tests.support.repository import commit, init

ROWS = "loan,income,debt,bad\n" + "".join(
    f"{row},{row * 37 % 100},{row * 61 % 100},{int(row * 61 % 100 + row % 7 * 9 > row * 37 % 100)}\n"
    for row in range(300)
)
HEAD = """\
import pandas as pd
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
{imported}

df = pd.read_csv("loans.csv")
X, y = df[["income", "debt"]].values, df["bad"].values
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5)
"""
PYTORCH = """\
model = nn.Sequential(nn.Linear(2, 1))
model.eval()
with torch.no_grad():
    pred = (torch.sigmoid(model(torch.tensor(X_test, dtype=torch.float32))) > 0.5).int()
accuracy = accuracy_score(y_test, pred)
"""
KERAS = """\
model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy")
model.fit(X_train, y_train, epochs=3)
accuracy = accuracy_score(y_test, (model.predict(X_test) > 0.5).ravel())
"""


def logits(rows):
    """Return what both stand-ins predict: a column, as networks do."""
    rows = np.asarray(rows, dtype=float)
    return (rows[:, 1] - rows[:, 0]).reshape(-1, 1) / 20


class Tensor:
    """A tensor on the CPU that needs no gradient: pandas and scikit-learn iterate over it, or ask it for an array."""

    def __init__(self, values):
        self.values = np.asarray(values)
        self.ndim, self.shape = self.values.ndim, self.values.shape

    def __array__(self, dtype=None, copy=None):
        return self.values if dtype is None else self.values.astype(dtype)

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return (Tensor(value) for value in self.values)

    def __gt__(self, other):
        return Tensor(self.values > other)

    def int(self):
        return Tensor(self.values.astype(int))


class Network:
    """A network that is not trained."""

    def __init__(self, *layers, **_):
        self.layers = layers

    def __call__(self, rows):
        return Tensor(logits(rows))

    def predict(self, rows):
        return 1 / (1 + np.exp(-logits(rows)))

    def eval(self): ...

    def compile(self, **_): ...

    def fit(self, *_, **__): ...


class Nothing:
    """A context that does nothing."""

    def __enter__(self): ...

    def __exit__(self, *_): ...


def stand_ins():
    """Return what the scripts' imports of both frameworks would bind; `sys.modules` stays free of them."""
    keras = SimpleNamespace(Sequential=Network, layers=SimpleNamespace(Dense=Network))
    torch = SimpleNamespace(
        no_grad=Nothing,
        float32=None,
        tensor=lambda values, **_: Tensor(values),
        sigmoid=lambda tensor: Tensor(1 / (1 + np.exp(-tensor.values))),
    )
    return {"torch": torch, "nn": SimpleNamespace(Sequential=Network, Linear=Network), "keras": keras}


def table(path):
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


@pytest.mark.parametrize(
    ("imported", "script"),
    [("import torch\nfrom torch import nn", PYTORCH), ("import keras", KERAS)],
    ids=["pytorch", "keras"],
)
def test_init__network(imported, script, tmp_path, monkeypatch):
    write(tmp_path, {"loans.csv": ROWS, "train.py": HEAD.format(imported=imported) + script})
    commit(init(tmp_path), {"requirements.txt": "x\n"})
    ended = mlci("init", "--yes", cwd=tmp_path)
    assert ended.code == 0, ended.err
    changed = (tmp_path / "train.py").read_text("utf-8")
    assert "random_state=42" in changed
    monkeypatch.chdir(tmp_path)
    names = stand_ins()
    exec(compile(changed.replace(imported, ""), "train.py", "exec"), names)  # noqa: S102 - the script of this test
    predicted, rows = table(tmp_path / "predictions.csv"), table(tmp_path / "holdout.csv")
    key = next(name for name in predicted[0] if name != "decision")
    labels = {row[key]: row["bad"] == "1" for row in rows}
    assert len(predicted) == len(labels) == 150
    right = [(row["decision"] in {"1", "True"}) == labels[row[key]] for row in predicted]
    assert sum(right) / len(right) == pytest.approx(names["accuracy"])
    assert 0.5 < names["accuracy"] < 1
