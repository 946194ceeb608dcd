"""The served operations: importing this package fills `serving.HANDLERS`."""

from tests.fake_github.served import (
    accounts,
    actions,
    checks,
    comments,
    commits,
    contents,
    gitdata,
    issues,
    merging,
    pulls,
    releases,
    repos,
    settings,
    statuses,
    suites,
    trees,
)

__all__ = [
    "accounts",
    "actions",
    "checks",
    "comments",
    "commits",
    "contents",
    "gitdata",
    "issues",
    "merging",
    "pulls",
    "releases",
    "repos",
    "settings",
    "statuses",
    "suites",
    "trees",
]
