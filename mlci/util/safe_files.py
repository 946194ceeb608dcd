"""Safe reads of files: regular files only, links refused, digests verified while reading, sizes bounded."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mlci.errors import OutsideError

CHUNK = 1 << 20
FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


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
    """Read a regular file piece by piece; ``links`` allows that its name is a link, for files of the user."""
    descriptor = _open(path, os.O_RDONLY | (0 if links else _NO_LINK))
    try:
        _require_regular(descriptor, path)
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


def read_bounded(path: Path, most: int, *, links: bool = True) -> bytes:
    """Return a file's bytes, one more than ``most`` if there are more; reading a pipe in its place does not block.

    Args:
        path: The file.
        most: Bytes that are allowed.
        links: Whether its name may be a symbolic link, as for a path that the user gave.

    Raises:
        OSError: if the file does not exist, can't be read, or is not a regular file.
    """
    with os.fdopen(_open(path, os.O_RDONLY | (0 if links else _NO_LINK)), "rb") as stream:
        _require_regular(stream.fileno(), path)
        return stream.read(most + 1)


def append_bounded(path: Path, data: bytes) -> None:
    """Append to one of the runner's regular files; a link or a pipe that other code put in its place is refused.

    Raises:
        OSError: if it can't be written to, or is not a regular file.
    """
    with os.fdopen(_open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_LINK), "ab") as stream:
        _require_regular(stream.fileno(), path)
        stream.write(data)


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | _FLAGS, 0o644)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:  # a link, or a pipe that nothing reads
            raise OSError(error.errno, "it is not a regular file", str(path)) from error
        raise


def _require_regular(descriptor: int, path: Path) -> None:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
