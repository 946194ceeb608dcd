"""``python -m benchmarks.scored_items``: simulate, show, judge; exit status 1 if a figure is beyond its bound."""

import argparse
import sys

from benchmarks.scored_items import page
from benchmarks.scored_items.simulate import ITEMS, WORLDS, ClusteredCell, cover_clusters, simulate

CELLS = tuple(
    ClusteredCell(clusters=clusters, correlation=correlation)
    for clusters in (8, 20, 200)
    for correlation in (0.0, 0.1, 0.3, 0.6)
)


def main(arguments: list[str]) -> int:
    """Simulate all worlds and clusters, print the section, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scored_items", description=__doc__)
    parser.add_argument("--runs", type=int, default=4_000, help="simulated runs of each cell")
    parser.add_argument("--quick", action="store_true", help="300 runs of each cell")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    runs = 300 if chosen.quick else chosen.runs
    found = {(world, items): simulate(world, items, runs) for world in WORLDS for items in ITEMS}
    covered = {cell: cover_clusters(cell, runs) for cell in CELLS}
    text = page.section(found, covered, WORLDS)
    print(text)
    if chosen.write:
        page.write(text)
    print(*(missed := page.list_misses(found, covered)), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
