"""What came of training a version again, as text for a terminal."""

from collections.abc import Sequence
from typing import Literal

from mlci.report import names, numbers, wide
from mlci.report.dialect import Dialect, Plain
from mlci.report.escape import without_commands
from mlci.report.tables import Column, Table, table
from mlci.report.terminal import lay_out

Row = tuple[str, float, float, float | None, bool]
_OUTCOMES = {"within": "within the spread of", "different": "different from"}


def text(
    *,
    version: int,
    outcome: Literal["identical", "within", "different"],
    how: Literal["bytes", "predictions"] | None,
    runs: int,
    metrics: Sequence[Row],
    rows: tuple[int, tuple[str, ...]] | None,
    notes: Sequence[str],
    width: int,
) -> str:
    """Write the outcome, metric by metric.

    Args:
        version: Which version.
        outcome: What came of it.
        how: What is identical.
        runs: How often it was trained.
        metrics: Name, the version's value, mean and standard deviation of the reruns, and whether they fit.
        rows: Rows that the first rerun decides otherwise, and keys of some.
        notes: Lines to add.
        width: Columns of the terminal.
    """
    d = Plain()
    lines = [_sentence(version, outcome, how, runs)]
    if rows is not None and how is None:
        keys = [d.text(key) for key in rows[1]]
        named = f": {', '.join(keys)}{', …' if rows[0] > len(keys) else ''}" if keys else ""
        lines.append(f"The first rerun decides {numbers.plural(rows[0], 'row')} otherwise{named}")
    lines += [d.text(note, longest=500) for note in notes]
    parts = ["\n".join(part for line in lines for part in wide.wrap(line, width))]
    parts += [lay_out(_metrics(d, metrics), width=width)] if metrics else []
    return without_commands("\n\n".join(parts) + "\n")


def _sentence(version: int, outcome: str, how: str | None, runs: int) -> str:
    reruns = numbers.plural(runs, "rerun")
    if how is not None:
        what = "the same bytes, and the same predictions" if how == "bytes" else "the same predictions"
        return f"Version {version} is reproduced: {what}"
    said = f"Version {version} is {_OUTCOMES[outcome]} {reruns}"
    few = {1: "one rerun has no spread to be within", 2: "two reruns are not a spread to be within"}.get(runs)
    return f"{said}; {few}: `mlci reproduce {version} -k 5`" if few and outcome == "different" else said


def _metrics(d: Dialect, rows: Sequence[Row]) -> Table:
    styles = [numbers.style((was, mean, sd), unit=names.unit(name)) for name, was, mean, sd, _ in rows]
    cells = list(zip(styles, rows, strict=True))
    columns = [
        Column(d.number("Metric"), [d.text(names.title(row[0])) for _, row in cells], name=True),
        Column(d.number("Version"), [d.number(style.value(row[1])) for style, row in cells], right=True),
        Column(d.number("Reruns, mean"), [d.number(style.value(row[2])) for style, row in cells], right=True),
        Column(
            d.number("Standard deviation"),
            [None if row[3] is None else d.number(style.value(row[3])) for style, row in cells],
            right=True,
        ),
        Column(d.number(""), [d.number("" if row[4] else "different") for _, row in cells]),
    ]
    return table(d, columns)
