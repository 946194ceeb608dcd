"""Errors of a registry and its stores, with the remedy; records that a newer mlci wrote are not damaged. Pure.

Every entry names the mlci that wrote it and the least version that reads it. An older mlci that meets such an entry,
or an unknown kind or field in a record that is well formed apart from that, reports which version to upgrade to. Such a
record is not damaged: do not restore it from a copy.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlci import __version__
from mlci.errors import OutsideError
from mlci.registry import layout
from mlci.util.digests import canonical_json

BACK = "`mlci rollback --to VERSION --reason …`"
VERSION_REMEDY = f"Restore it from a copy. If it is the version in production, {BACK} promotes an intact one until then"
"""Remedy for a manifest or predictions that do not fit what names them."""
READER = "0.1.0"
"""Least version of mlci that reads entries as this one writes them."""
_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}")
_SCHEMA = re.compile(r"(mlci/[a-z]+)/([0-9]{1,6})")
_UNKNOWN = {"extra_forbidden", "union_tag_invalid"}


class CorruptError(OutsideError):
    """Something in the registry is not what it was; the message names it. Nothing is promoted or judged on it."""

    remedy = "Restore it from a copy or from the store's own versions"

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        """Keep the remedy, if it is another one; it is empty if the message contains it."""
        super().__init__(message)
        self.remedy = type(self).remedy if remedy is None else remedy


class NewerError(OutsideError):
    """A record that a newer mlci wrote; this mlci can't read it, so nothing is decided on it.

    Attributes:
        damage: The message if the record's digest turns out to differ from the one that other records name.
    """

    damage = ""


class UnknownOutcomeError(OutsideError):
    """An append that was sent, and may or may not have arrived."""

    remedy = "Run the command again: it reads the ledger first and recognizes its own entry"


class NotFoundError(OutsideError):
    """The requested object or record does not exist."""


class ConflictError(OutsideError):
    """The object or record exists already, or is not in the state that a conditional write asked for."""


class UnconfirmedError(OutsideError):
    """A request without an answer: it may have been carried out, and may be repeated."""


class FileError(CorruptError):
    """A file of a version was changed or is damaged."""

    def __init__(self, message: str, *, shown: str, digest: str) -> None:
        """Name the file to restore."""
        super().__init__(f"{shown}: {message}")
        self.restore = f"Restore {file_place(shown, digest)} from a copy, such as the bundle of the run that left it"
        self.remedy = f"{self.restore}. If it is the version in production, {BACK} promotes an intact one until then"


class ErasedError(FileError):
    """A file that was erased on purpose."""

    def __init__(self, message: str, *, shown: str, digest: str) -> None:
        """Replace the remedy: nothing is damaged."""
        super().__init__(message, shown=shown, digest=digest)
        self.remedy = "Nothing is damaged; `mlci ledger log` lists the erasure"


class ForeignFileError(CorruptError):
    """A link, pipe or folder where a registry keeps a file, or a file or link in place of one of its folders."""

    def __init__(self, message: str, path: Path) -> None:
        """Name the path to remove."""
        super().__init__(f"{message}; a registry has plain files and folders only, and no links")
        self.remedy = f"Remove `{path}`; if the registry had a file or folder of that name, restore it from a copy"


def entry_place(shown: str, number: int) -> str:
    """Return the path of an entry in a registry, for messages."""
    if shown.startswith("mlflow:"):
        return f"the version with the tag `mlci.number` = `{number}` of the ledger's registered model in {shown}"
    return f"`ledger/{layout.entry_name(number)}` in {shown}"


def file_place(shown: str, digest: str) -> str:
    """Return the path of a file in a registry, for messages."""
    if shown.startswith("github:"):
        return f"the release asset `{digest}` in {shown}"
    if shown.startswith("mlflow:"):
        return f"the artifact `{digest}` in {shown}"
    return f"`{'/'.join(('files', *layout.file_name(digest)))}` in {shown}"


def damaged_record(shown: str, message: str, *entries: tuple[int, str | None]) -> CorruptError:
    """Return the error for a damaged ledger.

    Args:
        shown: The registry.
        message: The damage.
        entries: Entries to restore, by number, each with its SHA-256 if another record names it.
    """
    places = [entry_place(shown, number) + (f" (SHA-256 {sha})" if sha else "") for number, sha in entries]
    restore = f"Restore {' or '.join(places)} from a copy or from the store's own versions"
    return CorruptError(f"{shown}: {message}", remedy=f"{restore}. A rollback does not repair the ledger")


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
