"""``python -m benchmarks.functions``: measure, show, judge; exit status 1 when a target is missed.

python -m benchmarks.functions            1,000,000 rows, about ten minutes on two cores
python -m benchmarks.functions --quick    100,000 rows
python -m benchmarks.functions --write    puts the table into docs/reference/benchmarks.md
"""

import argparse
import sys

from benchmarks.functions import measure, page

QUICK, FULL = 100_000, 1_000_000


def main(arguments: list[str]) -> int:
    """Measure, print, write if asked to; the exit status says whether the targets are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.functions")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    if chosen.quick and chosen.write:
        parser.error("--write takes all rows; leave --quick out")
    found = measure.measure_all(
        QUICK if chosen.quick else FULL, say=lambda line: print(line, file=sys.stderr, flush=True)
    )
    text = page.section(found)
    print(text)
    if chosen.write:
        page.write(text)
    print(*(missed := page.list_misses(found)), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
