"""Fits a ridge regression of the disease's progression, with Python's standard library only; leaves model.json."""

import json
import os
import statistics
from pathlib import Path

from features import NAMES, read, vector

STRENGTH = 1.0


def main() -> None:
    """Read train.csv, fit, and write the model where mlci looks for it."""
    rows = read(Path(__file__).parent / "train.csv")
    raw = [vector(row) for row in rows]
    target = [float(row["progression"]) for row in rows]
    mean = [statistics.fmean(column) for column in zip(*raw, strict=True)]
    spread = [statistics.pstdev(column) for column in zip(*raw, strict=True)]
    scaled = [[(x - m) / s for x, m, s in zip(row, mean, spread, strict=True)] for row in raw]
    middle = statistics.fmean(target)
    weights = ridge(scaled, [y - middle for y in target], STRENGTH)
    model = {"features": NAMES, "mean": mean, "spread": spread, "weights": weights, "middle": middle}
    Path(os.environ.get("MLCI_MODEL", "model.json")).write_text(json.dumps(model, indent=1), encoding="utf-8")


def ridge(rows: list[list[float]], target: list[float], strength: float) -> list[float]:
    """Solve (X'X + strength I) w = X'y by Gaussian elimination."""
    size = len(rows[0])
    system = [
        [sum(row[i] * row[j] for row in rows) + strength * (i == j) for j in range(size)]
        + [sum(row[i] * y for row, y in zip(rows, target, strict=True))]
        for i in range(size)
    ]
    for i in range(size):
        system[i] = [value / system[i][i] for value in system[i]]
        for j in range(size):
            if j != i:
                system[j] = [a - system[j][i] * b for a, b in zip(system[j], system[i], strict=True)]
    return [row[-1] for row in system]


if __name__ == "__main__":
    main()
