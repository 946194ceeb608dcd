"""Features of a patient, for training and prediction."""

import csv
from pathlib import Path

NAMES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def vector(row: dict[str, str]) -> list[float]:
    """Return the features of a patient in the order of ``NAMES``."""
    return [float(row["sex"] == "male") if name == "sex" else float(row[name]) for name in NAMES]
