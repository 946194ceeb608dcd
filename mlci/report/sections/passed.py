"""Section on the passed gates: named in the title, listed one by one."""

from mlci.report.document import GateRow, Report
from mlci.report.gate_table import passed_table
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import Section

_NAMED = 12
_MANY = 12
"""Groups of a slice from which on the passed ones are not listed one by one."""


def passed_gates(d: Markup, report: Report) -> list[Section]:
    """Fold the passed gates away and name them in the title; those of large slices stand in their own section."""
    rows = [row for row in report.gates if row.outcome == "passed"]
    if not rows:
        return []
    named = d.join(", ", passed_names(d, report, most=_NAMED))
    title = d.words("{} passed: {}", d.number(number_format.format_count(len(rows))), named)
    large = _large_slices(report)
    single = [row for row in rows if _scope_key(row) not in large]
    elsewhere = [row for row in rows if _scope_key(row) in large]
    slices = dict.fromkeys(row.scope.slice or "" for row in elsewhere)
    many = d.words(
        "{} by {} have a table of their own below.",
        d.number(number_format.pluralize(len(elsewhere), "passed group")),
        d.join(", ", [d.text(name) for name in slices]),
    )
    tables = (passed_table(d, report, single),) if single else ()
    return [Section("passed gates", title, tables, (many,) if elsewhere else ())]


def passed_names(d: Markup, report: Report, *, most: int) -> list[str]:
    """Name the passed gates briefly: groups of one slice together, each name once; count those beyond ``most``."""
    total: dict[tuple[str, str | None, str | None], set[str | None]] = {}
    passed: dict[tuple[str, str | None, str | None], set[str | None]] = {}
    for row in report.gates:
        key = (row.metric, row.scope.slice, row.scope.across)
        total.setdefault(key, set()).add(row.scope.group)
        if row.outcome == "passed":
            passed.setdefault(key, set()).add(row.scope.group)
    shown = [_briefly(d, key, len(groups), len(total[key])) for key, groups in list(passed.items())[:most]]
    left = len(passed) - len(shown)
    return [*shown, d.number(f"{number_format.format_count(left)} more")] if left else shown


def _briefly(d: Markup, key: tuple[str, str | None, str | None], number: int, total: int) -> str:
    metric, name, across = key
    words = d.text(labels.metric_title(metric))
    if across is not None:
        return d.words("{} across {}", words, d.text(across))
    if name is None:
        return words
    if total == 1:
        return d.words("{} by {}", words, d.text(name))
    count = number_format.format_count
    counted = f"all {count(total)}" if number == total else f"{count(number)} of {count(total)}"
    return d.words("{} in {} {} groups", words, d.number(counted), d.text(name))


def _large_slices(report: Report) -> set[tuple[str, str | None]]:
    """Return the gated metrics and slices of many groups, all of which a section of its own lists."""
    listed = {(row.metric, row.slice, row.group) for row in report.metrics if row.slice is not None}
    gated: dict[tuple[str, str | None], set[str | None]] = {}
    for gate in report.gates:
        if gate.scope.slice is not None:
            gated.setdefault(_scope_key(gate), set()).add(gate.scope.group)
    return {
        key for key, groups in gated.items() if len(groups) > _MANY and all((*key, group) in listed for group in groups)
    }


def _scope_key(row: GateRow) -> tuple[str, str | None]:
    return row.metric, row.scope.slice
