"""Projects as users would have them: a few files, and tables that are drawn with a fixed seed."""

import csv
import math
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
FILES = ("mlci.yml", "train.py", "predict.py")
SPLITS_INSIDE = "splits_inside"
HEADER = ("customer", "region", "visits", "spend", "calls", "left")
SEED = 11
BASELINE = "baseline: {ref: main}\n"


def write(folder: Path, *, production: bool = False) -> None:
    """Write the project into ``folder``; with ``production``, the repository is its registry."""
    for name in FILES:
        shutil.copy(HERE / name, folder / name)
    if production:
        config = (folder / "mlci.yml").read_text("utf-8")
        (folder / "mlci.yml").write_text(config.replace(BASELINE, "registry: github\n"), "utf-8")
    _write_rest(folder, {"train.csv": 400, "holdout.csv": 900})


def write_models(folder: Path, models: Sequence[str]) -> None:
    """Write the project into a folder for each model, and what all of them need at the top."""
    (folder / "requirements.txt").write_text("# the standard library is enough\n", "utf-8")
    for model in models:
        (folder / model).mkdir()
        write(folder / model)
        config = folder / model / "mlci.yml"
        config.write_text(config.read_text("utf-8").replace("model: churn\n", f"model: {model}\n"), "utf-8")


def write_splits_inside(folder: Path) -> None:
    """Write a project whose training splits its rows: neither the evaluation set nor predictions are committed."""
    for path in (HERE / SPLITS_INSIDE).iterdir():
        if path.is_file():
            shutil.copy(path, folder / path.name)
    (folder / ".gitignore").write_text("holdout.csv\npredictions.csv\n", "utf-8")
    _write_rest(folder, {"customers.csv": 1200})


def _write_rest(folder: Path, tables: Mapping[str, int]) -> None:
    (folder / "requirements.txt").write_text("# the standard library is enough\n", "utf-8")
    (folder / "README.md").write_text("# Churn\n", "utf-8")
    draws = random.Random(SEED)
    for name, rows in tables.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(HEADER)
            table.writerows(draw_customer(draws, number) for number in range(rows))


def draw_customer(draws: random.Random, number: int) -> tuple[object, ...]:
    """Return a customer's row, the cells of ``HEADER``."""
    visits, spend, calls = (draws.gauss(0, 1) for _ in range(3))
    logit = 1.6 * calls - 1.2 * visits + 0.4 * spend - 0.3
    left = int(draws.random() < 1 / (1 + math.exp(-logit)))
    return number, draws.choice(["north", "south"]), f"{visits:.4f}", f"{spend:.4f}", f"{calls:.4f}", left


CHANGES = {
    "better": ("train.py", "STEPS = 60", "STEPS = 120"),
    "again": ("train.py", "RATE = 0.5", "RATE = 0.6"),
    "longer": ("train.py", "STEPS = ", "STEPS = 20 + "),
    "regression": ("train.py", '("visits", "spend", "calls")', '("visits", "spend")'),
    "crash": (
        "train.py",
        "    weights = [0.0]",
        '    raise RuntimeError("no such table\\n::set-output name=verdict::pass")\n    weights = [0.0]',
    ),
    "spy": (
        "train.py",
        "    weights = [0.0]",
        (
            "    import os\n\n    pid = os.getpid()\n    while pid > 1:\n"
            '        try:\n            with open(f"/proc/{pid}/environ", "rb") as stream:\n'
            '                if b"ghs_" in stream.read():\n                    raise SystemExit("here is a token")\n'
            "        except PermissionError:\n            pass\n"
            '        with open(f"/proc/{pid}/status") as stream:\n'
            '            pid = int(stream.read().split("PPid:")[1].split()[0])\n    weights = [0.0]'
        ),
    ),
    "kill": (
        "train.py",
        "    weights = [0.0]",
        (
            "    import os, shutil, signal\n\n    above, pid = [], os.getppid()\n"
            '    while os.path.exists("earlier.json"):\n        above.append(pid)\n'
            '        with open(f"/proc/{pid}/cmdline", "rb") as stream:\n'
            '            if b"captured.sh" in stream.read().split(b"\\0")[1]:\n'
            '                shutil.copy("earlier.json", ".mlci/out/report.json")\n'
            "                for one in reversed(above):\n                    os.kill(one, signal.SIGKILL)\n"
            '        with open(f"/proc/{pid}/status") as stream:\n'
            '            pid = int(stream.read().split("PPid:")[1].split()[0])\n    weights = [0.0]'
        ),
    ),
    "slow": (
        "train.py",
        "    weights = [0.0]",
        (
            "    import os, time\n\n"
            '    with open("started.part", "w") as stream:\n        stream.write(str(os.getpid()))\n'
            '    os.rename("started.part", "started")\n    time.sleep(120)\n    weights = [0.0]'
        ),
    ),
    "lenient": (
        "mlci.yml",
        "{metric: roc_auc, min: 0.7, max_drop: 0.03}",
        "{metric: roc_auc, min: 0.1, max_drop: 0.9}",
    ),
    "documentation": ("README.md", "# Churn", "# Customers who leave"),
    "typo": ("mlci.yml", "gates:", "gate:"),
}
"""The changes of pull requests: file, text, other text."""


def change(folder: Path, name: str) -> None:
    """Make one of ``CHANGES``."""
    file, before, after = CHANGES[name]
    text = (folder / file).read_text("utf-8")
    if before not in text:
        raise ValueError(f"{name}: {before!r} is not in {file}")
    (folder / file).write_text(text.replace(before, after, 1), "utf-8")
