"""Items of evaluation logs: how many got better and worse, the stability of repeats, and the worst of them."""

from mlci.report.document import Report
from mlci.report.item_rows import ChangedItem, ChangedSetting, ItemsChanged
from mlci.report.text import number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, ReportTable, Section, build_table

_ARROW = " → "
_SHOWN = 5
_SETTINGS = 8


def items_section(d: Markup, report: Report) -> list[Section]:
    """Write the counts and the items that fell most; nothing without an evaluation log and a baseline."""
    found = report.items_changed
    if found is None:
        return []
    tables = (item_table(d, found, most=_SHOWN),) if found.items else ()
    return [Section("items", items_title(d, found), tables, lines=tuple(items_lines(d, found)))]


def items_title(d: Markup, found: ItemsChanged) -> str:
    """Return the counts in a line: ``includes by item: 5 lower, 1 higher, 158 the same``."""
    counts = {"lower": found.lower, "higher": found.higher, "the same": found.equal}
    words = ", ".join(f"{number_format.format_count(count)} {word}" for word, count in counts.items())
    return d.words("{} by item: {}", d.text(found.scorer), d.number(words))


def items_lines(d: Markup, found: ItemsChanged) -> list[str]:
    """Return the sentences about repeats and about settings that differ."""
    lines = []
    if found.unstable is not None:
        of = number_format.pluralize(found.lower + found.higher + found.equal, "item")
        before = "" if found.baseline_unstable is None else f"; with the baseline {found.baseline_unstable:,} do"
        lines.append(d.number(f"{found.unstable:,} of {of} change between repeats of the candidate{before}."))
    if found.settings:
        lines.append(
            d.words("Settings that differ: {}.", d.join("; ", [_setting(d, one) for one in found.settings[:_SETTINGS]]))
        )
    return lines


def _setting(d: Markup, one: ChangedSetting) -> str:
    return d.words("{} {} → {}", d.text(one.name), d.text(one.baseline or "none"), d.text(one.candidate or "none"))


def item_table(d: Markup, found: ItemsChanged, *, most: int | None = None, texts: bool = False) -> ReportTable:
    """Lay out the items that changed most, with the texts of both answers if they are shown."""
    rows = found.items[:most]
    style = number_format.number_style([score for row in rows for score in (row.baseline, row.candidate)])
    columns = [
        ReportColumn(d.number("Item"), [d.text(row.key) for row in rows], name=True),
        ReportColumn(
            d.number("Score"),
            [d.number(f"{style.value(row.baseline)}{_ARROW}{style.value(row.candidate)}") for row in rows],
            right=True,
        ),
    ]
    if texts:
        columns += [_text_column(d, title, field, rows) for title, field in _TEXTS.items()]
    return build_table(d, columns)


_TEXTS = {
    "Asked": "input",
    "Expected": "target",
    "Baseline's answer": "baseline_output",
    "Candidate's answer": "candidate_output",
    "Scorer's reason": "reason",
}


def _text_column(d: Markup, title: str, field: str, rows: tuple[ChangedItem, ...]) -> ReportColumn:
    cells = [None if getattr(row, field) is None else d.text(getattr(row, field)) for row in rows]
    return ReportColumn(d.number(title), cells, name=True)
