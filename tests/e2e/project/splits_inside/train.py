"""Splits, fits a logistic regression, and writes the holdout and its predictions, with the standard library."""

import csv
import math
import zlib

FEATURES = ("visits", "spend", "calls")
STEPS = 60
RATE = 0.5


def features(row):
    """The numbers that the model sees."""
    return [1.0, *(float(row[name]) for name in FEATURES)]


def probability(weights, seen):
    """The chance that a customer leaves."""
    return 1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, seen, strict=True))))


def fit(rows):
    """Weights after so many steps of gradient descent."""
    weights = [0.0] * (len(FEATURES) + 1)
    for _ in range(STEPS):
        slope = [0.0] * len(weights)
        for row in rows:
            miss = probability(weights, features(row)) - int(row["left"])
            slope = [s + miss * x for s, x in zip(slope, features(row), strict=True)]
        weights = [w - RATE * s / len(rows) for w, s in zip(weights, slope, strict=True)]
    return weights


def write(name, rows):
    with open(name, "w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def main():
    with open("customers.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    part = [zlib.crc32(row["customer"].encode()) % 10 for row in rows]
    weights = fit([row for row, number in zip(rows, part, strict=True) if number >= 6])
    holdout = [row for row, number in zip(rows, part, strict=True) if number < 6]
    write("holdout.csv", holdout)
    scores = [probability(weights, features(row)) for row in holdout]
    write("predictions.csv", [{"customer": r["customer"], "score": s} for r, s in zip(holdout, scores, strict=True)])


if __name__ == "__main__":
    main()
