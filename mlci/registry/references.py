"""References of ledger entries to stored files: documents by their digest in an entry, and files that documents name.

Every digest in an entry's body may name a stored document, except for those of :data:`_NOT_STORED`. The rule also
covers kinds of entries that are added later, so that no document is left out of a backup or deleted as unused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mlci.registry import errors, layout
from mlci.registry.entries import Entry
from mlci.registry.entry_kinds import Body, MonitorRecord, PredictionsAdded, Promotion, ReproductionRecorded
from mlci.registry.manifest import Manifest, Predictions, VersionFile

_NOT_STORED = {"verdict": ("report", "policy", "predictions"), "cost": ("report",), "erased": ("digests",)}
"""Fields with digests of things that are not stored under them, by the kind of the entry."""


@dataclass(frozen=True)
class DocumentReference:
    """A stored document that an entry names.

    Attributes:
        digest: SHA-256 of the document.
        of: Description for messages.
        form: Model of a document that names more files; ``None`` for other documents.
        required: Whether it has to exist; ``False`` for a digest that may name something else, such as a commit.
    """

    digest: str
    of: str
    form: type[Manifest | Predictions] | None = None
    required: bool = True


def named_documents(entry: Entry) -> Iterator[DocumentReference]:
    """Yield the documents that an entry names: those of its body, and the snapshot of its state."""
    match entry.body:
        case Promotion(manifest=digest, version=version):
            yield DocumentReference(digest, f"the manifest of version {version}", Manifest)
        case PredictionsAdded(predictions=digest):
            yield DocumentReference(digest, f"the predictions that entry {entry.number} added", Predictions)
        case ReproductionRecorded(spread=digest):
            yield DocumentReference(digest, f"the spread that entry {entry.number} names")
        case MonitorRecord(history=digest):
            yield DocumentReference(digest, f"the history of production that entry {entry.number} names")
        case body:
            for digest in _digests_in(_stored_part(body)):
                yield DocumentReference(digest, f"a document that entry {entry.number} names", required=False)
    if entry.state.snapshot is not None:
        of = f"the snapshot of the state after entry {entry.state.snapshot.entry}"
        yield DocumentReference(entry.state.snapshot.digest, of)


def files_of_document(document: DocumentReference, data: bytes, entry: Entry) -> list[tuple[VersionFile, str]]:
    """Return the files that a document names, each with its owner for messages.

    Raises:
        CorruptError: if the document can't be read.
        NewerError: if a newer mlci wrote it.
    """
    if document.form is None:
        return []
    try:
        found = document.form.model_validate_json(data)
    except ValidationError as error:
        raise errors.unreadable_record(error, data, what=document.of, writer=entry.writer) from None
    if isinstance(found, Manifest):
        return [(file, f"version {found.version}") for file in found.everything()]
    return [(found.file, document.of)]


def _stored_part(body: Body) -> dict[str, Any]:
    return body.model_dump(mode="json", exclude=set(_NOT_STORED.get(body.kind, ())))


def _digests_in(value: object) -> Iterator[str]:
    """Yield every digest in a document, at any depth."""
    if isinstance(value, str) and layout.is_digest(value):
        yield value
    for part in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _digests_in(part)
