"""The storage host of artifacts and assets, behind redirects."""

from urllib.parse import parse_qs

from tests.fake_github.serving import Reply
from tests.fake_github.state import State

SIGNATURE = "fake-signature"


def address(base: str, digest: str) -> str:
    """A signed address of kept bytes."""
    return f"{base}/results/{digest}?sig={SIGNATURE}"


def answer(state: State, method: str, path: str, query: str, headers: dict[str, str]) -> Reply:
    """Return bytes for a signed address, but not for requests that include GitHub's token.

    https://github.com/rapid7/metakitty/pull/30 quotes Azure's answer to a client that forwards it.
    """
    if "authorization" in headers:
        return xml(400, "InvalidAuthenticationInfo")
    if parse_qs(query).get("sig") != [SIGNATURE]:
        return xml(403, "AuthenticationFailed")
    data = state.blobs.get(path.rsplit("/", 1)[-1])
    if data is None or method not in {"GET", "HEAD"}:
        return xml(404, "BlobNotFound")
    return Reply(200, headers={"Content-Type": "application/octet-stream"}, raw=data)


def xml(status: int, code: str) -> Reply:
    text = f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{code}</Code></Error>"
    return Reply(status, headers={"Content-Type": "application/xml"}, raw=text.encode())
