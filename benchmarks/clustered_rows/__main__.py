"""``python -m benchmarks.clustered_rows``: simulate, show, judge; exit status 1 if a figure is beyond its bound."""

import argparse
import sys

from benchmarks.clustered_rows import page
from benchmarks.clustered_rows.simulate import BINARY, DISPARITIES, MEDIAN, REGRESSION, Cell, find_truth, simulate

CORRELATIONS = (0.0, 0.1, 0.3, 0.6)
CELLS = tuple(Cell(clusters=200, correlation=correlation) for correlation in CORRELATIONS)
SMALL = tuple(Cell(clusters=clusters, correlation=0.3) for clusters in (8, 20))
GROUPED = tuple(
    Cell(clusters=clusters, correlation=0.3, nested=nested) for clusters in (20, 200) for nested in (False, True)
)
"""Cells whose disparities are between groups that share clusters, or of clusters."""
METRICS = (*BINARY, *REGRESSION)


def main(arguments: list[str]) -> int:
    """Simulate all cells, print the section, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clustered_rows", description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="tables of each cell; of accuracy, four times")
    parser.add_argument("--quick", action="store_true", help="40 tables of each cell")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    runs, truth = 40 if chosen.quick else chosen.runs, find_truth()
    found = page.Found(
        accuracy={cell: simulate(cell, ("accuracy",), 4 * runs, truth) for cell in CELLS},
        metrics={cell: simulate(cell, METRICS, runs, truth, both=cell == CELLS[-1]) for cell in (*CELLS, *SMALL)},
        others={cell: simulate(cell, (*DISPARITIES, MEDIAN), runs, truth, both=False) for cell in GROUPED},
    )
    text = page.section(found)
    print(text)
    if chosen.write:
        page.write(text)
    print(*(missed := page.list_misses(found)), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
