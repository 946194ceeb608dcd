"""``python -m benchmarks.spark``: measure, show, judge; exit status 1 when a target is missed.

Needs Java 17 and PySpark, which ``make spark-e2e`` installs into ``.venv-spark``.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.cost.measure import make
from benchmarks.cost.page import number
from benchmarks.cost.process import last_line, run
from benchmarks.section import write_section

BEGIN, END = "<!-- spark:begin -->", "<!-- spark:end -->"
ROOT = Path(__file__).parents[2]
PYSPARK = ROOT / ".venv-spark"
MOST_COLLECTED = 50e6
_TIMEOUT = 7200.0
_ROWS, _FILES = 100_000_000, 8
_PARTITIONS, _SMALL = 1_000, 10_000_000
_INTRO = """\
## Spark

`make spark-e2e` installs what this needs. Six metrics with AUC and Brier score, 27 groups, both models, on the same
Parquet files: Spark's engine on two local executors with one core each, and the embedded engine, each once in a process
of its own. CPU time is that of all processes, Java's start included. *Collected* is what the driver gets: the sums of
the partitions, merged in a tree. On one machine Spark only costs more: it is for rows that have to stay where they
are."""


@dataclass(frozen=True)
class EngineRun:
    """One run of one engine; ``collected`` in bytes, 0 for the embedded one."""

    engine: str
    rows: int
    files: int
    wall: float
    cpu: float
    collected: int

    @property
    def cells(self) -> list[str]:
        """The row of the table."""
        collected = f"{self.collected / 1e6:.1f} MB" if self.engine == "spark" else ""
        name = "Spark, two executors" if self.engine == "spark" else "embedded"
        return [name, f"{self.rows:,}", f"{self.files:,}", number(self.wall), number(self.cpu), collected]


def measure_engine(engine: str, folder: Path, files: int) -> EngineRun:
    """Run one engine on the files of a folder."""
    command = [sys.executable, str(Path(__file__).with_name("subject.py")), engine, str(folder), str(PYSPARK)]
    used = run(command, folder=folder, timeout=_TIMEOUT)
    found = json.loads(last_line(used.output))
    return EngineRun(engine, found["rows"], files, found["wall"], found["cpu"], found["collected"])


def split_rows(folder: Path, rows: int, files: int) -> None:
    """Write the rows of a size into files of equal length, below ``rows``."""
    make(folder, rows, joined=False)
    (folder / "rows").mkdir()
    size = -(-rows // files)
    with pq.ParquetFile(folder / "one.parquet") as whole:
        for index, batch in enumerate(whole.iter_batches(batch_size=size)):
            pq.write_table(pa.Table.from_batches([batch]), folder / "rows" / f"{index:04d}.parquet")
    (folder / "one.parquet").unlink()


def section(found: list[EngineRun]) -> str:
    """Return the section of the documentation."""
    head = ["engine", "rows", "files", "wall s", "CPU s", "collected"]
    spark, embedded = found[0], found[1]
    most = max(one.collected for one in found)
    ratio = f"Spark's CPU time over the embedded engine's, {spark.rows:,} rows: {number(spark.cpu / embedded.cpu)}×."
    holds = "holds" if most <= MOST_COLLECTED else "**missed**"
    verdict = f"Collected at most {most / 1e6:.1f} MB; the target of at most {MOST_COLLECTED / 1e6:.0f} MB {holds}."
    table = [head, [":--", *["--:"] * (len(head) - 1)], *(one.cells for one in found)]
    return "\n\n".join([_INTRO, "\n".join(f"| {' | '.join(row)} |" for row in table), f"{ratio} {verdict}"])


def main(arguments: list[str]) -> int:
    """Measure, print, and write the section if that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument("--rows", type=int, default=_ROWS, help="rows for both engines")
    parser.add_argument("--small", type=int, default=_SMALL, help=f"rows in {_PARTITIONS:,} partitions")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the rows, and 100 partitions")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reference/benchmarks.md")
    chosen = parser.parse_args(arguments)
    if not PYSPARK.is_dir():
        print(f"PySpark is not in {PYSPARK.name}; `make spark-e2e` installs it. Not measured", file=sys.stderr)
        return 0
    part = 100 if chosen.quick else 1
    plan = (
        (chosen.rows // part, _FILES, ("spark", "embedded")),
        (chosen.small // part, _PARTITIONS // (10 if chosen.quick else 1), ("spark",)),
    )
    found = []
    for rows, files, engines in plan:
        with tempfile.TemporaryDirectory(prefix="mlci-spark-", ignore_cleanup_errors=True) as place:
            folder = Path(place)
            split_rows(folder, rows, files)
            for engine in engines:
                found.append(measure_engine(engine, folder, files))
                print(f"  {found[-1]}", file=sys.stderr, flush=True)
    text = section(found)
    print(text)
    if chosen.write:
        write_section(text, BEGIN, END)
    return int(max(one.collected for one in found) > MOST_COLLECTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
