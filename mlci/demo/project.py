"""Project of ``mlci demo``: evaluation set, predictions of both models, and ``mlci.yml``.

442 patients; the label is whether the disease progressed by more than the median within a year; sex and age bands are
the groups. Both models are logistic regressions fitted on a third of the patients, the rest is the holdout. The
candidate regularises less; with a planted regression, it gets the body mass index with the wrong sign, as after an
error in preprocessing.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
