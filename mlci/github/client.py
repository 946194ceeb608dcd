"""Adapter of :class:`mlci.github.interface.GitHub` to GitHub's REST API, and parsers of its answers."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from mlci.errors import OutsideError
from mlci.github.interface import CheckFields, CheckRun, Comment, NotThere, PermissionRefused, Status
from mlci.github.retry import POLICY, Request, RetryingClient, decode_json
from mlci.github.transport import Answer, Send
from mlci.publish.check_content import Annotation
from mlci.util.bounds import API_PAGES, API_TEXT_BYTES
from mlci.util.retry_policy import RetryPolicy

T = TypeVar("T")
MOST_TEXT = API_TEXT_BYTES.value
_PAGE = 100
_MOST_PAGES = API_PAGES.value


class Client:
    """GitHub for one repository; see :class:`mlci.github.interface.GitHub`."""

    def __init__(self, send: Send, *, repository: str, patience: RetryPolicy | None = None) -> None:
        """Take a repository, ``owner/name``."""
        self._root = f"/repos/{quote(repository)}"
        self._asker = RetryingClient(send, patience or POLICY)

    @property
    def requests(self) -> int:
        """Number of requests so far."""
        return self._asker.requests

    def check_runs(self, ref: str, name: str) -> tuple[CheckRun, ...] | PermissionRefused | NotThere:
        """Return the check runs of a name on a commit or branch, oldest first."""
        path = f"{self._root}/commits/{quote(ref)}/check-runs"
        ask = partial(Request, verb="GET", path=path, permission="checks", doing="list check runs")
        parameters = {"check_name": name, "filter": "all"}  # `latest` keeps one, by time, not by run
        found = self._pages(ask, parameters, "check_runs", parse_check_run)
        if isinstance(found, PermissionRefused | NotThere):
            return found
        return tuple(sorted((one for one in found if one.name == name), key=lambda one: one.id))

    def create_check(
        self, *, head: str, name: str, fields: CheckFields, arrived: Callable[[], CheckRun | None]
    ) -> CheckRun | PermissionRefused:
        """Make a check run."""
        ask = Request(
            verb="POST",
            path=f"{self._root}/check-runs",
            permission="checks",
            doing=f"create the check `{name}`",
            parameters={},
            body={"name": name, "head_sha": head, **check_body(fields)},
        )
        return _there(self._asker.ask(ask, _json(parse_check_run), arrived), ask)

    def update_check(
        self, number: int, fields: CheckFields, *, arrived: Callable[[], CheckRun | None]
    ) -> CheckRun | PermissionRefused:
        """Change a check run."""
        ask = Request(
            verb="PATCH",
            path=f"{self._root}/check-runs/{number}",
            permission="checks",
            doing="update the check",
            parameters={},
            body=check_body(fields),
        )
        return _there(self._asker.ask(ask, _json(parse_check_run), arrived), ask)

    def set_status(self, head: str, status: Status) -> PermissionRefused | None:
        """Set a commit status; the request is idempotent."""
        target = {"target_url": status.url} if status.url else {}
        ask = Request(
            verb="POST",
            path=f"{self._root}/statuses/{quote(head)}",
            permission="statuses",
            doing="set the commit status",
            parameters={},
            body={"state": status.state, "context": status.context, "description": status.description, **target},
        )
        return _there(self._asker.ask(ask, _nothing), ask)

    def comments(self, pull: int) -> tuple[Comment, ...] | PermissionRefused:
        """Return all comments of a pull request."""
        path = f"{self._root}/issues/{pull}/comments"
        doing = f"list the comments of pull request {pull}"
        ask = partial(Request, verb="GET", path=path, permission="pull-requests", doing=doing)
        found = self._pages(ask, {}, None, parse_comment)
        return _there(found, ask(parameters={}))

    def create_comment(
        self, pull: int, body: str, *, arrived: Callable[[], Comment | None]
    ) -> Comment | PermissionRefused:
        """Write a comment."""
        ask = Request(
            verb="POST",
            path=f"{self._root}/issues/{pull}/comments",
            permission="pull-requests",
            doing=f"comment on pull request {pull}",
            parameters={},
            body={"body": body},
        )
        return _there(self._asker.ask(ask, _json(parse_comment), arrived), ask)

    def edit_comment(self, number: int, body: str) -> Comment | PermissionRefused | NotThere:
        """Replace the text of a comment."""
        return self._asker.ask(self._about(number, "PATCH", {"body": body}), _json(parse_comment))

    def delete_comment(self, number: int) -> PermissionRefused | NotThere | None:
        """Delete a comment."""
        return self._asker.ask(self._about(number, "DELETE", None), _nothing)

    def head(self, pull: int) -> str | PermissionRefused | NotThere:
        """Return a pull request's current head commit."""
        path = f"{self._root}/pulls/{pull}"
        ask = Request(
            verb="GET", path=path, permission="pull-requests", doing=f"read pull request {pull}", parameters={}
        )
        return self._asker.ask(ask, _json(parse_head_commit))

    def login(self) -> str | None:
        """Return the token's login; a workflow's own token has none."""
        ask = Request(verb="GET", path="/user", permission="checks", doing="read the token's login", parameters={})
        found = self._asker.ask(ask, _json(_login))
        return found if isinstance(found, str) else None

    def _about(self, number: int, verb: str, body: object | None) -> Request:
        path = f"{self._root}/issues/comments/{number}"
        return Request(
            verb=verb,
            path=path,
            permission="pull-requests",
            doing=f"{'delete' if verb == 'DELETE' else 'edit'} our comment",
            parameters={},
            body=body,
        )

    def _pages(
        self, ask: Callable[..., Request], parameters: Mapping[str, Any], key: str | None, read: Callable[[object], T]
    ) -> tuple[T, ...] | PermissionRefused | NotThere:
        """Read all pages by number; links in the answer are not followed."""

        def page(answer: Answer) -> tuple[list[T], bool]:
            return [read(item) for item in parse_items(decode_json(answer.body), key)], _has_next(answer)

        found: list[T] = []
        for number in range(1, _MOST_PAGES + 1):
            answer = self._asker.ask(ask(parameters={**parameters, "per_page": _PAGE, "page": number}), page)
            if isinstance(answer, PermissionRefused | NotThere):
                return answer
            entries, more = answer
            found += entries
            if not more:
                return tuple(found)
        one = ask(parameters=parameters)
        raise OutsideError(f"GitHub has more than {_MOST_PAGES * _PAGE:,} entries where mlci wanted to {one.doing}")


def _json(read: Callable[[object], T]) -> Callable[[Answer], T]:
    return lambda answer: read(decode_json(answer.body))


def _nothing(_answer: Answer) -> None:
    """Take any answer."""


def _login(data: object) -> str | None:
    found = data.get("login") if isinstance(data, dict) else None
    return found if isinstance(found, str) else None


def _there(found: T | PermissionRefused | NotThere, ask: Request) -> T | PermissionRefused:
    """Return an answer that can't be missing.

    Raises:
        OutsideError: if it is missing.
    """
    if isinstance(found, NotThere):
        hint = "does the token reach this repository, and is the commit or pull request still there?"
        raise OutsideError(f"GitHub: could not {ask.doing} (404): {hint}")
    return found


def _has_next(answer: Answer) -> bool:
    """Whether the ``Link`` header names a next page (GitHub's documentation, "Using pagination in the REST API")."""
    return 'rel="next"' in answer.headers.get("link", "")


def parse_comment(data: object) -> Comment:
    """Read a comment.

    Raises:
        ValueError: if it has another form.
    """
    found = _object(data, "comment")
    return Comment(
        id=_number(found, "id"),
        author=_text(_optional(found, "user"), "login"),
        body=_text(found, "body"),
        url=_text(found, "html_url"),
    )


def parse_check_run(data: object) -> CheckRun:
    """Read a check run.

    Raises:
        ValueError: if it has another form.
    """
    found = _object(data, "check run")
    output = _optional(found, "output")
    return CheckRun(
        id=_number(found, "id"),
        name=_text(found, "name"),
        head=_text(found, "head_sha"),
        app=_text(_optional(found, "app"), "slug"),
        external_id=_text(found, "external_id"),
        status=_text(found, "status"),
        conclusion=_text(found, "conclusion") or None,
        title=_text(output, "title"),
        summary=_text(output, "summary"),
        annotations=_number(output, "annotations_count", missing=0),
        url=_text(found, "html_url"),
        pulls=_pulls(found),
    )


def parse_head_commit(data: object) -> str:
    """Read the commit that is a pull request's head.

    Raises:
        ValueError: if it has another form.
    """
    return _text(_object(_object(data, "pull request").get("head"), "head"), "sha")


def parse_items(data: object, key: str | None) -> list[object]:
    """Return the entries of a page: a list, or a list under a key.

    Raises:
        ValueError: if it has another form.
    """
    found = _object(data, "page").get(key) if key is not None else data
    if not isinstance(found, list):
        raise ValueError("its answer is not a list")  # noqa: TRY004 (an answer's form, not a caller's mistake)
    return found


def check_body(fields: CheckFields) -> dict[str, object]:
    """Return a check run in the form of GitHub's API."""
    ended = {"status": "in_progress"} if fields.conclusion is None else {"status": "completed"}
    output: dict[str, object] = {"title": fields.output.title, "summary": fields.output.summary}
    if fields.output.annotations:
        output["annotations"] = [_annotation(one) for one in fields.output.annotations]
    return {
        "external_id": fields.external_id,
        **ended,
        **({"conclusion": fields.conclusion} if fields.conclusion else {}),
        **({"details_url": fields.url} if fields.url else {}),
        "output": output,
    }


def _annotation(one: Annotation) -> dict[str, object]:
    return {
        "path": one.path,
        "start_line": one.line,
        "end_line": one.line,
        "annotation_level": one.level,
        "title": one.title,
        "message": one.message,
    }


def _pulls(found: Mapping[str, object]) -> tuple[int, ...]:
    """Return numbers of pull requests; malformed entries are skipped, because only a comment depends on them."""
    entries = found.get("pull_requests")
    numbers = [one.get("number") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    return tuple(one for one in numbers if isinstance(one, int) and not isinstance(one, bool) and one > 0)


def _object(data: object, what: str) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise ValueError(f"its answer is not a {what}")  # noqa: TRY004 (an answer's form, not a caller's mistake)
    return data


def _optional(parent: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}


def _number(parent: Mapping[str, object], key: str, *, missing: int | None = None) -> int:
    found = parent.get(key, missing)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise ValueError(f"its answer has no number `{key}`")
    return found


def _text(parent: Mapping[str, object], key: str) -> str:
    found = parent.get(key)
    return found[:MOST_TEXT] if isinstance(found, str) else ""
