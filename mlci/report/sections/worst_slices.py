"""The worst slices: those that a search over combinations of columns found, or that chance explains all of them."""

from mlci.report.document import Report, SearchedSlicesRow, WorstSliceRow
from mlci.report.text import number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, ReportTable, Section, build_table

_LOSSES = {
    "absolute error": "absolute error",
    "squared error": "squared error of the score",
    "log loss": "log loss",
    "wrong decision": "share of wrong decisions",
}
_ARROW = " → "


def worst_slices_line(d: Markup, report: Report) -> list[Section]:
    """Write one line if a slice was found; nothing without one."""
    found = report.worst_slices
    if found is None or not found.slices:
        return []
    return [Section("worst slices", _found_title(d, found), (_table(d, found),))]


def worst_slices_section(d: Markup, report: Report) -> list[Section]:
    """Write the slices that were found, or that none is worse than chance explains; nothing without a search."""
    found = report.worst_slices
    if found is None:
        return []
    lines = tuple(_lines(d, report, found))
    if not found.slices:
        return [Section("worst slices", d.number(_nothing_found(found)), lines=lines, folded=False)]
    return [Section("worst slices", _found_title(d, found), (_table(d, found),), lines=lines)]


def _found_title(d: Markup, found: SearchedSlicesRow) -> str:
    worst = found.slices[0]
    style = _style(found)
    more = number_format.format_count(len(found.slices) - 1)
    rest = d.number(f" ({more} more)") if len(found.slices) > 1 else d.number("")
    return d.words(
        "Worst slice: {}{}: {} {} on {}, {}",
        _conditions(d, worst),
        rest,
        d.number(_LOSSES[found.loss]),
        d.number(style.change(worst.change)),
        d.number(number_format.pluralize(worst.rows, "row")),
        d.number(number_format.format_p_value(worst.p)),
    )


def _nothing_found(found: SearchedSlicesRow) -> str:
    if not found.searched:
        return "No slice was searched: no combination of columns has enough rows"
    searched = number_format.pluralize(found.searched, "slice")
    return f"No slice is worse than chance explains ({searched} searched)"


def _conditions(d: Markup, one: WorstSliceRow) -> str:
    pairs = [d.words("{} = {}", d.text(name), d.text(group)) for name, group in one.conditions.items()]
    return d.join(", ", pairs)


def _style(found: SearchedSlicesRow) -> number_format.NumberStyle:
    shown = [number for one in found.slices for number in (one.baseline, one.candidate, one.change_elsewhere)]
    first = found.slices[0]
    return number_format.number_style(shown, interval=(first.change_low, first.change_high))


def _table(d: Markup, found: SearchedSlicesRow) -> ReportTable:
    rows, style = found.slices, _style(found)
    columns = [
        ReportColumn(d.number("Slice"), [_conditions(d, row) for row in rows], name=True),
        ReportColumn(d.number("Rows"), [d.number(number_format.format_count(row.rows)) for row in rows], right=True),
        ReportColumn(
            d.number(f"Loss, baseline{_ARROW}candidate"),
            [d.number(f"{style.value(row.baseline)}{_ARROW}{style.value(row.candidate)}") for row in rows],
            right=True,
        ),
        ReportColumn(
            d.number("Change"),
            [
                d.words(
                    "{} ({})",
                    d.number(style.signed(row.change)),
                    d.number(style.interval((row.change_low, row.change_high), plus=True)),
                )
                for row in rows
            ],
            right=True,
        ),
        ReportColumn(
            d.number("On other rows"), [d.number(style.signed(row.change_elsewhere)) for row in rows], right=True
        ),
        ReportColumn(d.number("Adjusted p"), [d.number(number_format.format_p_value(row.p)) for row in rows]),
    ]
    return build_table(d, columns)


def _lines(d: Markup, report: Report, found: SearchedSlicesRow) -> list[str]:
    lines = []
    share = number_format.format_percent(report.policy.confidence)
    if found.slices:
        searched = number_format.pluralize(found.searched, "slice")
        lines.append(
            d.number(
                f"{searched} searched on one half of the rows, {found.checked} tested on the other half, which all "
                f"numbers but Rows are from. The loss is the {_LOSSES[found.loss]}; intervals are {share} intervals of "
                "one slice each, p is adjusted by Holm's method. This informs and decides no gate."
            )
        )
    if found.left_out:
        lines.append(d.words("Not combined: {}.", d.join("; ", [d.text(one) for one in found.left_out])))
    return lines
