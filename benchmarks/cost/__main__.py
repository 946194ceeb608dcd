"""``python -m benchmarks.cost``: measure, show, judge; exit status 1 when a target is missed."""

import argparse
import os
import signal
import sys

from benchmarks.cost import measure, page, targets

ROWS = "100000,1000000,10000000"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--rows", default=ROWS, help="numbers of rows, separated by commas")
    parser.add_argument("--quick", action="store_true", help="only up to 1,000,000 rows")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/reference/benchmarks.md")
    parser.add_argument("--no-peers", action="store_true", help="only mlci and its floors")
    chosen = parser.parse_args(arguments)
    rows = sorted({int(size) for size in chosen.rows.split(",")})
    if chosen.quick:
        rows = [size for size in rows if size <= targets.MIDDLE]
    signal.signal(signal.SIGTERM, _stopped)
    results = measure.everything(rows, peers=not chosen.no_peers, say=_say)
    judged = targets.judge(measure.figures(results), rows)
    if chosen.no_peers:
        judged = [one for one in judged if one.target.figure != "bootstrap"]
    text = page.section(results, judged)
    print(text)
    if chosen.write:
        page.write(text)
    missed = [one for one in judged if not one.holds]
    for one in missed:
        print(_red(page.describe_miss(one)))
    return 1 if missed else 0


def _stopped(_number: int, _frame: object) -> None:
    """End by an exception, so that data is removed and the subject at work is stopped."""
    sys.exit(128 + signal.SIGTERM)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _red(line: str) -> str:
    plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
    return line if plain else f"\033[31m{line}\033[0m"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
