"""Comment for an evaluation that did not finish; it replaces the earlier comment."""

from dataclasses import dataclass

from mlci.publish.result import Unfinished
from mlci.report.links import Links
from mlci.report.templating import render_template
from mlci.report.text.labels import short_title
from mlci.report.text.markup import Markdown

MOST_DETAILS = 10
_LONGEST = 300  # characters; escaped, they may take fourteen times as many bytes, and a check's summary has 65,535


@dataclass(frozen=True, kw_only=True)
class UnfinishedPage:
    """Content of the template, escaped for Markdown.

    Attributes:
        heading, cause, next: The lines that are read first.
        details: Errors, line by line.
        standing: Meaning of the missing verdict.
        footer: Commit and run.
    """

    heading: str
    cause: str
    next: str
    details: tuple[str, ...]
    standing: str
    footer: str


def unfinished_title(found: Unfinished) -> str:
    """Return the headline, also for the check."""
    return "the evaluation was cancelled" if found.cancelled else "the evaluation did not finish"


def unfinished_text(found: Unfinished, *, model: str, head: str | None, links: Links) -> str:
    """Write the page as GitHub's Markdown, without a marker."""
    d = Markdown()
    glyph = d.number("⏹️" if found.cancelled else "⛔")
    run = d.link(d.number("the run"), links.report)
    shown = found.details[:MOST_DETAILS]
    more = len(found.details) - len(shown)
    details = [d.text(line, longest=_LONGEST) for line in shown]
    page = UnfinishedPage(
        heading=d.words("{} {}: {}", glyph, d.text(model), d.number(unfinished_title(found))),
        cause=d.words("{}.", d.capital(d.text(found.why, longest=_LONGEST))),
        next=d.words(_next(found), run),
        details=(*details, *([d.number(f"and {more:,} more")] if more > 0 else [])),
        standing=d.number(
            "Nothing was judged, so nothing passed: a missing result is never a pass, and an earlier report in this "
            "place was about another evaluation."
        ),
        footer=d.join(" · ", _footer(d, head, links)),
    )
    return render_template("report/unfinished.md.j2", page=page, marker=None)


def _footer(d: Markdown, head: str | None, links: Links) -> list[str]:
    commit = [] if head is None else [d.link(d.code(short_title(head)), links.revision(head))]
    run = [d.link(d.number("log of the run"), links.report)] if links.report else []
    guide = [d.link(d.number("how gates decide"), links.guide)] if links.guide else []
    return [*commit, *run, *guide] or [d.number("mlci")]


def _next(found: Unfinished) -> str:
    """Return the remedy by exit code; ``{}`` is the run."""
    if found.code is None and found.cancelled:
        return "nothing, if a newer run took its place; else start {} again, with more `timeout-minutes` if it ran out."
    match found.code:
        case 2:
            return "correct what {} names, and push."
        case 3:
            return "look at the last lines of the step in {}, repair it, and push."
        case 4:
            return "start {} again; if it fails in the same way, look at what it could not reach."
        case 70:
            return "{} holds a log that is ready to be an issue; until then nothing can be said about this change."
        case _:
            return "look at {}: the first step that failed says why. Repair it, or start the run again."
