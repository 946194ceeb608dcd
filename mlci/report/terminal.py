"""The report on a terminal and in a workflow's log: the comment's content in plain text."""

from collections.abc import Sequence
from dataclasses import replace

from mlci.report import lineage, page, sections, trend
from mlci.report.document import GateRow, Report
from mlci.report.gate_table import gate_table
from mlci.report.links import NO_LINKS
from mlci.report.text import labels, number_format, text_width
from mlci.report.text.escape import without_commands
from mlci.report.text.markup import Markup, Plain
from mlci.report.text.tables import ReportTable, Section

_BUILDERS = (
    sections.whole_set_section,
    sections.watched_groups,
    sections.watched_disparities,
    lineage.lineage_section,
    trend.trend_section,
    sections.notes_section,
)
_NARROWEST = 16
_MOST_PASSED = 40
_MOST_OTHERS = 200
_MOST_ROWS = 100
_GAP = 2


def render_terminal(report: Report, *, colour: bool = False, width: int = 100) -> str:
    """Write the report for a terminal.

    Args:
        report: The document.
        colour: Whether states are coloured by ANSI codes; words say the same without.
        width: Columns of the terminal. Names are wrapped to it, numbers never; where a table can't fit, its rows are
            written one below the other.

    Returns:
        Text that ends in a newline; nothing in it can move the cursor or give the runner a command.
    """
    d = Plain()
    built = page.write_page(d, report, builders=_BUILDERS, links=NO_LINKS)
    heading = text_width.wrap_text(built.heading, width)
    verdict = labels.VERDICTS[report.verdict]
    parts = [
        "\n".join(_painted(line, verdict.colour) for line in heading) if colour else "\n".join(heading),
        "\n".join([*text_width.wrap_text(built.cause, width), *text_width.wrap_text(f"Next: {built.next}", width)]),
        *_gates(d, report, colour=colour, width=width),
        *(_section(section, width=width) for section in built.sections),
        "\n".join(text_width.wrap_text(built.footer, width)),
    ]
    return without_commands("\n\n".join(parts) + "\n")


def lay_out(table: ReportTable, *, width: int) -> str:
    """Lay a table out in at most ``width`` columns, if its numbers leave any way to."""
    natural = text_width.text_grid(table.headers, table.rows, table.right)
    if _fits(natural, width):
        return natural
    headers = [
        _narrow(header, column)
        for header, column in zip(table.headers, text_width.column_widths(table.rows), strict=True)
    ]
    room = width - _taken(table, headers)
    wrappable = sum(table.names)
    if wrappable and room // wrappable >= _NARROWEST:
        rows = [_wrapped(row, table.names, room // wrappable) for row in table.rows]
        wrapped = text_width.text_grid(headers, rows, table.right)
        if _fits(wrapped, width):
            return wrapped
    return _stacked(table, width=width)


def _gates(d: Markup, report: Report, *, colour: bool, width: int) -> list[str]:
    rows = labels.in_order(report.gates)
    others = [row for row in rows if row.outcome != "passed"]
    passed = [row for row in rows if row.outcome == "passed"]
    shown = [*others[:_MOST_OTHERS], *passed[:_MOST_PASSED]]
    if not shown:
        return []
    text = lay_out(gate_table(d, report, shown), width=width)
    left = [("more not passed", others[_MOST_OTHERS:]), ("more passed", passed[_MOST_PASSED:])]
    more = [f"{number_format.format_count(len(hidden))} {words}" for words, hidden in left if hidden]
    text = _coloured(text, shown) if colour else text
    return [f"{text}\nand {', '.join(more)}" if more else text]


def _section(section: Section, *, width: int) -> str:
    tables = [line for table in section.tables for line in ("", _table(table, width=width))][1:]
    bullet = "" if section.folded else "- "
    lines = [line for text in section.lines for line in text_width.wrap_text(bullet + text, width)]
    return "\n".join([*text_width.wrap_text(section.title, width), *tables, *lines])


def _table(table: ReportTable, *, width: int) -> str:
    hidden = len(table.rows) - _MOST_ROWS
    text = lay_out(replace(table, rows=table.rows[:_MOST_ROWS]), width=width)
    return f"{text}\nand {number_format.pluralize(hidden, 'more row', 'more rows')}" if hidden > 0 else text


def _coloured(text: str, rows: Sequence[GateRow]) -> str:
    """Colour the state at the start of a line; only our own words stand there."""
    painted = {
        f"{state.mark} {word}": state.colour
        for state, word in {(labels.STATES[row.outcome], labels.outcome_word(row)) for row in rows}
    }
    lines = []
    for line in text.split("\n"):
        found = max((label for label in painted if line.startswith(label)), key=len, default=None)
        lines.append(line if found is None else _painted(found, painted[found]) + line[len(found) :])
    return "\n".join(lines)


def _painted(text: str, colour: int) -> str:
    return f"\033[{colour}m{text}\033[0m"


def _fits(text: str, width: int) -> bool:
    return all(text_width.text_width(line) <= width for line in text.split("\n"))


def _narrow(header: str, column: int) -> str:
    longest = max((text_width.text_width(word) for word in header.split(" ")), default=0)
    return "\n".join(text_width.wrap_text(header, max(column, longest, 1)))


def _taken(table: ReportTable, headers: Sequence[str]) -> int:
    """Return what the columns that are not wrapped take, with all gaps."""
    widths = text_width.column_widths([headers, *table.rows])
    fixed = [taken for taken, name in zip(widths, table.names, strict=True) if not name]
    return sum(fixed) + _GAP * (len(table.headers) - 1)


def _wrapped(row: Sequence[str], wrappable: Sequence[bool], room: int) -> list[str]:
    return [
        "\n".join(text_width.wrap_text(cell, room)) if flag else cell for cell, flag in zip(row, wrappable, strict=True)
    ]


def _stacked(table: ReportTable, *, width: int) -> str:
    """Write each row's names on lines of their own above its numbers."""
    figures = [index for index, right in enumerate(table.right) if right]
    leads = [_lead(row, table.right, width) for row in table.rows]
    if not figures:
        return "\n".join(leads)
    headers = [table.headers[index] for index in figures]
    rows = [[row[index] for index in figures] for row in table.rows]
    narrow = [_narrow(header, column) for header, column in zip(headers, text_width.column_widths(rows), strict=True)]
    grid = text_width.text_grid(narrow, rows, [True] * len(figures)).split("\n")
    if all(text_width.text_width(line) <= width - _GAP for line in grid):
        top, lines = grid[: -len(rows)], grid[-len(rows) :]
        below = [f"{lead}\n  {line}" for lead, line in zip(leads, lines, strict=True)]
        return "\n".join([*(f"  {line}" for line in top), *below])
    listed = [
        "\n".join(
            f"  {line}" for header, cell in zip(headers, row, strict=True) for line in _entry(header, cell, width)
        )
        for row in rows
    ]
    return "\n".join(f"{lead}\n{entries}" for lead, entries in zip(leads, listed, strict=True))


def _lead(row: Sequence[str], right: Sequence[bool], width: int) -> str:
    text = "  ".join(cell for cell, flag in zip(row, right, strict=True) if not flag and cell)
    first, *rest = text.split("\n")
    lines = [
        *text_width.wrap_text(first, width),
        *(f"  {line}" for one in rest for line in text_width.wrap_text(one, width - _GAP)),
    ]
    return "\n".join(lines)


def _entry(header: str, cell: str, width: int) -> list[str]:
    if not cell:
        return []
    line = f"{header}: {cell}"
    return (
        [line]
        if text_width.text_width(line) <= width - _GAP
        else [*text_width.wrap_text(f"{header}:", width - _GAP), f"  {cell}"]
    )
