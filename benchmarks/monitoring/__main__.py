"""``python -m benchmarks.monitoring``: simulate, show, judge; exit status 1 when a rate is too high."""

import argparse
import sys

from benchmarks.monitoring import page, simulate


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitoring", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the weeks")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    models = 2 if chosen.quick else simulate.MODELS
    found = [simulate.play(scenario, models=models) for scenario in simulate.SCENARIOS]
    text = page.section(found)
    print(text)
    if chosen.write:
        page.write(text)
    print(*(missed := page.list_misses(found)), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
