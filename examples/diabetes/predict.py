"""Predicts the progression for each patient in MLCI_DATA, which has no labels, into MLCI_PREDICTIONS."""

import csv
import json
import os
from pathlib import Path

from features import read, vector


def main() -> None:
    """Read the model and the features, write a row for each patient."""
    model = json.loads(Path(os.environ["MLCI_MODEL"]).read_text(encoding="utf-8"))
    parts = list(zip(model["mean"], model["spread"], model["weights"], strict=True))
    with Path(os.environ["MLCI_PREDICTIONS"]).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["patient", "progression"])
        for row in read(Path(os.environ["MLCI_DATA"])):
            numbers = zip(vector(row), parts, strict=True)
            score = model["middle"] + sum((x - mean) / spread * weight for x, (mean, spread, weight) in numbers)
            writer.writerow([row["patient"], f"{score:.3f}"])


if __name__ == "__main__":
    main()
