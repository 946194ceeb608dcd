"""Everything that is written beside ``report.json``, by file name."""

from mlci.report.comment import comment
from mlci.report.document import Report
from mlci.report.junit import junit
from mlci.report.links import NO_LINKS, Links
from mlci.report.summary import summary


def render_all(report: Report, *, links: Links = NO_LINKS, run: str | None = None) -> dict[str, str]:
    """Render the report's files; the same report and links give the same bytes."""
    return {
        "comment.md": comment(report, links=links, run=run),
        "summary.md": summary(report, links=links),
        "junit.xml": junit(report),
    }
