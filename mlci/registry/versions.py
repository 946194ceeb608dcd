"""Versions in any store: found by number, read through their manifest, verified by digest."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from mlci.registry import compatibility, ledger
from mlci.registry.entries import Entry, PredictionsAdded, Promotion
from mlci.registry.errors import CorruptError, VersionError
from mlci.registry.ledger import LedgerHead
from mlci.registry.manifest import Manifest, Predictions
from mlci.registry.store import Store
from mlci.registry.stored_files import read_description


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
