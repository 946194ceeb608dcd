"""The tables, and the section of the documentation that contains them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.clustered_rows.simulate import LEVEL, Cell, Covered
from benchmarks.section import write_section

BEGIN, END = "<!-- clustered-rows:begin -->", "<!-- clustered-rows:end -->"
_ERRORS = 3.0
_LEAST, _FEW = 0.94, 0.90
"""Coverage from 200 clusters on, and with fewer."""
_MANY = 200
_INTRO = """\
## Rows that belong together

Written by `python -m benchmarks.clustered_rows --write`; seeds are fixed. Clusters of ten rows, 30 % of them labelled
positive, two models of which the candidate is better. A row is a copy of its cluster's common row with probability √ρ,
so that two rows of a cluster have the correlation ρ. Shares of the simulated tables whose 95 % interval covers the
truth; an interval that mlci does not give counts as covering.

Accuracy, {clusters} clusters, {runs:,} tables each, with `evaluation.cluster` and without it:"""
_METRICS = """\
All metrics, {runs:,} tables each, with `evaluation.cluster`; the last column is without it, for {clusters} clusters
with a correlation of {correlation:g}. Columns are clusters, correlation:"""
_OTHERS = """\
Disparities between two groups, and a function of rows with the bootstrap, {runs:,} tables each, correlation 0.3. Groups
are of rows, so that they share clusters, or of clusters. Where clusters are few, disparities are too careful: the
errors of the groups add up, and each allows for an event that no row of the group had."""


@dataclass(frozen=True)
class Found:
    """What was simulated: accuracy, all metrics, and disparities with a bootstrap."""

    accuracy: Mapping[Cell, Covered]
    metrics: Mapping[Cell, Covered]
    others: Mapping[Cell, Covered]


def section(found: Found) -> str:
    """Return the section of the documentation."""
    runs = next(iter(found.accuracy.values())).runs
    head = ["correlation", "accuracy", "without", "its change", "without"]
    keys = [("accuracy", what, named) for what in ("value", "change") for named in (True, False)]
    first = [
        [f"{cell.correlation:g}", *(_percent(one.inside[key] / one.runs) for key in keys)]
        for cell, one in found.accuracy.items()
    ]
    last = max(found.metrics, key=lambda cell: (cell.clusters, cell.correlation))
    intro = _INTRO.format(clusters=last.clusters, runs=runs)
    each = next(iter(found.metrics.values())).runs
    metrics = _METRICS.format(runs=each, clusters=last.clusters, correlation=last.correlation)
    others = _OTHERS.format(runs=next(iter(found.others.values())).runs)
    parts = [intro, _table([head, *first]), metrics, _by_metric(found.metrics, last)]
    return "\n\n".join([*parts, others, _by_metric(found.others, None)])


def _by_metric(found: Mapping[Cell, Covered], without: Cell | None) -> str:
    names = dict.fromkeys((name, what) for one in found.values() for name, what, _ in one.inside)
    head = ["", *(_title(cell, grouped=without is None) for cell in found)]
    rows = []
    for name, what in names:
        shown = f"`{name}`" if "," not in name else name
        cells = [one.inside[name, what, True] / one.runs for one in found.values()]
        if without is not None:
            cells.append(found[without].inside[name, what, False] / found[without].runs)
        rows.append([shown if what == "value" else f"{shown}, change", *map(_percent, cells)])
    return _table([[*head, *(["without"] if without is not None else [])], *rows])


def _title(cell: Cell, *, grouped: bool) -> str:
    if grouped:
        return f"{cell.clusters} clusters, groups of {'clusters' if cell.nested else 'rows'}"
    return f"{cell.clusters}, {cell.correlation:g}"


def list_misses(found: Found) -> list[str]:
    """Return a line for each coverage below its bound, give or take three errors of the simulation."""
    return [
        f"missed: {name}, {what}, {cell.clusters} clusters, {cell.correlation:g}: {_percent(count / one.runs)}"
        for part in (found.accuracy, found.metrics, found.others)
        for cell, one in part.items()
        for (name, what, named), count in one.inside.items()
        if named and count < _fewest(cell, one.runs)
    ]


def _fewest(cell: Cell, runs: int) -> float:
    least = _LEAST if cell.clusters >= _MANY else _FEW
    return runs * least - _ERRORS * math.sqrt(runs * LEVEL * (1 - LEVEL))


def write(text: str) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _table(rows: Sequence[Sequence[str]]) -> str:
    marks = [":--", *["--:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], marks, *rows[1:]))
