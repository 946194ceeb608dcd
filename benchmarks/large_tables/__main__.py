"""``python -m benchmarks.large_tables``: measure, show, judge; exit status 1 when a target is missed."""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cost.page import number
from benchmarks.cost.process import Usage
from benchmarks.large_tables.measure import BUDGET, LargeTables, measure_large_tables
from benchmarks.section import write_section

BEGIN, END = "<!-- large-tables:begin -->", "<!-- large-tables:end -->"
_ROWS, _JOINED = "10000000,100000000", 30_000_000
_INTRO = """\
## Large tables

Tables of more than 250,000 rows are added up in blocks. Each row is one cold process, measured once in one run of
`make bench`: *everything* is `mlci run` with six metrics, AUC and Brier score among them, 27 groups and every file of
the report; *counts* leaves out AUC and Brier score. The floors read the same six columns: pyarrow in batches of 1 Mi
rows, and the block loop of mlci without sums. The join is DuckDB with a memory limit of {budget}; mlci has
`--memory {budget}`."""
_BATCHES, _COUNTS, _JOIN, _PEAK = 2.5, 1.5, 1.5, 800.0


@dataclass(frozen=True)
class Ratio:
    """One figure with its limit."""

    what: str
    limit: float
    value: float
    unit: str = "×"

    @property
    def holds(self) -> bool:
        """Whether the limit is met."""
        return self.value <= self.limit

    @property
    def row(self) -> list[str]:
        """The row of the table."""
        limit, value = f"≤ {self.limit:g}{self.unit}", f"{number(self.value)}{self.unit}"
        return [self.what, limit, value, "yes" if self.holds else "**no**"]


def ratios(found: LargeTables) -> list[Ratio]:
    """Return all figures that have a limit."""
    listed = []
    for size, usages in found.one.items():
        floor, everything, counts = usages["batches"].cpu, usages["everything"], usages["counts"]
        listed += [
            Ratio(f"everything over batches, {size:,} rows, CPU", _BATCHES, everything.cpu / floor),
            Ratio(f"counts over batches, {size:,} rows, CPU", _COUNTS, counts.cpu / floor),
            Ratio(f"peak, {size:,} rows", _PEAK, max(everything.peak, counts.peak) / 1e6, " MB"),
        ]
    join, everything = found.joined["join"], found.joined["everything"]
    what = f"three files by key, {found.joined_rows:,} rows, over a bare join, CPU"
    return [*listed, Ratio(what, _JOIN, everything.cpu / join.cpu)]


def section(found: LargeTables) -> str:
    """Return the section of the documentation."""
    shown = {
        "batches": "pyarrow, batches of 1 Mi rows",
        "decode": "block loop without sums",
        "everything": "`mlci run`: everything",
        "counts": "`mlci run`: counts",
        "join": "bare join",
    }
    rows = [[shown[name], *_cells(usage, size)] for size, usages in found.one.items() for name, usage in usages.items()]
    rows += [[f"{shown[name]}, by key", *_cells(one, found.joined_rows)] for name, one in found.joined.items()]
    measured = _table(["process", "rows", "wall s", "CPU s", "CPU ns a row", "peak MiB"], rows)
    judged = _table(["figure", "target", "measured", "holds"], [one.row for one in ratios(found)])
    return "\n\n".join([_INTRO.format(budget=BUDGET), measured, judged])


def _cells(usage: Usage, rows: int) -> list[str]:
    return [
        f"{rows:,}",
        number(usage.wall),
        number(usage.cpu),
        number(usage.cpu / rows * 1e9),
        f"{usage.peak / 2**20:,.0f}",
    ]


def _table(head: list[str], rows: list[list[str]]) -> str:
    rule = [":--", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def main(arguments: list[str]) -> int:
    """Measure, print, and write the section if that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_tables", description=__doc__)
    parser.add_argument("--rows", default=_ROWS, help="numbers of rows of one file, separated by commas")
    parser.add_argument("--joined", type=int, default=_JOINED, help="rows of three files")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the rows")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    part = 100 if chosen.quick else 1
    with tempfile.TemporaryDirectory(prefix="mlci-large-", ignore_cleanup_errors=True) as folder:
        say = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
        sizes = [int(size) // part for size in chosen.rows.split(",")]
        found = measure_large_tables(Path(folder), sizes, chosen.joined // part, say=say)
    text = section(found)
    print(text)
    if chosen.write:
        write_section(text, BEGIN, END)
    return int(not all(one.holds for one in ratios(found)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
