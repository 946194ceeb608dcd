"""Bounded reads of untrusted files: regular files only, up to a limit."""

import errno
import os
import stat
from pathlib import Path

_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


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
