"""Packages that lock files pin. Pure.

Formats: requirements files (pip documentation, "Requirements File Format"); ``uv.lock``, ``poetry.lock``, ``pdm.lock``
(TOML with ``[[package]]``), ``pylock.toml`` (PEP 751, ``[[packages]]``); ``Pipfile.lock`` and ``renv.lock`` (JSON);
``conda-lock.yml`` and ``environment.yml``, whose lists are read line by line.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)[ \t]*(?:\[[^\]\n]*\])?[ \t]*([^;#\\\n]*)")
_CONDA_LOCK = re.compile(r"^- name: (\S+)\n(?:  \S.*\n)*?  version: (\S+)$", re.MULTILINE)
_ANY = "any version"
_OTHER_INDEXES = ("conda-lock.yml", "renv.lock")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A package of a lock file.

    Attributes:
        name: Its normalized name (PEP 503).
        version: Its version; a range or a remark if it is not pinned to one.
        is_exact: Whether it is pinned to one version.
        is_development: Whether only development needs it.
    """

    name: str
    version: str
    is_exact: bool = True
    is_development: bool = False


def locked_packages(files: Mapping[str, bytes]) -> dict[str, str] | None:
    """Return versions by normalized name over all files; ``None`` if not one of them can be read.

    A package that is pinned several times, for other platforms or in other files, has all its versions, sorted.
    """
    found: dict[str, set[str]] = {}
    read = False
    for name, data in files.items():
        try:
            pins = read_pins(name, data.decode("utf-8"))
        except UnicodeDecodeError:
            continue
        read = read or pins is not None
        for pin in pins or ():
            found.setdefault(pin.name, set()).add(pin.version)
    return {name: ", ".join(sorted(versions)) for name, versions in sorted(found.items())} if read else None


def is_of_pypi(path: str) -> bool:
    """Check if the format of a lock file, by its name, lists packages of PyPI only."""
    name = path.rpartition("/")[2]
    return name not in _OTHER_INDEXES and not name.startswith("environment.")


def read_pins(path: str, text: str) -> tuple[Pin, ...] | None:
    """Return the packages of a lock file; ``None`` for a format that is not read, or a malformed file.

    Args:
        path: Path of the file, whose name decides the format.
        text: Its content.
    """
    try:
        pins = tuple(_pins(path.rpartition("/")[2], text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # errors of malformed files
        return None
    return tuple(replace(pin, name=re.sub(r"[-_.]+", "-", pin.name).lower()) for pin in pins)


def _pins(name: str, text: str) -> Iterator[Pin]:
    if name.endswith(".txt"):
        return _requirements(text.splitlines())
    if name == "conda-lock.yml":
        return (Pin(name=match[1], version=match[2].strip("'\"")) for match in _CONDA_LOCK.finditer(text))
    if name.startswith("environment."):
        return _requirements(_dependencies(text))
    if name in {"Pipfile.lock", "renv.lock"}:
        return _json(json.loads(text))
    if name.endswith((".lock", ".toml")) and name != "pixi.lock":
        return _toml(tomllib.loads(text))
    raise ValueError(name)


def _requirements(lines: Iterable[str]) -> Iterator[Pin]:
    """Yield the pins of a requirements file; options, hashes and comments have no versions."""
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is None:
            continue
        name, wanted = match[1], re.split(r"\s--", match[2])[0].strip()
        if wanted.startswith("@"):  # an address, which may contain a password
            digest = hashlib.sha256(wanted.encode()).hexdigest()[:12]
            yield Pin(name=name, version=f"from an address (sha256 {digest})", is_exact=False)
        else:
            version = wanted.removeprefix("==").removeprefix("=").strip()
            yield Pin(name=name, version=version or _ANY, is_exact=wanted.startswith("=="))


def _dependencies(text: str) -> Iterator[str]:
    listed = False
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("-"):
            listed = line.startswith("dependencies:")
        stripped = line.strip()
        if listed and stripped.startswith("- ") and not stripped.endswith(":"):
            yield stripped[2:].strip("'\" ").rpartition("::")[2]


def _toml(document: Mapping[str, object]) -> Iterator[Pin]:
    entries = document.get("package", document.get("packages"))
    if not isinstance(entries, list):
        raise TypeError("no packages")
    for entry in entries:
        yield Pin(name=str(entry["name"]), version=str(entry.get("version", _ANY)), is_exact="version" in entry)


def _json(document: Mapping[str, object]) -> Iterator[Pin]:
    parts = {key: document[key] for key in ("default", "develop", "Packages") if key in document}
    if not parts:
        raise TypeError("no packages")
    for key, part in parts.items():
        for name, entry in part.items() if isinstance(part, Mapping) else ():
            version = entry.get("version", entry.get("Version"))
            yield Pin(
                name=str(name),
                version=_ANY if version is None else str(version).removeprefix("=="),
                is_exact=version is not None,
                is_development=key == "develop",
            )
