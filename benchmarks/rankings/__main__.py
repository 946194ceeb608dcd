"""``python -m benchmarks.rankings``: simulate, show, judge; exit status 1 if a figure is beyond its bound."""

import argparse
import math
import sys
from collections.abc import Mapping

from benchmarks.rankings.simulate import LEVEL, METRICS, SIZES, WORLDS, Misses, World, population, simulate
from benchmarks.section import write_section

BEGIN, END = "<!-- rankings:begin -->", "<!-- rankings:end -->"
_ERRORS = 4.0
_INTRO = """\
## Rankings

Written by `python -m benchmarks.rankings --write`; seeds are fixed. Queries are drawn from populations of 20,000 whose
true values are known: {sizes} queries, {runs:,} runs each. Each row is the worst of {metrics},
and of all numbers of queries. “Wrong pass” is the share of runs whose 95 % interval of the change begins above the
truth, so that a change worse than some limit passes, and “wrong block” the share that ends below it; 2.5 % are nominal,
and {noise:.1f} % the largest share that the simulation's own error explains. “One model” is the larger of both shares
for the candidate's value. Student's interval is [0, 0] where no query of the draw differs. The length is that with 500
queries."""

Found = Mapping[tuple[World, str, int], Misses]


def section(found: Found) -> str:
    """Return the section of the documentation."""
    runs = next(iter(found.values())).runs
    sized = ", ".join(map(str, SIZES[:-1])) + f" and {SIZES[-1]}"
    names = ", ".join(METRICS[:-1]) + f" and {METRICS[-1]}"
    head = ["", "mlci: wrong pass", "wrong block", "one model", "t: wrong pass", "wrong block", "length over t's"]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1), *(_row(world, found) for world in WORLDS)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{_INTRO.format(sizes=sized, runs=runs, metrics=names, noise=100 * _allowed(runs) / runs)}\n\n{table}"


def _row(world: World, found: Found) -> list[str]:
    mine = [one for (of, _, _), one in found.items() if of is world]

    def worst(*beside: tuple[str, str]) -> str:
        return f"{100 * max(one.beside[each] / one.runs for one in mine for each in beside):.1f} %"

    value = worst(("mlci value", "above"), ("mlci value", "below"))
    cells = [worst((f"{who} change", end)) for who in ("mlci", "t") for end in ("above", "below")]
    most = [one.length for (of, _, size), one in found.items() if of is world and size == max(SIZES)]
    lengths = [length for length in most if not math.isnan(length)]
    return [world.title, *cells[:2], value, *cells[2:], f"{max(lengths):.2f}" if lengths else "–"]


def _allowed(runs: int) -> float:
    """Return the most misses that a level of 2.5 % and four errors of the simulation allow."""
    return runs * LEVEL + _ERRORS * math.sqrt(runs * LEVEL * (1 - LEVEL))


def list_misses(found: Found) -> list[str]:
    """Return a line for each figure of mlci beyond 2.5 %, give or take four errors of the simulation."""
    missed = []
    for (world, metric, size), one in found.items():
        for (what, end), count in one.beside.items():
            if what.startswith("mlci") and count > _allowed(one.runs):
                missed.append(f"missed: {world.title}, {metric}, {size} queries: {what} {end} {count / one.runs:.2%}")
    return missed


def main(arguments: list[str]) -> int:
    """Simulate all worlds, print the section, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rankings", description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000, help="simulated runs of each cell")
    parser.add_argument("--quick", action="store_true", help="200 runs of each cell")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    runs = 200 if chosen.quick else chosen.runs
    found = {
        (world, metric, size): simulate(values, size, runs, seed)
        for world in WORLDS
        for seed, (metric, values) in enumerate(population(world).items())
        for size in SIZES
    }
    text = section(found)
    print(text)
    if chosen.write:
        write_section(text, BEGIN, END)
    print(*(missed := list_misses(found)), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
