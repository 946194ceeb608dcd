"""Takes the ways in turn, cold and then warm, over the same network within one run."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.setup.subjects import WAYS, SetupError, Way, add_mlci

PROJECT = """\
model: setup
task: binary
evaluation: {data: rows.csv, key: id, label: y}
predict: {file: rows.csv, decision: new}
baseline: {file: rows.csv, decision: old}
gates: [{metric: accuracy, min: 0.5, max_drop: 0.1}]
"""


@dataclass
class Figures:
    """Seconds of one way: set up and started with empty and with filled caches; the first run after the former."""

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    first_run: list[float] = field(default_factory=list)
    missing: str = ""

    def fastest(self, *names: str) -> float | None:
        """Return the least of a figure, or of several added up; ``None`` if it was not measured.

        The least, because a busy machine or network only ever adds.
        """
        columns = [getattr(self, name) for name in names]
        return min(map(sum, zip(*columns, strict=True))) if all(columns) else None

    def median(self) -> float | None:
        """Return the median of the cold set-ups, which says how far the fastest one is from an ordinary one."""
        return statistics.median(self.cold) if self.cold else None


def everything(times: int, say: Callable[[str], None]) -> dict[str, Figures]:
    """Measure every way ``times`` times, in alternating order; one that does not install is named as missing."""
    found = {way.name: Figures() for way in WAYS}
    for turn in range(times):
        for way in WAYS if turn % 2 == 0 else reversed(WAYS):
            if found[way.name].missing:
                continue
            try:
                _measure(way, found[way.name])
                say(f"{way.shown}: {found[way.name].cold[-1]:.2f} s cold, {found[way.name].warm[-1]:.2f} s warm")
            except (SetupError, OSError, subprocess.SubprocessError) as error:
                found[way.name].missing = str(error)
                say(f"{way.shown}: {error}")
    return found


def _measure(way: Way, figures: Figures) -> None:
    with tempfile.TemporaryDirectory(prefix="mlci-setup-", ignore_cleanup_errors=True) as scratch:
        cache = Path(scratch) / "cache"
        first, second = Path(scratch) / "first", Path(scratch) / "second"
        first.mkdir()
        second.mkdir()
        command, seconds = _set_up(way, first, cache)
        figures.cold.append(seconds)
        if way.runs:
            figures.first_run.append(_first_run(command, Path(scratch)))
        figures.warm.append(_set_up(way, second, cache)[1])


def _set_up(way: Way, folder: Path, cache: Path) -> tuple[list[str], float]:
    """Set up and start once; return the command and the seconds of both."""
    os.sync()  # what the way before has left to be written is not this one's
    begun = time.perf_counter()
    command = way.make(folder, cache)
    made = time.perf_counter()
    if way.name == "pip":
        add_mlci(folder)
    started = time.perf_counter()
    done = subprocess.run([*command, "--version"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"it does not start: {done.stderr.strip()[-200:]}")
    return command, made - begun + time.perf_counter() - started


def _first_run(command: list[str], folder: Path) -> float:
    """Return the seconds of a gate on 200 rows, report and all: mostly imports, which are compiled on the first run."""
    (folder / "mlci.yml").write_text(PROJECT, "utf-8")
    rows = "".join(f"{i},{i % 2},{i % 2 if i % 10 else 1},{i % 2}\n" for i in range(200))
    (folder / "rows.csv").write_text(f"id,y,old,new\n{rows}", "utf-8")
    begun = time.perf_counter()
    done = subprocess.run([*command, "run"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"mlci run ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    return time.perf_counter() - begun
