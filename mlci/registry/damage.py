"""Remedies for damage in a registry: name the file to restore, and offer a rollback only if it helps. Pure."""

from pathlib import Path

from mlci.registry import layout
from mlci.registry.store import CorruptError

_GITHUB, _MLFLOW = "github:", "mlflow:"
BACK = "`mlci rollback --to VERSION --reason …`"


class RecordError(CorruptError):
    """An entry of the ledger was changed or is damaged. A rollback does not repair that: it appends another entry."""

    def __init__(self, message: str, remedy: str) -> None:
        """Keep the remedy."""
        super().__init__(message)
        self.remedy = remedy


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


class VersionError(CorruptError):
    """A version's manifest or predictions do not fit what names them. Another version can be in production."""

    remedy = f"Restore it from a copy. If it is the version in production, {BACK} promotes an intact one until then"


def entry_place(shown: str, number: int) -> str:
    """Return the path of an entry in a registry, for messages."""
    if shown.startswith(_MLFLOW):
        return f"the version with the tag `mlci.number` = `{number}` of the ledger's registered model in {shown}"
    return f"`ledger/{layout.entry_name(number)}` in {shown}"


def file_place(shown: str, digest: str) -> str:
    """Return the path of a file in a registry, for messages."""
    if shown.startswith(_GITHUB):
        return f"the release asset `{digest}` in {shown}"
    if shown.startswith(_MLFLOW):
        return f"the artifact `{digest}` in {shown}"
    return f"`{'/'.join(('files', *layout.file_name(digest)))}` in {shown}"


def damaged_record(shown: str, message: str, *entries: tuple[int, str | None]) -> RecordError:
    """Return the error for a damaged ledger.

    Args:
        shown: The registry.
        message: The damage.
        entries: Entries to restore, by number, each with its SHA-256 if another record names it.
    """
    places = [entry_place(shown, number) + (f" (SHA-256 {sha})" if sha else "") for number, sha in entries]
    restore = f"Restore {' or '.join(places)} from a copy or from the store's own versions"
    return RecordError(f"{shown}: {message}", f"{restore}. A rollback does not repair the ledger")
