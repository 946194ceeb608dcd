"""Fits a logistic regression by gradient descent, with nothing but the standard library."""

import csv
import json
import math

FEATURES = ("visits", "spend", "calls")
STEPS = 60
RATE = 0.5


def features(row):
    """The numbers that the model sees."""
    return [1.0, *(float(row[name]) for name in FEATURES)]


def main():
    with open("train.csv", encoding="utf-8", newline="") as stream:
        rows = [(features(row), int(row["left"])) for row in csv.DictReader(stream)]
    weights = [0.0] * (len(FEATURES) + 1)
    for _ in range(STEPS):
        slope = [0.0] * len(weights)
        for seen, label in rows:
            miss = 1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, seen, strict=True)))) - label
            slope = [s + miss * x for s, x in zip(slope, seen, strict=True)]
        weights = [w - RATE * s / len(rows) for w, s in zip(weights, slope, strict=True)]
    print("weights", *(f"{weight:.3f}" for weight in weights))
    with open("model.json", "w", encoding="utf-8") as stream:
        json.dump({"weights": weights}, stream)


if __name__ == "__main__":
    main()
