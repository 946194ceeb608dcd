"""Credentials in URLs: detection, and removal from messages."""

import re

_HIDDEN = "***"
_PASSWORD = re.compile(
    r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://)"
    r"(?P<secret>[^\s/@:'\"<>]*:(?!\d{1,5}(?:[/?#]|$))(?![$<{*])[^\s'\"<>@]+)(?=@)"
)
_USER = re.compile(r"(?P<before>\b(?:https?|s3)://)(?P<secret>(?![$<{*])[^\s/@:'\"<>?#]+)(?=@)", re.IGNORECASE)
_QUERY = re.compile(
    r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]*?[?&#]"
    r"(?:x-(?:amz|goog)-(?:signature|credential|security-token)|sig|signature|awsaccesskeyid|googleaccessid"
    r"|(?:access|auth|private|id|refresh|session)?[_-]?token|api[_-]?key|access[_-]?key(?:[_-]?id)?|secret(?:[_-]\w+)?"
    r"|client[_-]secret|account[_-]?key|password|passwd|pwd)=)"
    r"(?P<secret>(?![$<{*])[^\s&#'\"<>]+)",
    re.IGNORECASE,
)
_KINDS = (_PASSWORD, _USER, _QUERY)

REMEDY = "credentials belong in the environment of the job, never in an address; remove them, and replace them if seen"


def holds_credentials(text: str) -> bool:
    """Return whether an address in a text contains a password, a token or a signature; ``$NAME`` is not one."""
    return "://" in text and any(kind.search(text) for kind in _KINDS)


def hide_credentials(text: str) -> str:
    """Return the text with ``***`` for credentials in addresses."""
    if "://" not in text:
        return text
    for kind in _KINDS:
        previous = ""
        while previous != text:  # a query may contain several
            previous, text = text, kind.sub(rf"\g<before>{_HIDDEN}", text)
    return text
