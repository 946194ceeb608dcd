"""``python -m benchmarks.planning``: simulate stated plans, show, judge; exit status 1 if one is off by over 3 %."""

import argparse
import math
import sys

from benchmarks.planning.simulate import CASES, Stated, measure
from benchmarks.section import write_section
from mlci.planning.gate import POWER

BEGIN, END = "<!-- planning:begin -->", "<!-- planning:end -->"
_ALLOWED, _ERRORS = 0.03, 2.0
_INTRO = """\
## Plans of evaluations

Written by `python -m benchmarks.planning{quick} --write`; seeds are fixed. `mlci plan` states the smallest drop that a
gate finds in 80 % of the pull requests, and the rows with which it decides: 80 % of equal models pass, and 80 % of
those that are worse by twice the margin are blocked. {runs:,} pull requests each are simulated with that drop, and with
those rows, answer by answer, and judged whole."""


def main(arguments: list[str]) -> int:
    """Simulate all cases, print the section, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planning", description=__doc__)
    parser.add_argument("--runs", type=int, default=4_000, help="simulated pull requests of each figure")
    parser.add_argument("--quick", action="store_true", help="500 of them")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    found = [measure(title, assumed, 500 if chosen.quick else chosen.runs) for title, assumed in CASES]
    intro = _INTRO.format(runs=found[0].runs, quick=" --quick" if chosen.quick else "")
    text = f"{intro}\n\n{_table(found)}"
    print(text)
    if chosen.write:
        write_section(text, BEGIN, END)
    print(*(missed := list_misses(found)), sep="\n")
    return 1 if missed else 0


def list_misses(found: list[Stated]) -> list[str]:
    """Return a line for each power beyond 80 ± 3 %, give or take two errors of the simulation."""
    misses = []
    for one in found:
        allowed = _ALLOWED + _ERRORS * math.sqrt(POWER * (1 - POWER) / one.runs)
        if abs(one.found - POWER) > allowed:
            misses.append(f"missed: {one.title}: {one.found:.1%} found at the detectable drop")
        if one.least < POWER - allowed:
            misses.append(f"missed: {one.title}: {one.least:.1%} at the stated rows")
    return misses


def _table(found: list[Stated]) -> str:
    head = ["", "margin", "detectable drop", "found", "rows to decide", "equal passed", "worse blocked"]
    rows = [
        [
            one.title,
            f"{one.plan.gate.margin:g}",
            f"{one.plan.detectable or 0:.3g}",
            _percent(one.found),
            f"{one.plan.more_rows.rows:,}" if one.plan.more_rows else "–",
            _percent(one.passed),
            _percent(one.blocked),
        ]
        for one in found
    ]
    marks = [":--", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, marks, *rows))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
