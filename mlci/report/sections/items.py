"""Items of evaluation logs: how many got better and worse, the stability of repeats, the worst of them, the judge."""

from mlci.report.document import Report
from mlci.report.item_rows import (
    ChangedItem,
    ChangedSetting,
    CorrectedChange,
    GraderAgreement,
    ItemsChanged,
    JudgeStability,
)
from mlci.report.text import number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, ReportTable, Section, build_table

_ARROW = " → "
_SHOWN = 5
_SETTINGS = 8


def items_section(d: Markup, report: Report) -> list[Section]:
    """Write the counts and the items that fell most, and the judge; nothing without an evaluation log."""
    found = report.items_changed
    if found is None:
        return grader_section(d, report)
    tables = (item_table(d, found, most=_SHOWN),) if found.items else ()
    own = Section("items", items_title(d, found), tables, lines=tuple(items_lines(d, found)))
    return [own, *grader_section(d, report)]


def grader_section(d: Markup, report: Report) -> list[Section]:
    """Write how a judge compares with people; nothing without human labels."""
    found = report.grader
    if found is None:
        return []
    share = number_format.format_percent(round(found.agreement, 3))
    kappa = "" if found.kappa is None else f", kappa {found.kappa:.2f}"
    title = d.words("Judge {} and human labels: {}", d.text(found.judge), d.number(f"{share} agree{kappa}"))
    return [Section("items", title, lines=tuple(_grader_lines(d, report, found)), folded=False)]


def _grader_lines(d: Markup, report: Report, found: GraderAgreement) -> list[str]:
    level = number_format.format_percent(report.policy.confidence)
    counted = number_format.pluralize(found.answers, "labelled answer")
    about = f"{counted} to {number_format.pluralize(found.items, 'item')}"
    if found.interval is not None:
        low, high = (number_format.format_percent(round(end, 3)) for end in found.interval)
        about += f"; {level} interval of the agreement {low} to {high}"
    if found.min_agreement is not None:
        least = number_format.format_percent(found.min_agreement)
        about += f"; {least} are required, and {'shown' if found.trusted else 'not shown: the judge gates nothing'}"
    lines = [f"{about}."]
    if found.unmatched:
        lines.append(f"{number_format.pluralize(found.unmatched, 'label')} of answers that are not in the logs.")
    if found.repeats is not None:
        lines.append(f"Repeats that people label alike: it scores {_alike(found.repeats)}.")
    if found.positions is not None:
        lines.append(f"Items in several positions: it scores {_alike(found.positions)}.")
    if found.corrected is not None:
        lines.append(_corrected(found.corrected, level))
    elif found.reason is not None:
        lines.append(f"The change is not corrected by the labels: {found.reason}.")
    return [d.number(line) for line in lines]


def _alike(one: JudgeStability) -> str:
    return f"{one.same:,} of {one.of:,} alike"


def _corrected(one: CorrectedChange, level: str) -> str:
    style = number_format.number_style([one.raw, one.change, *one.interval], interval=one.interval)
    low, high = (style.value(end) for end in one.interval)
    return (
        f"Change by the judge {style.change(one.raw)}, corrected by {one.items:,} items with labels "
        f"{style.change(one.change)} ({level} interval {low} to {high}; weight of the judge {one.weight:.2f})."
    )


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
