"""Safe reads of files: regular files only, links refused, digests verified while reading."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mlci.errors import OutsideError

CHUNK = 1 << 20
FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class ForeignError(Exception):
    """A path is not the plain file or folder that it should be."""

    def __init__(self, path: Path, found: str) -> None:
        """Keep the path."""
        super().__init__(f"{path} {found}")
        self.path = path


def size_or_none(path: Path) -> int | None:
    """Return a plain file's bytes; ``None`` if it does not exist.

    Raises:
        ForeignError: if it is a link, a folder or another kind of file.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise ForeignError(path, f"is {_kind(found.st_mode)}, not a plain file")
    return found.st_size


def size_of(path: Path) -> int:
    """Return the size of a file of the user.

    Raises:
        OutsideError: if it can't be read.
    """
    try:
        return path.stat().st_size
    except OSError as error:
        raise OutsideError(f"{path}: could not be read: {error.strerror}") from error


def is_folder(path: Path) -> bool:
    """Check if a folder exists.

    Raises:
        ForeignError: if it is a link or a file.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        raise ForeignError(path, f"is {_kind(found.st_mode)}, not a folder")
    return True


def _kind(mode: int) -> str:
    names = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}
    return names.get(stat.S_IFMT(mode), "a device, pipe or socket")


def chunks(path: Path, *, links: bool = False) -> Iterator[bytes]:
    """Read a file piece by piece; ``links`` allows that its name is a link, for files of the user."""
    descriptor = os.open(path, os.O_RDONLY | (FLAGS & ~getattr(os, "O_NOFOLLOW", 0) if links else FLAGS))
    try:
        while data := os.read(descriptor, CHUNK):
            yield data
    finally:
        os.close(descriptor)


def check_stream(source: Path, digest: str) -> Iterator[bytes]:
    """Read a file and raise at its end if its digest is wrong."""
    found = hashlib.sha256()
    for chunk in chunks(source, links=True):
        found.update(chunk)
        yield chunk
    if found.hexdigest() != digest:
        raise OutsideError(f"{source} changed while it was being stored: its SHA-256 is no longer {digest}")


def is_intact(path: Path, wanted: int, digest: str) -> bool:
    """Check if a plain file exists and has this digest; it is only read if its size is right."""
    if size_or_none(path) != wanted:
        return False
    found = hashlib.sha256()
    for chunk in chunks(path):
        found.update(chunk)
    return found.hexdigest() == digest


def read_small(path: Path, most: int) -> bytes | None:
    """Read a small file: ``most`` bytes and one more, so that the caller sees that it is too large."""
    if size_or_none(path) is None:
        return None
    data = b""
    for chunk in chunks(path):
        data += chunk
        if len(data) > most:
            break
    return data[: most + 1]
