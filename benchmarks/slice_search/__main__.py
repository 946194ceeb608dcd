"""``python -m benchmarks.slice_search``: simulate, show, judge; exit status 1 when a target is missed."""

import argparse
import math
import sys

from benchmarks.section import write_section
from benchmarks.slice_search.simulate import (
    CONFIDENCE,
    HARMED,
    KINDS,
    NoiseRate,
    Power,
    coverage,
    noise_rate,
    power,
    search_seconds,
)

BEGIN, END = "<!-- slice-search:begin -->", "<!-- slice-search:end -->"
_SIZES, _DRAWS, _QUICK = (2_000, 20_000), 1_000, 60
_HARMS = ((4_000, 0.2), (20_000, 0.1), (20_000, 0.2))
_MOST_SECONDS, _ERRORS, _COLUMNS = 60.0, 3.0, 20
_INTRO = """\
## Search for the worst slices

`slices: auto` on {draws:,} simulated evaluation sets of each kind, with six columns of two to seven groups. *Noise*: no
slice is worse than the others, and at most 5 % of runs may find one. *Planted*: the candidate is worse in one
combination of two columns; *harm* is the added share of wrong decisions, and scales the other losses. Coverage is that
of a single slice's 95 % interval, on 200 rows. Written by `python -m benchmarks.slice_search --write`."""


def allowed(draws: int) -> float:
    """Return the largest rate of false findings that passes: the level and three errors of the simulation."""
    level = 1 - CONFIDENCE
    return level + _ERRORS * math.sqrt(level * (1 - level) / draws)


def noise_table(found: dict[int, list[NoiseRate]], covered: dict[int, float]) -> str:
    """Return the table of noise."""
    rows = [
        [
            KINDS[number].shown,
            *(f"{one.found:.1%}".replace("%", " %") for one in rates),
            f"{rates[-1].searched:,.0f}",
            f"{covered[number]:.1%}".replace("%", " %"),
        ]
        for number, rates in found.items()
    ]
    head = ["noise: found a slice", *(f"{size:,} rows" for size in _SIZES), "slices searched", "coverage"]
    return _table(head, rows)


def power_table(found: dict[int, list[Power]]) -> str:
    """Return the table of planted slices."""
    rows = [
        [KINDS[number].shown, f"{one.rows:,}", f"{one.harm:g}", f"{one.found:.0%}", f"{one.exact:.0%}"]
        for number, powers in found.items()
        for one in powers
    ]
    return _table(["planted", "rows", "harm", "found a slice", "found that slice"], rows).replace("%", " %")


def _table(head: list[str], rows: list[list[str]]) -> str:
    rule = [":--", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def main(arguments: list[str]) -> int:
    """Simulate, print, and write the section if that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slice_search", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sets, and a tenth of the rows of the cost")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    draws = _QUICK if chosen.quick else _DRAWS
    noise = {number: [noise_rate(number, size, draws) for size in _SIZES] for number in range(len(KINDS))}
    covered = {number: coverage(number, 200, draws) for number in range(len(KINDS))}
    powers = {number: [power(number, *harm, max(draws // 5, 20)) for harm in _HARMS] for number in HARMED}
    rows = 100_000 if chosen.quick else 1_000_000
    seconds, slices = search_seconds(rows, _COLUMNS)
    cost = (
        f"{rows:,} rows and {_COLUMNS} columns, {slices:,} slices: {seconds:.1f} s of CPU time (target: at most 60 s)."
    )
    text = "\n\n".join([_INTRO.format(draws=draws), noise_table(noise, covered), power_table(powers), cost])
    print(text)
    if chosen.write:
        write_section(text, BEGIN, END)
    worst = max(one.found for rates in noise.values() for one in rates)
    return int(worst > allowed(draws) or seconds > _MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
