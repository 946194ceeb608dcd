"""``python -m benchmarks.scored_items.corrected``: coverage of a change that human labels correct.

People and a judge rate the same differences of -1, 0 and 1. The judge is noisy, and one time in ten it prefers the
candidate whatever the answers are.
"""

import argparse
import math
import sys

import numpy as np

from benchmarks.section import write_section
from mlci.inference.grader import corrected_mean

LABELLED, NOISES = (50, 100, 200), (0.1, 0.3, 0.6)
UNLABELLED, TRUTH, BIAS = 300, -0.1, 0.1
LEAST = 0.94
BEGIN, END = "<!-- corrected:begin -->", "<!-- corrected:end -->"
_INTRO = """\
## A change corrected by human labels

Written by `python -m benchmarks.scored_items.corrected --write`; seeds are fixed. Coverage of the 95 % interval of the
change that people see, by PPI++ with Student's quantile, in {runs:,} draws with 300 items without labels. The judge is
wrong on a share of the items, and on every tenth it prefers the candidate; “judge alone” is the coverage of its own
normal interval."""


def cover(labelled: int, noise: float, runs: int) -> tuple[float, float]:
    """Return how often the corrected interval, and the judge's own, have the mean by people."""
    rng, kept, alone = np.random.default_rng([20_261_202, labelled, round(100 * noise)]), 0, 0
    for _ in range(runs):
        truth = rng.choice([-1.0, 0.0, 1.0], labelled + UNLABELLED, p=[0.25, 0.6, 0.15])
        judged = np.where(rng.random(truth.size) < noise, rng.choice([-1.0, 0.0, 1.0], truth.size), truth)
        judged = np.where(rng.random(truth.size) < BIAS, 1.0, judged)
        found = corrected_mean(truth[:labelled], judged[:labelled], judged[labelled:], confidence=0.95)
        kept += found.low <= TRUTH <= found.high
        alone += abs(judged.mean() - TRUTH) <= 1.96 * judged.std(ddof=1) / math.sqrt(judged.size)
    return kept / runs, alone / runs


def main(arguments: list[str]) -> int:
    """Simulate, print the section, and write it if asked; exit status 1 if a coverage is too low."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scored_items.corrected", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="400 draws of each cell instead of 4,000")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    runs = 400 if chosen.quick else 4_000
    found = {(labelled, noise): cover(labelled, noise, runs) for labelled in LABELLED for noise in NOISES}
    rows = ["| labelled items | judge wrong | corrected | judge alone |", "| --: | --: | --: | --: |"]
    rows += [f"| {n} | {100 * noise:.0f} % | {kept:.1%} | {alone:.1%} |" for (n, noise), (kept, alone) in found.items()]
    text = "\n\n".join([_INTRO.format(runs=runs), "\n".join(rows).replace("%", " %").replace("  %", " %")])
    print(text)
    if chosen.write:
        write_section(text, BEGIN, END)
    error = math.sqrt(LEAST * (1 - LEAST) / runs)
    return 1 if min(kept for kept, _ in found.values()) < LEAST - 3 * error else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
