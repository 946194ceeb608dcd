"""Files that somebody else may have left: only a regular one is read, and no more of it than allowed."""

import errno
import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_bounded(path: Path, most: int) -> bytes:
    """Return a file's bytes, one more than ``most`` if there are more; a pipe in its place is not waited for.

    Raises:
        OSError: There is no such file, it can't be read, or it is something else.
    """
    with os.fdopen(os.open(path, _FLAGS), "rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return stream.read(most + 1)
