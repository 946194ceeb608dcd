"""Access to the repository on GitHub: address, name and token."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlci.cli.github_actions import read_workflow
from mlci.errors import InputError
from mlci.execution.environment import child_environment
from mlci.git.git import Git

_REMOTE = re.compile(r"(?:[:/])([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


@dataclass(frozen=True, kw_only=True)
class RepositoryAccess:
    """Address of the API, repository and token."""

    api: str
    repository: str
    token: str


def find_repository_access(folder: Path, environment: Mapping[str, str]) -> RepositoryAccess | None:
    """Return how to reach the repository on GitHub; ``None`` without a token or a name.

    Raises:
        InputError: if a variable of the workflow has a value that can't be read.
    """
    return access_of(Git(folder=folder, environment=child_environment(environment, {})), environment)


def access_of(git: Git, environment: Mapping[str, str]) -> RepositoryAccess | None:
    """Return how to reach the repository of a checkout on GitHub; ``None`` without a token or a name."""
    workflow = read_workflow(environment)
    if workflow.wrong is not None:
        raise workflow.wrong
    name = workflow.repository or _name_of_origin(git, workflow.server)
    if workflow.token is None or name is None:
        return None
    return RepositoryAccess(api=workflow.api, repository=name, token=workflow.token)


def _name_of_origin(git: Git, server: str) -> str | None:
    """Return ``owner/name`` of the remote `origin` if it is on this server."""
    try:
        address = git.ask("remote", "get-url", "origin").out
    except InputError:
        return None
    found = _REMOTE.search(address) if server.rpartition("/")[2] in address else None
    return found[1] if found else None
