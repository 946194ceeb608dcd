"""Scores the evaluation set, which comes without its label."""

import csv
import json
import math
import os

from train import features


def main():
    with open(os.environ["MLCI_MODEL"], encoding="utf-8") as stream:
        weights = json.load(stream)["weights"]
    with (
        open(os.environ["MLCI_DATA"], encoding="utf-8", newline="") as source,
        open(os.environ["MLCI_PREDICTIONS"], "w", encoding="utf-8", newline="") as target,
    ):
        table = csv.writer(target)
        table.writerow(["customer", "score"])
        for row in csv.DictReader(source):
            total = sum(w * x for w, x in zip(weights, features(row), strict=True))
            table.writerow([row["customer"], 1 / (1 + math.exp(-total))])


if __name__ == "__main__":
    main()
