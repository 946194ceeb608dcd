"""Compatibility of stored records: recognize those that a newer mlci wrote. Pure.

Every entry names the mlci that wrote it and the least version that reads it. An older mlci that meets such an entry,
or an unknown kind or field in a record that is well formed apart from that, reports which version to upgrade to. Such a
record is not damaged: do not restore it from a copy.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mlci import __version__
from mlci.registry.errors import CorruptError, NewerError
from mlci.util.digests import canonical_json

READER = "0.1.0"
"""Least version of mlci that reads entries as this one writes them."""

_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}")
_SCHEMA = re.compile(r"(mlci/[a-z]+)/([0-9]{1,6})")
_UNKNOWN = {"extra_forbidden", "union_tag_invalid"}


def release_of(text: object) -> tuple[int, ...] | None:
    """Return the numbers of a version, without a suffix; ``None`` for any other text."""
    found = _VERSION.match(text) if isinstance(text, str) else None
    if found is None:
        return None
    numbers = [int(part) for part in found[0].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def is_newer(text: object, than: str = __version__) -> bool:
    """Check if a text is a version later than this mlci's."""
    mine, theirs = release_of(than), release_of(text)
    return theirs is not None and mine is not None and theirs > mine


def newer_error(what: str, *, writer: object = None, reader: object = None) -> NewerError:
    """Return the error for a record that a newer mlci wrote.

    Args:
        what: The record, with its registry: ``REGISTRY: entry 7``.
        writer: Version that wrote it, if known.
        reader: Least version that reads it, if known.
    """
    written, needed = (_VERSION.match(item) if isinstance(item, str) else None for item in (writer, reader))
    who = f" ({written[0]})" if written and is_newer(writer) else ""
    least = needed[0] if needed and is_newer(reader) else written[0] if written and is_newer(writer) else None
    to, package = (f"mlci {least} or later", f"mlci>={least}") if least else ("the newest mlci", "mlci")
    return NewerError(
        f"{what} was written by a newer mlci{who}; this is mlci {__version__}. It is not damaged. Upgrade to {to}: "
        f"`pip install --upgrade '{package}'`, or in a workflow the version of mlci's actions"
    )


def unreadable_record(
    error: ValidationError, data: bytes, *, what: str, verb: str = "can't be read", writer: object = None
) -> NewerError | CorruptError:
    """Return the error for a record that does not validate: from a newer mlci, or damaged.

    Args:
        error: Error of its validation.
        data: The record.
        what: The record, with its registry.
        verb: Follows ``what`` if it is damaged.
        writer: Version that wrote it, if another record names it.
    """
    document = _document(data)
    if document is not None and _by_newer(error, document, writer):
        found = newer_error(what, writer=document.get("writer", writer), reader=document.get("reader"))
        found.damage = f"{what} {verb}: {error.errors()[0]['msg']}"
        return found
    return CorruptError(f"{what} {verb}: {error.errors()[0]['msg']}")


def _by_newer(error: ValidationError, document: Mapping[str, Any], writer: object) -> bool:
    found = _SCHEMA.fullmatch(str(document.get("schema", "")))
    later = found is not None and int(found[2]) > 1
    named = (document.get("writer"), document.get("reader"), writer)
    only_unknown = all(item["type"] in _UNKNOWN for item in error.errors())
    return later or only_unknown or any(is_newer(item) for item in named)


def _document(data: bytes) -> Mapping[str, Any] | None:
    """Return a record as JSON, if it is the canonical form of an object."""
    try:
        document = json.loads(data)
        same = canonical_json(document) == data
    except (ValueError, RecursionError):
        return None
    return document if same and isinstance(document, dict) else None
