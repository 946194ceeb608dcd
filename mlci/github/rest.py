"""REST requests to one repository, with limits, and with the missing permission if one is refused."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from mlci.errors import OutsideError
from mlci.github.interface import NotThere, PermissionRefused
from mlci.github.retry import POLICY, Request, RetryingClient
from mlci.github.transport import Answer, Send
from mlci.publish.permissions import Permission
from mlci.util.retry_policy import RetryPolicy

T = TypeVar("T")
_PAGE = 100
SLOWEST = float(1 << 18)
"""Bytes a second; a transfer may take the time that its bytes need at this rate in addition."""


class Form(BaseModel):
    """Fields that are read from an answer; other fields are ignored."""

    model_config = ConfigDict(frozen=True, strict=True)


class RepositoryClient:
    """Requests about one repository; those of one operation share a time budget."""

    def __init__(
        self, send: Send, *, name: str, patience: RetryPolicy | None = None, permission: Permission = "contents"
    ) -> None:
        """Take a repository, ``owner/name``, and the permission that the requests need."""
        self.name, self.patience, self._permission = name, patience or POLICY, permission
        self._send, self._root = send, f"/repos/{quote(name)}"
        self._asker = RetryingClient(send, self.patience)
        self._before = 0

    @property
    def requests(self) -> int:
        """Number of requests so far."""
        return self._before + self._asker.requests

    def with_permission(self, permission: Permission) -> "RepositoryClient":
        """Return a client of the same repository whose requests need another permission."""
        return RepositoryClient(self._send, name=self.name, patience=self.patience, permission=permission)

    def begin(self, size: int = 0) -> None:
        """Start an operation that transfers so many bytes, with a new time budget."""
        self._before = self.requests
        self._asker = RetryingClient(self._send, replace(self.patience, total=self.patience.total + size / SLOWEST))

    def get(
        self,
        path: str,
        read: Callable[[Answer], T],
        *,
        doing: str,
        parameters: Mapping[str, Any] | None = None,
        body: object | None = None,
    ) -> T | None:
        """Read an object; ``None`` if GitHub answers that it does not exist.

        Raises:
            OutsideError: if GitHub refused, or did not answer.
        """
        found = self._ask("GET", path, read, doing=doing, parameters=parameters, body=body)
        if isinstance(found, PermissionRefused):
            raise OutsideError(permission_error(found.message, doing, "read", self._permission))
        return None if isinstance(found, NotThere) else found

    def get_pages(
        self,
        path: str,
        read: Callable[[Answer], list[T]],
        *,
        doing: str,
        parameters: Mapping[str, Any] | None = None,
    ) -> list[T]:
        """Read all pages of a list; an empty one if GitHub answers that it does not exist.

        Raises:
            OutsideError: if GitHub refused, or did not answer.
        """
        found: list[T] = []
        for page in count(1):
            paged = {**(parameters or {}), "per_page": _PAGE, "page": page}
            found += (rows := self.get(path, read, doing=doing, parameters=paged) or [])
            if len(rows) < _PAGE:
                break
        return found

    def change(
        self,
        verb: str,
        path: str,
        read: Callable[[Answer], T],
        *,
        doing: str,
        body: object,
        parameters: Mapping[str, Any] | None = None,
        arrived: Callable[[], T | None] | None = None,
    ) -> T:
        """Write an object; ``arrived`` returns it if a request that got no answer took effect.

        Raises:
            RefusedError: if GitHub rejects the request.
            OutsideError: if GitHub refused, or did not answer.
        """
        found = self._ask(verb, path, read, doing=doing, body=body, parameters=parameters, arrived=arrived)
        if isinstance(found, PermissionRefused):
            raise OutsideError(permission_error(found.message, doing, "write", self._permission))
        if isinstance(found, NotThere):
            raise OutsideError(
                f"GitHub: could not {doing} (404): the token does not reach {self.name}, or may not write to it; "
                f"it needs `{self._permission}: write`"
            )
        return found

    def delete(self, path: str, *, doing: str) -> None:
        """Delete an object; a missing one is not an error.

        Raises:
            OutsideError: if GitHub refused, or did not answer.
        """
        found = self._ask("DELETE", path, lambda _: None, doing=doing)
        if isinstance(found, PermissionRefused):
            raise OutsideError(permission_error(found.message, doing, "write", self._permission))

    def check_reachable(self) -> None:
        """Check that the repository can be read, so that a 404 on an object means that it does not exist.

        Raises:
            OutsideError: if the repository can't be read.
        """
        if self.get("", lambda _: True, doing=f"read {self.name}") is None:
            raise OutsideError(
                f"GitHub: {self.name} is not there for this token (404): the name is wrong, or the token does not "
                "reach a private repository; it needs `contents: read`"
            )

    def _ask(
        self,
        verb: str,
        path: str,
        read: Callable[[Answer], T],
        *,
        doing: str,
        parameters: Mapping[str, Any] | None = None,
        body: object | None = None,
        arrived: Callable[[], T | None] | None = None,
    ) -> T | PermissionRefused | NotThere:
        ask = Request(
            verb=verb,
            path=self._root + path,
            permission=self._permission,
            doing=doing,
            parameters=parameters or {},
            body=body,
        )
        return self._asker.ask(ask, read, arrived)


def form_reader(kind: type[T]) -> Callable[[Answer], T]:
    """Return a parser for a form; it raises ValueError for any other."""
    adapter = TypeAdapter(kind)

    def read(answer: Answer) -> T:
        try:
            return adapter.validate_json(answer.body)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise ValueError(f"its answer has another form than GitHub documents ({where or 'as a whole'})") from None

    return read


def permission_error(
    message: str, doing: str, level: Literal["read", "write"], permission: Permission = "contents"
) -> str:
    """Return cause, reason and the lines to add."""
    if permission == "administration":
        return (
            f'GitHub refused to {doing} (403 "{message}"): the token lacks `administration: {level}`, which the token '
            "of a workflow can't have. Use that of a person or App that administrates the repository:\n\n"
            "    export GITHUB_TOKEN=$(gh auth token)"
        )
    person = "personal access token" in message.lower()
    titled = permission.replace("-", " ").capitalize()
    add = (
        f"Give the token the repository permission *{titled}*: {'read and write' if level == 'write' else 'read-only'}."
        if person
        else f"Add to the job:\n\n    permissions:\n      {permission}: {level}\n"
    )
    fork = (
        "\nRuns for pull requests from forks can only read, also with more permissions."
        if level == "write" and not person
        else ""
    )
    return f'GitHub refused to {doing} (403 "{message}"): the token lacks `{permission}: {level}`. {add}{fork}'
