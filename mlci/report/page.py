"""A whole page: verdict, gates that need attention, sections, footer; and less of it where space is short."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from mlci.report import names, numbers, sections, sentences
from mlci.report.dialect import Dialect
from mlci.report.document import GateRow, Report
from mlci.report.gates import gate_table
from mlci.report.links import Links
from mlci.report.tables import Section, Table

Builder = Callable[[Dialect, Report], list[Section]]

COMMENT: tuple[Builder, ...] = (
    sections.passed,
    sections.watched_groups,
    sections.watched_disparities,
    sections.whole_set,
    sections.all_disparities,
    sections.other_slices,
    sections.notes,
)
SUMMARY: tuple[Builder, ...] = (*COMMENT, sections.provenance)
DROPPED = ("slices", "disparities", "provenance", "groups", "group rates", "metrics", "passed gates", "notes")


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


@dataclass(frozen=True)
class Detail:
    """How much of a page is shown: sections left out, and the most rows of blocking and other gates."""

    without: frozenset[str] = frozenset()
    blocking: int | None = None
    others: int | None = None


def build(d: Dialect, report: Report, *, builders: Iterable[Builder], links: Links, detail: Detail) -> Page:
    """Build a page at one level of detail."""
    rows = [row for row in names.in_order(report.gates) if row.outcome != "passed"]
    shown = _shown(rows, detail)
    found = [section for builder in builders for section in builder(d, report)]
    kept = tuple(section for section in found if section.key not in detail.without)
    gone = list(dict.fromkeys(section.key for section in found if section.key in detail.without))
    return Page(
        heading=sentences.heading(d, report),
        cause=sentences.cause(d, report),
        next=sentences.next_step(d, report, links),
        attention=gate_table(d, report, shown) if shown else None,
        hidden=_hidden(d, rows, shown),
        sections=kept,
        left_out=d.number(f"Left out to keep this short: {', '.join(gone)}.") if gone else None,
        footer=footer(d, report, links),
    )


def levels(report: Report) -> Iterator[Detail]:
    """Yield ever less detail: whole sections first, then rows of gates; the verdict and the first rows stay."""
    detail = Detail()
    yield detail
    for key in DROPPED:
        detail = replace(detail, without=detail.without | {key})
        yield detail
    blocking = sum(row.blocks for row in report.gates)
    others = sum(row.outcome != "passed" and not row.blocks for row in report.gates)
    while others > 0:
        others //= 2
        yield (detail := replace(detail, others=others))
    while blocking > 1:
        blocking = max(1, blocking * 9 // 10)
        yield (detail := replace(detail, blocking=blocking))


def fitting(render: Callable[[Detail], str], report: Report, *, budget: int) -> str:
    """Render with as much detail as fits into ``budget`` bytes of UTF-8.

    Raises:
        ValueError: If not even the verdict fits, which takes a budget of some kilobytes.
    """
    for detail in levels(report):
        text = render(detail)
        if len(text.encode()) <= budget:
            return text
    raise ValueError(f"a report does not fit into {budget} bytes")


def footer(d: Dialect, report: Report, links: Links) -> str:
    """Write which models, rows and settings the page is about."""
    share = numbers.percent(report.policy.confidence)
    settings = ["metrics files compared" if names.estimates_only(report) else _paired(report)]
    settings += [f"seed {report.provenance.seed}", f"{share} intervals"]
    if d.emphasis:
        settings.append("bold: what was held against the limit")
    pages = [(links.report, "full report"), (links.guide, "how gates decide")]
    parts = [
        _models(d, report, links),
        *_evaluation(d, report),
        d.number(", ".join(settings)),
        *_methods(d, report),
        *(d.link(d.number(name), url) for url, name in pages if url is not None and d.emphasis),
    ]
    return d.join(" · ", parts)


def _models(d: Dialect, report: Report, links: Links) -> str:
    candidate = _model(d, report.candidate.commit, report.candidate.label, links, missing="candidate")
    if not names.has_baseline(report):
        return d.words("{}, no baseline yet", candidate)
    reference = report.baseline
    baseline = _model(d, reference.commit, reference.label, links, missing="baseline")
    if reference.version is not None:
        baseline = d.words("{} (version {})", baseline, d.text(reference.version))
    return d.words("{} against {}", candidate, baseline)


def _model(d: Dialect, commit: str | None, label: str | None, links: Links, *, missing: str) -> str:
    if commit is not None:
        return d.link(d.code(names.short(commit)), links.revision(commit))
    return d.number(missing) if label is None else d.text(label)


def _evaluation(d: Dialect, report: Report) -> list[str]:
    evaluation = report.evaluation
    if evaluation.rows is None:
        return []
    said = d.number(numbers.plural(evaluation.rows, "row"))
    if evaluation.fingerprint is not None:
        said = d.words("{}, holdout {}", said, d.code(_digest(evaluation.fingerprint)))
    if evaluation.uses is not None:
        of = f" of {numbers.count(evaluation.budget)}" if evaluation.budget is not None else ""
        said = d.words("{} used {}", said, d.number(f"{numbers.count(evaluation.uses)}{of} times"))
    return [said, d.number("labels sealed")] if evaluation.sealed else [said, d.number("labels not sealed")]


def _digest(fingerprint: str) -> str:
    return fingerprint.removeprefix("sha256:")[:12]


def _paired(report: Report) -> str:
    return "paired on the same rows" if names.has_baseline(report) else "candidate alone"


def _methods(d: Dialect, report: Report) -> list[str]:
    found = dict.fromkeys(row.method for row in report.gates if row.method is not None)
    return [d.join(", ", [d.text(method) for method in found])] if found else []


def _shown(rows: list[GateRow], detail: Detail) -> list[GateRow]:
    blocking = [row for row in rows if row.blocks]
    others = [row for row in rows if not row.blocks]
    return [*blocking[: detail.blocking], *others[: detail.others]]


def _hidden(d: Dialect, rows: list[GateRow], shown: list[GateRow]) -> str | None:
    if len(rows) == len(shown):
        return None
    seen = {id(row) for row in shown}
    left = [row for row in rows if id(row) not in seen]
    counted = {
        outcome: sum(row.outcome == outcome for row in left) for outcome in dict.fromkeys(row.outcome for row in left)
    }
    said = ", ".join(
        f"{numbers.count(number)} more {names.STATES[outcome].word}" for outcome, number in counted.items()
    )
    return d.number(f"And {said}: see the full report.")
