"""Tables on terminals: names are wrapped to the width, numbers never."""

from collections.abc import Sequence

from mlci.report.text import text_width
from mlci.report.text.tables import ReportTable

_NARROWEST = 16
_GAP = 2


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
