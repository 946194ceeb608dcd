"""Draws vibrations of bearings with a seed: a worn bearing hums, at an unknown phase, in the noise of its machine."""

import csv
import math
import random
from pathlib import Path

STEPS = 16
NOISE = {"fan": 0.55, "pump": 0.75}


def draw(random_numbers: random.Random, number: int) -> list[object]:
    """Return a row: number, machine, the vibration at each step, and whether the bearing is worn."""
    machine = random_numbers.choices(list(NOISE), weights=[6, 4])[0]
    worn = random_numbers.random() < 0.4
    phase, drift = random_numbers.uniform(0, 2 * math.pi), random_numbers.gauss(0, 0.5)
    hum = [0.9 * worn * math.sin(2 * math.pi * step / 4 + phase) for step in range(STEPS)]
    values = [f"{one + drift + random_numbers.gauss(0, NOISE[machine]):.2f}" for one in hum]
    return [number, machine, *values, int(worn)]


def write(name: str, first: int, rows: int, seed: int) -> None:
    """Write a table."""
    random_numbers = random.Random(seed)
    with Path(name).open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["bearing", "machine", *(f"t{step}" for step in range(STEPS)), "worn"])
        table.writerows(draw(random_numbers, number) for number in range(first, first + rows))


write("train.csv", 0, 1000, 1)
write("holdout.csv", 10_000, 800, 2)
