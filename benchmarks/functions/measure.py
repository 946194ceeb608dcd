"""Runs of ``mlci run`` with one function of rows, and the row bootstrap that they replace."""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from sklearn.metrics import fbeta_score, roc_auc_score

from benchmarks.cost import data
from benchmarks.cost.process import Usage, fastest, run
from mlci.metrics.resampling import Bootstrap, MetricCall

REPLICATES = 1_000
TIMEOUT = 3 * 3600.0
TIMES = {"decisions": 5, "scores": 1}
MODULE = """\
from sklearn.metrics import roc_auc_score


def auc(y_true, y_score, sample_weight=None):
    return roc_auc_score(y_true, y_score, sample_weight=sample_weight)
"""
METRICS = {
    "decisions": "{metric: fbeta_score, params: {beta: 2}, max_drop: 0.5}",
    "scores": '{metric: "own:auc", max_drop: 0.5}',
}


@dataclass(frozen=True)
class Figures:
    """Costs at a number of rows.

    Attributes:
        rows: Rows of the evaluation set.
        groups: Groups of its slices.
        ours: Use of ``mlci run`` by the predictions that the function gets.
        bootstrap: Processor seconds of a row bootstrap, from one resample of every group.
    """

    rows: int
    groups: int
    ours: dict[str, Usage]
    bootstrap: dict[str, float]


def measure_all(rows: int, say: Callable[[str], None]) -> Figures:
    """Measure both functions."""
    with tempfile.TemporaryDirectory(prefix="mlci-functions-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        data.write(folder, rows, joined=False)
        (folder / "own.py").write_text(MODULE, "utf-8")
        scopes, bootstrap = _bootstrap(folder / "one.parquet")
        say(f"row bootstrap, extrapolated: {bootstrap}")
        ours = {}
        for name, gate in METRICS.items():
            (folder / f"{name}.yml").write_text(_config(gate), "utf-8")
            command = [sys.executable, "-m", "mlci", "run", "--config", f"{name}.yml", "--out", f"out-{name}"]
            ours[name] = fastest([run(command, folder=folder, timeout=TIMEOUT) for _ in range(TIMES[name])])
            say(f"{name}: {ours[name].wall:.1f} s wall, {ours[name].cpu:.1f} s CPU")
    return Figures(rows, scopes - 1, ours, bootstrap)


def _config(gate: str) -> str:
    return (
        "model: functions\n"
        "task: binary\n"
        f"evaluation: {{data: one.parquet, label: y, slices: [{', '.join(data.SLICES)}], timeout: 3h}}\n"
        "predict: {file: one.parquet, score: p}\n"
        "baseline: {file: one.parquet, score: q}\n"
        f"gates: [{gate}]\n"
    )


def _bootstrap(path: Path) -> tuple[int, dict[str, float]]:
    """Return the number of scopes, and the processor seconds of a row bootstrap of all."""
    columns = duckdb.sql(f"SELECT y, p, q, {', '.join(data.SLICES)} FROM '{path}'").fetchnumpy()  # noqa: S608 - ours
    labels, scores = columns["y"], (columns["p"], columns["q"])
    scopes = [np.arange(len(labels))]
    for name in data.SLICES:
        _, codes = np.unique(columns[name].astype(str), return_inverse=True)
        scopes += [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    decisions = tuple((score >= 0.5).astype(np.int64) for score in scores)
    calls = {
        "decisions": MetricCall(lambda y, d: fbeta_score(y, d, beta=2), labels, decisions),
        "scores": MetricCall(roc_auc_score, labels, scores),
    }
    return len(scopes), {name: _seconds(call, scopes) * REPLICATES for name, call in calls.items()}


def _seconds(call: MetricCall, scopes: list[np.ndarray]) -> float:
    begun = time.process_time()
    for scope, rows in enumerate(scopes):
        Bootstrap(call, rows, scope, 7, REPLICATES).value(0)
    return time.process_time() - begun
