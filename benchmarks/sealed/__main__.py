"""``python -m benchmarks.sealed``: measure, show, judge; exit status 1 if a mode uses more requests than its bound."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.sealed import measure, page


def main(arguments: list[str]) -> int:
    """Measure both modes, print the section, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sealed", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="pull requests of each mode")
    parser.add_argument("--quick", action="store_true", help="one pull request of each mode")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    times = 1 if chosen.quick else chosen.times
    with tempfile.TemporaryDirectory(prefix="mlci-sealed-") as scratch:
        found = measure.measure_modes(Path(scratch), times)
    text = page.section(found, times)
    print(text)
    if chosen.write:
        page.write(text)
    print(*(missed := page.list_misses(found)), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
