"""The cost of starting: ``mlci --help`` against bare Python, and its imports as ``-X importtime`` counts them."""

import re
import statistics
import sys
from pathlib import Path

from benchmarks.cost.process import Usage, fastest, run

_LINE = re.compile(r"^import time:\s+(\d+) \|", re.MULTILINE)


def imports(folder: Path, times: int = 5) -> float:
    """Return the seconds that all imports of ``mlci --help`` take together, Python's own among them."""
    argv = [sys.executable, "-X", "importtime", "-m", "mlci", "--help"]
    taken = [_seconds(run(argv, folder=folder, timeout=60)) for _ in range(times + 1)]
    return statistics.median(taken[1:])  # the first one may have had to compile


def _seconds(usage: Usage) -> float:
    return sum(int(own) for own in _LINE.findall(usage.output)) / 1e6


def starts(folder: Path, times: int = 7) -> dict[str, Usage]:
    """Return what ``python -c pass`` and ``mlci --help`` use, taken in turns."""
    commands = {"python": [sys.executable, "-c", "pass"], "help": [sys.executable, "-m", "mlci", "--help"]}
    taken: dict[str, list[Usage]] = {name: [] for name in commands}
    for turn in range(times):
        for name in commands if turn % 2 else reversed(commands):
            taken[name].append(run(commands[name], folder=folder, timeout=60))
    return {name: fastest(usages) for name, usages in taken.items()}
