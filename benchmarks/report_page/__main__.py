"""``python -m benchmarks.report_page``: measure, show, judge; exit status 1 when a target is missed."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.report_page import measure, page


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report_page", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="number of rows")
    parser.add_argument("--slices", type=int, default=100, help="number of slice columns")
    parser.add_argument("--times", type=int, default=3, help="turns of each process")
    parser.add_argument("--quick", action="store_true", help="one turn of each")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    times = 1 if chosen.quick else chosen.times
    with tempfile.TemporaryDirectory(prefix="mlci-page-", ignore_cleanup_errors=True) as folder:
        found = measure.measure_page(Path(folder), chosen.rows, chosen.slices, times=times, say=_say)
    text = page.section(found, times)
    print(text)
    if chosen.write:
        page.write(text)
    print(*(missed := page.list_misses(found)), sep="\n")
    return 1 if missed else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
