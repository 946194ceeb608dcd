"""The tables, and the section of the documentation that contains them."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from benchmarks.cost import measure
from benchmarks.cost.catalogue import COLD, POINTS, RESAMPLED
from benchmarks.cost.measure import Results, Size
from benchmarks.cost.process import Usage
from benchmarks.cost.targets import Judged, Target
from benchmarks.section import PAGE, write_section

BEGIN, END = "<!-- cost:begin -->", "<!-- cost:end -->"
_INTRO = """\
## What it costs

Six metrics (accuracy, recall, precision, F1, ROC AUC, Brier score), both models and their paired change, 27 groups over
three slice columns and the whole set, every value with its interval. *Counts* leaves out AUC and Brier score.
Written by `make bench`, measured in one run on
{machine}.

Each figure is a separate process, started cold: imports, configuration, and for `mlci run` every file of the report
are in it. Subjects take turns in alternating order; the fastest of three runs, one for points. Cells are
wall seconds / CPU seconds (user and system, all threads) / MiB at the peak."""
_FLOOR = """\
The floor is reading the six columns: `pyarrow.parquet.read_table`, every value decoded into memory, on all processors.
Two ways to do less are measured as well, and ratios to them are given further down: leaving texts as the dictionary
codes of the file, and touching every value in DuckDB without keeping any. The floor of the join is DuckDB joining the
three files, in different row orders, by an integer key, and touching every value. The one file
holds the six columns and no other; our figures include a fingerprint over all that the evaluation set says, which in
the three files is a key as well, hashed row by row."""
_PEERS = """\
Bootstraps are extrapolated to 1,000 replicates, from one and a few more of them ({counts} at the
largest size): what is fixed counts once, the rest grows in proportion. fairlearn's frame holds one model and crosses
its features, so that the job is six frames, of which one is measured. Peers are not run beyond 1,000,000 rows."""
_WARM = """\
The stage of the engine and of inference alone, in one warm process, against the floors in the same process: no imports,
no configuration, no report. Wall seconds / CPU seconds, the fastest of five turns."""


def section(results: Results, judged: list[Judged]) -> str:
    """Return the section of the documentation."""
    counts = ", ".join(f"{peer.name} {peer.counts[0]} and {peer.counts[1]}" for peer in RESAMPLED)
    parts = [
        _INTRO.format(machine=_machine()),
        _cold(results),
        _FLOOR,
        _PEERS.format(counts=counts),
        *_missing(results),
        _WARM,
        _warm(results),
        _starts(results),
        "### What it may cost",
        _targets(judged),
        _bounds(results),
        _ranked(results),
        _groups(results),
    ]
    return "\n\n".join(part for part in parts if part)


def write(text: str, page: Path = PAGE) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END, page)


def _table(head: list[str], rows: list[list[str]]) -> str:
    rule = [":--" if not i else "--:" for i in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _cold(results: Results) -> str:
    names = [(subject.name, subject.shown) for subject in (*COLD, *POINTS, *RESAMPLED)]
    rows = [
        [shown, *(_usage(size.cold.get(name)) for size in results.sizes.values())]
        for name, shown in names
        if any(name in size.cold or name in size.missing for size in results.sizes.values())
    ]
    return _table(["cold process", *(f"{size:,} rows" for size in results.sizes)], rows)


def _warm(results: Results) -> str:
    shown = {subject.name: subject.shown.replace("`mlci run`", "stage") for subject in COLD}
    sizes = list(results.sizes.values())
    names = dict.fromkeys(name for size in sizes for name in size.warm)
    rows = [[shown.get(name, name), *(_pair(size, name) for size in sizes)] for name in names]
    return _table(["warm stage", *(f"{size:,} rows" for size in results.sizes)], rows)


def _pair(size: Size, name: str) -> str:
    return " / ".join(number(value) for value in size.warm[name]) if name in size.warm else "–"


def _usage(usage: Usage | None) -> str:
    return "–" if usage is None else f"{number(usage.wall)} / {number(usage.cpu)} / {usage.peak / 2**20:,.0f}"


def _missing(results: Results) -> list[str]:
    """Say why a subject has no figures."""
    shown = {"warm": "warm stages"} | {subject.name: subject.shown for subject in (*COLD, *POINTS, *RESAMPLED)}
    lines = [
        f"- {shown[name]}, {rows:,} rows: not measured: {reason.replace('|', '/')}"
        for rows, size in results.sizes.items()
        for name, reason in size.missing.items()
    ]
    return ["\n".join(lines)] if lines else []


def _starts(results: Results) -> str:
    if not results.starts or results.imports is None:
        return ""
    bare, mlci = results.starts["python"], results.starts["help"]
    return (
        f"`mlci --help` takes {mlci.wall:.3f} s cold, {mlci.wall / bare.wall:.1f} times `python -c pass` "
        f"({bare.wall:.3f} s); its imports take {results.imports:.3f} s by `-X importtime`, Python's own among them."
    )


def _targets(judged: list[Judged]) -> str:
    rows = [[one.target.what, _limit(one.target), _value(one), "yes" if one.holds else "**no**"] for one in judged]
    return _table(["figure", "target", "measured", "holds"], rows)


def _bounds(results: Results) -> str:
    """Lay out the ratios to the floor and to what does less than it."""
    shown = {subject.name: subject.shown for subject in COLD}
    figures = ("counts", "everything", "counts_cold", "everything_cold")
    found = measure.bounds(results)
    rows = [
        [shown[bound], *(f"{number(ratios[figure])}×" if figure in ratios else "–" for figure in figures)]
        for bound, ratios in found.items()
    ]
    head = ["one file, 10,000,000 rows, over", "counts, warm", "everything, warm", "counts, cold", "everything, cold"]
    return _table(head, rows) if rows else ""


def _ranked(results: Results) -> str:
    """Say what ranking adds to the join, which a join alone does not do."""
    figures = measure.figures(results)
    if "join_everything" not in figures or "join_everything_cold" not in figures:
        return ""
    warm, cold = (number(figures[name]) for name in ("join_everything", "join_everything_cold"))
    said = "With AUC and Brier score on top, three files by key take"
    return f"{said} {warm} times the bare join warm and {cold} times cold."


def _groups(results: Results) -> str:
    if results.groups is None:
        return ""
    groups = results.groups
    return (
        f"With {groups.rows:,} rows, everything takes {number(groups.few[0])} s of CPU for 27 groups and "
        f"{number(groups.many[0])} s for 270 (with half the rows {number(groups.few[1])} and {number(groups.many[1])} "
        "s): what a group costs more is its own estimates and intervals, whatever its rows."
    )


def _limit(target: Target) -> str:
    return f"{'≥' if target.least else '≤'} {target.limit:,g}{target.unit}"


def _value(judged: Judged) -> str:
    return "not measured" if judged.value is None else f"{number(judged.value)}{judged.target.unit}"


def number(value: float) -> str:
    """Return three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if value < 1 else f"{value:.3g}"


def _machine() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "numpy", "pyarrow"))
    return f"{os.cpu_count()} processors ({platform.machine()}, Python {platform.python_version()}, {versions})"


def describe_miss(judged: Judged) -> str:
    """Return the line that says which target was missed and by what."""
    return f"missed: {judged.target.what}: {_value(judged)}, target {_limit(judged.target)}"
