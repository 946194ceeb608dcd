"""The manifest of sealed predictions: a claim of the untrusted job, read for messages and never believed."""

import json
from dataclasses import dataclass

from mlci.report.text.escape import plain_text
from mlci.util.bounds import MANIFEST_BYTES
from mlci.util.json_text import Bounds, excess

_MOST = Bounds(depth=4, parts=20, values=100)
_LONGEST = 60


@dataclass(frozen=True, kw_only=True)
class ClaimedOrigin:
    """What the manifest says; each part is text for people, sanitized, or ``None``.

    Attributes:
        model: Name of the model.
        commit: Commit that was checked out.
        writer: Version of mlci that wrote the files.
    """

    model: str | None = None
    commit: str | None = None
    writer: str | None = None


def read_manifest(data: bytes) -> ClaimedOrigin:
    """Read a manifest; whatever has another form counts as absent."""
    if len(data) > MANIFEST_BYTES.value or excess(data.decode("latin-1"), _MOST):
        return ClaimedOrigin()
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return ClaimedOrigin()
    if not isinstance(found, dict):
        return ClaimedOrigin()
    return ClaimedOrigin(
        model=_text(found.get("model")), commit=_text(found.get("commit")), writer=_text(found.get("mlci"))
    )


def _text(value: object) -> str | None:
    return plain_text(value, longest=_LONGEST) if isinstance(value, str) else None
