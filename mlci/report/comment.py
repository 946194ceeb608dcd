"""The pull-request comment: short, sticky, and the same bytes for the same result."""

from mlci.report import escape, page
from mlci.report.dialect import Markdown
from mlci.report.document import Report
from mlci.report.escape import Md
from mlci.report.links import NO_LINKS, Links
from mlci.report.templating import render

BUDGET = 60_000
"""Bytes; GitHub refuses comments of more than 65,536 characters, and whoever posts one may add some."""


def comment(report: Report, *, links: Links = NO_LINKS, run: str | None = None, budget: int = BUDGET) -> str:
    """Write the comment as GitHub's Markdown, with less detail where it would be too long.

    Args:
        report: The document; nothing else decides what the comment says.
        links: Addresses of lines, commits and pages, where they are known.
        run: Identity of the workflow run for the hidden marker, e.g. ``1842.1``.
        budget: Most bytes of UTF-8.

    Raises:
        ValueError: If not even the verdict fits into the budget.
    """
    d = Markdown()
    parts = page.write(d, report, builders=page.COMMENT, links=links)
    hidden = marker(report, run=run)

    def rendered(built: page.Page) -> str:
        return render("report/page.md.j2", page=built, marker=hidden)

    return page.fitting(d, parts, rendered, budget=budget)


def marker(report: Report, *, run: str | None = None) -> Md:
    """Return the hidden first line by which the comment is found again: model, head commit and run."""
    return marked(model=report.model, head=report.candidate.commit, run=run)


def marked(*, model: str, head: str | None, run: str | None) -> Md:
    """Return the marker of a comment on a model, where there may be no report."""
    facts = {"id": model, "head": head, "run": run}
    told = " ".join(f"{key}={escape.marker(value)}" for key, value in facts.items() if value is not None)
    return Md(f"<!-- mlci {told} -->")
