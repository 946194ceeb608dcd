"""A request until it is answered: patient with faults, bounded, and nothing sent twice without looking."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from mlci.errors import OutsideError
from mlci.github import answers
from mlci.github.interface import Forbidden, Missing
from mlci.github.patience import Budget, Patience
from mlci.github.transport import Answer, NoAnswerError, Send
from mlci.publish.advice import Permission
from mlci.report.escape import plain

T = TypeVar("T")


class RefusedError(OutsideError):
    """GitHub does not take a request as it stands (409, 422 and others); asking again would not help.

    Attributes:
        status: GitHub's.
        said: GitHub's own words, harmless.
    """

    def __init__(self, text: str, *, status: int, said: str) -> None:
        """Keep what was said."""
        super().__init__(text)
        self.status, self.said = status, said


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request.

    Attributes:
        verb, path, parameters, body: As they are sent.
        permission: What it needs.
        doing: What it is for, to be said when it fails.
    """

    verb: str
    path: str
    permission: Permission
    doing: str
    parameters: Mapping[str, Any]
    body: object | None = None


class Asker:
    """Sends requests within one budget of time."""

    def __init__(self, send: Send, patience: Patience) -> None:
        """Begin to count the time."""
        self._send = send
        self._patience = patience
        self._budget = Budget(patience)
        self.requests = 0

    def ask(
        self, ask: Ask, read: Callable[[Answer], T], arrived: Callable[[], T | None] | None = None
    ) -> T | Forbidden | Missing:
        """Send a request until it is answered; before a repeat, look whether it arrived.

        Raises:
            OutsideError: It was not answered in time, or GitHub does not take it.
        """
        failed = f"GitHub: could not {ask.doing}"
        problem = "there was no time"
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

    def _sent(self, ask: Ask) -> Answer:
        self.requests += 1
        return self._send(ask.verb, ask.path, ask.parameters, ask.body)


def _working(answer: Answer) -> Answer:
    """Return the answer.

    Raises:
        NoAnswerError: It says that GitHub is broken.
    """
    if answer.status >= 500 or answer.status == 408:
        raise NoAnswerError(f"status {answer.status}")
    return answer


def _limited(answer: Answer) -> bool:
    """Whether a rate limit was met: 429, or a 403 that says so."""
    if answer.status not in {403, 429}:
        return False
    headers = answer.headers
    told = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return answer.status == 429 or told or "rate limit" in answers.message(answer.body).lower()


def _refused(ask: Ask, answer: Answer) -> Forbidden | Missing | None:
    """Return a refusal as a value.

    Raises:
        OutsideError: The token is not valid.
        RefusedError: GitHub does not take the request.
    """
    if answer.status < 400 or answer.status >= 500 or answer.status == 408 or _limited(answer):
        return None
    said = plain(answers.message(answer.body) or f"status {answer.status}", longest=300)
    match answer.status:
        case 401:
            raise OutsideError(f"GitHub: could not {ask.doing}: the token is not valid (401, {said})")
        case 403:
            return Forbidden(permission=ask.permission, said=said)
        case 404 | 410:
            return Missing()
        case 422 if said.startswith("No commit found"):  # a branch that is gone, where a commit was asked for
            return Missing()
        case 422 if "maximum number of statuses" in said:  # 1,000 of one context on one commit
            return Forbidden(permission=ask.permission, said=said)
        case _:
            text = f"GitHub does not let mlci {ask.doing} ({answer.status}, {said})"
            raise RefusedError(text, status=answer.status, said=said)
