"""Projects whose models are wrong on a known share of the rows, run through the real command line in this process.

Rows have a feature ``x`` that equals the label. A "model" is a number k: it decides wrongly on the rows whose id ends
in a digit below k, so its accuracy is exactly 1 - k / 10 on any multiple of ten rows.
"""

import contextlib
import csv
import io
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlci.cli.main import run_command
from tests.support.repository import ENVIRONMENT, commit, init, start_branch

PYTHON = f"exec '{sys.executable}' -I -S"
TRAIN = """\
import os, sys
k = open("k.txt").read().strip()
open(os.environ.get("TRAINED", "trained.log"), "a").write(k + "\\n")
open(os.environ.get("MLCI_MODEL", "model.txt"), "w").write(k)
"""
PREDICT = """\
import os
k = int(open(os.environ.get("MLCI_MODEL", "model.txt")).read())
names, *lines = [line.split(",") for line in open(os.environ["MLCI_DATA"]).read().split()]
rows = [dict(zip(names, line)) for line in lines]
with open(os.environ["MLCI_PREDICTIONS"], "w") as out:
    out.write("id,p\\n")
    for row in rows:
        wrong = int(row["id"]) % 10 < k
        out.write(f"{row['id']},{1 - int(row['x']) if wrong else int(row['x'])}\\n")
"""
CONFIG = """\
model: planted
task: binary
evaluation:
  data: holdout.csv
  key: id
  label: y
  positive: 1
{train}{predict}baseline: {baseline}
gates:
  - {{metric: accuracy, max_drop: 0.05}}
{more}"""
BY_TRAINING = f"train:\n  run: {PYTHON} train.py\n  model: model.txt\n"
BY_RUNNING = f"predict:\n  run: {PYTHON} predict.py\n  decision: p\n"


@dataclass(frozen=True)
class Ended:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def report(self):
        assert self.out, self.err
        return json.loads(self.out)


def mlci(*arguments, cwd, **environment) -> Ended:
    """Run a command in this process as the installed program would."""
    out, err = io.StringIO(), io.StringIO()
    code = run_in_process(*arguments, cwd=cwd, out=out, err=err, **environment)
    return Ended(code, out.getvalue(), err.getvalue())


def run_in_process(*arguments, cwd, out, err, **environment) -> int:
    """Run a command in this process with these streams; return its exit code."""
    before, folder = dict(os.environ), Path.cwd()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    os.environ.update({**{name: ENVIRONMENT[name] for name in ENVIRONMENT if name.startswith("GIT_")}, **environment})
    if "GITHUB_ACTIONS" not in environment:
        os.environ.pop("GITHUB_ACTIONS", None)
    os.chdir(cwd)
    words = [str(word) for word in arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return run_command(words)
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def run(folder, *more, **environment) -> Ended:
    return mlci("run", "--json", *more, cwd=folder, **environment)


def holdout(rows=100, first=0) -> str:
    lines = [f"{i},{i // 10 % 2},{i // 10 % 2}" for i in range(first, first + rows)]
    return "\n".join(["id,x,y", *lines]) + "\n"


def predictions(k, rows=100, first=0) -> str:
    decided = ((i, i // 10 % 2) for i in range(first, first + rows))
    return "\n".join(["id,p", *(f"{i},{1 - y if i % 10 < k else y}" for i, y in decided)]) + "\n"


def config(*, baseline, train=BY_TRAINING, predict=BY_RUNNING, more="") -> str:
    return CONFIG.format(train=train, predict=predict, baseline=baseline, more=more)


def files(k, **changes) -> dict[str, str]:
    """Return a project whose model is wrong on k rows of ten."""
    settings = {"baseline": "{ref: main}", **changes}
    return {
        "mlci.yml": config(**settings),
        "holdout.csv": holdout(),
        "train.py": TRAIN,
        "predict.py": PREDICT,
        "k.txt": str(k),
    }


def write(folder: Path, contents: dict[str, str]) -> Path:
    for name, text in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def repository(folder: Path, baseline: dict[str, str], candidate: dict[str, str]) -> Path:
    """Commit the baseline's files on main and the candidate's on a branch that is checked out."""
    init(folder)
    commit(folder, {".gitignore": ".mlci/\nmodel.txt\ntrained.log\n", **baseline})
    start_branch(folder, "change")
    changed = {name: text for name, text in candidate.items() if baseline.get(name) != text}
    if changed:
        commit(folder, changed)
    return folder


def change(ended: Ended, metric="accuracy") -> tuple[float, float, float]:
    """Return baseline, candidate and change of a metric on the whole set."""
    row = next(row for row in ended.report["metrics"] if row["metric"] == metric and row["slice"] is None)
    return row["baseline"], row["candidate"], row["change"]


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


KNOWN = [(1, 3, -0.2), (4, 1, 0.3)]
BY_FILE = {"train": "", "predict": "predict:\n  file: preds.csv\n  decision: p\n"}
TOTALS = """\
model: planted
task: binary
{train}predict: {{metrics: {metrics}}}
baseline: {baseline}
gates:
  - {{metric: test.accuracy, max_drop: 0.05}}
"""


def expected_change(before, after):
    return pytest.approx((1 - before / 10, 1 - after / 10, (before - after) / 10), abs=1e-12)


def timeless(report):
    report["provenance"]["seconds"] = report["cost"] = None
    measured = {"train_seconds", "predict_seconds_per_1k_rows", "peak_memory_megabytes"}
    report["metrics"] = [row for row in report["metrics"] if row["metric"] not in measured]
    return report


def small_files(**changes):
    """Two files of predictions, nothing to run."""
    settings = {"baseline": "{file: old.csv}", "train": "", "predict": "predict: {file: new.csv, decision: p}\n"}
    return {
        **files(0),
        "mlci.yml": config(**{**settings, **changes}),
        "old.csv": predictions(1),
        "new.csv": predictions(3),
    }
