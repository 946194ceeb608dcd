"""Subject of the benchmark: ``subject.py ENGINE FOLDER PYSPARK`` reduces a folder's files, and prints JSON.

CPU time is that of all processes of this session: Spark's executors and their Python workers are not children that the
driver waits for, so their times are read from ``/proc`` while they live.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

from mlci.engine.duckdb_engine import DuckDBEngine
from mlci.engine.interface import Job, SliceColumn, SliceSpec, Source
from mlci.engine.spark.session import SparkSettings
from mlci.engine.spark.spark_engine import SparkEngine

MASTER = "local-cluster[2,1,2048]"
_CONF = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.executor.memory": "2g",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.files.openCostInBytes": "1g",  # a partition for each file
    "spark.log.level": "ERROR",
}
_TICK = os.sysconf("SC_CLK_TCK")


class SessionCpu(threading.Thread):
    """Thread that keeps the CPU seconds of every process of this session, at most half a second old."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._seconds: dict[int, float] = {}
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.5):
            self._look()

    def total(self) -> float:
        """Return the seconds of all processes, those that have ended included."""
        self._ended.set()
        self._look()
        return sum(self._seconds.values())

    def _look(self) -> None:
        session = os.getsid(0)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # the process has ended
                continue
            if int(fields[3]) == session:
                self._seconds[int(stat.parent.name)] = (int(fields[11]) + int(fields[12])) / _TICK


def job(folder: Path) -> Job:
    """Return the job: six metrics, three slices with nine groups each, both models in one table."""
    rows = str(folder / "rows" / "*.parquet")
    return Job(
        task="binary",
        data=rows,
        label="y",
        candidate=Source(path=rows, score="p"),
        baseline=Source(path=rows, score="q"),
        slices=tuple(SliceSpec(name=name, columns=(SliceColumn(column=name),)) for name in ("s1", "s2", "s3")),
        scores=True,
        losses=("squared",),
        probabilities=True,
    )


def main(engine: str, folder: Path, pyspark: str) -> None:
    sys.path.append(pyspark)
    os.environ["PYTHONPATH"] = pyspark  # for the executors' workers
    cpu, begun = SessionCpu(), time.perf_counter()
    cpu.start()
    collected = 0
    if engine == "spark":
        spark = SparkEngine(SparkSettings(master=MASTER, conf=_CONF, environment=os.environ))
        observed, collected = spark.observe(job(folder)), spark.collected
    else:
        observed = DuckDBEngine().observe(job(folder))
    wall = time.perf_counter() - begun
    print(json.dumps({"rows": observed.rows, "wall": wall, "cpu": cpu.total(), "collected": collected}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
