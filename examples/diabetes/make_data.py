"""Writes train.csv and holdout.csv: 442 patients of the diabetes study (Efron, Hastie, Johnstone, Tibshirani, 2004).

The data ship with scikit-learn; running this script again writes the same files.
"""

import csv
import random
from pathlib import Path

from sklearn.datasets import load_diabetes

FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
HELD_OUT = 292


def main() -> None:
    """Shuffle once, keep two thirds for the evaluation, and write both files beside this script."""
    measured, progression = load_diabetes(return_X_y=True, scaled=False)
    rows = [
        [patient, *features[:1], "female" if features[1] == 1 else "male", *features[2:], target]
        for patient, (features, target) in enumerate(zip(measured.tolist(), progression.tolist(), strict=True))
    ]
    random.Random(7).shuffle(rows)
    for name, part in (("holdout.csv", rows[:HELD_OUT]), ("train.csv", rows[HELD_OUT:])):
        with (Path(__file__).parent / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["patient", *FEATURES, "progression"])
            writer.writerows([f"{value:g}" if isinstance(value, float) else value for value in row] for row in part)


if __name__ == "__main__":
    main()
