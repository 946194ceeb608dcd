"""Comments to copy that waive a gate, for findings that can be waived."""

from mlci.report.document import GateRow, Report
from mlci.report.text import labels, number_format
from mlci.report.text.escape import visible
from mlci.report.text.markup import Markup
from mlci.report.text.tables import Section
from mlci.util.quoted_arguments import quote_argument

_LISTED = 5
_WHOLE = {40, 64}
_ABOUT = (
    "A maintainer who is not an author of this change can accept a finding on this commit, by a comment of one line, "
    "with a day and a reason in it. The verdict becomes a warning; a new push voids it."
)


def waiver_section(d: Markup, report: Report) -> list[Section]:
    """Return the lines that waive the blocking gates; nothing if none can be waived, or the commit is not known."""
    head = report.candidate.commit or ""
    rows = [row for row in labels.in_order(report.gates) if row.waivable]
    lines = [line for row in rows if (line := waiver_line(row, head)) is not None]
    if not lines or len(head) not in _WHOLE:
        return []
    title = d.number(f"To waive {'the gate' if len(rows) == 1 else 'a gate'}: a maintainer's comment")
    more = len(rows) - len(lines[:_LISTED])
    others = (d.number(f"{number_format.pluralize(more, 'more gate')}: `id` in report.json has the name."),)
    shown = [d.block(line) for line in lines[:_LISTED]]
    return [Section("waivers", title, (), (d.number(_ABOUT), *shown, *(others if more else ())))]


def waiver_line(row: GateRow, head: str) -> str | None:
    """Return the comment that waives a gate; ``None`` if its id can't be copied from a page."""
    gate = quote_argument(row.id)
    line = f'/mlci waive {gate} --until YYYY-MM-DD --reason "…" {head}'
    return line if gate is not None and visible(line) == line else None
