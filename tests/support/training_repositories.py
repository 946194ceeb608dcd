"""Repositories that train a model: a table, a script that splits it, saved predictions, and their first run."""

import json
import random
import sys
from pathlib import Path

from tests.support.project import Ended, mlci

METRICS = 'import json\njson.dump({"val": {"auc": 0.91, "log_loss": 0.3}, "rows": 90}, open("metrics.json", "w"))\n'
SPLITS_INSIDE = """\
import pickle

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

loans = pd.read_csv("data/loans.csv")
X = loans[["income"]]
y = loans["defaulted"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5)

model = LogisticRegression()
model.fit(X_train, y_train)
print("accuracy", model.score(X_test, y_test))
with open("model.pkl", "wb") as file:
    pickle.dump(model, file)
"""


def loans(rows=400) -> str:
    draw = random.Random(3)
    lines = ["loan_id,income,sex,region,defaulted"]
    for number in range(rows):
        income = draw.uniform(10, 90)
        late = int(draw.random() < (0.7 if income < 40 else 0.2))
        lines.append(f"{number},{income:.2f},{draw.choice(['f', 'm'])},{draw.choice('NESW')},{late}")
    return "\n".join(lines) + "\n"


def saved(rows=60) -> dict[str, str]:
    """Return labelled rows and predictions for them, as an earlier run left them."""
    held = "".join(f"{i},{'yes' if i % 3 == 0 else 'no'},{'ab'[i % 2]}\n" for i in range(rows))
    scores = "".join(f"{i},{0.9 if i % 3 == 0 else 0.2}\n" for i in range(rows))
    return {"data/test.csv": "id,outcome,group\n" + held, "out/predictions.csv": "id,proba\n" + scores}


BIN = Path(sys.executable).parent


def first_run(folder, *options, **environment) -> tuple[Ended, Ended]:
    """Run `mlci init --yes`, and `mlci run` with the interpreter of these tests as `python`."""
    setup = mlci("init", "--yes", *options, cwd=folder)
    assert setup.code == 0, setup.err
    return setup, mlci("run", "--json", cwd=folder, PATH=f"{BIN}:/usr/bin:/bin", **environment)


def plan(folder, *options) -> dict:
    """Return what `mlci init` would write."""
    ended = mlci("init", "--json", *options, cwd=folder)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)
