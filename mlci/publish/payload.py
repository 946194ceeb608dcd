"""The event's payload from bytes to an object, with bounds; and its fields, each believed only if it has its form."""

import json
import re
from collections.abc import Mapping
from typing import cast

from mlci.bounds import Bounds, excess
from mlci.errors import InputError, Problem

Object = Mapping[str, object]

MOST_BYTES = 25 * 1024 * 1024
"""GitHub caps payloads at 25 MB (documentation page "Webhook events and payloads")."""

MOST = Bounds(depth=64, parts=400_000, values=2_000_000)
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NAME = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9._-]{1,100}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_LARGEST = 2**53
_LONGEST_REF = 1_024


def parse(data: bytes, *, path: str) -> Object:
    """Return the payload's object.

    Raises:
        InputError: It is too large, too deep, no JSON, no object, or holds NaN.
    """
    if len(data) > MOST_BYTES:
        raise InputError(Problem(f"the event has {len(data):,} bytes; GitHub sends at most {MOST_BYTES:,}", path))
    if found := excess(data.decode("latin-1"), MOST):  # quotes, brackets and commas are the same bytes in UTF-8
        raise InputError(Problem(f"the event is {found}, which none of GitHub's is", path))
    try:
        found = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(Problem(f"the event is not JSON: {str(error)[:200]}", path)) from None
    if not isinstance(found, dict):
        raise InputError(Problem("the event is not a JSON object", path))
    return found


def part(parent: Object | None, key: str) -> Object | None:
    """Return an object inside an object; ``None`` if it is anything else."""
    found = None if parent is None else parent.get(key)
    return cast("Object", found) if isinstance(found, dict) else None


def text(parent: Object | None, key: str, *, longest: int = 200) -> str | None:
    """Return a text of bounded length."""
    found = None if parent is None else parent.get(key)
    return found if isinstance(found, str) and 0 < len(found) <= longest else None


def flag(parent: Object | None, key: str) -> bool:
    """Return whether a field is exactly ``true``."""
    return parent is not None and parent.get(key) is True


def number(parent: Object | None, key: str) -> int | None:
    """Return a positive whole number that every reader of JSON understands alike."""
    found = None if parent is None else parent.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < _LARGEST else None


def sha(parent: Object | None, key: str) -> str | None:
    """Return a commit: 40 hexadecimal digits, or 64 where git uses SHA-256."""
    found = text(parent, key)
    return found if found is not None and _SHA.fullmatch(found) else None


def branch(parent: Object | None, key: str) -> str | None:
    """Return a branch name that can stand in an address (git-check-ref-format's rules, the part that matters here)."""
    found = text(parent, key, longest=_LONGEST_REF)
    wrong = found is None or found.startswith("/") or found.endswith(("/", ".lock")) or ".." in found or "//" in found
    return None if wrong or found is None or any(ord(char) <= 32 or char in "\x7f~^:?*[\\" for char in found) else found


def repository(parent: Object | None) -> str | None:
    """Return ``owner/name``."""
    found = text(parent, "full_name")
    return found if found is not None and _NAME.fullmatch(found) else None


def _no_constant(name: str) -> object:
    raise ValueError(f"it holds {name}")
