"""``python -m benchmarks.setup``: measure, show, judge; exit status 1 when the target is missed."""

import argparse
import sys

from benchmarks.setup import measure, page


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.setup", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="runs of each way")
    parser.add_argument("--quick", action="store_true", help="one run of each way")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    times = 1 if chosen.quick else chosen.times
    found = measure.everything(times, say=lambda line: print(line, file=sys.stderr, flush=True))
    text = page.section(found, times)
    print(text)
    if chosen.write:
        page.write(text)
    print(*(missed := page.list_misses(found)), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
