"""``python -m benchmarks.reuse``: simulate, show, judge; exit status 1 if a figure is beyond its bound."""

import argparse
import sys

from benchmarks.reuse import page
from benchmarks.reuse.simulate import simulate


def main(arguments: list[str]) -> int:
    """Simulate the developers, print the section, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reuse", description=__doc__)
    parser.add_argument("--runs", type=int, default=4_000, help="developers of each rule")
    parser.add_argument("--quick", action="store_true", help="200 developers of each rule")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    runs = 200 if chosen.quick else chosen.runs
    found = simulate(runs)
    text = page.section(found, runs)
    print(text)
    if chosen.write:
        page.write(text)
    print(*(missed := page.list_misses(found, runs)), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
