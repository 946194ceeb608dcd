"""What changed between the version in production and the candidate, in one sentence and one line a kind."""

from mlci.report import numbers
from mlci.report.dialect import Dialect
from mlci.report.document import Lineage, LineageItem, LineageRow, Report
from mlci.report.tables import Column, Section, table

_NAMES = {
    "code": "code",
    "evaluation": "evaluation set",
    "data": "training data",
    "configuration": "configuration",
    "environment": "environment",
    "model": "model",
}
_SHOWN = 4
_LONGEST = 60
_SIGNS = {"added": "+", "removed": "\N{MINUS SIGN}"}


def lineage(d: Dialect, report: Report) -> list[Section]:
    """Show what changed, one row a kind, under a sentence that says it all where there is little."""
    if report.lineage is None:
        return []
    rows = report.lineage.rows
    columns = [
        Column(d.number("What"), [d.number(_NAMES[row.kind]) for row in rows], name=True),
        Column(d.number("Baseline → candidate"), [_sides(d, row) for row in rows], name=True),
        Column(d.number("Changed"), [_said(d, row) for row in rows], name=True),
    ]
    return [Section("lineage", d.number(sentence(report.lineage)), (table(d, columns),))]


def sentence(lineage: Lineage) -> str:
    """Say in a line what changed; the model's bytes follow from the rest and count only where nothing else did."""
    causes = [row for row in lineage.rows if row.kind != "model"]
    changed = [_NAMES[row.kind] for row in causes if row.changed]
    unknown = [_NAMES[row.kind] for row in causes if row.changed is None]
    but = f" (not known: {', '.join(unknown)})" if unknown else ""
    if len(changed) == 1:
        return f"What changed: nothing but the {changed[0]}{but}"
    if changed:
        return f"What changed: {', '.join(changed[:-1])} and {changed[-1]}{but}"
    if any(row.kind == "model" and row.changed for row in lineage.rows):
        return f"What changed: nothing but the model itself; it was trained again and came out different{but}"
    return f"What changed: nothing{but}"


def _sides(d: Dialect, row: LineageRow) -> str | None:
    if row.baseline is None and row.candidate is None:
        return None
    if row.baseline == row.candidate:
        return _digest(d, row.candidate)
    return d.words("{} → {}", _digest(d, row.baseline), _digest(d, row.candidate))


def _digest(d: Dialect, digest: str | None) -> str:
    return d.number(numbers.NONE) if digest is None else d.code(digest.removeprefix("sha256:")[:7])


def _said(d: Dialect, row: LineageRow) -> str:
    if row.items:
        shown = [_item(d, item, values=row.kind != "data") for item in row.items[:_SHOWN]]
        left = len(row.items) + row.more - len(shown)
        shown += [d.number(f"{numbers.count(left)} more")] if left else []
        listed = d.join(", ", shown)
        return d.words("{}; {}", d.text(row.reason), listed) if row.reason else listed
    if row.reason:
        return d.text(row.reason)
    return d.number({True: "yes", False: "no", None: "not known"}[row.changed])


def _item(d: Dialect, item: LineageItem, *, values: bool) -> str:
    """Name what differs, and from what to what unless those are digests."""
    name = d.text(item.name, longest=_LONGEST)
    if item.how != "changed":
        name = d.words("{} {}", d.number(_SIGNS[item.how]), name)
        value = item.candidate if item.how == "added" else item.baseline
        return name if value is None or not values else d.words("{} {}", name, d.text(value, longest=_LONGEST))
    if item.baseline is None or item.candidate is None or not values:
        return name
    return d.words(
        "{} {} → {}", name, d.text(item.baseline, longest=_LONGEST), d.text(item.candidate, longest=_LONGEST)
    )
