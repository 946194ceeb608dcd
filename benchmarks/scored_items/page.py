"""The tables, and the section of the documentation that contains them."""

import math
from collections.abc import Mapping

from benchmarks.scored_items.simulate import LEVEL, ClusteredCell, Covered, Misses, World
from benchmarks.section import write_section

BEGIN, END = "<!-- scored-items:begin -->", "<!-- scored-items:end -->"
_ERRORS = 3.0
_COVERED = 0.94
_LONGEST = 1.1
_INTRO = """\
## Scored items

Written by `python -m benchmarks.scored_items --write`; seeds are fixed. Each row is the worst of {sizes} items,
{runs:,} simulated pairs of runs each, with a known true change. “Wrong pass” is the share of runs whose 95 % interval
begins above the truth, so that a change worse than some limit passes, and “wrong block” the share that ends below it;
2.5 % are nominal. The normal interval is that of `nel gate`; “McNemar finds nothing” is the share of runs in which the
exact test at 5 % sees no difference, with the most items."""
_CLUSTERS = """\
Accuracy of 85 % in clusters of ten items, {runs:,} runs each: coverage of the 95 % interval with `evaluation.cluster`,
and of Wilson's interval, for which items are independent."""


def section(
    found: Mapping[tuple[World, int], Misses], covered: Mapping[ClusteredCell, Covered], worlds: tuple[World, ...]
) -> str:
    """Return the section of the documentation."""
    sizes = sorted({items for _, items in found})
    runs = next(iter(found.values())).runs
    head = ["", "mlci: wrong pass", "wrong block", "t: wrong pass", "wrong block", "normal: wrong pass", "wrong block"]
    head += ["McNemar finds nothing", "length over t's"]
    rows = [_row(world, {items: found[world, items] for items in sizes}) for world in worlds]
    clusters = [
        [
            f"{cell.clusters}",
            f"{cell.correlation:g}",
            _percent(one.ours / one.runs),
            _percent(one.independent / one.runs),
        ]
        for cell, one in covered.items()
    ]
    second = _table([["clusters", "correlation", "by cluster", "independent"], *clusters])
    sized = ", ".join(map(str, sizes[:-1])) + f" and {sizes[-1]:,}"
    intro = _INTRO.format(sizes=sized, runs=runs)
    each = next(iter(covered.values())).runs
    return f"{intro}\n\n{_table([head, *rows])}\n\n{_CLUSTERS.format(runs=each)}\n\n{second}"


def _row(world: World, by_size: Mapping[int, Misses]) -> list[str]:
    cells = []
    for name in ("mlci", "t", "normal"):
        cells.append(_percent(max(one.low[name] / one.runs for one in by_size.values())))
        cells.append(_percent(max(one.high[name] / one.runs for one in by_size.values())))
    most = by_size[max(by_size)]
    silent = _percent(most.silent / most.runs) if world.binary and world.change < 0 else "–"
    lengths = [one.length for one in by_size.values() if not math.isnan(one.length)]
    return [world.title, *cells, silent, f"{max(lengths):.2f}" if lengths else "–"]


def list_misses(found: Mapping[tuple[World, int], Misses], covered: Mapping[ClusteredCell, Covered]) -> list[str]:
    """Return a line for each figure beyond its bound: 2.5 % or 94 %, give or take three errors of the simulation."""
    misses = []
    for (world, items), one in found.items():
        allowed = one.runs * LEVEL + _ERRORS * math.sqrt(one.runs * LEVEL * (1 - LEVEL))
        for what, count in (("passes", one.low["mlci"]), ("blocks", one.high["mlci"])):
            if count > allowed:
                misses.append(f"missed: {world.title}, {items} items: {_percent(count / one.runs)} wrong {what}")
        wide = world.binary and items >= 500 and "2 %" not in world.title and "0.5 %" not in world.title
        if wide and one.length > _LONGEST:
            misses.append(f"missed: {world.title}, {items} items: {one.length:.2f} × the length of t's")
    for cell, one in covered.items():
        least = one.runs * _COVERED - _ERRORS * math.sqrt(one.runs * _COVERED * (1 - _COVERED))
        if one.ours < least:
            misses.append(
                f"missed: {cell.clusters} clusters, correlation {cell.correlation}: {one.ours / one.runs:.1%}"
            )
    return misses


def write(text: str) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _table(rows: list[list[str]]) -> str:
    marks = [":--", *["--:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], marks, *rows[1:]))
