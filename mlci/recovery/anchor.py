"""Anchor: number and digest of a ledger's newest entry, kept outside of the registry. Pure.

The checkpoint reveals entries that were cut off, as long as it is newer than the ledger. A copy of the whole registry
has an old ledger with its old checkpoint; only something outside of the registry reveals that it is not the newest.
"""

import json
import re
from dataclasses import dataclass

_TEXT = re.compile(r"(?:anchor:\s*)?`?([1-9][0-9]{0,17}):([0-9a-f]{64})`?")
_SCHEMA = "mlci/anchor/1"


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """Number and SHA-256 of an entry."""

    number: int
    digest: str

    @property
    def text(self) -> str:
        """The anchor in one word: ``12:abcdef…``."""
        return f"{self.number}:{self.digest}"

    @property
    def document(self) -> str:
        """The content of an anchor file."""
        return json.dumps({"schema": _SCHEMA, "number": self.number, "digest": self.digest}, indent=1) + "\n"


def parse_anchor(text: str) -> Anchor | None:
    """Parse an anchor in one word, also as mlci prints it (``anchor: 12:…``); ``None`` for another text."""
    found = _TEXT.fullmatch(text.strip())
    return Anchor(number=int(found[1]), digest=found[2]) if found else None


def parse_anchor_file(text: str) -> Anchor | None:
    """Parse the content of an anchor file, or an anchor in one word; ``None`` for another text."""
    try:
        document = json.loads(text)
        word = f"{document['number']}:{document['digest']}" if document["schema"] == _SCHEMA else ""
    except (ValueError, RecursionError, TypeError, KeyError):
        word = text
    return parse_anchor(word)
