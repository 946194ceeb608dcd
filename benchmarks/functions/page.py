"""The table, and the section of the documentation that contains it."""

import os
import platform
from importlib.metadata import version

from benchmarks.cost.page import number
from benchmarks.functions.measure import REPLICATES, Figures
from benchmarks.section import write_section

BEGIN, END = "<!-- functions:begin -->", "<!-- functions:end -->"
TARGETS = {"decisions": 5.0, "scores": 600.0}
SHOWN = {"decisions": "`fbeta_score`, decisions: cell jackknife", "scores": "`roc_auc_score`, scores: group jackknife"}
_INTRO = """\
## What functions of rows cost

Written by `python -m benchmarks.functions --write` on {processors} processors ({machine}, Python {python}, scikit-learn
{sklearn}): `mlci run` with one function of scikit-learn, {rows:,} rows in one file, {groups} groups over three slice
columns and the whole set, both models and their change, every value with its interval. A cold process, report and
imports included, the fastest of five for decisions. The row bootstrap is what a function without `sample_weight` gets:
{replicates:,} resamples, extrapolated from one of every group. *Judged* is the wall time of a machine that does nothing
else: processor seconds, and for scores these over the {processors} processors, all of which evaluate."""


def section(found: Figures) -> str:
    """Return the section of the documentation."""
    intro = _INTRO.format(
        processors=_processors(),
        machine=platform.machine(),
        python=platform.python_version(),
        sklearn=version("scikit-learn"),
        rows=found.rows,
        groups=found.groups,
        replicates=REPLICATES,
    )
    rows = [
        [
            "",
            "wall, s",
            "CPU, s",
            "judged, s",
            "target, s",
            "holds",
            "MiB at the peak",
            "row bootstrap, CPU s",
        ],
        [":--", *["--:"] * 7],
        *(_row(name, found) for name in TARGETS),
    ]
    return f"{intro}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _processors() -> int:
    return os.cpu_count() or 1


def _judged(name: str, found: Figures) -> float:
    """Return the seconds that are judged: one process evaluates a function of decisions, all processors the other."""
    usage = found.ours[name]
    return usage.cpu / (_processors() if name == "scores" else 1)


def _row(name: str, found: Figures) -> list[str]:
    usage, seconds = found.ours[name], _judged(name, found)
    return [
        SHOWN[name],
        number(usage.wall),
        number(usage.cpu),
        number(seconds),
        f"≤ {TARGETS[name]:g}",
        "yes" if seconds <= TARGETS[name] else "**no**",
        number(usage.peak / 2**20),
        number(found.bootstrap[name]),
    ]


def list_misses(found: Figures) -> list[str]:
    """Return a line for each missed target."""
    judged = {name: _judged(name, found) for name in TARGETS}
    return [
        f"missed: {SHOWN[name]}: {seconds:.1f} s, target {TARGETS[name]:g} s"
        for name, seconds in judged.items()
        if seconds > TARGETS[name]
    ]


def write(text: str) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END)
