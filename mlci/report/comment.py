"""Pull-request comment and job summary: deterministic and bounded.

Their first sentences are written by ``headline.py``, their tables by ``sections/``; ``layout.py`` puts them together.
"""

from mlci.report import layout
from mlci.report.document import Report
from mlci.report.templating import render_template
from mlci.report.text import escape
from mlci.report.text.escape import Md
from mlci.report.text.markup import NO_LINKS, Links, Markdown
from mlci.util.bounds import COMMENT_BYTES, SUMMARY_BYTES

BUDGET = COMMENT_BYTES.value
"""Bytes; GitHub refuses comments of more than 65,536 characters, and a caller may add some."""


def render_comment(report: Report, *, links: Links = NO_LINKS, run: str | None = None, budget: int = BUDGET) -> str:
    """Write the comment as GitHub's Markdown, with less detail where it would be too long.

    Args:
        report: The document; nothing else decides what the comment says.
        links: Addresses of lines, commits and pages, where they are known.
        run: Identity of the workflow run for the hidden marker, e.g. ``1842.1``.
        budget: Most bytes of UTF-8.

    Raises:
        ValueError: if not even the verdict fits into the budget.
    """
    d = Markdown()
    parts = layout.build_parts(d, report, builders=layout.COMMENT, links=links)
    hidden = comment_marker(report, run=run)

    def rendered(built: layout.ReportLayout) -> str:
        return render_template("report/report.md.j2", report=built, marker=hidden)

    return layout.fit_layout(d, parts, rendered, budget=budget)


def comment_marker(report: Report, *, run: str | None = None) -> Md:
    """Return the hidden first line by which the comment is found again: model, head commit and run."""
    return with_marker(model=report.model, head=report.candidate.commit, run=run)


def with_marker(*, model: str, head: str | None, run: str | None) -> Md:
    """Return the marker of a comment on a model, where there may be no report."""
    facts = {"id": model, "head": head, "run": run}
    pairs = " ".join(f"{key}={escape.encode_marker(value)}" for key, value in facts.items() if value is not None)
    return Md(f"<!-- mlci {pairs} -->")


SUMMARY_BUDGET = SUMMARY_BYTES.value
"""Bytes; GitHub takes 1 MiB a step (documentation page "Workflow commands", "Adding a job summary")."""


def render_summary(report: Report, *, links: Links = NO_LINKS, budget: int = SUMMARY_BUDGET) -> str:
    """Write the summary as GitHub's Markdown, with less detail where it would be too long.

    Raises:
        ValueError: if not even the verdict fits into the budget.
    """
    d = Markdown()
    parts = layout.build_parts(d, report, builders=layout.SUMMARY, links=links)

    def rendered(built: layout.ReportLayout) -> str:
        return render_template("report/report.md.j2", report=built, marker=None)

    return layout.fit_layout(d, parts, rendered, budget=budget)
