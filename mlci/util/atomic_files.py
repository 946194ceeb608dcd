"""Atomic files: written whole or not at all, also after kill -9 or a power cut.

Bytes are first written to a file with another name, then flushed to the medium, and then get their name in one step:
``link(2)`` for a name that must be free, ``rename(2)`` for one that may exist. Then the folder is flushed, because a
name is only as durable as its folder. No lock is needed: ``link(2)`` refuses an existing name, in one step, for all
processes and also over NFS, and after a writer that died no cleanup is needed. On Windows the rename itself refuses an
existing name.
"""

import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlci.errors import OutsideError
from mlci.util import safe_files

ABANDONED = 86_400.0
"""Seconds after which a half-written file counts as abandoned."""
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EXDEV}
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM}


@contextlib.contextmanager
def write_fresh(place: Path, data: Iterable[bytes], *, durable: bool = True) -> Iterator[Path]:
    """Write a new temporary file into ``place``, flushed; it is removed afterwards unless it was renamed."""
    path = _unused(place)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | safe_files.FLAGS, 0o666)
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


def replace_file(path: Path, data: bytes) -> None:
    """Write a file in one step; one that exists keeps its permissions."""
    with write_fresh(path.parent, [data], durable=False) as fresh:
        if path.exists():
            shutil.copymode(path, fresh)
        fresh.replace(path)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file by the fastest method of the system; the copy is atomic, and not flushed."""
    path = _unused(target.parent)
    try:
        shutil.copyfile(source, path)
        path.replace(target)
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _unused(place: Path) -> Path:
    return place / f"tmp-{os.getpid()}-{secrets.token_hex(8)}"


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def claim_name(path: Path, name: Path) -> bool:
    """Give a written file a name that must be free; ``False`` if the name exists.

    Raises:
        OutsideError: if the file system can't do that in one step.
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


def make_folder(path: Path, root: Path) -> None:
    """Make a folder and what is missing above it; everything below ``root`` has to be a real folder."""
    if path != root:
        make_folder(path.parent, root)
        if not safe_files.is_folder(path):
            with contextlib.suppress(FileExistsError):
                path.mkdir()
    else:
        root.mkdir(parents=True, exist_ok=True)


def flush_folders(path: Path, root: Path, firm: set[Path]) -> None:
    """Flush a folder, and those above it up to the one that holds ``root``, of which a killed writer may have made any.

    Args:
        path: The folder in which a name is new.
        root: The registry.
        firm: Folders whose own names this process has flushed before; more are added.
    """
    _flush_folder(path)
    while path not in firm and path not in (root.parent, path.parent):
        _flush_folder(path.parent)
        firm.add(path)
        path = path.parent


def _flush_folder(path: Path) -> None:
    if os.name == "nt":
        return  # on Windows folders can't be opened; NTFS keeps names in its own journal
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except PermissionError:
        return  # another user's folder above this one
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


def sweep_leftovers(place: Path, now: float | None = None) -> None:
    """Remove files of killed writers that are a day old."""
    before = (time.time() if now is None else now) - ABANDONED
    with os.scandir(place) as found:
        for item in found:
            with contextlib.suppress(OSError):  # another writer may be sweeping too
                if item.name.startswith("tmp-") and item.stat(follow_symlinks=False).st_mtime < before:
                    os.unlink(item.path)  # noqa: PTH108 - an entry of scandir
