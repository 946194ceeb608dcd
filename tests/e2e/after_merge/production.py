"""Logs of production for the project's model: customers of some weeks with its scores, and arms of an experiment."""

import csv
import io
import json
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.e2e.project import HEADER, draw_customer

MONITOR_SECTION = """
monitor:
  data: log.csv
  time: at
  labels: labels.csv
  patience: 1
  retrain: mlci-retrain
"""
EXPERIMENT_SECTION = """
experiment:
  data: visitors.csv
  unit: visitor
  metric: {rate: stayed, max_drop: 0.02}
  version: 2
"""
WEEK = timedelta(weeks=1)
ROWS = 800


@dataclass(frozen=True)
class Week:
    """A week of production; in one that is ``turned``, the customers leave whom the model expects to stay."""

    begins: datetime
    turned: bool = False


def this_monday() -> datetime:
    """Return the beginning of the current week in UTC."""
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return now - timedelta(days=now.weekday())


def monitored_files(model: Path, weeks: Sequence[Week]) -> dict[str, str]:
    """Return the log of some weeks and the labels that have arrived, by the promoted model's own scores."""
    weights = json.loads(model.read_text("utf-8"))["weights"]
    log, labels = [[*HEADER[:-1], "score", "at"]], [[HEADER[0], HEADER[-1]]]
    for place, week in enumerate(weeks):
        draws = random.Random(f"{place} {week.turned}")
        for row in range(ROWS):
            number = 10_000 * (place + 1) + row
            *features, left = draw_customer(draws, number)
            numbers = [1.0, *map(float, features[2:])]
            score = 1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, numbers, strict=True))))
            at = week.begins + row * WEEK / ROWS
            log.append([*features, f"{score:.4f}", at.strftime("%Y-%m-%d %H:%M:%S")])
            labels.append([number, 1 - left if week.turned else left])
    return {"log.csv": csv_text(log), "labels.csv": csv_text(labels)}


def experiment_files(units: int, *, control: float, treatment: float) -> dict[str, str]:
    """Return the log of an experiment in which these shares of the two arms stay."""
    draws = random.Random(units)
    rows = [["visitor", "arm", "stayed"]]
    for unit in range(units):
        arm, share = (("control", control), ("treatment", treatment))[unit % 2]
        rows.append([f"u{unit}", arm, int(draws.random() < share)])
    return {"visitors.csv": csv_text(rows)}


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
