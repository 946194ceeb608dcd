"""Versions in any store: found by number, read through their manifest, verified by digest."""

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mlci.registry import compatibility, descriptions, ledger
from mlci.registry.damage import FileError, VersionError
from mlci.registry.entries import Entry, PredictionsAdded, Promotion
from mlci.registry.ledger import LedgerHead
from mlci.registry.manifest import Manifest, Predictions, VersionFile
from mlci.registry.store import CorruptError, Store

MOST_BYTES = descriptions.MOST_BYTES
describe, read_description = descriptions.describe, descriptions.read_description


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version in the registry.

    Attributes:
        number: Number, from 1.
        entry: The entry that promoted it first.
        digest: Digest of its manifest.
        manifest: Its manifest.
    """

    number: int
    entry: Entry
    digest: str
    manifest: Manifest


def read_champion(store: Store, ledger_head: LedgerHead) -> Version | None:
    """Return the version in production; ``None`` only if nothing was ever promoted.

    Raises:
        CorruptError: if it is damaged; the message names the damage.
        OutsideError: if the registry can't be reached.
    """
    return None if ledger_head.state.champion is None else read_version(store, ledger_head, ledger_head.state.champion)


def read_version(store: Store, ledger_head: LedgerHead, number: int) -> Version:
    """Return a version by its number, verified from the ledger head.

    Raises:
        LookupError: if it does not exist.
        CorruptError: if it is damaged; the message names the damage.
        OutsideError: if the registry can't be reached.
    """
    place = ledger_head.state.promoted.get(str(number))
    if place is None:
        raise LookupError(number)
    return _version(store, ledger.read_verified(store, ledger_head, place), number)


def promoted(store: Store, entry: Entry) -> Version:
    """Return the version that an entry promoted; the caller has verified the entry."""
    return _version(store, entry, entry.body.version if isinstance(entry.body, Promotion) else 0)


def _version(store: Store, entry: Entry, number: int) -> Version:
    if not isinstance(entry.body, Promotion) or entry.body.version != number:
        raise CorruptError(f"{store.shown}: entry {entry.number} should have promoted version {number} and did not")
    data = read_description(store, entry.body.manifest, of=f"the manifest of version {number}")
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        what = f"{store.shown}: the manifest of version {number}"
        raise compatibility.unreadable_record(error, data, what=what, writer=entry.writer) from None
    if manifest.version != number:
        raise VersionError(f"{store.shown}: the manifest of version {number} is of version {manifest.version}")
    return Version(number=number, entry=entry, digest=entry.body.manifest, manifest=manifest)


def iter_decisions(store: Store, ledger_head: LedgerHead) -> Iterator[Entry]:
    """Yield every promotion and rollback, newest first, without reading all entries between them.

    The entry before a decision names the newest decision until then, and the decision names that entry by its digest.

    Raises:
        CorruptError: if one of them, or an entry on the way, is not the one that was appended.
    """
    entry = ledger.read_verified(store, ledger_head, ledger_head.state.decided) if ledger_head.state.decided else None
    while entry is not None:
        yield entry
        entry = ledger.find_decision_before(store, entry)


def find_rescored(store: Store, ledger_head: LedgerHead, fingerprint: str) -> Predictions | None:
    """Return the champion's predictions on another evaluation set, if they were added.

    Raises:
        CorruptError: if the entry or the description was changed or is damaged.
    """
    place = ledger_head.state.rescored.get(fingerprint)
    if place is None:
        return None
    entry = ledger.read_verified(store, ledger_head, place)
    body = entry.body
    if not isinstance(body, PredictionsAdded) or (body.version, body.fingerprint) != (
        ledger_head.state.champion,
        fingerprint,
    ):
        raise CorruptError(f"{store.shown}: entry {place} should have added predictions and did not")
    found, of = added_predictions(store, entry, body)
    if found.fingerprint != fingerprint:
        raise CorruptError(f"{store.shown}: {of} were made on other rows than the entry names")
    return found


def added_predictions(store: Store, entry: Entry, body: PredictionsAdded) -> tuple[Predictions, str]:
    """Return the predictions that an entry added to a version, and their description for messages.

    Raises:
        CorruptError: if they were changed or are damaged.
        NewerError: if a newer mlci wrote them.
    """
    of = f"the predictions that entry {entry.number} added"
    data = read_description(store, body.predictions, of=of)
    try:
        return Predictions.model_validate_json(data), of
    except ValidationError as error:
        what = f"{store.shown}: {of}"
        raise compatibility.unreadable_record(error, data, what=what, writer=entry.writer) from None


def fetch_file(store: Store, file: VersionFile, target: Path, *, of: str) -> Path:
    """Copy a file out of the registry and verify the copy's digest.

    Args:
        store: The registry.
        file: The file.
        target: Path of the copy; folders are made.
        of: Owner of the file, for messages: ``version 7``.

    Raises:
        CorruptError: if it is missing, truncated or altered; the message names it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not store.get(file.digest, target):
        raise _lost(store, file, f"`{file.name}` of {of} is missing (sha256 {file.digest})")
    size = target.stat().st_size
    if size != file.bytes:
        wrong = "truncated" if size < file.bytes else "altered"
        raise _lost(store, file, f"`{file.name}` of {of} was {wrong}: {size:,} of {file.bytes:,} bytes")
    if digest_of(target) != file.digest:
        raise _lost(store, file, f"`{file.name}` of {of} was altered: it is not sha256 {file.digest}")
    return target


def verify_files(store: Store, manifest: Manifest) -> None:
    """Read every file of a version and verify its digest.

    Raises:
        CorruptError: if a file is missing, truncated or altered; the message names the first one.
    """
    for file in manifest.everything():
        check_digest(store, file, of=f"version {manifest.version}")


def check_digest(store: Store, file: VersionFile, *, of: str) -> None:
    """Read one file and verify its digest, as :func:`fetch_file` does."""
    with tempfile.TemporaryDirectory(prefix="mlci-verify-", ignore_cleanup_errors=True) as scratch:
        fetch_file(store, file, Path(scratch) / "file", of=of)


def check_exists(store: Store, file: VersionFile, *, of: str) -> None:
    """Check that a file exists with its size, without reading it.

    Raises:
        CorruptError: if it does not; the message names it. Some stores list complete files only, so a missing file may
            be a truncated one.
    """
    if store.holds(file.digest, file.bytes):
        return
    other = f"was truncated or altered: it does not have its {file.bytes:,} bytes"
    lacks = other if store.holds(file.digest) else "is missing or truncated"
    raise _lost(store, file, f"`{file.name}` of {of} {lacks} (sha256 {file.digest})")


def put_verified(store: Store, source: Path, file: VersionFile, *, of: str, mend: bool = False) -> None:
    """Store a file; an existing one has to be intact.

    Args:
        store: The registry.
        source: The file.
        file: Its entry in the manifest.
        of: Owner of the file, for messages.
        mend: Whether to replace a damaged one, if the store supports that.

    Raises:
        CorruptError: if it exists and was changed or is damaged.
    """
    if store.holds(file.digest):
        try:
            check_digest(store, file, of=of)
        except CorruptError:
            if not mend:
                raise
            store.put(source, file.digest)
            check_digest(store, file, of=of)
    store.put(source, file.digest)  # also flushes a file of a writer that was killed before it flushed


def _lost(store: Store, file: VersionFile, message: str) -> FileError:
    return FileError(message, shown=store.shown, digest=file.digest)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, reading it in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
