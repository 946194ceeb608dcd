"""Layout on terminals: text width, wrapping, and tables whose numbers are never wrapped."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from mlci.report.text.tables import ReportTable

_FIRST = 0xF0000  # private use: every such character in a report's text was made visible before it came here


def text_width(text: str) -> int:
    """Count terminal cells: two for wide East Asian characters and emoji, none for combining marks (UAX #11)."""
    return len(text) if text.isascii() else sum(_cells(char) for char in text)


def wrap_text(text: str, room: int) -> list[str]:
    """Break a text into lines of at most ``room`` cells, at spaces where there are any."""
    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if text_width(joined) <= room:
                line = joined
                continue
            if line:
                lines.append(line)
            *full, line = _broken(word, room)
            lines += full
        lines.append(line)
    return lines


def text_grid(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """Lay a table out with tabulate.

    tabulate measures text by the optional package wcwidth, or by its length without it. Characters that are not one
    cell wide are swapped for as many one-cell stand-ins while it works, so that both ways give the same table.
    """
    from tabulate import tabulate  # noqa: PLC0415 (with wcwidth, which it imports, slower than what most runs print)

    stand_ins: dict[str, str] = {}
    rules = ["-" * widest for widest in column_widths([headers, *rows])]
    text = tabulate(
        [[_swapped(cell, stand_ins) for cell in row] for row in (headers, rules, *rows)],
        tablefmt="plain",  # its header formats pad each header by two cells
        disable_numparse=True,
        colalign=["right" if flag else "left" for flag in right],
    )
    restored = text.translate({ord(new): old for new, old in stand_ins.items()})
    return "\n".join(line.rstrip() for line in restored.split("\n"))


def column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the width that each column needs."""
    return [max(text_width(line) for cell in column for line in cell.split("\n")) for column in zip(*rows, strict=True)]


@lru_cache(maxsize=4096)
def _cells(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _broken(word: str, room: int) -> list[str]:
    parts, part, used = [], "", 0
    for char in word:
        cells = _cells(char)
        if part and used + cells > room:
            parts.append(part)
            part, used = "", 0
        part, used = part + char, used + cells
    return [*parts, part]


def _swapped(cell: str, stand_ins: dict[str, str]) -> str:
    """Swap each character, with the marks that combine with it, for stand-ins of one cell each."""
    if cell.isascii():
        return cell
    clusters: list[str] = []
    for char in cell:
        if clusters and _cells(char) == 0:
            clusters[-1] += char
        else:
            clusters.append(char)
    return "".join(one if len(one) == text_width(one) == 1 else _stand_in(one, stand_ins) for one in clusters)


def _stand_in(cluster: str, stand_ins: dict[str, str]) -> str:
    new = chr(_FIRST + len(stand_ins))
    stand_ins[new] = cluster
    if text_width(cluster) < 2:
        return new
    filler = chr(_FIRST + len(stand_ins))
    stand_ins[filler] = ""
    return new + filler


_NARROWEST = 16
_GAP = 2


def lay_out(table: ReportTable, *, width: int) -> str:
    """Lay a table out in at most ``width`` columns, if its numbers leave any way to."""
    natural = text_grid(table.headers, table.rows, table.right)
    if _fits(natural, width):
        return natural
    headers = [_narrow(header, column) for header, column in zip(table.headers, column_widths(table.rows), strict=True)]
    room = width - _taken(table, headers)
    wrappable = sum(table.names)
    if wrappable and room // wrappable >= _NARROWEST:
        rows = [_wrapped(row, table.names, room // wrappable) for row in table.rows]
        wrapped = text_grid(headers, rows, table.right)
        if _fits(wrapped, width):
            return wrapped
    return _stacked(table, width=width)


def _fits(text: str, width: int) -> bool:
    return all(text_width(line) <= width for line in text.split("\n"))


def _narrow(header: str, column: int) -> str:
    longest = max((text_width(word) for word in header.split(" ")), default=0)
    return "\n".join(wrap_text(header, max(column, longest, 1)))


def _taken(table: ReportTable, headers: Sequence[str]) -> int:
    """Return what the columns that are not wrapped take, with all gaps."""
    widths = column_widths([headers, *table.rows])
    fixed = [taken for taken, name in zip(widths, table.names, strict=True) if not name]
    return sum(fixed) + _GAP * (len(table.headers) - 1)


def _wrapped(row: Sequence[str], wrappable: Sequence[bool], room: int) -> list[str]:
    return ["\n".join(wrap_text(cell, room)) if flag else cell for cell, flag in zip(row, wrappable, strict=True)]


def _stacked(table: ReportTable, *, width: int) -> str:
    """Write each row's names on lines of their own above its numbers."""
    figures = [index for index, right in enumerate(table.right) if right]
    leads = [_lead(row, table.right, width) for row in table.rows]
    if not figures:
        return "\n".join(leads)
    headers = [table.headers[index] for index in figures]
    rows = [[row[index] for index in figures] for row in table.rows]
    narrow = [_narrow(header, column) for header, column in zip(headers, column_widths(rows), strict=True)]
    grid = text_grid(narrow, rows, [True] * len(figures)).split("\n")
    if all(text_width(line) <= width - _GAP for line in grid):
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
        *wrap_text(first, width),
        *(f"  {line}" for one in rest for line in wrap_text(one, width - _GAP)),
    ]
    return "\n".join(lines)


def _entry(header: str, cell: str, width: int) -> list[str]:
    if not cell:
        return []
    line = f"{header}: {cell}"
    return [line] if text_width(line) <= width - _GAP else [*wrap_text(f"{header}:", width - _GAP), f"  {cell}"]
