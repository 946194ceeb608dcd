"""Tables on object stores and web servers, copied to local files before they are read.

``s3://`` and ``gs://`` go through pyarrow's file systems (the extra ``mlci[remote]``), globs included. pyarrow has no
file system for ``https://``; one file is downloaded with the standard library, with a limit on its size and a time-out.
"""

import fnmatch
import shutil
from pathlib import Path
from typing import IO, Any

from mlci.errors import InputError, OutsideError, Problem

SCHEMES = ("s3://", "gs://", "https://")
LIMIT = 8 * 2**30
"""Most bytes taken from a web server."""
TIMEOUT = 60.0
"""Seconds without an answer before a download is given up."""


_MAGIC = "*?["


def is_url(path: str) -> bool:
    """Tell whether a path names a remote table."""
    return path.startswith(SCHEMES)


def fetch(url: str, scratch: Path) -> list[tuple[str, Path]]:
    """Copy the files that a URL means into ``scratch``; returns pairs of (URL, local path).

    Raises:
        InputError: Nothing is there, it is too large, or pyarrow is not installed.
        OutsideError: The store or server failed.
    """
    folder = scratch / f"remote{sum(1 for _ in scratch.iterdir())}"
    folder.mkdir()
    if url.startswith("https://"):
        return [(url, download(url, folder / "0"))]
    return _copy(url, folder)


def download(url: str, target: Path, *, limit: int = LIMIT, timeout: float = TIMEOUT) -> Path:
    """Download one https file of at most ``limit`` bytes."""
    import urllib.error  # noqa: PLC0415 - 0.06 s of imports that only a download needs
    import urllib.request  # noqa: PLC0415

    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer, target.open("wb") as out:  # noqa: S310 - https only, see fetch
            _bounded(answer, out, url=url, limit=limit)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise OutsideError(f"{url}: could not be downloaded: {error}") from error
    return target


def _bounded(source: IO[bytes], out: IO[bytes], *, url: str, limit: int) -> None:
    taken = 0
    while chunk := source.read(1 << 20):
        taken += len(chunk)
        if taken > limit:
            raise InputError(Problem(f"is larger than {limit:,} bytes; download it in a step before mlci", url))
        out.write(chunk)


def _copy(url: str, folder: Path) -> list[tuple[str, Path]]:
    try:
        from pyarrow import fs  # noqa: PLC0415 - the optional extra, only for remote tables
    except ImportError as error:
        raise InputError(Problem("reading s3:// and gs:// needs pyarrow: pip install 'mlci[remote]'", url)) from error
    scheme = url.split("://", 1)[0]
    try:
        system, path = fs.FileSystem.from_uri(url)
        found = [(f"{scheme}://{item}", item) for item in _matches(fs, system, path)]
        return [(shown, _one(system, item, folder / str(index))) for index, (shown, item) in enumerate(found)]
    except OSError as error:
        raise OutsideError(f"{url}: {error}") from error


def _matches(fs: Any, system: Any, path: str) -> list[str]:  # noqa: ANN401 - pyarrow ships no types
    if not any(character in path for character in _MAGIC):
        return [path]
    base = path[: min(path.find(character) for character in _MAGIC if character in path)].rpartition("/")[0]
    listed = system.get_file_info(fs.FileSelector(base, recursive="**" in path))
    names = sorted(info.path for info in listed if info.type == fs.FileType.File)
    found = [item for item in names if fnmatch.fnmatchcase(item, path)]
    if not found:
        raise InputError(Problem("no file matches this glob", path))
    return found


def _one(system: Any, item: str, target: Path) -> Path:  # noqa: ANN401 - pyarrow ships no types
    with system.open_input_stream(item) as source, target.open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    return target
