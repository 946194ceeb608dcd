"""The tables, and the section of the documentation that contains them."""

import math
from collections.abc import Mapping

from benchmarks.experiment.simulate import EVERY, MOST, Scenario, Tally
from benchmarks.section import write_section

BEGIN, END = "<!-- experiment:begin -->", "<!-- experiment:end -->"
MOST_FALSE = 0.05
"""Largest share of experiments at the limit that may ever be promoted."""
FALSE_MISMATCHES, FOUND = 0.002, 0.9
SCENARIOS = (
    Scenario(title="skewed mean, at the limit", change=-0.1, limit=0.1),
    Scenario(title="rate of 2 %, at the limit", change=-0.008, limit=0.008, rate=0.02),
    Scenario(title="rate of 10 %, at the limit", change=-0.02, limit=0.02, rate=0.1),
    Scenario(title="skewed mean, no change", change=0.0, limit=0.1),
    Scenario(title="the same, half of the variance explained", change=0.0, limit=0.1, covariate=0.5),
    Scenario(title="skewed mean, better by the limit", change=0.1, limit=0.1),
    Scenario(title="skewed mean, worse by twice the limit", change=-0.2, limit=0.1),
    Scenario(title="rate of 10 %, no change", change=0.0, limit=0.02, rate=0.1),
)
SHARES = (0.5, 0.52, 0.55)
_INTRO = f"""\
## Experiments that are looked at

Written by `python -m benchmarks.experiment --write`; seeds are fixed. Each row is {{experiments:,}} simulated
experiments with two arms of equal size, judged by `mlci experiment`'s own judge after every {EVERY} users, {MOST:,} at
most, at confidence 0.95. The limit is the largest acceptable fall: 0.1 standard deviations of a skewed (exponential)
mean, 2 points of a rate of 10 %, 0.8 points of a rate of 2 %. At the limit, to promote is an error. “z-test, every
look” promotes at the first look at which a z-test at the same level does; “fixed” is the number of users that a z-test
needs, looked at once, for a power of 90 %."""
_RATIO = """\
The check of the split, at half of the users each, at every look:"""


def section(found: Mapping[str, Tally], mismatches: Mapping[float, int], experiments: int) -> str:
    """Return the section of the documentation."""
    head = ["", "promoted", "rolled back", "z-test, every look, promotes", "users to a verdict, median", "fixed"]
    rows = [_row(scenario, found[scenario.title]) for scenario in SCENARIOS]
    shares = {share: _percent(mismatches[share], experiments) for share in SHARES}
    ratio = [[f"{100 * share:.0f} % of the users in the treatment", text] for share, text in shares.items()]
    tables = [_table([head, *rows]), f"{_RATIO}\n\n{_table([['', 'mismatch found'], *ratio])}"]
    return "\n\n".join([_INTRO.format(experiments=experiments), *tables])


def list_misses(found: Mapping[str, Tally], mismatches: Mapping[float, int], experiments: int) -> list[str]:
    """Return a line for each figure beyond its bound."""
    misses = [
        f"missed: {scenario.title}: promoted in {_percent(tally.promoted, tally.experiments)}, at most 5 %"
        for scenario in SCENARIOS
        if scenario.change == -scenario.limit
        and (tally := found[scenario.title]).promoted > MOST_FALSE * tally.experiments
    ]
    if mismatches[0.5] > max(1, FALSE_MISMATCHES * experiments):
        misses.append(f"missed: a fair split is a mismatch in {_percent(mismatches[0.5], experiments)}")
    if mismatches[0.55] < FOUND * experiments:
        misses.append(f"missed: 55 % in the treatment are found in {_percent(mismatches[0.55], experiments)} only")
    return misses


def write(text: str) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END)


def _row(scenario: Scenario, tally: Tally) -> list[str]:
    shares = [_percent(number, tally.experiments) for number in (tally.promoted, tally.rolled_back, tally.peeking)]
    return [scenario.title, *shares, _users(tally.median()), _users(scenario.fixed_horizon)]


def _users(number: float) -> str:
    return "–" if math.isinf(number) else f"{number:,.0f}"


def _percent(number: int, experiments: int) -> str:
    return f"{number / experiments:.2%}".replace("%", " %")


def _table(rows: list[list[str]]) -> str:
    marks = [":--", *["--:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], marks, *rows[1:]))
