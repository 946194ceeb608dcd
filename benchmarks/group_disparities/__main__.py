"""``python -m benchmarks.group_disparities``: simulate, show, judge; exit status 1 if an interval covers too little."""

import argparse
import math
import sys
from collections.abc import Mapping

from benchmarks.group_disparities.simulate import CELLS, METRICS, WORLDS, Cell, simulate
from benchmarks.section import write_section

BEGIN, END = "<!-- group-disparities:begin -->", "<!-- group-disparities:end -->"
LEVEL, ERRORS = 0.95, 3.0
"""Coverage that is promised, and standard errors of a simulated share that a figure may be below it."""
_INTRO = """\
## Average odds, and disparities to the overall value

Written by `python -m benchmarks.group_disparities --write`; seeds are fixed. Shares of 95 % intervals that have the
true disparity of four groups with 50, 30, 15 and 5 % of the rows; {runs:,} draws of each cell. An interval of equal
groups begins at 0:"""


def section(found: Mapping[Cell, float], runs: int) -> str:
    """Return the section of the documentation."""
    rows = sorted({cell.rows for cell in found})
    lines = [["metric", "groups", *(f"{number:,} rows" for number in rows)]]
    lines += [
        [f"`{metric}`", world, *(f"{100 * found[Cell(metric, world, number)]:.1f} %" for number in rows)]
        for metric in METRICS
        for world in WORLDS
    ]
    marks = [":--", ":--", *["--:"] * len(rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], marks, *lines[1:]))
    return f"{_INTRO.format(runs=runs)}\n\n{table}"


def main(arguments: list[str]) -> int:
    """Simulate all cells, print the section, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.group_disparities", description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="simulated sets of each cell")
    parser.add_argument("--quick", action="store_true", help="100 sets of each cell")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    runs = 100 if chosen.quick else chosen.runs
    found = {cell: simulate(cell, runs) for cell in CELLS}
    text = section(found, runs)
    print(text)
    if chosen.write:
        write_section(text, BEGIN, END)
    least = LEVEL - ERRORS * math.sqrt(LEVEL * (1 - LEVEL) / runs)
    print(*(missed := [f"missed: {cell}: {share:.1%}" for cell, share in found.items() if share < least]), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
