"""Versions in any store: read through their manifest, verified by digest."""

from dataclasses import dataclass

from pydantic import ValidationError

from mlci.registry import compatibility
from mlci.registry.entries import Entry, PredictionsAdded, Promotion
from mlci.registry.errors import CorruptError, VersionError
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


def read_promoted(store: Store, entry: Entry, number: int) -> Version:
    """Read the version that an entry promoted; the caller has verified the entry.

    Raises:
        CorruptError: if the entry did not promote that version, or its manifest is damaged.
        NewerError: if a newer mlci wrote the manifest.
    """
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
