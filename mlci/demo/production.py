"""Logs of the clinic that uses the model of ``mlci demo --lifecycle``: visits of the holdout's patients.

Each visit is one of a patient who is drawn with replacement; its decision is that of the model's own weights, and its
outcome is the patient's. Seeds are fixed.
"""

import csv
import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VISITS = 250
"""Visits of a day."""
WEEK = 7
CHAMPION, CANDIDATE = "champion", "candidate"
EXPERIMENT = """\
experiment:
  data: canary/*.csv
  unit: visit
  arm: model
  control: champion
  treatment: candidate
  time: day
  metric: {rate: right, max_drop: 0.05}
  guardrails: [{rate: missed, max_rise: 0.05}]
  slices: [sex]
"""
MONITOR = """\
monitor:
  data: visits/*.csv
  time: at
  window: week
  key: visit
"""
COST = """\
cost:
  runners: {local: 0.05}
  budget_usd_per_month: 1.00
"""
_SEED = 11
_BMI_MEAN, _BMI_SD = 26.4, 4.4
_FIRST = dt.date(2026, 11, 2)
"""A Monday."""
_HEADER = ("visit", "model", "day", "sex", "right", "missed")


@dataclass(frozen=True)
class Weights:
    """A model of the demo: a logistic regression."""

    weights: Mapping[str, float]
    bias: float

    @classmethod
    def read(cls, text: str) -> "Weights":
        """Read ``model.json``."""
        document = json.loads(text)
        return cls(document["weights"], document["bias"])

    def score(self, row: Mapping[str, str]) -> float:
        """Return the probability that the disease progresses."""
        z = self.bias + sum(weight * float(row[name]) for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-z))


def write_canary(folder: Path, *, week: int, weeks: int, champion: Weights, candidate: Weights) -> None:
    """Write the log of some weeks of a canary, in which half of the visits get the candidate's decision.

    Args:
        folder: The demo's folder.
        week: The first week, from 1.
        weeks: Number of weeks.
        champion: Model of the control.
        candidate: Model of the treatment.
    """
    draw, patients = _generator(week), _patients(folder)
    models = {CHAMPION: champion, CANDIDATE: candidate}
    lines = []
    for day in _days(week, weeks):
        for number, patient in enumerate(draw.integers(len(patients), size=VISITS).tolist()):
            arm = CANDIDATE if draw.random() < 0.5 else CHAMPION
            row = patients[patient]
            decision, label = models[arm].score(row) >= 0.5, row["progressed"] == "1"
            outcome = (int(decision == label), int(label and not decision))
            lines.append((f"{day}-{number + 1}", arm, day, row["sex"], *outcome))
    _write(folder / "canary" / f"week{week}.csv", _HEADER, lines)


def write_visits(folder: Path, *, week: int, model: Weights, slip: bool) -> None:
    """Write a week's log of the model in production: features, score, and the outcome.

    Args:
        folder: The demo's folder.
        week: The week, from 1.
        model: The model.
        slip: Whether the body mass index arrives in kg/m², and not standardised as the model expects.
    """
    draw, patients = _generator(week), _patients(folder)
    names = [name for name in patients[0] if name not in ("patient", "progressed")]
    lines = []
    for day in _days(week, 1):
        for number, patient in enumerate(draw.integers(len(patients), size=VISITS).tolist()):
            row = dict(patients[patient])
            if slip:
                row["bmi"] = f"{_BMI_MEAN + _BMI_SD * float(row['bmi']):.1f}"
            cells = [row[name] for name in names]
            lines.append(
                (f"{day}-{number + 1}", f"{day}T12:00:00", *cells, f"{model.score(row):.6f}", row["progressed"])
            )
    _write(folder / "visits" / f"week{week}.csv", ("visit", "at", *names, "score", "progressed"), lines)


def _generator(week: int) -> Any:  # noqa: ANN401 (a NumPy generator)
    import numpy as np  # noqa: PLC0415 (the demo's own; the command line stays quick)

    return np.random.Generator(np.random.PCG64(_SEED + week))


def _patients(folder: Path) -> list[dict[str, str]]:
    with (folder / "holdout.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _days(week: int, weeks: int) -> list[dt.date]:
    first = (week - 1) * WEEK
    return [_FIRST + dt.timedelta(days=day) for day in range(first, first + weeks * WEEK)]


def _write(path: Path, header: Iterable[str], lines: Iterable[Iterable[object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *lines])
