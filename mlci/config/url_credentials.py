"""Credentials in URLs: detection, and removal from messages, in time that is linear in the text.

Every pattern is applied to one word at a time and begins at a ``://``; none scans from each of many beginnings to the
end of the word, which would take minutes for a file of 100 KiB.
"""

import re
from collections.abc import Iterator

_HIDDEN = "***"
_PASSES = 4
_WORD = re.compile(r"[^\s'\"<>]+")
_PASSWORD = re.compile(r"(?P<before>[A-Za-z0-9+.-]://)(?P<secret>[^/@:]*:(?!\d{1,5}(?:[/?#]|$))(?![$<{*])[^@]+)(?=@)")
_USER = re.compile(r"(?P<before>\b(?:https?|s3)://)(?P<secret>(?![$<{*])[^/@:?#]+)(?=@)", re.IGNORECASE)
_QUERY = re.compile(
    r"(?P<before>[?&#](?:x-(?:amz|goog)-(?:signature|credential|security-token)|sig|signature|awsaccesskeyid"
    r"|googleaccessid|(?:access|auth|private|id|refresh|session)?[_-]?token|api[_-]?key|access[_-]?key(?:[_-]?id)?"
    r"|secret(?:[_-]\w+)?|client[_-]secret|account[_-]?key|password|passwd|pwd)=)"
    r"(?P<secret>(?![$<{*])[^&#]+)",
    re.IGNORECASE,
)

REMEDY = "credentials belong in the environment of the job, never in an address; remove them, and replace them if seen"


def holds_credentials(text: str) -> bool:
    """Return whether an address in a text contains a password, a token or a signature; ``$NAME`` is not one."""
    if "://" not in text:
        return False
    words = (match[0] for match in _WORD.finditer(text))
    return any(kind.search(part) for word in words for kind, part in _parts(word))


def hide_credentials(text: str) -> str:
    """Return the text with ``***`` for credentials in addresses."""
    return _WORD.sub(lambda match: _hide(match[0]), text) if "://" in text else text


def _parts(word: str) -> Iterator[tuple[re.Pattern[str], str]]:
    """Yield the patterns with the part of a word in which each can match: up to the last ``@``, or after an address."""
    place, last = word.find("://"), word.rfind("@") + 1
    if place >= 0:
        yield _PASSWORD, word[:last]
        yield _USER, word[:last]
        yield _QUERY, word[place:]


def _hide(word: str) -> str:
    """Hide until nothing is found: what is left around a hidden secret can be another one."""
    for _ in range(_PASSES):
        if not any(kind.search(part) for kind, part in _parts(word)):
            return word
        word = _hide_once(word)
    return f"{word[: word.find('://')]}://{_HIDDEN}"


def _hide_once(word: str) -> str:
    last = word.rfind("@") + 1
    head = word[:last]
    for kind in (_PASSWORD, _USER):
        head = kind.sub(rf"\g<before>{_HIDDEN}", head)
    word = head + word[last:]
    place = word.find("://")
    return word[:place] + _QUERY.sub(rf"\g<before>{_HIDDEN}", word[place:])
