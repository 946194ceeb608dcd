"""Retries of requests to GitHub: waits, time budget, and lost answers.

Source: GitHub's documentation, "Best practices for using the REST API", *Handle rate limit errors appropriately*: obey
``retry-after``; with ``x-ratelimit-remaining: 0`` wait until ``x-ratelimit-reset``; else at least a minute.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mlci.errors import OutsideError
from mlci.github.interface import NotThere, PermissionRefused
from mlci.github.transport import Answer, NoAnswerError, Send
from mlci.publish.permissions import Permission
from mlci.report.text.escape import plain_text

A_MINUTE = 60.0
_LATEST = 1e12  # an instant of today has 1.8e9 seconds since 1970


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Limits on tries and waiting.

    Attributes:
        attempts: Most times that one request is sent.
        total: Seconds after which nothing is repeated, over all requests.
        first: Seconds before the first repeat; they double.
        clock: Monotonic clock, in seconds.
        now: Seconds since 1970, for ``x-ratelimit-reset``.
        sleep: Waits.
        spread: Random number in [0, 1), so that publishers that failed together do not repeat together.
    """

    attempts: int = 5
    total: float = 180.0
    first: float = 1.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    now: Callable[[], float] = field(default=time.time, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    spread: Callable[[], float] = field(default=random.random, repr=False)

    def backoff(self, attempt: int) -> float:
        """Return the seconds before a repeat after a fault."""
        return float(self.first * 2.0**attempt * (0.5 + self.spread()))

    def asked(self, headers: Mapping[str, str]) -> float:
        """Return the seconds that GitHub asks to wait at a rate limit."""
        after = _number(headers.get("retry-after"))
        if after is not None:
            return after
        reset = _number(headers.get("x-ratelimit-reset"))
        if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
            return max(reset - self.now(), 0.0) + 1.0
        return A_MINUTE


class RetryBudget:
    """Time budget of all requests of one process."""

    def __init__(self, patience: RetryPolicy) -> None:
        """Start the time."""
        self._patience = patience
        self._end = patience.clock() + patience.total

    def wait(self, seconds: float, problem: str) -> None:
        """Wait, if a repeat is still possible after that.

        Raises:
            OutsideError: if waiting would exceed the time budget.
        """
        if self._patience.clock() + seconds >= self._end:
            patience = f"mlci waits {self._patience.total:.0f} s in all"
            raise OutsideError(f"{problem}; another try would be due in {seconds:.0f} s, and {patience}")
        self._patience.sleep(seconds)

    def check(self, problem: str) -> None:
        """Raise if the time is over.

        Raises:
            OutsideError: if the time is over.
        """
        if self._patience.clock() >= self._end:
            raise OutsideError(f"{problem}: the {self._patience.total:.0f} s that mlci gives GitHub are over")


def _number(text: str | None) -> float | None:
    """Read a header of whole seconds; anything else counts as absent."""
    digits = (text or "").strip()
    return min(float(digits), _LATEST) if digits.isascii() and digits.isdigit() else None


T = TypeVar("T")


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
        self._budget = RetryBudget(patience)
        self.requests = 0

    def ask(
        self, ask: Request, read: Callable[[Answer], T], arrived: Callable[[], T | None] | None = None
    ) -> T | PermissionRefused | NotThere:
        """Send a request until it is answered; before a repeat, check if it arrived.

        Raises:
            OutsideError: if it was not answered in time, or GitHub rejects it.
        """
        failed = f"GitHub: could not {ask.doing}"
        problem = "the time was over"
        for attempt in range(self._patience.attempts):
            self._budget.check(f"{failed} ({problem})")
            wait = self._patience.backoff(attempt)
            unsure = True
            try:
                answer = self._sent(ask)
                if (refused := _refused(ask, answer)) is not None:
                    return refused
                if not _limited(answer):
                    return read(_working(answer))
                problem, wait, unsure = "rate limit", self._patience.asked(answer.headers), False
            except (NoAnswerError, ValueError) as error:
                problem = str(error)
            if attempt + 1 < self._patience.attempts:
                self._budget.wait(wait, f"{failed} ({problem})")
            if unsure and arrived is not None and (found := arrived()) is not None:
                return found
        raise OutsideError(f"{failed} in {self._patience.attempts} tries ({problem})")

    def _sent(self, ask: Request) -> Answer:
        self.requests += 1
        return self._send(ask.verb, ask.path, ask.parameters, ask.body)


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
