"""One slice with very many groups, a gate on a disparity across them, and what the run takes."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.cost.process import Usage, run

_SEED, _TIMEOUT = 12, 3600.0
_READ = "import sys, pyarrow.parquet as pq; print(sum(pq.read_table(path).num_rows for path in sys.argv[1:]))"
CONFIG = """\
model: shops
task: binary
evaluation: {data: rows.parquet, key: id, label: y, positive: 1, slices: [shop], max_groups: 10000}
predict: {file: candidate.parquet, score: score}
baseline: {file: production.parquet, score: score}
gates:
  - {metric: roc_auc, max_drop: 0.01}
  - {metric: equalized_odds_difference, across: shop, max_rise: 0.10}
"""


@dataclass(frozen=True)
class GroupFigures:
    """What one run took, and the sizes of what it wrote."""

    rows: int
    groups: int
    floor: Usage
    run: Usage
    page_bytes: int
    report_bytes: int


def write(folder: Path, rows: int, groups: int) -> None:
    """Write the evaluation set, both models' scores and `mlci.yml`."""
    random = np.random.default_rng(_SEED)
    shop, odds = random.integers(0, groups, rows), random.normal(size=rows)
    own = 0.2 * random.normal(size=groups)
    label = (random.random(rows) < 1 / (1 + np.exp(-odds - own[shop]))).astype(np.int8)
    ids = np.arange(rows)
    names = pa.DictionaryArray.from_arrays(pa.array(shop.astype(np.int32)), [f"shop {one}" for one in range(groups)])
    pq.write_table(pa.table({"id": ids, "y": label, "shop": names}), folder / "rows.parquet")
    for name in ("candidate", "production"):
        score = 1 / (1 + np.exp(-odds - 0.5 * random.normal(size=rows)))
        pq.write_table(pa.table({"id": ids, "score": score}), folder / f"{name}.parquet")
    (folder / "mlci.yml").write_text(CONFIG, encoding="utf-8")


def measure_groups(folder: Path, rows: int, groups: int, *, say: Callable[[str], None]) -> GroupFigures:
    """Run the floor and the job."""
    write(folder, rows, groups)
    tables = [str(folder / f"{name}.parquet") for name in ("rows", "candidate", "production")]
    floor = run([sys.executable, "-c", _READ, *tables], folder=folder, timeout=_TIMEOUT)
    command = ["/bin/sh", "-c", '"$@" || [ $? = 1 ]', "sh", sys.executable, "-m", "mlci", "run"]
    used = run(command, folder=folder, timeout=_TIMEOUT)
    say(f"  {groups:,} groups: CPU {used.cpu:.1f} s, {used.peak / 2**20:,.0f} MiB at the peak")
    sizes = [(folder / ".mlci/out" / name).stat().st_size for name in ("report.html", "report.json")]
    return GroupFigures(rows, groups, floor, used, sizes[0], sizes[1])
