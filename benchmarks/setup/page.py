"""The table, and the section of the documentation that contains it."""

import os
import platform

from benchmarks.cost.page import number
from benchmarks.section import write_section
from benchmarks.setup.measure import Figures
from benchmarks.setup.subjects import REQUIREMENTS, ROOT, WAYS

BEGIN, END = "<!-- setup:begin -->", "<!-- setup:end -->"
TARGET = 8.0
_INTRO = """\
## What setting up costs in a job

Written by `make bench`, measured in one run on {processors} processors ({machine}, Python {python}), the fastest of
{times}, wall seconds. Every way starts in an empty folder, takes `{requirements}` from the same index
over the same network, starts once (`--version`), and takes turns with the others. *Cold* is with empty caches, *warm*
with what the cold one left in them. *First run* is a gate on 200 rows with its report, right after the cold set-up: our
action leaves byte code to it, pip has compiled all there is. Hosted runners have no uv on `PATH`."""
JUDGED = (("action", "cold, uv on `PATH`"), ("action_without_uv", "cold, uv installed first"))


def section(found: dict[str, Figures], times: int) -> str:
    """Return the section of the documentation."""
    intro = _INTRO.format(
        processors=os.cpu_count(),
        machine=platform.machine(),
        python=platform.python_version(),
        times=times,
        requirements=REQUIREMENTS.relative_to(ROOT),
    )
    rows = [_row(way.shown, found[way.name]) for way in WAYS]
    table = _lines([["", "cold", "cold, median", "warm", "first run"], [":--", *["--:"] * 4], *rows])
    missing = [f"- {way.shown}: not measured: {found[way.name].missing}" for way in WAYS if found[way.name].missing]
    return "\n\n".join(part for part in (intro, table, "\n".join(missing), _ratios(found)) if part)


def ratios(found: dict[str, Figures]) -> dict[str, float]:
    """Return how many times faster our action is than each peer."""
    figures = {
        **{f"{shown}, against pip": (name, "pip", ("cold",)) for name, shown in JUDGED},
        **{f"{shown}, first run included, against pip": (name, "pip", ("cold", "first_run")) for name, shown in JUDGED},
        "warm, uv on `PATH`, against pip": ("action", "pip", ("warm",)),
        "cold, uv installed first, against npm": ("action_without_uv", "npm", ("cold",)),
    }
    found_ratios = {}
    for name, (own_way, other_way, parts) in figures.items():
        own, other = found[own_way].fastest(*parts), found[other_way].fastest(*parts)
        if own and other:
            found_ratios[name] = other / own
    return found_ratios


def list_misses(found: dict[str, Figures]) -> list[str]:
    """Return a line for each figure that should have reached the target."""
    measured = ratios(found)
    names = [f"{shown}, against pip" for _, shown in JUDGED]
    low = {name: measured.get(name) for name in names if measured.get(name, 0) < TARGET}
    return [
        f"missed: {name}: {'not measured' if value is None else f'{value:.1f}×'}, target {TARGET:.0f}×"
        for name, value in low.items()
    ]


def write(text: str) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END)


def _ratios(found: dict[str, Figures]) -> str:
    rows = [[name, f"{number(value)}×"] for name, value in ratios(found).items()]
    return _lines([["our action is faster", "times"], [":--", "--:"], *rows])


def _row(shown: str, figures: Figures) -> list[str]:
    values = (figures.fastest("cold"), figures.median(), figures.fastest("warm"), figures.fastest("first_run"))
    return [shown, *("–" if value is None else f"{value:.2f}" for value in values)]


def _lines(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
