"""The tables, and the section of the documentation that contains them."""

import math
from collections.abc import Mapping

from benchmarks.reuse.simulate import (
    ALPHA,
    DROPS,
    LIMIT,
    LOOKS,
    RULES,
    GateRule,
    bennett_rows,
    exact_misses,
    hoeffding_rows,
)
from benchmarks.section import write_section

BEGIN, END = "<!-- reuse:begin -->", "<!-- reuse:end -->"
_ERRORS = 3.0
LEVELS = {"0.025": 0.025, "0.025 / 32": 0.025 / 32, "0.025 / 256": 0.025 / 256, "0.025 / 3^9": 0.025 / 3**9}
SIZES = (1_000, 10_000)
_DELTA, _MANY = 1e-4, 2.0**32
ROWS_ASKED = {
    ("one accuracy, Hoeffding, one model", 46_052): hoeffding_rows(0.01, _DELTA),
    ("one accuracy, Hoeffding, 32 models, none", 63_381): hoeffding_rows(0.01, _DELTA, models=32),
    ("one accuracy, Hoeffding, 32 models, full", 156_955): hoeffding_rows(0.01, _DELTA, models=_MANY),
    ("a difference, Hoeffding, 32 models, none", 267_386): hoeffding_rows(0.01, _DELTA, models=32, variables=2),
    ("a difference, Hoeffding, 32 models, full", 641_684): hoeffding_rows(0.01, _DELTA, models=_MANY, variables=2),
    ("a difference, Bennett, 10 % disagreement, none", 29_047): bennett_rows(0.01, _DELTA, disagreement=0.1, models=32),
    ("a difference, Bennett, 10 % disagreement, full", 67_705): bennett_rows(
        0.01, _DELTA, disagreement=0.1, models=_MANY
    ),
}
"""Rows at a tolerance of 0.01 and a reliability of 0.9999: as published by ease.ml/ci, and by its formulas."""
_INTRO = """\
## Repeated looks at one evaluation set

Written by `python -m benchmarks.reuse --write`; seeds are fixed. A developer looks {looks} times at 1,000 rows, keeps
the best candidate so far, and draws its answers on a fifth of the rows again; {runs:,} developers each. Every candidate
is truly worse than `max_drop: {limit}` allows, or exactly as bad. Shares of developers of whom one candidate gets
through; α is 2.5 %:"""
_NUMBERS = """\
The developer keeps the candidate with the better verdict, and in the last row the one with the better estimate: a
budget counts what verdicts tell, and does not hold against a model that is fitted to the numbers of the report.

The exact chance that the paired interval of an accuracy passes a candidate whose true drop is the limit, at 6 %
disagreement, over its nominal one-sided level:"""
_ASKED = """\
Rows that ease.ml/ci asks for (Renggli et al. 2019, MLSys) at a tolerance of 0.01 and a reliability of 0.9999, as
published and by its formulas:"""


def section(found: Mapping[tuple[GateRule, float], float], runs: int) -> str:
    """Return the section of the documentation."""
    looks = [["rule", *(f"true drop {drop:g}" for drop in DROPS)]]
    looks += [[rule.title, *(f"{100 * found[rule, drop]:.1f} %" for drop in DROPS)] for rule in RULES]
    tails = [["level", *(f"{rows:,} rows" for rows in SIZES)]]
    tails += [[name, *(f"{exact_misses(rows, alpha) / alpha:.2f}" for rows in SIZES)] for name, alpha in LEVELS.items()]
    asked = [["condition", "published", "by formula"]]
    asked += [[name, f"{published:,}", f"{rows:,}"] for (name, published), rows in ROWS_ASKED.items()]
    intro = _INTRO.format(looks=LOOKS, runs=runs, limit=LIMIT)
    return "\n\n".join([intro, _table(looks), _NUMBERS, _table(tails), _ASKED, _table(asked)])


def list_misses(found: Mapping[tuple[GateRule, float], float], runs: int) -> list[str]:
    """Return a line for each figure beyond its bound."""
    misses = []
    allowed = ALPHA + _ERRORS * math.sqrt(ALPHA * (1 - ALPHA) / runs)
    for (rule, drop), share in found.items():
        if rule.alpha is None and share < 0.9:
            misses.append(f"missed: {rule.title}, drop {drop:g}: only {share:.1%} get through")
        if rule.alpha is not None and rule.alpha < ALPHA and not rule.numbers and share > allowed:
            misses.append(f"missed: {rule.title}, drop {drop:g}: {share:.1%} get through")
    for name, alpha in LEVELS.items():
        misses += [f"missed: level {name}, {rows} rows" for rows in SIZES if exact_misses(rows, alpha) > 1.05 * alpha]
    misses += [f"missed: {name}" for (name, published), rows in ROWS_ASKED.items() if abs(rows - published) > 1]
    return misses


def write(text: str) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END)


def _table(rows: list[list[str]]) -> str:
    marks = [":--", *["--:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], marks, *rows[1:]))
