"""Uploads and downloads: streamed, counted, with the token sent to GitHub's hosts only.

PyGithub 2.10 reads a download byte by byte, fails on a redirect to another host, and uploads to any address in an
answer, so files go through ``requests`` directly. GitHub stores files on other hosts: a download is redirected to a
signed address, whose host refuses a request with GitHub's token ("Get a release asset" in GitHub's documentation: "API
clients should handle both a 200 or 302 response").
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

from mlci.errors import OutsideError
from mlci.github.rest import SLOWEST
from mlci.github.transport import Access, Answer, NoAnswerError, Send, failure_reason, observe_requests
from mlci.util import atomic_files
from mlci.util.bounds import REDIRECTS

_CHUNK = 1 << 20
_MOST_HOPS = REDIRECTS.value
_MOST_ANSWER = 1 << 20
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_JSON, _BYTES = "application/vnd.github+json", "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class FileUpload:
    """File as the body of a request."""

    source: Path
    size: int
    address: str


@dataclass(frozen=True, kw_only=True)
class FileDownload:
    """File to write an answer's bytes to, atomically.

    Attributes:
        target: The file.
        most: Most bytes that it may have.
        size: Bytes that it has to have, if known.
    """

    target: Path
    most: int
    size: int | None = None


def add_file_transfer(access: Access, send: Send) -> Send:
    """Return a function that sends requests by ``send``, and handles those with a file as body."""
    from requests import RequestException, Session  # noqa: PLC0415 (as in transport)
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 (the same)

    session = Session()

    def transfer(_verb: str, path: str, parameters: Mapping[str, Any], body: object | None) -> Answer:
        try:
            if isinstance(body, FileDownload):
                return _down(session, access, access.url.rstrip("/") + path, body)
            return _up(session, access, cast("FileUpload", body), parameters)
        except (RequestException, HTTPError) as error:
            raise NoAnswerError(failure_reason(error)) from None

    files = observe_requests(access, transfer)

    def carry(verb: str, path: str, parameters: Mapping[str, Any], body: object | None) -> Answer:
        chosen = files if isinstance(body, FileUpload | FileDownload) else send
        return chosen(verb, path, parameters, body)

    return carry


def allowed_upload(api: str, address: str) -> bool:
    """Whether an address for uploads belongs to the API that named it, so that it may have the token.

    ``api.github.com`` has ``uploads.github.com``, ``api.NAME.ghe.com`` has ``uploads.NAME.ghe.com``, and a GitHub
    Enterprise Server has its own host.
    """
    here, there = urlsplit(api), urlsplit(address)
    hosts = {here.netloc}
    if here.netloc.startswith("api."):
        hosts.add("uploads." + here.netloc.removeprefix("api."))
    return there.scheme == here.scheme and there.netloc in hosts


def _up(session: Any, access: Access, upload: FileUpload, parameters: Mapping[str, Any]) -> Answer:  # noqa: ANN401 (requests' session)
    if not allowed_upload(access.url, upload.address):
        raise OutsideError(f"GitHub names {urlsplit(upload.address).netloc!r} for uploads; the token is not sent there")
    with contextlib.closing(_Source(access, upload)) as data:
        answer = session.request(
            "POST",
            upload.address,
            params=dict(parameters),
            data=data,
            headers={**_headers(access, _JSON), "Content-Type": _BYTES},
            auth=_as_it_is,
            timeout=access.seconds + upload.size / SLOWEST,
            allow_redirects=False,
            stream=True,
        )
    with answer:
        return _small(answer)


def _down(session: Any, access: Access, address: str, download: FileDownload) -> Answer:  # noqa: ANN401 (requests' session)
    headers = _headers(access, _BYTES)
    for _ in range(_MOST_HOPS):
        with session.request(
            "GET",
            address,
            headers=headers,
            auth=_as_it_is,
            timeout=access.seconds,
            allow_redirects=False,
            stream=True,
        ) as answer:
            if answer.is_redirect:
                address = _next(access, address, answer.headers["location"])
                headers = {"Accept-Encoding": "identity", "User-Agent": access.agent}  # not the token
                continue
            if answer.status_code != 200:
                return _elsewhere(answer) if "Authorization" not in headers else _small(answer)
            with atomic_files.write_fresh(
                download.target.parent, _counted(answer, access, download), durable=False
            ) as written:
                written.replace(download.target)
            return Answer(status=200, headers={}, body="")
    raise NoAnswerError("it redirects without end")


def _next(access: Access, address: str, location: str) -> str:
    """Return the target of a redirect, if it may be followed.

    Raises:
        NoAnswerError: if the target is not an https address.
    """
    there = urlsplit(urljoin(address, location))
    here = urlsplit(access.url)
    local = here.scheme == "http" and there.scheme == "http" and there.hostname in _LOOPBACK
    if there.scheme != "https" and not local:
        raise NoAnswerError("it redirects to an address that is not https")
    return there.geturl()


def _elsewhere(answer: Any) -> Answer:  # noqa: ANN401 (requests' answer)
    """Return the error for a refusal by the storage host, which is not GitHub's answer about the file."""
    raise NoAnswerError(f"the host that stores it answered {answer.status_code}")


def _small(answer: Any) -> Answer:  # noqa: ANN401 (the same)
    data = answer.raw.read(_MOST_ANSWER + 1, decode_content=True)
    if len(data) > _MOST_ANSWER:
        raise NoAnswerError(f"its answer has more than {_MOST_ANSWER:,} bytes")
    if answer.is_redirect:
        raise NoAnswerError("it redirects to another address, where a token is not sent; was the repository renamed?")
    headers = {key.lower(): str(value) for key, value in answer.headers.items()}
    return Answer(status=answer.status_code, headers=headers, body=data.decode("utf-8", "replace"))


def _counted(answer: Any, access: Access, download: FileDownload) -> Iterator[bytes]:  # noqa: ANN401 (the same)
    """Read an answer with exactly the expected bytes, within the time limit."""
    end, count = access.clock() + 2 * access.seconds + download.most / SLOWEST, 0
    while chunk := answer.raw.read(_CHUNK, decode_content=False):
        count += len(chunk)
        if count > download.most:
            raise NoAnswerError(f"it sends more than {download.most:,} bytes")
        if access.clock() > end:
            raise NoAnswerError(f"{download.most:,} bytes took too long")
        yield chunk
    if download.size is not None and count < download.size:
        raise NoAnswerError(f"its answer broke off after {count:,} of {download.size:,} bytes")


class _Source:
    """File that is read for an upload; the upload ends if the file became shorter or the transfer is too slow."""

    def __init__(self, access: Access, upload: FileUpload) -> None:
        """Open the file."""
        self._stream = upload.source.open("rb")
        self._left, self._size = upload.size, upload.size
        self._clock, self._end = access.clock, access.clock() + 2 * access.seconds + upload.size / SLOWEST

    def __len__(self) -> int:
        """Return the announced size."""
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """Yield the content in pieces."""
        while data := self.read(_CHUNK):
            yield data

    def read(self, count: int) -> bytes:
        """Read the next piece."""
        if self._clock() > self._end:
            raise NoAnswerError(f"{self._size:,} bytes took too long")
        data = self._stream.read(min(count, self._left))
        if self._left and not data:
            raise OutsideError(f"{self._stream.name} changed while it was being stored: it became shorter")
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def _headers(access: Access, accept: str) -> dict[str, str]:
    return {
        "Accept": accept,
        "Accept-Encoding": "identity",
        "Authorization": f"Bearer {access.token}",
        "User-Agent": access.agent,
        "X-GitHub-Api-Version": "2022-11-28",
    }


def _as_it_is(request: Any) -> Any:  # noqa: ANN401 (requests' own)
    """Stop requests from reading credentials in a ``.netrc``."""
    return request
