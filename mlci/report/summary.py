"""The job summary: the comment's content with every section and the provenance, and room for it."""

from mlci.report import page
from mlci.report.dialect import Markdown
from mlci.report.document import Report
from mlci.report.links import NO_LINKS, Links
from mlci.report.templating import render

BUDGET = 1_000_000
"""Bytes; GitHub takes 1 MiB a step (documentation page "Workflow commands", "Adding a job summary")."""

CHECK_BUDGET = 65_535
"""Bytes that the summary of a check run may have."""


def summary(report: Report, *, links: Links = NO_LINKS, budget: int = BUDGET) -> str:
    """Write the summary as GitHub's Markdown, with less detail where it would be too long.

    Raises:
        ValueError: If not even the verdict fits into the budget.
    """
    d = Markdown()
    parts = page.write(d, report, builders=page.SUMMARY, links=links)

    def rendered(built: page.Page) -> str:
        return render("report/page.md.j2", page=built, marker=None)

    return page.fitting(d, parts, rendered, budget=budget)
