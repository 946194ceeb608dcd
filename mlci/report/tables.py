"""What pages are made of: tables and the sections they stand in, ready to be laid out."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.report.dialect import Dialect


@dataclass(frozen=True)
class Column:
    """A column before it is known whether anything stands in it; ``None`` is an empty cell."""

    header: str
    cells: Sequence[str | None]
    right: bool = False
    name: bool = False


@dataclass(frozen=True)
class Table:
    """Headers, alignment and rows of the same length; ``names`` says which columns may be wrapped."""

    headers: tuple[str, ...]
    right: tuple[bool, ...]
    names: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str | None = None


@dataclass(frozen=True)
class Section:
    """A part of a page that is shown whole or left out whole.

    Attributes:
        key: What kind of section it is; sections are left out by kind.
        title: One line that says what is inside.
        tables: What is inside.
        lines: Text below the tables, one paragraph each.
        folded: Whether only the title shows at first.
    """

    key: str
    title: str
    tables: tuple[Table, ...] = ()
    lines: tuple[str, ...] = ()
    folded: bool = True


def table(d: Dialect, columns: list[Column], *, caption: str | None = None) -> Table:
    """Put columns together and drop those in which nothing stands."""
    kept = [column for column in columns if any(cell is not None for cell in column.cells)]
    empty = d.number("")
    rows = zip(*([empty if cell is None else cell for cell in column.cells] for column in kept), strict=True)
    return Table(
        headers=tuple(column.header for column in kept),
        right=tuple(column.right for column in kept),
        names=tuple(column.name for column in kept),
        rows=tuple(rows),
        caption=caption,
    )
