"""Behavioural tests of the candidate: their outcomes, those that did not pass first."""

from mlci.report.document import BehaviourRow, Report
from mlci.report.gate_numbers import LONG
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, Section, build_table

_MARKS = {"failed": "✗", "error": "!", "inconclusive": "?", "skipped": "○", "passed": "✓"}
_COUNTED = {
    "failed": "failed",
    "error": "in error",
    "inconclusive": "inconclusive",
    "skipped": "skipped",
    "passed": "passed",
}
_LISTED = 50


def behaviour_section(d: Markup, report: Report) -> list[Section]:
    """List the behavioural tests with what they reported, and which of them are required; nothing without tests."""
    rows = sorted(report.tests, key=lambda row: list(_COUNTED).index(row.outcome))
    if not rows:
        return []
    required = {gate.metric for gate in report.gates if gate.test}
    shown = rows[:_LISTED]
    columns = [
        ReportColumn(d.number("Result"), [d.number(f"{_MARKS[row.outcome]} {row.outcome}") for row in shown]),
        ReportColumn(d.number("Test"), [_test(d, row) for row in shown], name=True),
        ReportColumn(d.number("Required"), [d.number("yes" if row.name in required else "no") for row in shown]),
    ]
    left = len(rows) - len(shown)
    more = (d.number(f"And {number_format.format_count(left)} more."),) if left else ()
    return [Section("tests", d.number(_title(rows)), (build_table(d, columns),), more)]


def _title(rows: list[BehaviourRow]) -> str:
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in _COUNTED}
    parts = [f"{number_format.format_count(counts[key])} {word}" for key, word in _COUNTED.items() if counts[key]]
    return f"{number_format.pluralize(len(rows), 'behavioural test')}: {', '.join(parts)}"


def _test(d: Markup, row: BehaviourRow) -> str:
    """Name a test, with what it reported below."""
    name = d.text(labels.title_of_test(row.name))
    return name if row.message is None else d.join("", [name, d.note(d.text(row.message, longest=LONG))])
