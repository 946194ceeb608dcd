"""Coverage of functions of rows: intervals by the jackknife, over cells and over groups of rows."""

from collections.abc import Mapping

from benchmarks.characteristics import coverage
from benchmarks.characteristics.families import FUNCTIONS
from benchmarks.characteristics.figures import Figure, Section, percent
from benchmarks.characteristics.pool import Outcome, Work

DRAWS = {"left out": 2_000, "left out, classes": 2_000, "left out, groups": 1_000}
TITLE = "Coverage of functions of rows"


def works(scale: float) -> list[Work]:
    """Return the simulations."""
    return [coverage.work(family, n, round(DRAWS[family] * scale)) for family in FUNCTIONS for n in coverage.ROWS]


def section(outcomes: Mapping[str, Outcome], *, allowed: float) -> tuple[Section, list[Figure]]:
    """Hold every family to 93 to 97 %."""
    figures, overview = coverage.cover(outcomes, FUNCTIONS, allowed=allowed)
    outside = [figure for figure in figures if not figure.kept]
    section = Section(
        title=TITLE,
        lead="Nominal 95 %, two-sided; every share has to lie between 93 % and 97 %. mlci knows the functions by their "
        "values only: on the sample, and without each row (decisions) or each group of rows (scores: 500 groups "
        "of one row, 200 groups of ten). Error of a share: at most "
        f"{percent(max(figure.error for figure in figures), 2)}.",
        figures=outside,
        overview=(coverage.HEADS, overview),
        notes=[f"{len(figures) - len(outside)} of {len(figures)} shares are within their bounds."],
    )
    return section, figures
