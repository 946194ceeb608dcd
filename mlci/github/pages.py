"""Entries of a ledger's branch as of one commit: one by one as long as they are few, then all of them at once.

A workflow's token has 1,000 requests an hour for the whole repository, so a ledger of some hundred entries is not read
entry by entry. GitHub hands out all files of a commit as one archive ("Download a repository archive (tar)"). What
stands in it is believed as little as any other answer: the ledger's own chain and the entry's form decide.
"""

import contextlib
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zlib import error as ZlibError  # noqa: N812 - it is one

from mlci.errors import OutsideError
from mlci.github.gitdata import GitData
from mlci.registry import entries, naming

FEW = 8
_MOST_PACKED = 64 << 20
_MOST = 256 << 20


class Pages:
    """Entries that were read, as of one commit."""

    def __init__(self, git: GitData) -> None:
        """Nothing is asked yet."""
        self._git = git
        self._commit, self._asked = "", 0
        self._read: dict[int, bytes] = {}
        self._archives = True

    def entry(self, commit: str, number: int) -> bytes | None:
        """Return an entry's bytes; ``None`` if that commit has none of that number."""
        self._at(commit)
        if number not in self._read:
            self._asked += 1
            if self._asked == FEW + 1 and self._archives:
                self._unpack()
        if number not in self._read:
            data = self._git.file(f"ledger/{naming.entry(number)}", commit)
            if data is None:
                return None
            self._read[number] = data
        return self._read[number]

    def expect(self, commit: str, last: int) -> None:
        """Take all entries at once, where more than a few of the first ``last`` are going to be asked for."""
        self._at(commit)
        lacks = sum(number not in self._read for number in range(1, last + 1))
        if lacks > FEW >= self._asked and self._archives:
            self._asked = FEW + 1  # not again for this commit
            self._unpack()

    def _at(self, commit: str) -> None:
        if commit != self._commit:
            self._commit, self._asked, self._read = commit, 0, {}

    def pushed(self, base: str | None, commit: str, number: int, entry: bytes) -> None:
        """Remember an entry that was added: what was read at the commit before it holds for this one, too."""
        if base != self._commit:
            self._asked, self._read = 0, {}
        self._commit, self._read[number] = commit, entry

    def _unpack(self) -> None:
        """Read all entries at once; where that does not work, they are read one by one as before."""
        self._archives = False
        with tempfile.TemporaryDirectory(prefix="mlci-ledger-") as folder:
            target = Path(folder) / "ledger.tar.gz"
            with contextlib.suppress(OutsideError, tarfile.TarError, EOFError, OSError, ZlibError):
                self._archives = self._git.archive(self._commit, target, most=_MOST_PACKED)
                self._read |= dict(unpacked(target))


def unpacked(archive: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of every entry in an archive; stop where it is larger than a ledger may be.

    Raises:
        TarError: It is none.
    """
    total = 0
    with tarfile.open(archive, mode="r|gz") as packed:
        for member in packed:
            total += member.size + tarfile.BLOCKSIZE
            if total > _MOST:
                return
            parts = member.name.split("/")
            number = naming.entry_number(parts[2]) if len(parts) == 3 and parts[1] == "ledger" else None
            stream = packed.extractfile(member) if member.isreg() and number is not None else None
            if stream is not None and number is not None and member.size <= entries.MOST_BYTES:
                yield number, stream.read()
