"""Layout of a rendered report: verdict, gates, sections, footer; less detail where space is short."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mlci.report import headline
from mlci.report.document import Report
from mlci.report.sections import (
    behaviour,
    costs,
    gates,
    groups,
    history,
    items,
    judging,
    metrics,
    waivers,
    worst_slices,
)
from mlci.report.sections.gates import RuleRow, attention_table, merge_rules
from mlci.report.text import labels, number_format
from mlci.report.text.markup import Links, Markup
from mlci.report.text.tables import ReportTable, Section

Builder = Callable[[Markup, Report], list[Section]]

COMMENT: tuple[Builder, ...] = (
    waivers.waiver_section,
    judging.judging_section,
    gates.passed_gates,
    items.items_section,
    behaviour.behaviour_section,
    worst_slices.worst_slices_line,
    groups.first_groups,
    groups.watched_disparities,
    metrics.main_metrics,
    history.lineage_section,
    history.trend_section,
    costs.cost_section,
    metrics.notes_section,
)
SUMMARY: tuple[Builder, ...] = (
    judging.judging_section,
    gates.passed_gates,
    items.items_section,
    behaviour.behaviour_section,
    worst_slices.worst_slices_section,
    groups.all_groups,
    groups.watched_disparities,
    metrics.main_metrics,
    history.lineage_section,
    history.trend_section,
    metrics.whole_set_section,
    groups.all_disparities,
    metrics.other_slices,
    costs.cost_section,
    metrics.notes_section,
    metrics.provenance_section,
)
_UNDECIDED = "undecided gates"
DROPPED = (
    "slices",
    "worst slices",
    "disparities",
    "provenance",
    "waivers",
    "groups",
    "group rates",
    "trend",
    "metrics",
    "main metrics",
    "lineage",
    "tests",
    "items",
    "passed gates",
    "notes",
    _UNDECIDED,
)


_OTHERS = 12  # doubtful gates that don't block and are shown unfolded


@dataclass(frozen=True, kw_only=True)
class ReportLayout:
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
    attention: ReportTable | None
    hidden: str | None
    sections: tuple[Section, ...]
    left_out: str | None
    footer: str


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that a page may show, written once; pages of less detail leave some of it out.

    Attributes:
        heading, cause, next, footer: As in :class:`ReportLayout`.
        rows: Gates that did not pass, what blocks first; undecided groups of one rule share a row.
        table: The same laid out, row by row; ``None`` if all passed.
        sections: All sections in order.
    """

    heading: str
    cause: str
    next: str
    rows: tuple[RuleRow, ...]
    table: ReportTable | None
    sections: tuple[Section, ...]
    footer: str


@dataclass(frozen=True)
class Detail:
    """How much of a page is shown: sections left out, and the most rows of blocking and other gates."""

    without: frozenset[str] = frozenset()
    blocking: int | None = None
    others: int | None = _OTHERS


def build_parts(d: Markup, report: Report, *, builders: Iterable[Builder], links: Links) -> Parts:
    """Write every part of a report in a dialect."""
    rows = merge_rules(report)
    return Parts(
        heading=headline.verdict_heading(d, report),
        cause=headline.verdict_cause(d, report),
        next=_next(d, report, links),
        rows=tuple(rows),
        table=attention_table(d, report, rows) if rows else None,
        sections=tuple(section for builder in builders for section in builder(d, report)),
        footer=report_footer(d, report, links),
    )


def _next(d: Markup, report: Report, links: Links) -> str:
    step = headline.next_step(d, report, links)
    shown = [("Full report", links.report), ("Page", links.page)]
    linked = [d.link(d.number(name), url) for name, url in shown if url is not None and d.emphasis]
    return d.join(" ", [step, d.join(" · ", linked)]) if linked else step


def assemble_layout(d: Markup, parts: Parts, detail: Detail) -> ReportLayout:
    """Put a report together at one level of detail."""
    shown, folded = _shown(parts.rows, detail)
    sections = [*_folded(d, parts, folded), *parts.sections]
    gone = list(dict.fromkeys(section.key for section in sections if section.key in detail.without))
    seen = shown if _UNDECIDED in detail.without else [*shown, *folded]
    return ReportLayout(
        heading=parts.heading,
        cause=parts.cause,
        next=parts.next,
        attention=_part(parts.table, shown),
        hidden=_hidden(d, parts.rows, seen),
        sections=tuple(section for section in sections if section.key not in detail.without),
        left_out=d.number(f"Left out to keep this short: {', '.join(gone)}.") if gone else None,
        footer=parts.footer,
    )


def fit_layout(d: Markup, parts: Parts, render: Callable[[ReportLayout], str], *, budget: int) -> str:
    """Render with as much detail as fits into ``budget`` bytes of UTF-8.

    Whole sections go first, then rows of gates; the verdict and the first rows stay. What can't fit is not rendered, so
    that a report of very many gates costs what its table costs once.

    Raises:
        ValueError: if not even the verdict fits, which takes a budget of some kilobytes.
    """

    def rendered(detail: Detail) -> str | None:
        shown = assemble_layout(d, parts, detail)
        if _too_long(shown, budget):
            return None
        text = render(shown)
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


def _too_long(layout: ReportLayout, budget: int) -> bool:
    """Whether the tables alone take more than ``budget``: every cell is printed whole, with three bytes around it."""
    tables = [
        *([layout.attention] if layout.attention else []),
        *(one for part in layout.sections for one in part.tables),
    ]
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


def _shown(rows: Sequence[RuleRow], detail: Detail) -> tuple[list[int], list[int]]:
    """Return which gates are shown unfolded, and which doubtful ones are folded away."""
    blocking = [index for index, row in enumerate(rows) if row.blocks]
    others = [index for index, row in enumerate(rows) if not row.blocks]
    return [*blocking[: detail.blocking], *others[: detail.others]], others[detail.others :]


def _part(table: ReportTable | None, kept: Sequence[int]) -> ReportTable | None:
    return replace(table, rows=tuple(table.rows[index] for index in kept)) if table and kept else None


def _folded(d: Markup, parts: Parts, kept: Sequence[int]) -> list[Section]:
    table = _part(parts.table, kept)
    if table is None:
        return []
    rows = [parts.rows[index] for index in kept]
    title = d.number(
        f"{number_format.format_count(sum(len(row.gates) for row in rows))} more that do not block: {_counted(rows)}"
    )
    return [Section(_UNDECIDED, title, (table,))]


def _hidden(d: Markup, rows: Sequence[RuleRow], shown: Sequence[int]) -> str | None:
    seen = set(shown)
    hidden = [row for index, row in enumerate(rows) if index not in seen]
    return d.number(f"And {_counted(hidden, more='more ')}: see the full report.") if hidden else None


def _counted(rows: list[RuleRow], *, more: str = "") -> str:
    counts: dict[str, int] = {}
    for word in (labels.outcome_word(gate) for row in rows for gate in row.gates):
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{number_format.format_count(number)} {more}{word}" for word, number in counts.items())


def report_footer(d: Markup, report: Report, links: Links) -> str:
    """Write which models, rows and settings the page is about."""
    parts = [
        _models(d, report, links),
        d.number(_compared(report)),
        *_evaluation(d, report),
        *([d.link(d.number("how gates decide"), links.guide)] if links.guide is not None and d.emphasis else []),
    ]
    return d.join(" · ", parts)


def _models(d: Markup, report: Report, links: Links) -> str:
    candidate = _model(d, report.candidate.commit, report.candidate.label, links, missing="candidate")
    if not labels.has_baseline(report):
        return d.words("{}, no baseline yet" if labels.is_first(report) else "{}, no baseline", candidate)
    reference = report.baseline
    baseline = _model(d, reference.commit, reference.label, links, missing="baseline")
    if reference.version is not None:
        baseline = d.words("{} (version {})", baseline, d.text(reference.version))
    return d.words("{} against {}", candidate, baseline)


def _model(d: Markup, commit: str | None, label: str | None, links: Links, *, missing: str) -> str:
    if commit is not None:
        return d.link(d.code(labels.short_title(commit)), links.revision(commit))
    return d.number(missing) if label is None else d.text(label)


def _evaluation(d: Markup, report: Report) -> list[str]:
    evaluation = report.evaluation
    if evaluation.rows is None:
        return []
    fingerprint = evaluation.fingerprint
    if report.task == "scores":
        items = [d.words("items {}", d.code(_digest(fingerprint)))] if fingerprint else []
        return [*items, *_look(d, report)]
    text = (
        d.number("evaluation set")
        if fingerprint is None
        else d.words("evaluation set {}", d.code(_digest(fingerprint)))
    )
    if evaluation.uses is not None and evaluation.look is None:
        of = f" of {number_format.format_count(evaluation.budget)}" if evaluation.budget is not None else ""
        times = "time" if evaluation.uses == 1 and not of else "times"
        text = d.words("{}, used {}", text, d.number(f"{number_format.format_count(evaluation.uses)}{of} {times}"))
    sealed = d.number("labels sealed" if evaluation.sealed else "labels not sealed")
    return [d.words("{}, {}", text, sealed), *_grouping(d, report), *_look(d, report)]


def _look(d: Markup, report: Report) -> list[str]:
    """Say at which confidence this look was judged, and why."""
    look = report.evaluation.look
    if look is None:
        return []
    used, kept = map(number_format.format_percent, (report.policy.confidence, look.confidence))
    number = f"look {number_format.format_count(look.looks)} of {number_format.format_count(look.budget)}"
    again = ", the same predictions as before" if look.repeated else ""
    return [d.number(f"{number}{again}: judged at {used}, so that all looks together keep {kept}")]


def _grouping(d: Markup, report: Report) -> Iterator[str]:
    """Yield the clusters of the rows, and the column of their weights."""
    evaluation = report.evaluation
    if evaluation.clusters is not None:
        counted = number_format.pluralize(evaluation.clusters, "cluster")
        yield d.words("{} of {}", d.number(counted), d.code(evaluation.cluster or ""))
    if evaluation.weight is not None:
        yield d.words("rows weighted by {}", d.code(evaluation.weight))


def _digest(fingerprint: str) -> str:
    return fingerprint.removeprefix("sha256:")[:12]


def _compared(report: Report) -> str:
    if report.measured_nothing or report.training_label is not None:
        return "nothing evaluated"
    if report.evaluation.rows is None:
        return "metrics files compared"
    unit = labels.counted_unit(report)
    compared = f"both models on the same {unit}s" if labels.has_baseline(report) else "candidate alone"
    return f"{number_format.pluralize(report.evaluation.rows, unit)}, {compared}"
