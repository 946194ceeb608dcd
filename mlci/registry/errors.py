"""Errors of a registry and its stores, with the remedy: the file to restore, or a rollback if it helps. Pure."""

from pathlib import Path

from mlci.errors import OutsideError
from mlci.registry import layout

BACK = "`mlci rollback --to VERSION --reason …`"
VERSION_REMEDY = f"Restore it from a copy. If it is the version in production, {BACK} promotes an intact one until then"
"""Remedy for a manifest or predictions that do not fit what names them."""


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
