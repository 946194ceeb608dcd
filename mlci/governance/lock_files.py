"""Packages of PyPI in a lock file, for a bill of materials. Pure."""

import re
from dataclasses import dataclass

from mlci.lineage.lock_files import Pin, is_of_pypi, read_pins

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
MOST_PACKAGES = 20_000
"""Packages of one lock file that are listed."""


@dataclass(frozen=True, kw_only=True, order=True)
class LockedPackage:
    """A package of PyPI that is pinned.

    Attributes:
        name: Its normalized name.
        version: Its version.
    """

    name: str
    version: str

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version.replace('+', '%2B').replace('!', '%21')}"


def parse_lock(name: str, text: str) -> tuple[LockedPackage, ...] | None:
    """Return the packages of PyPI that a lock file pins to one version, without those of development only, sorted.

    ``None`` for a format that is not read, or a malformed file.

    Args:
        name: Path of the file, whose name decides the format.
        text: Its content.
    """
    pins = read_pins(name, text) if is_of_pypi(name) else None
    if pins is None:
        return None
    kept = [pin for pin in pins[:MOST_PACKAGES] if pin.is_exact and not pin.is_development and _is_plain(pin)]
    return tuple(sorted({LockedPackage(name=pin.name, version=pin.version) for pin in kept}))


def _is_plain(pin: Pin) -> bool:
    """Check that a name and a version are texts that can be in an address."""
    plain = _NAME.fullmatch(pin.name) and _VERSION.fullmatch(pin.version)
    return plain is not None and len(pin.name) + len(pin.version) <= 300
