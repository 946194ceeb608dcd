"""The engine's own stage and its floors in one warm process, taking turns: no imports, files in the page cache.

``run_mlci`` is observe + evaluate as in ``mlci run``, from the same configuration, without reading YAML and writing
reports. Prints JSON: subject → list of [wall, cpu] seconds.
"""

import json
import sys
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from mlci.config.loader import load_unchecked
from mlci.engine.duckdb_engine import DuckDBEngine
from mlci.engine.interface import Source
from mlci.inference.evaluate import evaluate
from mlci.operations import evaluation_plan
from mlci.operations.evaluate import engine_job

COLUMNS = ["s1", "s2", "s3", "y", "p", "q"]
SUMS = "sum(strlen(s1)), sum(strlen(s2)), sum(strlen(s3)), sum(y)"


def arrow(folder: Path) -> None:
    pq.read_table(folder / "one.parquet", columns=COLUMNS)


def arrow_dictionary(folder: Path) -> None:
    pq.read_table(folder / "one.parquet", columns=COLUMNS, read_dictionary=COLUMNS[:3])


def touch_columns(folder: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"SELECT {SUMS}, sum(p), sum(q) FROM read_parquet('{folder / 'one.parquet'}')").fetchone()  # noqa: S608 - our own folder


def join_files(folder: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"SELECT {SUMS}, sum(c.p), sum(b.p) FROM read_parquet('{folder / 'rows.parquet'}') AS r "  # noqa: S608 - our own folder
            f"JOIN read_parquet('{folder / 'candidate.parquet'}') AS c USING (key) "
            f"JOIN read_parquet('{folder / 'baseline.parquet'}') AS b USING (key)"
        ).fetchone()


def run_mlci(folder: Path, name: str) -> None:
    config = load_unchecked(folder / f"{name}.yml").config
    sources = [
        Source(path=str(folder / config.predict.file), score=config.predict.score),
        Source(path=str(folder / config.baseline.file), score=config.baseline.score),
    ]
    asked = engine_job(config, *sources, data=str(folder / config.evaluation.data))
    observed = DuckDBEngine().observe(asked)
    question = evaluation_plan.evaluation_question(config, baseline=True)
    evaluate(observed.statistics, question, fingerprint=observed.fingerprint, notes=observed.notes)


FLOORS = {"arrow": arrow, "arrow_dictionary": arrow_dictionary, "duckdb": touch_columns, "join": join_files}


def main(folder: Path, turns: int, names: list[str]) -> None:
    seconds: dict[str, list[list[float]]] = {name: [] for name in names}
    for turn in range(turns + 1):
        for name in names if turn % 2 else reversed(names):
            wall, cpu = time.perf_counter(), time.process_time()
            if name in FLOORS:
                FLOORS[name](folder)
            else:
                run_mlci(folder, name)
            if turn:  # the first one warms up
                seconds[name].append([time.perf_counter() - wall, time.process_time() - cpu])
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
