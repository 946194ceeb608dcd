"""Projects of ``mlci demo``, on the diabetes study that ships with scikit-learn (Efron et al. 2004, Ann. Stat. 32:407).

442 patients; the label is whether the disease progressed by more than the median within a year; sex and age bands are
the groups. Both models are logistic regressions fitted on a third of the patients, the rest is the holdout. The
candidate regularises less; with a planted regression, it gets the body mass index with the wrong sign, as after an
error in preprocessing.

``mlci demo --lifecycle`` has five states of one repository on the same data, features included, from the first model to
a rollback. Training is a logistic regression in plain Python, run as a command: it reads ``train.csv`` and
``settings.json`` and writes ``model.json``; prediction reads that and the features. The first model is trained for a
few steps, the better one for many; in the regression an error in ``predict.py`` gives the body mass index the wrong
sign.
"""

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlci.demo.production import COST, EXPERIMENT, MONITOR

SEED = 2
FITTED = 140
CONFIG = """\
# The demo of mlci: is the candidate as good as the baseline, and as fair?
model: diabetes-progression
task: binary
evaluation:
  data: holdout.csv
  key: patient
  label: progressed
  positive: 1
  slices:
    - sex
    - {column: age, cut: [40, 55]}
predict:
  file: candidate.csv
  score: score
baseline: {file: baseline.csv}
gates:
  - {metric: roc_auc, min: 0.75, max_drop: 0.05}
  - {metric: accuracy, max_drop: 0.02}
  - {metric: recall, each: sex, max_drop: 0.10}
  - {metric: equalized_odds_difference, across: sex, max: 0.40, max_rise: 0.10}
  - {metric: brier_score_loss, max_rise: 10%}
"""
FEATURES = ("age", "sex_code", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
LIFECYCLE_CONFIG = """\
# The life of a model: judged against production, promoted, rolled back.
model: diabetes-progression
task: binary
evaluation:
  data: holdout.csv
  key: patient
  label: progressed
  positive: 1
  slices: [sex]
train:
  run: "'{python}' -I -S train.py"
  model: model.json
predict:
  run: "'{python}' -I -S predict.py"
  score: score
baseline: production
gates:
  - {{metric: roc_auc, min: 0.70, max_drop: 0.05}}
  - {{metric: brier_score_loss, max: 0.26, max_rise: 10%}}
  - {{metric: equalized_odds_difference, across: sex, max: 0.60}}
"""
TRAIN = '''\
"""A logistic regression by gradient descent, in plain Python."""
import csv, json, math, os

settings = json.load(open("settings.json"))
rows = list(csv.DictReader(open("train.csv")))
names = [name for name in rows[0] if name not in ("patient", "sex", "progressed")]
x = [[float(row[name]) for name in names] for row in rows]
y = [int(row["progressed"]) for row in rows]
weights, bias = [0.0] * len(names), 0.0
for _ in range(settings["steps"]):
    errors = [1 / (1 + math.exp(-bias - sum(map(float.__mul__, weights, row)))) - t for row, t in zip(x, y)]
    bias -= settings["rate"] * sum(errors) / len(x)
    for i in range(len(names)):
        weights[i] -= settings["rate"] * sum(e * row[i] for e, row in zip(errors, x)) / len(x)
with open(os.getenv("MLCI_MODEL"), "w") as out:
    json.dump({"weights": dict(zip(names, weights)), "bias": bias}, out, indent=1)
'''
PREDICT = '''\
"""Scores the evaluation set."""
import csv, json, math, os

model = json.load(open(os.getenv("MLCI_MODEL")))
with open(os.getenv("MLCI_DATA")) as data, open(os.getenv("MLCI_PREDICTIONS"), "w") as out:
    out.write("patient,score\\n")
    for row in csv.DictReader(data):
        features = {name: float(row[name]) for name in model["weights"]}
        z = model["bias"] + sum(weight * features[name] for name, weight in model["weights"].items())
        out.write(f"{row['patient']},{1 / (1 + math.exp(-z)):.6f}\\n")
'''
SLIP = ("float(row[name]) for name", 'float(row[name]) * (-1 if name == "bmi" else 1) for name')
HARDLY, WELL = {"steps": 2, "rate": 0.1}, {"steps": 150, "rate": 0.5}


def write(folder: Path, *, regress: bool) -> Path:
    """Fit both models, write the project into ``folder`` and return the path of its ``mlci.yml``."""
    study = load_study()
    order = shuffled(len(study.label))
    fitted, holdout = order[:FITTED], order[FITTED:]
    folder.mkdir(parents=True, exist_ok=True)
    rows = ((i, study.sex[i], study.age[i], study.label[i]) for i in holdout)
    write_table(folder / "holdout.csv", ("patient", "sex", "age", "progressed"), rows)
    for name, strength in (("baseline", 0.02), ("candidate", 1.0)):
        features = study.features
        model = _fit(features[fitted], study.label[fitted], strength)
        seen = _negate_bmi(features) if regress and name == "candidate" else features
        scores = model.predict_proba(seen[holdout])[:, 1]
        lines = ((i, f"{score:.6f}") for i, score in zip(holdout, scores.tolist(), strict=True))
        write_table(folder / f"{name}.csv", ("patient", "score"), lines)
    path = folder / "mlci.yml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@dataclass(frozen=True)
class Study:
    """The patients: standardised features, label, and slice columns."""

    features: Any
    label: Any
    sex: list[str]
    age: list[int]


def load_study() -> Study:
    """Return the study as scikit-learn ships it."""
    import numpy as np  # noqa: PLC0415 (the demo's own; the command line stays quick)
    from sklearn.datasets import load_diabetes  # noqa: PLC0415 (as above)

    features, progression = load_diabetes(return_X_y=True, scaled=False)
    label = (progression > np.median(progression)).astype(int)
    sex = ["female" if code == 1 else "male" for code in features[:, 1].tolist()]
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    return Study(scaled, label, sex, features[:, 0].astype(int).tolist())


def shuffled(rows: int) -> list[int]:
    """Return the row numbers in a fixed random order."""
    import numpy as np  # noqa: PLC0415 (as above)

    return [int(i) for i in np.random.Generator(np.random.PCG64(SEED)).permutation(rows)]


def _fit(features: Any, label: Any, strength: float) -> Any:  # noqa: ANN401 (scikit-learn's own types)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 (as above)

    return LogisticRegression(C=strength).fit(features, label)


def _negate_bmi(features: Any) -> Any:  # noqa: ANN401 (a NumPy array)
    """Return the features with the body mass index negated, as after a lost sign."""
    turned = features.copy()
    turned[:, 2] *= -1
    return turned


def write_table(path: Path, header: Sequence[str], rows: Any) -> None:  # noqa: ANN401 (any rows)
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])


@dataclass(frozen=True)
class Chapter:
    """One state of the repository, with its title.

    Attributes:
        name: Prefix of the name of its comment.
        title: Description of the change.
        files: Files that its commit changes.
        promotes: Whether it is promoted afterwards.
        rolls_back: Reason for a roll-back before it; empty without one.
    """

    name: str
    title: str
    files: dict[str, str]
    promotes: bool = False
    rolls_back: str = ""


def chapters() -> tuple[Chapter, ...]:
    """Return the chapters in order."""
    return (
        Chapter("first", "A first candidate, without a baseline yet: the absolute gates decide.", base(), True),
        Chapter("merged", "The same on the main branch: later candidates are compared with this model.", {}),
        Chapter(
            "better",
            "A candidate with more training steps, compared with version 1.",
            {"settings.json": json.dumps(WELL) + "\n"},
            True,
        ),
        Chapter(
            "regression",
            "A candidate with an error in predict.py, compared with version 2.",
            {"predict.py": PREDICT.replace(*SLIP)},
        ),
        Chapter(
            "rolled-back",
            "Version 2 is rolled back. The next candidate is compared with version 1.",
            {"predict.py": PREDICT, "settings.json": json.dumps({**WELL, "steps": 100}) + "\n"},
            rolls_back="the clinic reports odd scores since yesterday",
        ),
    )


def base() -> dict[str, str]:
    """Return the initial files of the repository, without the data."""
    return {
        ".gitignore": ".mlci/\nbackup/\ncanary/\ncomments/\nmodel.json\nvisits/\n",
        "mlci.yml": LIFECYCLE_CONFIG.format(python=sys.executable) + EXPERIMENT + MONITOR + COST,
        "train.py": TRAIN,
        "predict.py": PREDICT,
        "settings.json": json.dumps(HARDLY) + "\n",
    }


def write_data(folder: Path) -> None:
    """Write ``train.csv`` and ``holdout.csv``."""
    study = load_study()
    listed = shuffled(len(study.label))
    header = ("patient", "sex", *FEATURES, "progressed")
    for name, chosen in (("train.csv", listed[:FITTED]), ("holdout.csv", listed[FITTED:])):
        rows = (
            (i, study.sex[i], *(f"{value:.5f}" for value in study.features[i].tolist()), study.label[i]) for i in chosen
        )
        write_table(folder / name, header, rows)
