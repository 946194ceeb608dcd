"""Checkpoint: the number and digest of a ledger entry, stored apart from the ledger. Pure."""

import json

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlci.registry import compatibility
from mlci.registry.entries import Digest, canonical_json
from mlci.registry.store import Checkpoint, MendableError

MOST_BYTES = 1024
"""Most bytes of a checkpoint."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    number: int = Field(ge=1)
    digest: Digest


def dump_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the bytes of a checkpoint."""
    return canonical_json({"number": checkpoint.number, "digest": checkpoint.digest})


def parse_checkpoint(data: bytes, *, shown: str) -> Checkpoint:
    """Parse an untrusted checkpoint.

    Raises:
        CorruptError: if the bytes are not a checkpoint.
        NewerError: if a newer mlci wrote them.
    """
    try:
        form = _Form.model_validate(json.loads(data[: MOST_BYTES + 1]))
    except (ValueError, RecursionError, ValidationError) as error:
        if isinstance(error, ValidationError) and {item["type"] for item in error.errors()} == {"extra_forbidden"}:
            raise compatibility.newer_error(f"{shown}: witness.json") from None
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise MendableError(
            f"{shown}: witness.json is damaged: {reason}. It records how far the ledger had come; restore it from a "
            "copy, or delete it if you have another proof that no entry was taken away"
        ) from None
    return Checkpoint(number=form.number, digest=form.digest)
