"""``python -m benchmarks.many_groups``: measure, show, judge; exit status 1 when a target is missed."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.cost.page import number
from benchmarks.many_groups.measure import GroupFigures, measure_groups
from benchmarks.section import write_section

BEGIN, END = "<!-- many-groups:begin -->", "<!-- many-groups:end -->"
MOST_CPU, MOST_PEAK, MOST_PAGE = 180.0, 2**30, 300_000
_INTRO = """\
## A disparity over very many groups

{rows:,} rows in {groups:,} groups of one slice, three files joined by key, and a gate on the rise of
`equalized_odds_difference` across all groups (`max_groups: 10000`). Written by `make bench`: `mlci run` with every file
of the report, a cold process. The change is bounded over all {pairs:,} ordered pairs of groups."""


def section(found: GroupFigures) -> str:
    """Return the section of the documentation."""
    intro = _INTRO.format(rows=found.rows, groups=found.groups, pairs=found.groups * (found.groups - 1))
    rows = [
        ["floor: pyarrow reads all columns", "", f"{number(found.floor.cpu)} s", ""],
        ["CPU time", f"≤ {MOST_CPU:.0f} s", f"{number(found.run.cpu)} s", _holds(found.run.cpu <= MOST_CPU)],
        [
            "memory at the peak",
            f"≤ {MOST_PEAK >> 20:,} MiB",
            f"{found.run.peak / 2**20:,.0f} MiB",
            _holds(found.run.peak <= MOST_PEAK),
        ],
        [
            "`report.html`",
            f"≤ {MOST_PAGE:,} bytes",
            f"{found.page_bytes:,} bytes",
            _holds(found.page_bytes <= MOST_PAGE),
        ],
        ["`report.json`", "", f"{found.report_bytes:,} bytes", ""],
    ]
    head = [["", "target", "measured", "holds"], [":--", *["--:"] * 3]]
    return "\n\n".join([intro, "\n".join(f"| {' | '.join(row)} |" for row in [*head, *rows])])


def _holds(kept: bool) -> str:
    return "yes" if kept else "**no**"


def is_missed(found: GroupFigures) -> bool:
    """Return whether a target is missed."""
    return found.run.cpu > MOST_CPU or found.run.peak > MOST_PEAK or found.page_bytes > MOST_PAGE


def main(arguments: list[str]) -> int:
    """Measure, print, and write the section if that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_groups", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="number of rows")
    parser.add_argument("--groups", type=int, default=10_000, help="number of groups")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows and of the groups")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    part = 10 if chosen.quick else 1
    with tempfile.TemporaryDirectory(prefix="mlci-groups-", ignore_cleanup_errors=True) as folder:
        say = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
        found = measure_groups(Path(folder), chosen.rows // part, chosen.groups // part, say=say)
    text = section(found)
    print(text)
    if chosen.write:
        write_section(text, BEGIN, END)
    return int(is_missed(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
