"""Registry in a folder, on a local disk or a share.

::

    <root>/<model>/ledger/000000001.json …   entries, never written twice
    <root>/<model>/witness.json              checkpoint of the ledger
    <root>/<model>/files/ab/abcdef…          files by their SHA-256
    <root>/<model>/tmp/                      half-written files of writers at work

:mod:`mlci.util.atomic_files` explains how a file becomes visible, and why no lock is needed.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mlci.errors import OutsideError
from mlci.registry import entries, layout
from mlci.registry.errors import ForeignFileError, UnknownOutcomeError
from mlci.registry.stores import interface
from mlci.registry.stores.interface import (
    MOST_CHECKPOINT_BYTES,
    Checkpoint,
    Entries,
    StoredFile,
    dump_checkpoint,
    parse_checkpoint,
)
from mlci.util import atomic_files, safe_files


class FolderStore:
    """One model's part of a folder; see :class:`mlci.registry.stores.interface.Store`."""

    removes_files = True

    def __init__(self, root: Path, model: str) -> None:
        """Take the folder, without reading or making anything.

        Args:
            root: The registry; it may be a link, but nothing inside of it may be one.
            model: Name of the model, any text.
        """
        self._root = root.absolute()
        self._base = self._root / layout.model_folder(model)
        self._firm: set[Path] = set()

    @property
    def shown(self) -> str:
        """The model's folder."""
        return str(self._base)

    def tail(self) -> int:
        """Return the newest entry's number, from one listing, so that a missing entry hides no later one."""
        with self._asked("read the ledger"):
            if not self._there("ledger"):
                return 0
            numbers = map(layout.entry_number, os.listdir(self._base / "ledger"))  # noqa: PTH208 - names alone: 10,000 in 5 ms
            return max((number for number in numbers if number is not None), default=0)

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes."""
        with self._asked(f"read entry {number}"):
            path = self._base / "ledger" / layout.entry_name(number)
            return safe_files.read_small(path, entries.MOST_BYTES) if self._there("ledger") else None

    def read_to(self, last: int) -> Entries:
        """Yield entries, one by one."""
        return interface.one_by_one(self.read, last)

    def read_range(self, first: int, last: int) -> Entries:
        """Yield entries from the middle, one by one."""
        return interface.one_by_one(self.read, last, first=first)

    def append(self, number: int, entry: bytes) -> bool:
        """Write an entry under a free number."""
        with self._asked(f"write entry {number}"):
            path = self._made("ledger") / layout.entry_name(number)
            with self._fresh([entry]) as written:
                try:
                    first = atomic_files.claim_name(written, path)
                    atomic_files.flush_folders(path.parent, self._root, self._firm)
                except OSError as error:
                    self._check_absent(path, number, error)
                    raise
            return first or safe_files.read_small(path, entries.MOST_BYTES) == entry

    def _check_absent(self, path: Path, number: int, error: OSError) -> None:
        """Return whether a failed append certainly left no entry."""
        try:
            absent = safe_files.size_or_none(path) is None
        except (OSError, safe_files.ForeignError):
            absent = False
        if not absent:
            raise UnknownOutcomeError(
                f"registry {self.shown}: could not write entry {number}: {error.strerror or error}; whether it was "
                "written to disk is not known"
            ) from error

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint."""
        with self._asked("read witness.json"):
            data = safe_files.read_small(self._base / "witness.json", MOST_CHECKPOINT_BYTES) if self._there() else None
            return None if data is None else parse_checkpoint(data, shown=self.shown)

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint unless one of the same or a later entry exists."""
        seen = self.read_checkpoint()
        if seen is not None and seen.number >= checkpoint.number:
            return
        with self._asked("write witness.json"):
            self._made()
            with self._fresh([dump_checkpoint(checkpoint)]) as written:
                written.replace(self._base / "witness.json")
            atomic_files.flush_folders(self._base, self._root, self._firm)

    def put(self, source: Path, digest: str) -> None:
        """Store a file; the digest of the stored copy, new or old, is verified."""
        part, name = layout.file_name(digest)
        with self._asked(f"keep {source}"):
            path = self._made("files", part) / name
            if not safe_files.is_intact(path, safe_files.size_of(source), digest):
                with self._fresh(safe_files.check_stream(source, digest)) as written:
                    written.replace(path)
            atomic_files.flush_folders(path.parent, self._root, self._firm)

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``, atomically."""
        part, name = layout.file_name(digest)
        with self._asked(f"copy file {digest}"):
            path = self._base / "files" / part / name
            if not self._there("files", part) or safe_files.size_or_none(path) is None:
                return False
            atomic_files.copy_file(path, target)
            return True

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Check if a file of that size exists."""
        part, name = layout.file_name(digest)
        with self._asked(f"look for file {digest}"):
            found = safe_files.size_or_none(self._base / "files" / part / name) if self._there("files", part) else None
            return found is not None and size in (None, found)

    def files(self) -> Iterator[StoredFile]:
        """Yield every file with the time of its last change."""
        with self._asked("list files"):
            for part in sorted(os.listdir(self._base / "files")) if self._there("files") else ():  # noqa: PTH208 - names alone
                with os.scandir(self._base / "files" / part) as found:
                    for item in found:
                        if layout.is_digest(item.name) and item.is_file(follow_symlinks=False):
                            facts = item.stat(follow_symlinks=False)
                            at = datetime.fromtimestamp(facts.st_mtime, UTC)
                            yield StoredFile(digest=item.name, bytes=facts.st_size, written_at=at)

    def delete_file(self, digest: str) -> None:
        """Delete a file; a link or folder in its place is refused."""
        part, name = layout.file_name(digest)
        with self._asked(f"delete file {digest}"):
            path = self._base / "files" / part / name
            if self._there("files", part) and safe_files.size_or_none(path) is not None:
                path.unlink(missing_ok=True)
                atomic_files.flush_folders(path.parent, self._root, self._firm)

    def remove(self) -> None:
        """Remove everything of this model, and the registry's folder if it is empty then."""
        with self._asked("remove a probe"):
            shutil.rmtree(self._base)
        with contextlib.suppress(OSError):
            self._root.rmdir()

    def written_at(self) -> datetime | None:
        """Return the time at which the first entry was written, by the file system's clock."""
        with self._asked("look at entry 1"):
            path = self._base / "ledger" / layout.entry_name(1)
            return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None

    def _there(self, *parts: str) -> bool:
        """Check if a folder exists; every folder on the way has to be a real one."""
        paths = [self._base.joinpath(*parts[:count]) for count in range(len(parts) + 1)]
        if not self._root.exists():
            return False
        if not self._root.is_dir():
            raise safe_files.ForeignError(self._root, "is not a folder")
        return all(safe_files.is_folder(path) for path in paths)

    def _made(self, *parts: str) -> Path:
        path = self._base.joinpath(*parts)
        atomic_files.make_folder(path, self._root)
        return path

    @contextlib.contextmanager
    def _fresh(self, data: Iterator[bytes] | list[bytes]) -> Iterator[Path]:
        place = self._made("tmp")
        atomic_files.sweep_leftovers(place)
        with atomic_files.write_fresh(place, data) as written:
            yield written

    @contextlib.contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        """Return the error with the failed action and the path."""
        try:
            yield
        except safe_files.ForeignError as error:
            raise ForeignFileError(f"registry {self._root}: {error}", error.path) from None
        except OSError as error:
            place = f" ({error.filename})" if error.filename else ""
            raise OutsideError(f"registry {self.shown}: could not {what}: {error.strerror or error}{place}") from error
