"""A promoted model, and logs of production that drift or decay by choice.

A row has a number ``x``, a ``region`` and a label that is 1 if x is above 0. The model decides by x too, and is wrong
on one row of ten; a log may make it wrong on more, move x, or leave labels out.
"""

import csv
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from tests.support.project import mlci

CONFIG = """\
model: scored
task: binary
evaluation: {data: holdout.csv, key: id, label: y, slices: [region], metrics: [accuracy]}
predict: {file: predictions.csv, score: score, decision: p}
gates:
  - {metric: accuracy, max_drop: 0.05}
  - {metric: recall, each: region, max_drop: 0.1}
  - {metric: roc_auc, max_drop: 0.05}
  - {metric: equalized_odds_difference, across: region, max: 0.2}
monitor:
  data: log.csv
  time: at
  window: week
  labels: labels.csv
"""
REGIONS = ("north", "south")
FIRST = datetime(2026, 1, 5)  # noqa: DTZ001 - a Monday; all times are in UTC


@dataclass(frozen=True)
class Week:
    """A week of production: rows, a shift of x, the share of wrong decisions, and the share of rows with a label."""

    rows: int = 400
    shift: float = 0.0
    wrong: float = 0.1
    labelled: float = 1.0


def make_rows(number: int, week: Week, *, seed: int) -> list[dict[str, object]]:
    """Return rows with predictions and labels; ``number`` is that of the first row."""
    draws = np.random.default_rng(seed)
    x = draws.normal(week.shift, 1, week.rows)
    label = (x > 0).astype(int)
    wrong = draws.random(week.rows) < week.wrong
    score = np.clip(0.5 + 0.1 * (2 * np.where(wrong, 1 - label, label) - 1) * (1 + draws.random(week.rows)), 0, 1)
    region = draws.choice(REGIONS, week.rows)
    return [
        {
            "id": number + row,
            "x": round(float(x[row]), 4),
            "region": str(region[row]),
            "score": round(float(score[row]), 4),
            "p": int(score[row] >= 0.5),
            "y": int(label[row]),
        }
        for row in range(week.rows)
    ]


def write_csv(path: Path, rows: list[dict[str, object]], columns: list[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def promote_scored(folder: Path, config: str = CONFIG, **environment: str) -> Path:
    """Write the project and promote its model."""
    rows = make_rows(0, Week(rows=2_000), seed=1)
    write_csv(folder / "holdout.csv", rows, ["id", "x", "region", "y"])
    write_csv(folder / "predictions.csv", rows, ["id", "score", "p"])
    (folder / "mlci.yml").write_text(config, "utf-8")
    for command in ("run", "promote"):
        done = mlci(command, cwd=folder, **environment)
        assert done.code == 0, done.out + done.err
    return folder


def write_log(folder: Path, weeks: list[Week], *, columns: str = "id x region score p at") -> None:
    """Write the log of some weeks, and the labels that have arrived."""
    log, labels = [], []
    for index, week in enumerate(weeks):
        rows = make_rows(100_000 * (index + 1), week, seed=100 + index)
        for place, row in enumerate(rows):
            row["at"] = (FIRST + timedelta(weeks=index, minutes=20 * place)).isoformat(sep=" ")
        log += rows
        labels += rows[: int(len(rows) * week.labelled)]
    write_csv(folder / "log.csv", log, columns.split())
    write_csv(folder / "labels.csv", labels, ["id", "y"])


def week_end(weeks: int) -> str:
    """Return the time at which so many weeks are complete."""
    return (FIRST + timedelta(weeks=weeks)).isoformat()


def copy_project(source: Path, target: Path) -> Path:
    """Copy a promoted project, which a test may change."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    return target
