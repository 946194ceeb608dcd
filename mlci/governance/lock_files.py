"""Packages that a lock file pins: requirements of pip, TOML of uv, Poetry, PDM and pylock, Pipfile.lock. Pure."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*===?\s*(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)"
)
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
    """Return the packages of a lock file, sorted; ``None`` for a format that is not read, or a damaged file.

    Args:
        name: Path of the file, whose name decides the format.
        text: Its content.
    """
    base = PurePosixPath(name).name
    try:
        if base.endswith(".txt"):
            pairs = _requirements(text)
        elif base.endswith((".lock", ".toml")) and base not in {"Pipfile.lock", "pixi.lock", "renv.lock"}:
            pairs = _toml(tomllib.loads(text))
        elif base == "Pipfile.lock":
            pairs = _pipfile(json.loads(text))
        else:
            return None
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    found = {_package(*pair) for pair in pairs[:MOST_PACKAGES]}
    return tuple(sorted(one for one in found if one is not None))


def _requirements(text: str) -> list[tuple[str, str]]:
    """Return the pins of a requirements file; ranges pin nothing."""
    lines = text.replace("\\\n", " ").splitlines()
    return [(match["name"], match["version"]) for line in lines if (match := _PIN.match(line.strip()))]


def _toml(document: dict[str, Any]) -> list[tuple[str, str]]:
    rows = document.get("package") or document.get("packages") or []
    return [(row["name"], row["version"]) for row in rows if isinstance(row, dict) and {"name", "version"} <= set(row)]


def _pipfile(document: dict[str, Any]) -> list[tuple[str, str]]:
    rows = document.get("default", {}).items()
    return [(name, str(row["version"]).removeprefix("==")) for name, row in rows if "version" in row]


def _package(name: object, version: object) -> LockedPackage | None:
    """Return a package with a normalized name; ``None`` for texts that are not a name and a version."""
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version) or len(name) + len(version) > 300:
        return None
    return LockedPackage(name=re.sub(r"[-_.]+", "-", name).lower(), version=version)
