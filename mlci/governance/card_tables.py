"""Tables of a model card: metrics, groups, disparities, gates, decisions, files, evidence of each item. Pure."""

from collections.abc import Sequence
from itertools import groupby

from mlci.governance.evidence import VersionEvidence
from mlci.governance.items import ItemEvidence, list_evidence
from mlci.registry.entries import Entry
from mlci.registry.entry_kinds import Promotion, Rollback
from mlci.report.document import DisparityRow, Evidenced, GateRow, MetricRow
from mlci.report.gate_numbers import LONG, gate_numbers, waiver_text
from mlci.report.sections.behaviour import behaviour_section
from mlci.report.sections.evidence import count_cell, directed_title, evidence_cells, group_rows
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import ReportColumn, ReportTable, build_table

_FILES = 200
_GROUPS = 200
_GATES = 500


def value_tables(d: Markup, evidence: VersionEvidence) -> list[ReportTable]:
    """Return the metrics on all rows."""
    rows = evidence.quality
    named = ReportColumn(d.number("Metric"), [directed_title(d, row.metric) for row in rows], name=True)
    return [build_table(d, [named, *_value_columns(d, rows)])] if rows else []


def _value_columns(d: Markup, rows: Sequence[Evidenced]) -> list[ReportColumn]:
    """Return the model's own values with their intervals; what it was compared with is in its report."""
    cells = [evidence_cells(d, row, both=False) for row in rows]
    return [
        ReportColumn(d.number("Value"), [cell.values for cell in cells], right=True),
        ReportColumn(d.number("Interval"), [cell.interval for cell in cells], right=True),
    ]


def group_tables(d: Markup, evidence: VersionEvidence) -> list[ReportTable]:
    """Return a table for each main metric of each slice, unless it is undefined for all groups."""
    shown = {(row.slice, row.metric) for row in evidence.main_groups}
    found = group_rows(evidence.report)
    return [_group_table(d, *key, rows) for key, rows in found.items() if key in shown]


def _group_table(d: Markup, name: str, metric: str, found: list[MetricRow]) -> ReportTable:
    """Return the first groups of a slice; the bill of materials has all of them."""
    rows, left = found[:_GROUPS], len(found) - _GROUPS
    columns = [
        ReportColumn(d.text(name), [d.text(row.group or "") for row in rows], name=True),
        ReportColumn(d.number("Rows"), [count_cell(d, row.rows) for row in rows], right=True),
        *_value_columns(d, rows),
        ReportColumn(d.number("Why"), [_why(d, row) for row in rows], name=True),
    ]
    caption = directed_title(d, metric, d.words("{} by {}", d.text(labels.metric_title(metric)), d.text(name)))
    if left > 0:
        caption = d.words("{}; {}", caption, d.number(f"{number_format.format_count(left)} more in bom.json"))
    return build_table(d, columns, caption=caption)


def _why(d: Markup, row: Evidenced) -> str | None:
    return d.text(row.reason, longest=LONG) if row.candidate is None and row.reason else None


def disparity_tables(d: Markup, evidence: VersionEvidence) -> list[ReportTable]:
    """Return the differences between groups."""
    rows = evidence.disparities
    columns = [
        ReportColumn(d.number("Disparity"), [d.text(labels.metric_title(row.metric)) for row in rows], name=True),
        ReportColumn(d.number("Across"), [d.text(row.across) for row in rows], name=True),
        *_value_columns(d, rows),
        ReportColumn(d.number("Lowest and highest group"), [_ends(d, row) for row in rows], name=True),
    ]
    return [build_table(d, columns)] if rows else []


def _ends(d: Markup, row: DisparityRow) -> str | None:
    known = [(one.candidate, one.group) for one in row.groups if one.candidate is not None and not one.small]
    if len(known) < 2:
        return None
    return d.words("{}, {}", d.text(min(known)[1]), d.text(max(known)[1]))


def gate_tables(d: Markup, evidence: VersionEvidence) -> list[ReportTable]:
    """Return the gates with their numbers, limits, outcomes and waivers."""
    rows = labels.in_order(evidence.report.gates)[:_GATES]
    numbers = [gate_numbers(row) for row in rows]
    columns = [
        ReportColumn(d.number("Gate"), [labels.scoped_title(d, row.metric, row.scope) for row in rows], name=True),
        ReportColumn(d.number("Value"), [d.number(n.value) for n in numbers], right=True),
        ReportColumn(d.number("Interval"), [d.number(n.interval) if n.interval else None for n in numbers], right=True),
        ReportColumn(d.number("Limit"), [d.number(n.limit) for n in numbers], name=True),
        ReportColumn(d.number("Outcome"), [_outcome(d, row) for row in rows], name=True),
    ]
    return [build_table(d, columns)] if rows else []


def _outcome(d: Markup, row: GateRow) -> str:
    return d.number(labels.outcome_word(row)) if row.waived is None else waiver_text(d, row.waived)


def behaviour_tables(d: Markup, evidence: VersionEvidence) -> list[ReportTable]:
    """Return the behavioural tests."""
    return [table for section in behaviour_section(d, evidence.report) for table in section.tables]


def decision_tables(d: Markup, evidence: VersionEvidence) -> list[ReportTable]:
    """Return the entries of the ledger about the version."""
    entries = [*evidence.decisions, *([evidence.reproduction] if evidence.reproduction else [])]
    columns = [
        ReportColumn(d.number("Entry"), [d.number(str(entry.number)) for entry in entries], right=True),
        ReportColumn(d.number("Time"), [d.text(entry.at) for entry in entries]),
        ReportColumn(d.number("By"), [d.text(entry.by.actor or "unknown author") for entry in entries], name=True),
        ReportColumn(d.number("What"), [_decision(d, evidence, entry) for entry in entries], name=True),
    ]
    return [build_table(d, columns)]


def _decision(d: Markup, evidence: VersionEvidence, entry: Entry) -> str:
    number = evidence.manifest.version
    match entry.body:
        case Promotion(version=version, replaced=replaced, note=note):
            ended = "promoted" if version == number else f"replaced by version {version}"
            first = f"{ended}, in place of version {replaced}" if version == number and replaced else ended
            return d.number(first) if note is None else d.words("{}: {}", d.number(first), d.text(note, longest=LONG))
        case Rollback(version=version, replaced=replaced, reason=reason):
            back = f"rolled back to it from version {replaced}"
            words = back if version == number else f"rolled back from it to version {version}"
            return d.words("{}: {}", d.number(words), d.text(reason, longest=LONG))
    done = evidence.retrained
    return d.number(f"retrained {number_format.pluralize(done.runs, 'time')}: {done.outcome}" if done else "recorded")


def cost_tables(d: Markup, evidence: VersionEvidence) -> list[ReportTable]:
    """Return operational metrics and the time of each step."""
    pairs = [(labels.metric_title(name), _amount(name, value)) for name, value in evidence.manifest.costs.items()]
    seconds = evidence.manifest.seconds.items()
    pairs += [(f"{name} took", number_format.format_duration(value)) for name, value in seconds]
    return [_pairs(d, "Cost", "Value", [(d.text(name), d.number(value)) for name, value in pairs])] if pairs else []


def _amount(metric: str, value: float) -> str:
    return number_format.number_style((value,), unit=labels.metric_unit(metric)).value(value)


def made_tables(d: Markup, evidence: VersionEvidence) -> list[ReportTable]:
    """Return the model's files with their digests, and what they were made with."""
    return [*_model_files(d, evidence), _environment(d, evidence)]


def _model_files(d: Markup, evidence: VersionEvidence) -> list[ReportTable]:
    files = evidence.manifest.files[:_FILES]
    columns = [
        ReportColumn(d.number("Model file"), [d.text(file.name) for file in files], name=True),
        ReportColumn(d.number("Bytes"), [count_cell(d, file.bytes) for file in files], right=True),
        ReportColumn(d.number("SHA-256"), [d.code(file.digest) for file in files]),
    ]
    return [build_table(d, columns)] if files else []


def _environment(d: Markup, evidence: VersionEvidence) -> ReportTable:
    manifest, origin = evidence.manifest, evidence.report.provenance
    recipe = manifest.recipe
    pairs = [
        *((name, recipe_part) for name, recipe_part in (("train", recipe.train), ("predict", recipe.predict))),
        ("seed", str(recipe.seed)),
        ("Python", manifest.environment.python),
        ("platform", manifest.environment.platform),
        ("mlci", origin.versions.get("mlci")),
    ]
    files = [*manifest.environment.lock[:_FILES], recipe.config, manifest.report]
    shown = [(d.text(name), d.text(value, longest=LONG)) for name, value in pairs if value]
    return _pairs(d, "Made with", "Value", [*shown, *((d.text(one.name), d.code(one.digest)) for one in files)])


def _pairs(d: Markup, head: str, other: str, pairs: Sequence[tuple[str, str]]) -> ReportTable:
    columns = [
        ReportColumn(d.number(head), [name for name, _ in pairs], name=True),
        ReportColumn(d.number(other), [value for _, value in pairs], name=True),
    ]
    return build_table(d, columns)


def evidence_tables(d: Markup, evidence: VersionEvidence) -> list[ReportTable]:
    """Return a table for each framework, with evidence or MISSING for each item."""
    rows = list_evidence(evidence)
    return [
        _framework_table(d, framework, list(found)) for framework, found in groupby(rows, lambda r: r.item.framework)
    ]


def _framework_table(d: Markup, framework: str, rows: list[ItemEvidence]) -> ReportTable:
    columns = [
        ReportColumn(d.number("Item"), [d.number(row.item.number) for row in rows]),
        ReportColumn(d.number("Asks for"), [d.number(row.item.title) for row in rows], name=True),
        ReportColumn(d.number("Evidence"), [_found(d, row) for row in rows], name=True),
    ]
    return build_table(d, columns, caption=d.number(framework))


def _found(d: Markup, row: ItemEvidence) -> str:
    pieces = [d.number(text) for text in row.found]
    pieces += [d.words("Stated: {}", d.text(row.pointer))] if row.pointer else []
    pieces += [d.strong(d.number(f"MISSING: {what}" if what else "MISSING")) for what in row.missing]
    return d.join("; ", pieces)
