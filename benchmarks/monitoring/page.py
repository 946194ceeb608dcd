"""The table, and the section of the documentation that contains it."""

from benchmarks.monitoring.simulate import Rates
from benchmarks.section import write_section

BEGIN, END = "<!-- monitoring:begin -->", "<!-- monitoring:end -->"
TARGET = 0.01
_INTRO = """\
## How often monitoring alarms

Written by `python -m benchmarks.monitoring --write`; seeds are fixed. Weeks are simulated at the defaults of
`monitor:`, {weeks:,} for each line: an accuracy of 90 % in four regions, gates on the accuracy and on the recall of
each region with the margin, labels that arrive in three parts with a read after each, and ten columns without drift.
“Alarms” are weeks in which a gate alarmed at any read, “warns” those that ended in a warning, “drift” those in which a
column was beyond its threshold."""


def section(found: list[Rates]) -> str:
    """Return the section of the documentation."""
    head = ["change of the accuracy", "rows a week", "margin", "alarms", "warns", "drift"]
    lines = [head, [":--", *["--:"] * 5], *(_row(one) for one in found)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    note = f"Without a change at most {TARGET:.0%} of the weeks may alarm. {_judged(found)}"
    return "\n\n".join((_INTRO.format(weeks=max(one.weeks for one in found)), table, note))


def _row(rates: Rates) -> list[str]:
    scenario = rates.scenario
    change = f"{-100 * scenario.fall:.0f} points" if scenario.fall else "none"
    drift = _percent(rates.drifted, rates.weeks) if scenario.drift else "–"
    shares = [_percent(part, rates.weeks) for part in (rates.alarmed, rates.warned)]
    return [change, f"{scenario.rows:,}", f"{scenario.margin:g}", *shares, drift]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def list_misses(found: list[Rates]) -> list[str]:
    """Return a line for each scenario without a change that alarms too often."""
    quiet = [one for one in found if not one.scenario.fall]
    return [
        f"missed: {one.scenario.rows:,} rows, margin {one.scenario.margin:g}: {one.alarmed} of {one.weeks:,} weeks"
        for one in quiet
        if one.alarmed > TARGET * one.weeks
    ]


def _judged(found: list[Rates]) -> str:
    return "None does more often." if not list_misses(found) else "\n".join(list_misses(found))


def write(text: str) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END)
