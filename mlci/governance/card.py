"""Model card: one view of a version's evidence, which the templates print as Markdown and as HTML. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.governance.card_tables import (
    behaviour_tables,
    cost_tables,
    decision_tables,
    disparity_tables,
    evidence_tables,
    gate_tables,
    group_tables,
    made_tables,
    value_tables,
)
from mlci.governance.evidence import TASKS, VersionEvidence
from mlci.governance.front_matter import front_matter
from mlci.report.gate_numbers import LONG
from mlci.report.templating import html_template, render_template
from mlci.report.text import number_format
from mlci.report.text.escape import Md
from mlci.report.text.markup import Html, Markdown, Markup
from mlci.report.text.tables import ReportTable
from mlci.util.yaml_text import dump_yaml

_MISSING = "MISSING: `card.{}` in mlci.yml"
_PARAGRAPH = 4_000


@dataclass(frozen=True, kw_only=True)
class CardSection:
    """A section of a card.

    Attributes:
        anchor: Its address within the page.
        title: Its heading.
        lines: Paragraphs, or entries of a list.
        tables: Tables below them.
        listed: Whether the lines are a list.
    """

    anchor: str
    title: str
    lines: tuple[str, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    listed: bool = False


@dataclass(frozen=True, kw_only=True)
class CardView:
    """Everything that a template prints, escaped for its dialect.

    Attributes:
        title: Model and version.
        lead: What it is, in a sentence.
        facts: Terms and descriptions below.
        sections: Sections in order.
        footer: Where the evidence is.
    """

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[CardSection, ...]
    footer: str


def render_markdown_card(evidence: VersionEvidence) -> str:
    """Return the card as Markdown, with the Hub's front matter."""
    front = Md(dump_yaml(front_matter(evidence)))
    return render_template("card/card.md.j2", card=card_view(Markdown(), evidence), front=front)


def render_html_card(evidence: VersionEvidence) -> str:
    """Return the card as one self-contained page without scripts or requests."""
    return html_template("card/card.html.j2").render(card=card_view(Html(), evidence))


def card_view(d: Markup, evidence: VersionEvidence) -> CardView:
    """Write the card in a dialect."""
    version = d.number(f"version {evidence.manifest.version}")
    return CardView(
        title=d.words("{}, {}", d.text(evidence.manifest.model), version),
        lead=_lead(d, evidence),
        facts=_facts(d, evidence),
        sections=tuple(_sections(d, evidence)),
        footer=_footer(d, evidence),
    )


def _lead(d: Markup, evidence: VersionEvidence) -> str:
    where = "is in production" if evidence.production else "is not in production"
    task = f"A model for {TASKS[evidence.report.task]}. It {where}"
    if evidence.rolled_back is not None:
        return d.words("{}: it was rolled back ({}).", d.number(task), d.text(evidence.rolled_back, longest=LONG))
    return d.number(f"{task}.")


def _facts(d: Markup, evidence: VersionEvidence) -> tuple[tuple[str, str], ...]:
    card, recipe, entry = evidence.card, evidence.manifest.recipe, evidence.promotion
    owners = d.join(", ", [d.text(name) for name in card.owners or ()]) if card.owners else _lack(d, "owners")
    commit = d.number("not recorded") if recipe.commit is None else d.code(recipe.commit)
    changed = d.words("{}, with uncommitted changes", commit) if recipe.dirty else commit
    at = d.words("{} by {}", d.text(entry.at), d.text(entry.by.actor or "an unknown author"))
    return (
        (d.number("Owners"), owners),
        *(((d.number("Contact"), d.text(card.contact)),) if card.contact else ()),
        (d.number("Licence"), _license(d, evidence)),
        (d.number("Commit"), changed),
        (d.number("Promoted"), at),
        (d.number("Approved by"), _approved_by(d, evidence)),
    )


def _approved_by(d: Markup, evidence: VersionEvidence) -> str:
    given = evidence.promoted.approval
    if given is None:
        return d.number("no approval was required")
    people = [d.words("{} for {}", d.text(one.login), d.text(one.counts_as)) for one in given.by]
    where = d.number(f"pull request {given.pull} at")
    return d.words("{}, {} {}", d.join(", ", people), where, d.code(given.head))


def _license(d: Markup, evidence: VersionEvidence) -> str:
    card = evidence.card
    if card.license is None:
        return _lack(d, "license")
    name = d.text(card.license if card.license_name is None else f"{card.license} ({card.license_name})")
    return name if card.license_link is None else d.words("{}, {}", name, d.text(card.license_link))


def _sections(d: Markup, evidence: VersionEvidence) -> list[CardSection]:
    report, share = evidence.report, number_format.format_percent(evidence.report.policy.confidence)
    sections = [
        *_stated_sections(d, evidence),
        CardSection(anchor="data", title=d.number("Data"), lines=_data(d, evidence)),
        _tabled(d, "metrics", f"Metrics, with {share} intervals", value_tables(d, evidence), _no_interval(d, evidence)),
        _tabled(d, "slices", "Metrics by slice", group_tables(d, evidence), _about_groups(d)),
        _tabled(d, "fairness", "Fairness: differences between groups", disparity_tables(d, evidence)),
        _tabled(d, "gates", f"Gates: {_judged(evidence)}", gate_tables(d, evidence)),
    ]
    if report.tests:
        sections.append(_tabled(d, "tests", "Behavioural tests", behaviour_tables(d, evidence)))
    costs = cost_tables(d, evidence)
    return [
        *sections,
        _tabled(d, "decisions", "Decisions", decision_tables(d, evidence)),
        *([_tabled(d, "cost", "Cost", costs)] if costs else []),
        _tabled(d, "files", "Files and environment", made_tables(d, evidence)),
        _tabled(d, "evidence", "Where the evidence is", evidence_tables(d, evidence), _about_evidence(d)),
    ]


def _stated_sections(d: Markup, evidence: VersionEvidence) -> list[CardSection]:
    """Return the sections that the owners write."""
    wanted = (
        ("intended_use", "Intended use"),
        ("out_of_scope", "Out of scope"),
        ("limits", "Limits"),
        ("risks", "Risks"),
        ("oversight", "Human oversight"),
        ("monitoring", "Monitoring"),
        ("method", "Method"),
    )
    return [_stated(d, key, title, getattr(evidence.card, key)) for key, title in wanted]


def _stated(d: Markup, key: str, title: str, value: str | tuple[str, ...] | None) -> CardSection:
    texts = [value] if isinstance(value, str) else list(value or ())
    lines = _paragraphs(d, texts) or (_lack(d, key),)
    anchor = key.replace("_", "-")
    return CardSection(anchor=anchor, title=d.number(title), lines=lines, listed=isinstance(value, tuple))


def _paragraphs(d: Markup, texts: Sequence[str]) -> tuple[str, ...]:
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return tuple(d.text(line, longest=_PARAGRAPH) for line in lines if line)


def _data(d: Markup, evidence: VersionEvidence) -> tuple[str, ...]:
    judged, data = evidence.report.evaluation, evidence.manifest.data
    stated = _paragraphs(d, [evidence.card.training_data]) if evidence.card.training_data else ()
    where = d.number("an evaluation set") if evidence.data is None else d.text(evidence.data)
    if judged.rows is None:
        lines = [d.number("It was judged on metrics files: no rows are recorded.")]
    else:
        rows = d.number(number_format.pluralize(judged.rows, "row"))
        lines = [d.words("It was judged on {} of {}, fingerprint {}.", rows, where, d.text(data.fingerprint))]
        lines += [d.number("The labels of the evaluation set are sealed.")] if judged.sealed else []
    pointers = [d.words("Data pointer {}: {}.", d.text(path), d.text(what)) for path, what in data.pointers.items()]
    return (*(stated or (_lack(d, "training_data"),)), *lines, *pointers[:50])


def _no_interval(d: Markup, evidence: VersionEvidence) -> tuple[str, ...]:
    if evidence.report.evaluation.rows is not None or not evidence.values:
        return ()
    return (d.number("Metrics files were compared, which have no rows, so there are no intervals."),)


def _about_groups(d: Markup) -> tuple[str, ...]:
    return (d.number("Gated metrics and the usual ones; the bill of materials and report.json have all of them."),)


def _judged(evidence: VersionEvidence) -> str:
    words = {"pass": "passed", "warn": "passed with warnings", "block": "blocked"}
    return f"{words[evidence.report.verdict]} before promotion"


def _tabled(
    d: Markup, anchor: str, title: str, tables: Sequence[ReportTable], lines: tuple[str, ...] = ()
) -> CardSection:
    nothing = (d.number("MISSING: nothing is recorded."),) if not tables else ()
    return CardSection(anchor=anchor, title=d.number(title), lines=(*lines, *nothing), tables=tuple(tables))


def _about_evidence(d: Markup) -> tuple[str, ...]:
    return (
        d.number(
            "Each row points to evidence in this card or to a document that the owners name, or says MISSING. “Stated” "
            "is a text of the owners; “recorded” and “measured” come from the registry. The table gives no score and "
            "draws no legal conclusion."
        ),
    )


def _footer(d: Markup, evidence: VersionEvidence) -> str:
    entry = evidence.promotion
    written = d.number(f"Written by mlci from entry {entry.number} of the ledger, sha256")
    verified = d.number(f"Verify it with `mlci verify {evidence.manifest.version}`.")
    return d.words("{} {}. {}", written, d.code(evidence.promotion_digest), verified)


def _lack(d: Markup, key: str) -> str:
    return d.strong(d.number(_MISSING.format(key)))
