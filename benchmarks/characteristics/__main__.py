"""Operating characteristics of mlci, by simulation.

    python -m benchmarks.characteristics            full, about five minutes on two cores
    python -m benchmarks.characteristics --quick    fewer draws and wider bounds, for continuous integration
    python -m benchmarks.characteristics --write    puts the tables into docs/reference/benchmarks.md
    python -m benchmarks.characteristics --functions    functions of rows alone, also with --write

Exit status 1 if a figure is outside its bounds. Seeds are fixed and do not depend on the number of processes.
"""

import argparse
import os
import sys
import time

from benchmarks.characteristics import function_coverage, report
from benchmarks.characteristics.pool import run

QUICK = 0.05
QUICK_ERRORS = 4.0
INTRODUCTION = """## Operating characteristics

Written by `python -m benchmarks.characteristics --write`; seeds are fixed. Every figure is measured on mlci's own
intervals and gates, fed with simulated rows. “Error” is the standard error of the simulation (with that of the
published figure, where there is one, taken to rest on 10,000 draws, on 1,000 for disparities); a figure holds if it is
within its bounds give or take four of them. Coverage of families and of disparities gets no such allowance."""


def main(arguments: list[str]) -> int:
    """Simulate, print, write if asked to, and say by the exit status whether everything holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.characteristics")
    parser.add_argument("--quick", action="store_true", help="fewer draws and wider bounds")
    parser.add_argument("--write", action="store_true", help="write the section of docs/reference/benchmarks.md")
    parser.add_argument("--functions", action="store_true", help="only the coverage of functions of rows")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    asked = parser.parse_args(arguments)
    if asked.quick and asked.write:
        parser.error("--write takes the full number of draws; leave --quick out")
    if asked.functions:
        return _functions(asked)
    began = time.perf_counter()
    outcomes = run(report.works(QUICK if asked.quick else 1.0), processes=asked.processes)
    sections, figures = report.sections(outcomes, allowed=QUICK_ERRORS if asked.quick else 0.0)
    print(report.page(sections, figures, "simple"))
    slowest = sorted(outcomes, key=lambda name: -outcomes[name].seconds)[:3]
    print(f"\n{time.perf_counter() - began:.0f} s; most of it in {', '.join(slowest)}")
    outside = [figure for figure in figures if not figure.kept]
    for figure in outside:
        print("outside:", " | ".join(figure.cells()), file=sys.stderr)
    if asked.write:
        report.write(f"{INTRODUCTION}\n\n{report.page(sections, figures, 'github')}")
    return int(bool(outside))


def _functions(asked: argparse.Namespace) -> int:
    """Simulate the coverage of functions of rows, and write its section alone."""
    outcomes = run(function_coverage.works(QUICK if asked.quick else 1.0), processes=asked.processes)
    section, figures = function_coverage.section(outcomes, allowed=QUICK_ERRORS if asked.quick else 0.0)
    print(section.text("simple"))
    if asked.write:
        report.write_part(section)
    return int(any(not figure.kept for figure in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
