"""Transport: one request through PyGithub, with bounds on bytes, seconds and redirects.

Features of PyGithub 2.10 that are switched off: it waits a second between writes, repeats ten times, reads answers of
any size, follows redirects without end and sleeps on every 202. Its connection is replaced only for mlci's requests
(``injectConnectionClasses`` on a subclass), not for others in the same process.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from mlci.errors import InputError
from mlci.events.events import Emit, RequestSent, ignore_event
from mlci.util.bounds import API_BYTES

MOST_BYTES = API_BYTES.value
"""Largest accepted answer; a page of 100 comments of 65,536 characters is smaller."""

_CHUNK = 1 << 16
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class NoAnswerError(Exception):
    """Missing or incomplete answer; the request may have taken effect."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of GitHub: status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, kw_only=True)
class Access:
    """GitHub's address and the token.

    Attributes:
        url: ``GITHUB_API_URL``.
        token: The token, which is never shown.
        agent: mlci's name in requests.
        seconds: Timeout of a connection and of each read; an answer may take twice as long in all.
        clock: Monotonic clock, in seconds.
        emit: Receives an event for each request.
    """

    url: str
    token: str = field(repr=False)
    agent: str
    seconds: float = 20.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    emit: Emit = field(default=ignore_event, repr=False)


Send = Callable[[str, str, Mapping[str, Any], object | None], Answer]
"""``send(verb, path, parameters, body)``."""


def transport(access: Access) -> Send:
    """Return a function that sends requests.

    Raises:
        InputError: if PyGithub is not installed, or the address is not ``https``: others could read the token.
    """
    place = urlsplit(access.url)
    if place.scheme != "https" and not (place.scheme == "http" and place.hostname in _LOOPBACK):
        raise InputError(f"GITHUB_API_URL is {access.url!r}; a token is only sent to an https address")
    try:
        from github import Auth  # noqa: PLC0415 (an import of half a second that only publishing needs)
        from requests import RequestException  # noqa: PLC0415 (the same)
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 (the same)
    except ImportError as error:
        raise InputError("publishing needs PyGithub: pip install 'mlci[github]'") from error

    requester = _bounded(access)(
        auth=Auth.Token(access.token),
        base_url=access.url,
        timeout=access.seconds,
        user_agent=access.agent,
        per_page=100,
        verify=True,
        retry=0,
        pool_size=1,
        seconds_between_requests=0,
        seconds_between_writes=0,
        lazy=True,
    )

    def send(verb: str, path: str, parameters: Mapping[str, Any], body: object | None) -> Answer:
        try:
            status, headers, text = requester.requestJson(verb, path, dict(parameters), None, body)
        except (RequestException, HTTPError) as error:
            raise NoAnswerError(failure_reason(error)) from None
        return Answer(status=status, headers={key.lower(): str(value) for key, value in headers.items()}, body=text)

    return observe_requests(access, send)


def observe_requests(access: Access, send: Send) -> Send:
    """Return a function that sends requests and emits an event for each, answered or not."""

    def observed(verb: str, path: str, parameters: Mapping[str, Any], body: object | None) -> Answer:
        begun, status, problem = access.clock(), None, None
        try:
            answer = send(verb, path, parameters, body)
            status = answer.status
        except NoAnswerError as error:
            problem = str(error)
            raise
        finally:
            seconds = access.clock() - begun
            access.emit(
                RequestSent(service="github", verb=verb, path=path, seconds=seconds, status=status, problem=problem)
            )
        return answer

    return observed


def _bounded(access: Access) -> Any:  # noqa: ANN401 (a class made after a late import)
    """Return PyGithub's requester with limited connections."""
    from github.Requester import (  # noqa: PLC0415 (see above)
        HTTPRequestsConnectionClass,
        HTTPSRequestsConnectionClass,
        Requester,
    )

    sessions: dict[str, Callable[..., Any]] = {}

    def answer(connection: Any) -> _Whole:  # noqa: ANN401 (PyGithub's own type has no interface)
        if connection.protocol not in sessions:
            sessions[connection.protocol] = _session(connection)
        return _whole(connection, sessions[connection.protocol], access)

    class Plain(HTTPRequestsConnectionClass):
        def getresponse(self) -> Any:  # noqa: ANN401 (PyGithub's own type has no interface)
            return answer(self)

        def close(self) -> None:
            """Keep the connection for the next request."""

    class Secure(HTTPSRequestsConnectionClass):
        def getresponse(self) -> Any:  # noqa: ANN401 (the same)
            return answer(self)

        def close(self) -> None:
            """Keep the connection for the next request."""

    class Bounded(Requester):
        pass

    Bounded.injectConnectionClasses(Plain, Secure)
    return Bounded


@dataclass(frozen=True)
class _Whole:
    """Answer that was read already, in the form that PyGithub expects."""

    status: int
    headers: Mapping[str, str]
    body: str

    def getheaders(self) -> Iterator[tuple[str, str]]:
        yield from self.headers.items()

    def read(self) -> str:
        return self.body


def _session(connection: Any) -> Callable[..., Any]:  # noqa: ANN401 (PyGithub's connection)
    """Return the request function of a session that reads proxy and certificates from the environment only once."""
    session, address = connection.session, f"{connection.protocol}://{connection.host}:{connection.port}"
    settings = session.merge_environment_settings(address, {}, stream=True, verify=connection.verify, cert=None)
    session.trust_env = False
    return partial(session.request, **settings)


def _whole(connection: Any, request: Callable[..., Any], access: Access) -> _Whole:  # noqa: ANN401 (the same)
    """Send the request and read its answer within the limits on bytes and time; follow no redirects."""
    begun = access.clock()
    with request(
        connection.verb,
        f"{connection.protocol}://{connection.host}:{connection.port}{connection.url}",
        headers=connection.headers,
        data=connection.input,
        timeout=access.seconds,
        allow_redirects=False,
    ) as answer:
        if answer.is_redirect or answer.is_permanent_redirect:
            raise NoAnswerError(
                "it redirects to another address, where a token is not sent; was the repository renamed?"
            )
        if answer.status_code == 202:  # PyGithub would sleep and repeat, without end
            raise NoAnswerError("it is not ready yet (202)")
        body = bytearray()
        while chunk := answer.raw.read1(
            _CHUNK, decode_content=True
        ):  # the bytes that have arrived, without waiting for a whole chunk
            body += chunk
            if len(body) > MOST_BYTES:
                raise NoAnswerError(f"its answer has more than {MOST_BYTES:,} bytes")
            if access.clock() - begun > 2 * access.seconds:
                raise NoAnswerError(f"its answer took more than {2 * access.seconds:.0f} s")
        return _Whole(answer.status_code, dict(answer.headers), body.decode("utf-8", "replace"))


def failure_reason(error: Exception) -> str:
    """Describe an exception in a few words; its own text contains addresses and objects."""
    name = type(error).__name__
    return {
        "ConnectTimeout": "it can't be reached (time-out)",
        "ReadTimeout": "it did not answer in time",
        "ReadTimeoutError": "it did not answer in time",
        "ConnectionError": "the connection failed",
        "SSLError": "its certificate is not trusted",
        "ProxyError": "the proxy failed",
        "ProtocolError": "its answer broke off",
        "IncompleteRead": "its answer broke off",
        "DecodeError": "its answer is garbled",
    }.get(name, name)
