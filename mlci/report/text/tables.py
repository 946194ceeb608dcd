"""Tables and sections, ready to be laid out."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.report.text.markup import Markup


@dataclass(frozen=True)
class ReportColumn:
    """A column before it is known whether anything stands in it; ``None`` is an empty cell."""

    header: str
    cells: Sequence[str | None]
    right: bool = False
    name: bool = False


@dataclass(frozen=True)
class ReportTable:
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
    tables: tuple[ReportTable, ...] = ()
    lines: tuple[str, ...] = ()
    folded: bool = True


def build_table(d: Markup, columns: list[ReportColumn], *, caption: str | None = None) -> ReportTable:
    """Put columns together and drop those in which nothing stands."""
    kept = [column for column in columns if any(cell is not None for cell in column.cells)]
    empty = d.number("")
    rows = zip(*([empty if cell is None else cell for cell in column.cells] for column in kept), strict=True)
    return ReportTable(
        headers=tuple(column.header for column in kept),
        right=tuple(column.right for column in kept),
        names=tuple(column.name for column in kept),
        rows=tuple(rows),
        caption=caption,
    )
