"""Text width on terminals: wrapping, and tables with aligned columns."""

import unicodedata
from collections.abc import Sequence

from tabulate import tabulate

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


def _cells(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _broken(word: str, room: int) -> list[str]:
    parts, part = [], ""
    for char in word:
        if part and text_width(part) + _cells(char) > room:
            parts.append(part)
            part = ""
        part += char
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
