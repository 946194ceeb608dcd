"""``python -m benchmarks.experiment``: simulate, show, judge; exit status 1 if an error rate is beyond its bound."""

import argparse
import sys

from benchmarks.experiment import page
from benchmarks.experiment.simulate import count_mismatches, simulate


def main(arguments: list[str]) -> int:
    """Simulate all scenarios, print the section, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experiment", description=__doc__)
    parser.add_argument("--experiments", type=int, default=10_000, help="experiments of each scenario")
    parser.add_argument("--quick", action="store_true", help="200 experiments of each scenario")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    experiments = 200 if chosen.quick else chosen.experiments
    found = {scenario.title: simulate(scenario, experiments) for scenario in page.SCENARIOS}
    mismatches = {share: count_mismatches(share, experiments) for share in page.SHARES}
    text = page.section(found, mismatches, experiments)
    print(text)
    if chosen.write:
        page.write(text)
    print(*(missed := page.list_misses(found, mismatches, experiments)), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
