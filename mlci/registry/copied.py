"""The side that reads a copy, and asks nobody else."""

import hmac
import shutil
from pathlib import Path

from pydantic import ValidationError

from mlci.errors import OutsideError
from mlci.registry import entries, reading
from mlci.registry.copies import INDEX, MOST_BYTES, Index, OnlyRead, kept
from mlci.registry.interface import MendableError, Witness
from mlci.registry.reading import Entries


class Copied(OnlyRead):
    """A copy; see :class:`mlci.registry.interface.Store`."""

    def __init__(self, folder: Path, digest: str) -> None:
        """Read the index.

        Args:
            folder: The copy.
            digest: Of its index, from whoever made it.

        Raises:
            CorruptError: It is not the one that was made.
        """
        self._folder = folder
        try:
            with (folder / INDEX).open("rb") as stream:
                data = stream.read(MOST_BYTES + 1)
        except OSError as error:
            words = f"{folder / INDEX}: {error.strerror}; `mlci fetch` leaves it, in a step right before this one"
            raise MendableError(words) from error
        if not hmac.compare_digest(entries.digest(data), digest):
            raise MendableError(f"{folder / INDEX} is not what `mlci fetch` left: something wrote to it since")
        try:
            self._index = Index.model_validate_json(data)
        except ValidationError as error:
            raise MendableError(f"{folder / INDEX} is not what this version of mlci leaves") from error

    @property
    def shown(self) -> str:
        """The address of what was copied."""
        return self._index.shown

    def tail(self) -> int:
        """Return the newest entry's number."""
        return self._index.tail

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes; ``None`` for a number that is not there yet.

        Raises:
            OutsideError: It was not copied.
        """
        if number > self._index.tail:
            return None
        if number not in self._index.entries:
            raise OutsideError(f"{self.shown}: entry {number} is not in the copy that `mlci fetch` left")
        return self._index.entries[number].encode("utf-8")

    def read_to(self, last: int) -> Entries:
        """Yield entries, one by one."""
        return reading.one_by_one(self.read, last)

    def witness(self) -> Witness | None:
        """Return the witness."""
        seen = self._index.witness
        return None if seen is None else Witness(number=seen.number, digest=seen.digest)

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``; whoever asks holds it against its digest.

        Raises:
            OutsideError: It was not copied.
        """
        if not self.holds(digest):
            raise OutsideError(f"{self.shown}: file {digest} is not in the copy that `mlci fetch` left")
        try:
            shutil.copyfile(kept(self._folder, digest), target)
        except OSError as error:
            raise OutsideError(f"{target}: {error.strerror}") from error
        return True

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Tell whether a file was copied, of that size."""
        place = kept(self._folder, digest)
        return place.is_file() and not place.is_symlink() and size in (None, place.stat().st_size)
