"""The port :class:`mlci.github.interface.GitHub`, spoken to GitHub's REST API."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from mlci.errors import OutsideError
from mlci.github import answers
from mlci.github.asking import Ask, Asker
from mlci.github.interface import CheckFields, CheckRun, Comment, Forbidden, Missing, Status
from mlci.github.patience import Patience
from mlci.github.transport import Answer, Send

T = TypeVar("T")
_PAGE = 100
_MOST_PAGES = 50


class Client:
    """GitHub for one repository; see :class:`mlci.github.interface.GitHub`."""

    def __init__(self, send: Send, *, repository: str, patience: Patience | None = None) -> None:
        """Speak about a repository, ``owner/name``."""
        self._root = f"/repos/{quote(repository)}"
        self._asker = Asker(send, patience or Patience())

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._asker.requests

    def check_runs(self, ref: str, name: str) -> tuple[CheckRun, ...] | Forbidden | Missing:
        """Return the check runs of a name on a commit or branch, oldest first."""
        path = f"{self._root}/commits/{quote(ref)}/check-runs"
        ask = partial(Ask, verb="GET", path=path, permission="checks", doing="list check runs")
        parameters = {"check_name": name, "filter": "all"}  # `latest` keeps one, by time, not by run
        found = self._pages(ask, parameters, "check_runs", answers.check_run)
        if isinstance(found, Forbidden | Missing):
            return found
        return tuple(sorted((one for one in found if one.name == name), key=lambda one: one.id))

    def create_check(
        self, *, head: str, name: str, fields: CheckFields, arrived: Callable[[], CheckRun | None]
    ) -> CheckRun | Forbidden:
        """Make a check run."""
        ask = Ask(
            verb="POST",
            path=f"{self._root}/check-runs",
            permission="checks",
            doing=f"create the check `{name}`",
            parameters={},
            body={"name": name, "head_sha": head, **answers.check_body(fields)},
        )
        return _there(self._asker.ask(ask, _json(answers.check_run), arrived), ask)

    def update_check(
        self, number: int, fields: CheckFields, *, arrived: Callable[[], CheckRun | None]
    ) -> CheckRun | Forbidden:
        """Change a check run."""
        ask = Ask(
            verb="PATCH",
            path=f"{self._root}/check-runs/{number}",
            permission="checks",
            doing="update the check",
            parameters={},
            body=answers.check_body(fields),
        )
        return _there(self._asker.ask(ask, _json(answers.check_run), arrived), ask)

    def set_status(self, head: str, status: Status) -> Forbidden | None:
        """Set a commit status; sending it twice does no harm."""
        target = {"target_url": status.url} if status.url else {}
        ask = Ask(
            verb="POST",
            path=f"{self._root}/statuses/{quote(head)}",
            permission="statuses",
            doing="set the commit status",
            parameters={},
            body={"state": status.state, "context": status.context, "description": status.description, **target},
        )
        return _there(self._asker.ask(ask, _nothing), ask)

    def comments(self, pull: int) -> tuple[Comment, ...] | Forbidden:
        """Return all comments of a pull request."""
        path = f"{self._root}/issues/{pull}/comments"
        doing = f"list the comments of pull request {pull}"
        ask = partial(Ask, verb="GET", path=path, permission="pull-requests", doing=doing)
        found = self._pages(ask, {}, None, answers.comment)
        return _there(found, ask(parameters={}))

    def create_comment(self, pull: int, body: str, *, arrived: Callable[[], Comment | None]) -> Comment | Forbidden:
        """Write a comment."""
        ask = Ask(
            verb="POST",
            path=f"{self._root}/issues/{pull}/comments",
            permission="pull-requests",
            doing=f"comment on pull request {pull}",
            parameters={},
            body={"body": body},
        )
        return _there(self._asker.ask(ask, _json(answers.comment), arrived), ask)

    def edit_comment(self, number: int, body: str) -> Comment | Forbidden | Missing:
        """Give a comment another text."""
        return self._asker.ask(self._about(number, "PATCH", {"body": body}), _json(answers.comment))

    def delete_comment(self, number: int) -> Forbidden | Missing | None:
        """Delete a comment."""
        return self._asker.ask(self._about(number, "DELETE", None), _nothing)

    def head(self, pull: int) -> str | Forbidden | Missing:
        """Return the commit that is a pull request's head now."""
        path = f"{self._root}/pulls/{pull}"
        ask = Ask(verb="GET", path=path, permission="pull-requests", doing=f"read pull request {pull}", parameters={})
        return self._asker.ask(ask, _json(answers.head))

    def login(self) -> str | None:
        """Return the token's login; a workflow's own token has none."""
        ask = Ask(verb="GET", path="/user", permission="checks", doing="read the token's login", parameters={})
        found = self._asker.ask(ask, _json(_login))
        return found if isinstance(found, str) else None

    def _about(self, number: int, verb: str, body: object | None) -> Ask:
        path = f"{self._root}/issues/comments/{number}"
        return Ask(
            verb=verb,
            path=path,
            permission="pull-requests",
            doing=f"{'delete' if verb == 'DELETE' else 'edit'} our comment",
            parameters={},
            body=body,
        )

    def _pages(
        self, ask: Callable[..., Ask], parameters: Mapping[str, Any], key: str | None, read: Callable[[object], T]
    ) -> tuple[T, ...] | Forbidden | Missing:
        """Read all pages by number; addresses that the answer names are not followed."""

        def page(answer: Answer) -> tuple[list[T], bool]:
            return [read(item) for item in answers.items(answers.decode(answer.body), key)], _has_next(answer)

        found: list[T] = []
        for number in range(1, _MOST_PAGES + 1):
            answer = self._asker.ask(ask(parameters={**parameters, "per_page": _PAGE, "page": number}), page)
            if isinstance(answer, Forbidden | Missing):
                return answer
            entries, more = answer
            found += entries
            if not more:
                return tuple(found)
        one = ask(parameters=parameters)
        raise OutsideError(f"GitHub has more than {_MOST_PAGES * _PAGE:,} entries where mlci wanted to {one.doing}")


def _json(read: Callable[[object], T]) -> Callable[[Answer], T]:
    return lambda answer: read(answers.decode(answer.body))


def _nothing(_answer: Answer) -> None:
    """Take any answer."""


def _login(data: object) -> str | None:
    found = data.get("login") if isinstance(data, dict) else None
    return found if isinstance(found, str) else None


def _there(found: T | Forbidden | Missing, ask: Ask) -> T | Forbidden:
    """Return what was found; where it can't be missing, that is an error.

    Raises:
        OutsideError: It is missing.
    """
    if isinstance(found, Missing):
        hint = "does the token reach this repository, and is the commit or pull request still there?"
        raise OutsideError(f"GitHub: could not {ask.doing} (404): {hint}")
    return found


def _has_next(answer: Answer) -> bool:
    """Whether the ``Link`` header names a next page (GitHub's documentation, "Using pagination in the REST API")."""
    return 'rel="next"' in answer.headers.get("link", "")
