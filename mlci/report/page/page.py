"""``report.html``: one self-contained file without scripts or requests, in at most 300 kB.

Everything in it comes from ``report.json``. Where space is short, detail is left out in a fixed order; verdict, cause,
next step, failed gates and the numbers of every rule stay.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mlci.report import headline
from mlci.report.document import Report
from mlci.report.layout import report_footer
from mlci.report.page.curves import curve_section
from mlci.report.page.decisions import decision_section
from mlci.report.page.gates import FOLDED, RuleView, SplitGates, gate_section, outcome_tally, rule_views, split_gates
from mlci.report.page.groups import GroupSection, fairness_sections, group_sections
from mlci.report.page.metrics import cost_line, metric_table, trend_plots
from mlci.report.page.rows import changed_rows, residual_section
from mlci.report.sections import behaviour, history, items, judging, metrics, worst_slices
from mlci.report.sections import groups as sections_groups
from mlci.report.templating import html_template
from mlci.report.text import labels, number_format
from mlci.report.text.markup import NO_LINKS, Html, Links
from mlci.report.text.tables import Section

BUDGET = 300_000
"""Bytes of UTF-8 in a page."""
_LEFT_OUT = "Detail was left out to keep this page small; report.json has all of it."
_ICONS = {"block": "failed", "warn": "inconclusive", "pass": "passed"}


@dataclass(frozen=True)
class PageDetail:
    """How much a page shows.

    Attributes:
        rows: Whether the rows that changed most are listed.
        slices: Whether slices without a gate have tables.
        plots: Whether folded groups have plots of both values.
        values: Whether all metrics and disparities are listed.
        folded: Most gates in a fold.
        groups: Most folded groups of a section.
        open: Most gates that are open.
        figures: Whether curves are drawn.
        sections: Most metrics by slice, those with a failed gate first.
        rules: Most rules that are explained.
        rest: Whether there is anything beside the gates.
    """

    rows: bool = True
    slices: bool = True
    plots: bool = True
    values: bool = True
    folded: int = FOLDED
    groups: int = 1_000
    open: int = 200
    figures: bool = True
    sections: int = 1_000
    rules: int = 1_000
    rest: bool = True


def render_page(report: Report, *, links: Links = NO_LINKS, budget: int = BUDGET) -> str:
    """Render the page with as much detail as fits into ``budget`` bytes.

    Raises:
        ValueError: if not even the least detail fits.
    """
    d = Html()
    parts = _parts(d, report, links)
    groups, rules, split = group_sections(d, report), rule_views(d, report, links), split_gates(report)
    for detail in _levels():
        text = _render(d, report, {**parts, **_cut(d, groups, rules, detail)}, split, detail)
        if len(text.encode()) <= budget:
            return text
    raise ValueError(f"the page of this report does not fit into {budget} bytes")


def _levels() -> Iterator[PageDetail]:
    detail = PageDetail()
    yield detail
    for less in (
        {"rows": False},
        {"slices": False},
        {"plots": False},
        {"groups": 100},
        {"values": False},
        {"sections": 40},
        {"folded": 5, "groups": 20, "open": 60, "sections": 20, "rules": 60},
        {"folded": 0, "groups": 0, "open": 25, "figures": False, "sections": 8, "rules": 20},
        {"open": 5, "sections": 3, "rules": 5},
        {"sections": 0, "rules": 0, "rest": False},
    ):
        detail = replace(detail, **less)
        yield detail


def _parts(d: Html, report: Report, links: Links) -> dict[str, object]:
    """Build what every level of detail shows alike."""
    return {
        "model": d.text(report.model),
        "heading": d.number(_heading(report)),
        "icon": _ICONS[report.verdict],
        "cause": headline.verdict_cause(d, report),
        "step": headline.next_step(d, report, links),
        "tally": outcome_tally(d, report),
        "facts": _facts(d, report, links),
        "tests": behaviour.behaviour_section(d, report),
        "items": _items(d, report),
        "worst": worst_slices.worst_slices_section(d, report),
        "decisions": decision_section(d, report),
        "fairness": fairness_sections(d, report),
        "table": metric_table(d, report),
        "lineage": history.lineage_section(d, report),
        "cost": cost_line(d, report),
        "trend": trend_plots(d, report),
        "notes": [*judging.judging_section(d, report), *metrics.notes_section(d, report)],
        "provenance": metrics.provenance_section(d, report),
        "share": d.number(number_format.format_percent(report.policy.confidence)),
        "footer": report_footer(d, report, links),
    }


_REST = ("tests", "items", "worst", "decisions", "fairness", "table", "lineage", "cost", "trend", "notes", "provenance")


def _cut(d: Html, groups: Sequence[GroupSection], rules: Sequence[RuleView], detail: PageDetail) -> dict[str, object]:
    """Leave sections and rules out beyond the detail, those without a failed gate first."""
    kept = sorted(range(len(groups)), key=lambda index: not groups[index].failed)[: detail.sections]
    cut: dict[str, object] = {} if detail.rest else dict.fromkeys(_REST, ())
    return {
        **cut,
        "groups": [_shorten(d, groups[index], detail) for index in sorted(kept)],
        "rules": rules[: detail.rules],
    }


def _items(d: Html, report: Report) -> list[Section]:
    """Lay out the items that changed most with both answers side by side, and the judge; nothing without a log."""
    found, grader = report.items_changed, items.grader_section(d, report)
    if found is None:
        return grader
    tables = (items.item_table(d, found, texts=True),) if found.items else ()
    judged = [line for one in grader for line in (d.words("{}.", one.title), *one.lines)]
    return [Section("items", items.items_title(d, found), tables, lines=(*items.items_lines(d, found), *judged))]


def _render(d: Html, report: Report, parts: Mapping[str, object], split: SplitGates, detail: PageDetail) -> str:
    values = (
        [*metrics.whole_set_section(d, report), *sections_groups.all_disparities(d, report)] if detail.values else []
    )
    return html_template("report/page.html.j2").render(
        parts,
        gates=gate_section(d, report, split, most=detail.folded, open_most=detail.open),
        changed=changed_rows(d, report) if detail.rows else [],
        residuals=residual_section(d, report) if detail.figures else None,
        curves=curve_section(d, report) if detail.figures else None,
        values=values,
        slices=metrics.other_slices(d, report) if detail.slices else [],
        left_out=None if detail == PageDetail() else d.number(_LEFT_OUT),
    )


def _heading(report: Report) -> str:
    """Write the verdict as a heading: ``Blocked: 1 of 42 gates failed``."""
    said = headline.verdict_headline(report)
    word, _, counts = said.partition(", ")
    if not report.gates or report.measured_nothing:
        return said[:1].upper() + said[1:]
    if report.verdict == "pass":
        return f"May merge: {said}"
    return f"{word[:1].upper()}{word[1:]}: {counts}" if counts else said[:1].upper() + said[1:]


def _facts(d: Html, report: Report, links: Links) -> list[tuple[str, str]]:
    """Return what was compared, as terms and descriptions."""
    rows = report.evaluation.rows
    found = [("Candidate", _model(d, report.candidate.commit, report.candidate.label, links))]
    if labels.has_baseline(report):
        baseline = _model(d, report.baseline.commit, report.baseline.label, links)
        version = report.baseline.version
        found.append(
            ("Baseline", baseline if version is None else d.words("version {}, {}", d.text(version), baseline))
        )
    else:
        found.append(("Baseline", d.number("none yet" if labels.is_first(report) else "none")))
    if rows is not None:
        same = ", the same for both" if labels.has_baseline(report) else ""
        found.append(("Evaluated on", d.number(f"{number_format.pluralize(rows, labels.counted_unit(report))}{same}")))
        found.append(("Intervals", d.number(number_format.format_percent(report.policy.confidence))))
    return found


def _model(d: Html, commit: str | None, label: str | None, links: Links) -> str:
    if commit is not None:
        return d.link(d.code(labels.short_title(commit)), links.revision(commit))
    return d.text(label) if label is not None else d.number("not known")


def _shorten(d: Html, section: GroupSection, detail: PageDetail) -> GroupSection:
    """Leave folded groups out beyond ``detail.groups``, say how many, and leave out the plots of the others."""
    more = section.more[: detail.groups]
    left = section.more_groups - len(more)
    if not detail.plots:
        more = tuple(replace(view, levels=None) for view in more)
    if left <= 0:
        return replace(section, more=more)
    title = d.words("{}; {} are left out here", section.more_title, d.number(number_format.format_count(left)))
    return replace(section, more=more, more_title=title)
