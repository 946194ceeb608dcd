"""Retries of requests to GitHub: waits, time budget, and lost answers.

Source: GitHub's documentation, "Best practices for using the REST API", *Handle rate limit errors appropriately*: obey
``retry-after``; with ``x-ratelimit-remaining: 0`` wait until ``x-ratelimit-reset``; else at least a minute.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mlci.errors import OutsideError
from mlci.github.interface import NotThere, PermissionRefused
from mlci.github.transport import Answer, NoAnswerError, Send
from mlci.publish.permissions import Permission
from mlci.report.text.escape import plain_text
from mlci.util.retry_policy import RetryPolicy

if TYPE_CHECKING:
    from tenacity import RetryCallState

POLICY = RetryPolicy(attempts=5, total=180.0)
"""Most times that a request to GitHub is sent, and seconds after which it is not repeated."""
A_MINUTE = 60.0
_LATEST = 1e12  # an instant of today has 1.8e9 seconds since 1970
T = TypeVar("T")


class RateLimitError(NoAnswerError):
    """GitHub did not carry out a request because of a rate limit.

    Attributes:
        seconds: Seconds that GitHub asks to wait.
    """

    def __init__(self, seconds: float) -> None:
        """Keep the seconds."""
        super().__init__("rate limit")
        self.seconds = seconds


class RefusedError(OutsideError):
    """GitHub rejects a request (409, 422 and others); a repeat would not help.

    Attributes:
        status: Status of GitHub's answer.
        message: GitHub's own message, sanitized.
    """

    def __init__(self, text: str, *, status: int, message: str) -> None:
        """Keep status and message."""
        super().__init__(text)
        self.status, self.message = status, message


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request.

    Attributes:
        verb, path, parameters, body: Parts of the request.
        permission: Permission that it needs.
        doing: Its purpose, for error messages.
    """

    verb: str
    path: str
    permission: Permission
    doing: str
    parameters: Mapping[str, Any]
    body: object | None = None


class RetryingClient:
    """Sends requests within one time budget."""

    def __init__(self, send: Send, patience: RetryPolicy) -> None:
        """Start the time budget."""
        self._send = send
        self._patience = patience
        self._end = patience.clock() + patience.total
        self.requests = 0

    def ask(
        self, ask: Request, read: Callable[[Answer], T], arrived: Callable[[], T | None] | None = None
    ) -> T | PermissionRefused | NotThere:
        """Send a request until it is answered; before a repeat, check if it arrived.

        Raises:
            OutsideError: if it was not answered in time, or GitHub rejects it.
        """
        failed, patience = f"GitHub: could not {ask.doing}", self._patience
        problem: Exception | None = None

        def found() -> T | None:
            unsure = problem is not None and not isinstance(problem, RateLimitError)
            return arrived() if arrived is not None and unsure else None

        def send_once() -> T | PermissionRefused | NotThere:
            nonlocal problem
            if (there := found()) is not None:
                return there
            if patience.clock() >= self._end:
                reason = problem or "the time was over"
                raise OutsideError(f"{failed} ({reason}): the {patience.total:.0f} s that mlci gives GitHub are over")
            try:
                return self._answered(ask, read)
            except (NoAnswerError, ValueError) as error:
                problem = error
                raise

        def give_up(state: "RetryCallState") -> T:
            if state.attempt_number < patience.attempts:
                due, limit = f"{state.upcoming_sleep:.0f} s", f"mlci waits {patience.total:.0f} s in all"
                raise OutsideError(f"{failed} ({problem}); another try would be due in {due}, and {limit}")
            if (there := found()) is not None:
                return there
            raise OutsideError(f"{failed} in {patience.attempts} tries ({problem})")

        retrying = patience.retrying(NoAnswerError, ValueError, end=self._end, wait=_asked_wait, give_up=give_up)
        return retrying(send_once)

    def _answered(self, ask: Request, read: Callable[[Answer], T]) -> T | PermissionRefused | NotThere:
        """Send a request once.

        Raises:
            NoAnswerError: if GitHub did not answer, failed, or reports a rate limit.
            ValueError: if ``read`` can't read the answer.
        """
        self.requests += 1
        answer = self._send(ask.verb, ask.path, ask.parameters, ask.body)
        if (refused := _refused(ask, answer)) is not None:
            return refused
        if _limited(answer):
            raise RateLimitError(requested_seconds(answer.headers, self._patience.now()))
        return read(_working(answer))


def _asked_wait(error: BaseException) -> float | None:
    return error.seconds if isinstance(error, RateLimitError) else None


def requested_seconds(headers: Mapping[str, str], now: float) -> float:
    """Return the seconds that GitHub asks to wait at a rate limit; ``now`` is in seconds since 1970."""
    after, reset = _number(headers.get("retry-after")), _number(headers.get("x-ratelimit-reset"))
    if after is not None:
        return after
    if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return max(reset - now, 0.0) + 1.0
    return A_MINUTE


def _number(text: str | None) -> float | None:
    """Read a header of whole seconds; anything else counts as absent."""
    digits = (text or "").strip()
    return min(float(digits), _LATEST) if digits.isascii() and digits.isdigit() else None


def _working(answer: Answer) -> Answer:
    """Return the answer.

    Raises:
        NoAnswerError: if GitHub reports its own failure.
    """
    if answer.status >= 500 or answer.status == 408:
        raise NoAnswerError(f"status {answer.status}")
    return answer


def _limited(answer: Answer) -> bool:
    """Whether a rate limit was hit: 429, or a 403 with that message."""
    if answer.status not in {403, 429}:
        return False
    headers = answer.headers
    stated = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return answer.status == 429 or stated or "rate limit" in error_message(answer.body).lower()


def _refused(ask: Request, answer: Answer) -> PermissionRefused | NotThere | None:
    """Return a refusal as a value.

    Raises:
        OutsideError: if the token is not valid.
        RefusedError: if GitHub rejects the request.
    """
    if answer.status < 400 or answer.status >= 500 or answer.status == 408 or _limited(answer):
        return None
    message = plain_text(error_message(answer.body) or f"status {answer.status}", longest=300)
    match answer.status:
        case 401:
            raise OutsideError(f"GitHub: could not {ask.doing}: the token is not valid (401, {message})")
        case 403:
            return PermissionRefused(permission=ask.permission, message=message)
        case 404 | 410:
            return NotThere()
        case 422 if message.startswith("No commit found"):  # the requested branch does not exist
            return NotThere()
        case 422 if "maximum number of statuses" in message:  # 1,000 of one context on one commit
            return PermissionRefused(permission=ask.permission, message=message)
        case _:
            text = f"GitHub does not let mlci {ask.doing} ({answer.status}, {message})"
            raise RefusedError(text, status=answer.status, message=message)


def decode_json(body: str) -> Any:  # noqa: ANN401 (any JSON)
    """Read JSON; an empty body is ``None``.

    Raises:
        ValueError: if it is not JSON, or is nested too deep.
    """
    try:
        return json.loads(body) if body.strip() else None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its answer is not JSON ({type(error).__name__})") from None


def error_message(body: str) -> str:
    """Return GitHub's message about an error, with the fields that it is about."""
    try:
        found = decode_json(body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    text, errors = found.get("message"), found.get("errors")
    more = errors if isinstance(errors, list) else []
    parts = [str(one.get("message") or one) if isinstance(one, dict) else str(one) for one in more]
    return "; ".join([text if isinstance(text, str) else "", *parts])[:400]
