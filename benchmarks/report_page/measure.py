"""One job with many slice columns: its data, its configuration, and the figures of its page."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.cost.process import Usage, fastest, run

Say = Callable[[str], None]
GROUPS, GATED = 4, 10
"""Groups of each slice, and slices with a gate for each group."""
_SEED = 12
_TIMEOUT = 3600.0
_READ = "import sys, pyarrow.parquet as pq; print(pq.read_table(sys.argv[1]).num_rows)"


@dataclass(frozen=True)
class PageFigures:
    """What one job took.

    Attributes:
        rows, slices: Size of the evaluation set.
        bytes: Size of the page.
        report_bytes: Size of report.json.
        floor: Reading all columns with pyarrow.
        run: `mlci run`, every file of the report written.
        render: `mlci report`, which reads report.json and writes every file again.
    """

    rows: int
    slices: int
    bytes: int
    report_bytes: int
    floor: Usage
    run: Usage
    render: Usage


def write(folder: Path, rows: int, slices: int) -> None:
    """Write `rows.parquet` with the label, both models' scores and the slices, and `mlci.yml` beside it."""
    random = np.random.default_rng(_SEED)
    odds = random.normal(-0.6, 1.4, rows)
    names = [f"s{index:03}" for index in range(slices)]
    groups = pa.array([f"group {index}" for index in range(GROUPS)])
    columns = {
        "y": (random.random(rows) < _share(odds)).astype(np.int64),
        "p": _share(odds + random.normal(0, 0.50, rows)),
        "q": _share(odds + random.normal(0, 0.45, rows)),
        **{
            name: pa.DictionaryArray.from_arrays(pa.array(random.integers(0, GROUPS, rows, dtype=np.int8)), groups)
            for name in names
        },
    }
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    (folder / "mlci.yml").write_text(_config(names), encoding="utf-8")


def _share(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))


def _config(names: list[str]) -> str:
    gates = [f"  - {{metric: recall, each: {name}, max_drop: 0.02}}" for name in names[:GATED]]
    return "\n".join(
        [
            "model: large",
            "task: binary",
            f"evaluation: {{data: rows.parquet, label: y, slices: [{', '.join(names)}]}}",
            "predict: {file: rows.parquet, score: p}",
            "baseline: {file: rows.parquet, score: q}",
            "gates:",
            "  - {metric: roc_auc, max_drop: 0.01}",
            *gates,
            "",
        ]
    )


def measure_page(folder: Path, rows: int, slices: int, *, times: int, say: Say) -> PageFigures:
    """Run the floor, the job and the rendering in turns; the fastest of each."""
    write(folder, rows, slices)
    out = folder / ".mlci" / "out"
    mlci = [sys.executable, "-m", "mlci"]
    commands = {
        "floor": [sys.executable, "-c", _READ, str(folder / "rows.parquet")],
        "run": [*mlci, "run"],
        "render": [*mlci, "report", str(out / "report.json"), "--out", str(folder / "again")],
    }
    taken: dict[str, list[Usage]] = {name: [] for name in commands}
    for _ in range(times):
        for name, argv in commands.items():
            taken[name].append(_run(argv, folder, blocks=name == "run"))
            say(f"  {name}: {taken[name][-1].wall:.3f} s, CPU {taken[name][-1].cpu:.3f} s")
    sizes = [(out / name).stat().st_size for name in ("report.html", "report.json")]
    return PageFigures(rows, slices, sizes[0], sizes[1], *(fastest(usages) for usages in taken.values()))


def _run(argv: list[str], folder: Path, *, blocks: bool) -> Usage:
    """Run a command; a job that a gate blocks did its work, too."""
    if blocks:
        argv = ["/bin/sh", "-c", '"$@" || [ $? = 1 ]', "sh", *argv]
    return run(argv, folder=folder, timeout=_TIMEOUT)
