"""Measure `mlci run` on large tables against reading them, and against a bare join; each subject once, cold."""

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cost.catalogue import SUBJECTS
from benchmarks.cost.measure import make
from benchmarks.cost.process import Usage, run

Say = Callable[[str], None]
BUDGET, DATABASE = "1GB", "1GB"
_TIMEOUT = 3600.0


@dataclass(frozen=True)
class LargeTables:
    """Usage by subject, for one file at each number of rows, and for three files joined by key."""

    one: Mapping[int, Mapping[str, Usage]]
    joined_rows: int
    joined: Mapping[str, Usage]


def measure_large_tables(folder: Path, sizes: list[int], joined_rows: int, *, say: Say) -> LargeTables:
    """Measure one file of each size, then three files."""
    one = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as place:
            make(Path(place), size, joined=False)
            one[size] = _run_all(Path(place), _one_file(Path(place)), f"{size:,} rows", say)
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as place:
        make(Path(place), joined_rows)
        joined = _run_all(Path(place), _joined(Path(place)), f"{joined_rows:,} rows by key", say)
    return LargeTables(one, joined_rows, joined)


def _run_all(folder: Path, subjects: Mapping[str, list[str]], label: str, say: Say) -> dict[str, Usage]:
    found = {}
    for name, argv in subjects.items():
        found[name] = run(argv, folder=folder, timeout=_TIMEOUT)
        usage = found[name]
        say(f"  {label}, {name}: {usage.wall:.1f} s, CPU {usage.cpu:.1f} s, {usage.peak / 2**20:,.0f} MiB")
    return found


def _one_file(folder: Path) -> dict[str, list[str]]:
    floors = {"batches": "floor_batches.py", "decode": "floor_decode.py"}
    return {
        **{name: [sys.executable, str(SUBJECTS / file), str(folder / "one.parquet")] for name, file in floors.items()},
        "everything": _mlci(folder, "all-one"),
        "counts": _mlci(folder, "counts-one"),
    }


def _joined(folder: Path) -> dict[str, list[str]]:
    bare = [sys.executable, str(SUBJECTS / "join_duckdb.py"), str(folder), DATABASE]
    return {"join": bare, "everything": [*_mlci(folder, "all-joined"), "--memory", BUDGET]}


def _mlci(folder: Path, name: str) -> list[str]:
    config, out = str(folder / f"{name}.yml"), str(folder / "out" / name)
    return [sys.executable, "-m", "mlci", "run", "--config", config, "--out", out]
