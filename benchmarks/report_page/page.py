"""The table of the large report, and its section of the documentation."""

import os
import platform

from benchmarks.cost.page import number
from benchmarks.cost.process import Usage
from benchmarks.report_page.measure import GATED, GROUPS, PageFigures
from benchmarks.section import write_section

BEGIN, END = "<!-- page:begin -->", "<!-- page:end -->"
MOST_BYTES = 300_000
MOST_SHARE = 0.5
_INTRO = """\
## What a large report costs

{rows:,} rows with {slices} slice columns of {groups} groups, every metric of a binary task in each of the {all} groups,
and a gate for each group of {gated} slices. Written by `make bench`, measured in one run on {processors} processors
({machine}, Python {python}); each figure is a cold process{turns}. `mlci report` reads `report.json` and writes
comment, summary, page and JUnit file again. Processor time is shown, which other work on the machine hardly
changes."""


def section(found: PageFigures, times: int) -> str:
    """Return the section of the documentation."""
    intro = _INTRO.format(
        rows=found.rows,
        slices=found.slices,
        groups=GROUPS,
        all=f"{GROUPS * found.slices:,}",
        gated=GATED,
        processors=os.cpu_count(),
        machine=platform.machine(),
        python=platform.python_version(),
        turns=f", in turns, the fastest of {times}" if times > 1 else "",
    )
    used = [
        ["floor: pyarrow reads all columns", *_usage(found.floor, found)],
        ["`mlci run`", *_usage(found.run, found)],
        ["`mlci report`", *_usage(found.render, found)],
    ]
    head = [["", "CPU seconds", "MiB at the peak", "CPU, over the floor"], [":--", *["--:"] * 3]]
    sizes = f"`report.html` has {found.bytes:,} bytes, `report.json` {found.report_bytes:,}."
    return "\n\n".join([intro, _lines([*head, *used]), sizes, _targets(found)])


def render_share(found: PageFigures) -> float:
    """Return the processor time of rendering alone as a share of the whole run's."""
    return found.render.cpu / found.run.cpu


def list_misses(found: PageFigures) -> list[str]:
    """Return a line for each target that was missed."""
    misses = []
    if found.bytes > MOST_BYTES:
        misses.append(f"missed: report.html has {found.bytes:,} bytes, target {MOST_BYTES:,}")
    if not render_share(found) <= MOST_SHARE:
        misses.append(f"missed: `mlci report` takes {render_share(found):.2f} of `mlci run`, target {MOST_SHARE}")
    return misses


def write(text: str) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END)


def _targets(found: PageFigures) -> str:
    holds = {True: "yes", False: "**no**"}
    rows = [
        ["size of the page", f"≤ {MOST_BYTES:,} bytes", f"{found.bytes:,} bytes", holds[found.bytes <= MOST_BYTES]],
        [
            "CPU of `mlci report` over `mlci run`",
            f"≤ {MOST_SHARE}×",
            f"{number(render_share(found))}×",
            holds[render_share(found) <= MOST_SHARE],
        ],
    ]
    return _lines([["figure", "target", "measured", "holds"], [":--", *["--:"] * 3], *rows])


def _usage(usage: Usage, found: PageFigures) -> list[str]:
    over = f"{number(usage.cpu / found.floor.cpu)}×"
    return [number(usage.cpu), f"{usage.peak / 2**20:,.0f}", over]


def _lines(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
