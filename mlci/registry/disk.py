"""Files that are there whole or not at all, also after kill -9 or a power cut.

Bytes go to a file of another name first, are flushed to the medium, and then get their name in one step: ``link(2)``
for a name that must be free, ``rename(2)`` for one that may be taken. Then the folder is flushed, for a name is no more
durable than its folder. No lock is needed: ``link(2)`` refuses a name that exists, atomically, for all processes and
also over NFS, and nothing has to be cleaned up after a writer that died. Windows has no such link in common use, but
its rename refuses a name that exists.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlci.errors import OutsideError

CHUNK = 1 << 20
ABANDONED = 86_400.0
"""Seconds after which a half-written file is nobody's."""
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EXDEV}
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM}


class ForeignError(Exception):
    """Something else stands where a plain file or folder should be."""


def size(path: Path) -> int | None:
    """Return a plain file's bytes; ``None`` if nothing is there.

    Raises:
        ForeignError: It is a link, a folder or something else.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise ForeignError(f"{path} is {_kind(found.st_mode)}, not a plain file")
    return found.st_size


def size_of(path: Path) -> int:
    """Return the size of a file of the user.

    Raises:
        OutsideError: It can't be read.
    """
    try:
        return path.stat().st_size
    except OSError as error:
        raise OutsideError(f"{path}: could not be read: {error.strerror}") from error


def folder(path: Path) -> bool:
    """Tell whether a folder is there.

    Raises:
        ForeignError: It is a link or a file.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        raise ForeignError(f"{path} is {_kind(found.st_mode)}, not a folder")
    return True


def _kind(mode: int) -> str:
    names = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}
    return names.get(stat.S_IFMT(mode), "a device, pipe or socket")


def chunks(path: Path, *, links: bool = False) -> Iterator[bytes]:
    """Read a file piece by piece; ``links`` allows that its name is a link, for files of the user."""
    descriptor = os.open(path, os.O_RDONLY | (_FLAGS & ~getattr(os, "O_NOFOLLOW", 0) if links else _FLAGS))
    try:
        while data := os.read(descriptor, CHUNK):
            yield data
    finally:
        os.close(descriptor)


def checked(source: Path, digest: str) -> Iterator[bytes]:
    """Read a file and refuse to come to an end if it is not the one that was meant."""
    found = hashlib.sha256()
    for chunk in chunks(source, links=True):
        found.update(chunk)
        yield chunk
    if found.hexdigest() != digest:
        raise OutsideError(f"{source} changed while it was being kept: its SHA-256 is not {digest} any more")


def read(path: Path, most: int) -> bytes | None:
    """Read a small file: ``most`` bytes and one more, so that the caller sees that it is too large."""
    if size(path) is None:
        return None
    data = b""
    for chunk in chunks(path):
        data += chunk
        if len(data) > most:
            break
    return data[: most + 1]


@contextlib.contextmanager
def fresh(place: Path, data: Iterable[bytes], *, durable: bool = True) -> Iterator[Path]:
    """Write a new file of a name of its own into ``place``, flushed; it is gone afterwards unless it was renamed."""
    path = place / f"tmp-{os.getpid()}-{secrets.token_hex(8)}"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
        try:
            for chunk in data:
                _write(descriptor, chunk)
            if durable:
                _flush(descriptor)
        finally:
            os.close(descriptor)
        yield path
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def claim(path: Path, name: Path) -> bool:
    """Give a written file a name that must be free; ``False`` if it is taken.

    Raises:
        OutsideError: The file system can't do that in one step.
    """
    try:
        if os.name == "nt":
            path.rename(name)
        else:
            os.link(path, name, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise OutsideError(
            f"{name.parent}: this file system has no hard links ({error.strerror}), so that mlci can't tell which of "
            "two writers was first; keep the registry on another one (ext4, XFS, APFS, NTFS, NFS)"
        ) from error
    return True


def make(path: Path, root: Path) -> None:
    """Make a folder and what is missing above it; everything below ``root`` has to be a real folder."""
    if path != root:
        make(path.parent, root)
        if not folder(path):
            with contextlib.suppress(FileExistsError):
                path.mkdir()
    else:
        root.mkdir(parents=True, exist_ok=True)


def settle(path: Path, root: Path) -> None:
    """Flush a folder and all above it up to the one that holds ``root``; a killed writer may have made any of them."""
    while True:
        _flush_folder(path)
        if path in (root.parent, path.parent):
            return
        path = path.parent


def _flush_folder(path: Path) -> None:
    if os.name == "nt":
        return  # folders can't be opened there; NTFS keeps names in its own journal
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except PermissionError:
        return  # somebody else's folder above ours
    try:
        _flush(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:  # some network file systems flush no folders
            raise
    finally:
        os.close(descriptor)


def _flush(descriptor: int) -> None:
    """Flush to the medium. On macOS fsync(2) only reaches the drive's cache; F_FULLFSYNC goes through it."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows

        full = getattr(fcntl, "F_FULLFSYNC", None)
    except ImportError:
        full = None
    if full is not None:
        with contextlib.suppress(OSError):  # network volumes refuse it
            fcntl.fcntl(descriptor, full)
            return
    os.fsync(descriptor)


def sweep(place: Path, now: float | None = None) -> None:
    """Remove what killed writers left behind, once it is a day old."""
    before = (time.time() if now is None else now) - ABANDONED
    with os.scandir(place) as found:
        for item in found:
            with contextlib.suppress(OSError):  # another writer may be sweeping too
                if item.name.startswith("tmp-") and item.stat(follow_symlinks=False).st_mtime < before:
                    os.unlink(item.path)  # noqa: PTH108 - an entry of scandir
