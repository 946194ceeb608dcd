"""Port to GitHub: comments, checks and statuses.

A refusal is a value with the permission that is missing; a missing object is a value, too. A request that fails after
all repeats is an :class:`~mlci.errors.OutsideError`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mlci.publish.check_content import Annotation, Conclusion, State
from mlci.publish.permissions import Permission


@dataclass(frozen=True, kw_only=True)
class PermissionRefused:
    """GitHub's 403 that is not a rate limit.

    Attributes:
        permission: Permission that the token lacks.
        message: GitHub's own message, sanitized.
    """

    permission: Permission
    message: str


@dataclass(frozen=True)
class NotThere:
    """GitHub's 404 or 410: the object does not exist."""


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment of a pull request."""

    id: int
    author: str
    body: str
    url: str


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    """A check run.

    Attributes:
        id: Its number.
        name: Its name.
        head: The commit it is on.
        app: Slug of the app that made it.
        external_id: Its maker's own id; for mlci the run, ``1842.1``.
        status: ``queued``, ``in_progress``, ``completed`` and others.
        conclusion: ``None`` until it is completed.
        title, summary: Its output.
        annotations: Number of annotations that have arrived.
        url: Its page.
        pulls: Numbers of the open pull requests with that head.
    """

    id: int
    name: str
    head: str
    app: str
    external_id: str
    status: str
    conclusion: str | None
    title: str
    summary: str
    annotations: int
    url: str
    pulls: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckOutput:
    """Output of a check run; ``annotations`` are added to the existing ones."""

    title: str
    summary: str
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckFields:
    """New state of a check run.

    Attributes:
        external_id: The run.
        conclusion: ``None`` opens it as ``in_progress``.
        output: Its output.
        url: Address of its "Details" link.
    """

    external_id: str
    conclusion: Conclusion | None
    output: CheckOutput
    url: str | None


@dataclass(frozen=True, kw_only=True)
class Status:
    """A commit status."""

    state: State
    context: str
    description: str
    url: str | None = field(default=None)


class GitHub(Protocol):
    """GitHub, for one repository.

    ``arrived`` checks if a request that got no answer took effect; it is called before such a request is repeated.
    """

    def check_runs(self, ref: str, name: str) -> tuple[CheckRun, ...] | PermissionRefused | NotThere:
        """Return the check runs of a name on a commit or on a branch, ``heads/NAME``; all of them, oldest first."""
        ...

    def create_check(
        self, *, head: str, name: str, fields: CheckFields, arrived: Callable[[], CheckRun | None]
    ) -> CheckRun | PermissionRefused:
        """Make a check run."""
        ...

    def update_check(
        self, number: int, fields: CheckFields, *, arrived: Callable[[], CheckRun | None]
    ) -> CheckRun | PermissionRefused:
        """Change a check run; annotations are added."""
        ...

    def set_status(self, head: str, status: Status) -> PermissionRefused | None:
        """Set a commit status; the last one of a context counts."""
        ...

    def comments(self, pull: int) -> tuple[Comment, ...] | PermissionRefused:
        """Return all comments of a pull request, from every page."""
        ...

    def create_comment(
        self, pull: int, body: str, *, arrived: Callable[[], Comment | None]
    ) -> Comment | PermissionRefused:
        """Write a comment."""
        ...

    def edit_comment(self, number: int, body: str) -> Comment | PermissionRefused | NotThere:
        """Replace the text of a comment."""
        ...

    def delete_comment(self, number: int) -> PermissionRefused | NotThere | None:
        """Delete a comment."""
        ...

    def head(self, pull: int) -> str | PermissionRefused | NotThere:
        """Return a pull request's current head commit."""
        ...

    def login(self) -> str | None:
        """Return the login that the token belongs to; ``None`` if it does not belong to a user."""
        ...
