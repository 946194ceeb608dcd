"""A copy of what one run reads from a registry: made by a step that has a token, read by a step that has none.

::

    <folder>/copy.json          the newest entry's number, the witness, and every entry that was read
    <folder>/files/abcdef…      files by their SHA-256

Whoever makes a copy says the digest of `copy.json` to whoever reads it, on a way that user code can't write to. That
digest holds the entries, the entries hold the files, and a reader believes nothing else. What was not copied is an
error there, never an answer.
"""

from pathlib import Path
from typing import Annotated, Literal, NoReturn

from pydantic import Field

from mlci.errors import OutsideError
from mlci.registry import naming
from mlci.registry.entries import Count, Digest, Part, Text
from mlci.registry.interface import Witness

INDEX = "copy.json"
MOST_BYTES = 64 * 1024 * 1024


class Seen(Part):
    """A witness, as the index keeps it."""

    number: Count
    digest: Digest


class Index(Part):
    """What a copy holds beside files."""

    schema_: Annotated[Literal["mlci/copy/1"], Field(alias="schema")] = "mlci/copy/1"
    shown: Text
    tail: Count
    witness: Seen | None
    entries: dict[int, str]


def kept(folder: Path, digest: str) -> Path:
    """Return where a copy keeps a file."""
    return folder / "files" / naming.file(digest)[1]


class OnlyRead:
    """What both sides of a copy do when they are asked to write: they refuse."""

    def append(self, number: int, entry: bytes) -> bool:
        """Refuse."""
        self._refuse(f"entry {number} of {len(entry):,} bytes")

    def leave_witness(self, witness: Witness) -> None:
        """Refuse."""
        self._refuse(f"a witness of entry {witness.number}")

    def put(self, source: Path, digest: str) -> None:
        """Refuse."""
        self._refuse(f"{source} (sha256 {digest})")

    def _refuse(self, what: str) -> NoReturn:
        raise OutsideError(f"{what} was not written: this is a copy of the registry, which is only read")
