"""JSON members of a ZIP archive, each inflated to memory within a limit, zstd among the methods."""

import contextlib
import importlib
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from mlci.scores.formats.log_file import LogFile
from mlci.util.json_text import Bounds

MOST_INFLATED = 512 << 20
_OF_LIBRARIES = frozenset({"BadZipFile", "ZstdError"})
_SINCE = (3, 14)
_DAMAGED = (zlib.error, EOFError, OSError, ValueError)


@dataclass(frozen=True)
class ArchiveMembers:
    """An open archive, whose members are read by name."""

    file: LogFile
    members: zipfile.ZipFile

    @classmethod
    @contextlib.contextmanager
    def opened(cls, file: LogFile) -> Iterator["ArchiveMembers"]:
        """Open an archive.

        Raises:
            InputError: if it is damaged.
        """
        library = _zip_library()
        try:
            members = library.ZipFile(file.path)
        except (library.BadZipFile, *_DAMAGED):
            raise file.problem("is a damaged archive: it ends early, so the run or the copy was cut off") from None
        with members:
            yield cls(file, members)

    def has(self, name: str) -> bool:
        """Return whether it has a member of this name."""
        return name in self.members.NameToInfo

    def names(self, prefix: str) -> list[str]:
        """Return the names that begin with a prefix, those with smaller numbers first."""
        names = [name for name in self.members.namelist() if name.startswith(prefix)]
        return sorted(names, key=lambda name: (len(name), name))

    def document(self, name: str, bounds: Bounds) -> Any:  # noqa: ANN401 (any JSON)
        """Return a member as Python values.

        Raises:
            InputError: if it is missing, damaged, too large or not JSON.
        """
        if not self.has(name):
            raise self.file.problem(f"has no {name}: the archive is damaged, or the run was stopped")
        info = self.members.getinfo(name)
        if info.file_size > MOST_INFLATED:
            raise self.file.problem(f"has a {name} of {info.file_size:,} bytes, and {MOST_INFLATED:,} are the most")
        return self.file.parse(self._inflate(info).decode("utf-8", "replace"), bounds, of=f"{name} ")

    def _inflate(self, info: zipfile.ZipInfo) -> bytes:
        try:
            with self.members.open(info) as stream:
                data: bytes = stream.read(info.file_size + 1)
        except RuntimeError:  # NotImplementedError is one
            message = f"has a {info.filename} that is encrypted, or compressed by method {info.compress_type}"
            raise self.file.problem(message) from None
        except Exception as error:
            if isinstance(error, _DAMAGED) or type(error).__name__ in _OF_LIBRARIES:
                raise self.file.problem(f"has a damaged {info.filename}") from None
            raise
        return data


def _zip_library() -> ModuleType:
    """Return ``zipfile``, or its copy that reads zstd, which Python's own does since 3.14."""
    return zipfile if sys.version_info >= _SINCE else importlib.import_module("backports.zstd.zipfile")
