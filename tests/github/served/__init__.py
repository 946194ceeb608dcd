"""What is served: importing this package fills `serving.HANDLERS`."""

from tests.github.served import (
    accounts,
    checks,
    comments,
    commits,
    issues,
    pulls,
    repos,
    statuses,
    suites,
)

__all__ = ["accounts", "checks", "comments", "commits", "issues", "pulls", "repos", "statuses", "suites"]
