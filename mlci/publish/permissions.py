"""Advice for refused requests: the missing permission, and the lines that add it."""

from collections.abc import Iterable
from typing import Literal

Permission = Literal["checks", "statuses", "pull-requests", "contents", "administration", "actions", "issues"]

_DOES = {
    "checks": "conclude the check",
    "statuses": "set the commit status",
    "pull-requests": "write the comment",
    "contents": "write to the repository",
    "administration": "change the repository's settings",
    "actions": "read workflow runs and their artifacts",
    "issues": "write the labels of issues and pull requests",
}
READ_ONLY = (
    "{reason}, so the job's token can only read: no comment and no check were written. The job summary and the exit "
    "code have the verdict."
)


def permission_advice(permission: Permission, message: str) -> str:
    """Return cause, reason and the lines to add.

    Args:
        permission: The permission that the request needs.
        message: GitHub's own message.
    """
    what = _DOES[permission]
    if "locked" in message.lower():
        return f"GitHub refused to {what}: the conversation is locked. Unlock it, or read the verdict in the check."
    if "maximum number of statuses" in message:
        return f"GitHub refused to {what}: this commit has the maximum number of statuses. The check has the result."
    if "app" in message.lower() and permission == "checks" and "integration" not in message.lower():
        return (
            f'GitHub refused to {what} (403 "{message}"): only GitHub Apps may, and the token belongs to a person. '
            "Leave the workflow's own token, `${{ github.token }}`, in place; the status replaces the check."
        )
    return (
        f'GitHub refused to {what} (403 "{message}"): the job\'s token lacks `{permission}: write`. Add to the job:\n\n'
        f"    permissions:\n      {permission}: write"
    )


def dependabot_advice(lacking: Iterable[Permission]) -> str:
    """Return the notice for a run of Dependabot with a token that lacks permissions."""
    lines = "".join(f"\n      {one}: write" for one in sorted(set(lacking)))
    return (
        "Dependabot started the run. The token of such a run can only read by default, so a part was not published; "
        "the job summary and the exit code have the verdict. To publish for Dependabot's pull requests too, give the "
        f"job the permissions by name:\n\n    permissions:{lines}\n\nSecrets of the repository are not available in "
        "such a run: another token, such as a GitHub App's, has to be among Dependabot's own secrets."
    )


def stale_advice(author: str, url: str) -> str:
    """Return the warning for a comment of another account that carries our marker."""
    return (
        f"the comment {url} by {author} carries mlci's marker and is no longer updated: this run's token may not "
        "change it, or its author is another account. Usually mlci published with another token before. Delete that "
        "comment by its menu on GitHub; the check and the comment of the token in use have the verdict."
    )


def read_only_advice(reason: str) -> str:
    """Return the notice for a token that can only read."""
    return READ_ONLY.format(reason=reason[:1].upper() + reason[1:])
