"""A whole page: verdict, gates that need attention, sections, footer; and less of it where space is short."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mlci.report import names, numbers, origins, sections, sentences, trend
from mlci.report.dialect import Dialect
from mlci.report.document import GateRow, Report
from mlci.report.footer import footer
from mlci.report.gates import gate_table
from mlci.report.links import Links
from mlci.report.tables import Section, Table

Builder = Callable[[Dialect, Report], list[Section]]

COMMENT: tuple[Builder, ...] = (
    sections.passed,
    origins.lineage,
    trend.trend,
    sections.watched_groups,
    sections.watched_disparities,
    sections.whole_set,
    sections.all_disparities,
    sections.other_slices,
    sections.notes,
)
SUMMARY: tuple[Builder, ...] = (*COMMENT, sections.provenance)
_UNDECIDED = "undecided gates"
DROPPED = (
    "slices",
    "disparities",
    "provenance",
    "groups",
    "group rates",
    "trend",
    "metrics",
    "lineage",
    "passed gates",
    "notes",
    _UNDECIDED,
)


_OTHERS = 12  # doubtful gates that don't block and are shown unfolded


@dataclass(frozen=True, kw_only=True)
class Page:
    """Everything that a template prints, escaped for its dialect.

    Attributes:
        heading, cause, next: The lines that are read first.
        attention: Gates that did not pass; ``None`` if all did.
        hidden: What was left out of ``attention``.
        sections: What follows, in order.
        left_out: What was left out to keep the page short.
        footer: Provenance in one line.
    """

    heading: str
    cause: str
    next: str
    attention: Table | None
    hidden: str | None
    sections: tuple[Section, ...]
    left_out: str | None
    footer: str


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that a page may show, written once; pages of less detail leave some of it out.

    Attributes:
        heading, cause, next, footer: As in :class:`Page`.
        rows: Gates that did not pass, what blocks first.
        table: The same laid out, row by row; ``None`` if all passed.
        sections: All sections in order.
    """

    heading: str
    cause: str
    next: str
    rows: tuple[GateRow, ...]
    table: Table | None
    sections: tuple[Section, ...]
    footer: str


@dataclass(frozen=True)
class Detail:
    """How much of a page is shown: sections left out, and the most rows of blocking and other gates."""

    without: frozenset[str] = frozenset()
    blocking: int | None = None
    others: int | None = _OTHERS


def write(d: Dialect, report: Report, *, builders: Iterable[Builder], links: Links) -> Parts:
    """Write every part of a page in a dialect."""
    rows = [row for row in names.in_order(report.gates) if row.outcome != "passed"]
    return Parts(
        heading=sentences.heading(d, report),
        cause=sentences.cause(d, report),
        next=sentences.next_step(d, report, links),
        rows=tuple(rows),
        table=gate_table(d, report, rows) if rows else None,
        sections=tuple(section for builder in builders for section in builder(d, report)),
        footer=footer(d, report, links),
    )


def assemble(d: Dialect, parts: Parts, detail: Detail) -> Page:
    """Put a page together at one level of detail."""
    shown, folded = _shown(parts.rows, detail)
    found = [*_folded(d, parts, folded), *parts.sections]
    gone = list(dict.fromkeys(section.key for section in found if section.key in detail.without))
    seen = shown if _UNDECIDED in detail.without else [*shown, *folded]
    return Page(
        heading=parts.heading,
        cause=parts.cause,
        next=parts.next,
        attention=_part(parts.table, shown),
        hidden=_hidden(d, parts.rows, seen),
        sections=tuple(section for section in found if section.key not in detail.without),
        left_out=d.number(f"Left out to keep this short: {', '.join(gone)}.") if gone else None,
        footer=parts.footer,
    )


def fitting(d: Dialect, parts: Parts, render: Callable[[Page], str], *, budget: int) -> str:
    """Render with as much detail as fits into ``budget`` bytes of UTF-8.

    Whole sections go first, then rows of gates; the verdict and the first rows stay. What can't fit is not rendered, so
    that a report of very many gates costs what its table costs once.

    Raises:
        ValueError: If not even the verdict fits, which takes a budget of some kilobytes.
    """

    def rendered(detail: Detail) -> str | None:
        page = assemble(d, parts, detail)
        if _too_long(page, budget):
            return None
        text = render(page)
        return text if len(text.encode()) <= budget else None

    detail = Detail()
    for detail in _levels():
        if (text := rendered(detail)) is not None:
            return text
    blocking = sum(row.blocks for row in parts.rows)
    most = bisect_left(range(1, blocking + 1), True, key=lambda rows: rendered(replace(detail, blocking=rows)) is None)
    if (text := rendered(replace(detail, blocking=most))) is not None:
        return text
    raise ValueError(f"a report does not fit into {budget} bytes")


def _too_long(page: Page, budget: int) -> bool:
    """Whether the tables alone take more than ``budget``: every cell is printed whole, with three bytes around it."""
    tables = [*([page.attention] if page.attention else []), *(one for part in page.sections for one in part.tables)]
    room = budget
    for row in (row for table in tables for row in table.rows):
        room -= len("".join(row).encode()) + 3 * len(row)
        if room < 0:
            return True
    return False


def _levels() -> Iterator[Detail]:
    detail = Detail()
    yield detail
    for key in DROPPED:
        detail = replace(detail, without=detail.without | {key})
        yield detail
    for others in (4, 0):
        yield replace(detail, others=others)


def _shown(rows: Sequence[GateRow], detail: Detail) -> tuple[list[int], list[int]]:
    """Return which gates are shown unfolded, and which doubtful ones are folded away."""
    blocking = [index for index, row in enumerate(rows) if row.blocks]
    others = [index for index, row in enumerate(rows) if not row.blocks]
    return [*blocking[: detail.blocking], *others[: detail.others]], others[detail.others :]


def _part(table: Table | None, kept: Sequence[int]) -> Table | None:
    return replace(table, rows=tuple(table.rows[index] for index in kept)) if table and kept else None


def _folded(d: Dialect, parts: Parts, kept: Sequence[int]) -> list[Section]:
    table = _part(parts.table, kept)
    if table is None:
        return []
    rows = [parts.rows[index] for index in kept]
    title = d.number(f"{numbers.count(len(rows))} more that do not block: {_counted(rows)}")
    return [Section(_UNDECIDED, title, (table,))]


def _hidden(d: Dialect, rows: Sequence[GateRow], shown: Sequence[int]) -> str | None:
    seen = set(shown)
    left = [row for index, row in enumerate(rows) if index not in seen]
    return d.number(f"And {_counted(left, more='more ')}: see the full report.") if left else None


def _counted(rows: list[GateRow], *, more: str = "") -> str:
    counts = dict.fromkeys(map(names.word, rows), 0)
    for row in rows:
        counts[names.word(row)] += 1
    return ", ".join(f"{numbers.count(number)} {more}{word}" for word, number in counts.items())
