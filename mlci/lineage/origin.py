"""Origin of a model: commit, data, configuration and environment with the packages of lock files. Pure.

Formats of lock files: requirements files (pip documentation, "Requirements File Format"); ``uv.lock``, ``poetry.lock``,
``pdm.lock`` (TOML with ``[[package]]``), ``pylock.toml`` (PEP 751, ``[[packages]]``); ``Pipfile.lock`` and
``renv.lock`` (JSON); ``conda-lock.yml`` and ``environment.yml``, whose lists are read line by line.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from mlci.lineage.rows import Rows

Kind = Literal["code", "evaluation", "data", "configuration", "environment", "model"]
How = Literal["added", "removed", "changed"]
Pins = Iterator[tuple[str, str]]
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)[ \t]*(?:\[[^\]\n]*\])?[ \t]*([^;#\\\n]*)")
_CONDA_LOCK = re.compile(r"^- name: (\S+)\n(?:  \S.*\n)*?  version: (\S+)$", re.MULTILINE)
_ANY = "any version"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Origin of one model.

    Attributes:
        commit: Full hash; ``None`` outside of a repository.
        dirty: Whether the checkout had uncommitted changes.
        fingerprint: Of the evaluation set.
        pointers: Data that DVC's files and Git LFS's pointers name, by path.
        config: Digest of the configuration's bytes.
        config_path: Its path in the repository.
        settings: Settings of the configuration; ``None`` if it can't be read.
        python, mlci: Versions.
        locks: Digest of each lock file, by path.
        packages: Pinned packages of the lock files; ``None`` if none can be read.
        installed: Distributions beside mlci itself.
        model: Digest of the model; ``None`` without one.
    """

    commit: str | None = None
    dirty: bool = False
    fingerprint: str | None = None
    pointers: Mapping[str, str] = field(default_factory=dict)
    config: str | None = None
    config_path: str | None = None
    settings: Mapping[str, object] | None = None
    python: str | None = None
    mlci: str | None = None
    locks: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] | None = None
    installed: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChangedFiles:
    """Files that differ between two commits; callers use ``None`` if git does not know them.

    Attributes:
        names: Kind of change by path from the top of the repository.
    """

    names: Mapping[str, How]


@dataclass(frozen=True, kw_only=True)
class OriginItem:
    """One difference."""

    name: str
    how: How
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """Comparison of one kind.

    Attributes:
        kind: The kind.
        before, after: Identity of each: a commit or a digest.
        changed: Whether they differ; ``None`` if it is not known.
        reason: A remark, or why it is not known.
        items: Differences by name, at most :data:`mlci.lineage.compare.MOST`.
        more: Number of further differences.
    """

    kind: Kind
    before: str | None
    after: str | None
    changed: bool | None
    reason: str | None = None
    items: tuple[OriginItem, ...] = ()
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class RecordedOrigin:
    """Origin of a commit.

    Attributes:
        origin: Origin by its own files, without the environment, which is the run's.
        rows: Its own evaluation set by digests, if it differs and is small enough.
    """

    origin: Origin
    rows: Rows | None


def dump_origin(origin: Origin) -> str:
    """Write an origin as JSON."""
    return json.dumps(asdict(origin), sort_keys=True)


def parse_origin(text: str) -> Origin:
    """Read what :func:`dump_origin` wrote."""
    return Origin(**json.loads(text))


def locked_packages(files: Mapping[str, bytes]) -> dict[str, str] | None:
    """Return versions by normalised name (PEP 503) over all files; ``None`` if not one of them can be read.

    A package that is pinned several times, for other platforms or in other files, has all its versions, sorted.
    """
    found: dict[str, set[str]] = {}
    read = False
    for name, data in files.items():
        try:
            pins = list(_pins(name.rpartition("/")[2], data.decode("utf-8")))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # errors of malformed files
            continue
        read = True
        for package, version in pins:
            found.setdefault(_normal(package), set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in sorted(found.items())} if read else None


def _pins(name: str, text: str) -> Pins:
    if name.endswith(".txt"):
        return _requirements(text.splitlines())
    if name == "conda-lock.yml":
        return ((match[1], match[2].strip("'\"")) for match in _CONDA_LOCK.finditer(text))
    if name.startswith("environment."):
        return _requirements(_dependencies(text))
    if name in {"Pipfile.lock", "renv.lock"}:
        return _json(json.loads(text))
    if name.endswith((".lock", ".toml")) and name != "pixi.lock":
        return _toml(tomllib.loads(text))
    raise ValueError(name)


def _requirements(lines: Iterable[str]) -> Pins:
    """Yield the pins of a requirements file; options, hashes and comments have no versions."""
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is None:
            continue
        name, wanted = match[1], re.split(r"\s--", match[2])[0].strip()
        if wanted.startswith("@"):  # an address, which may contain a password
            yield name, f"from an address (sha256 {hashlib.sha256(wanted.encode()).hexdigest()[:12]})"
        else:
            yield name, wanted.removeprefix("==").removeprefix("=").strip() or _ANY


def _dependencies(text: str) -> Iterator[str]:
    listed = False
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("-"):
            listed = line.startswith("dependencies:")
        stripped = line.strip()
        if listed and stripped.startswith("- ") and not stripped.endswith(":"):
            yield stripped[2:].strip("'\" ").rpartition("::")[2]


def _toml(document: Mapping[str, object]) -> Pins:
    entries = document.get("package", document.get("packages"))
    if not isinstance(entries, list):
        raise TypeError("no packages")
    for entry in entries:
        yield str(entry["name"]), str(entry.get("version", _ANY))


def _json(document: Mapping[str, object]) -> Pins:
    parts = [document[key] for key in ("default", "develop", "Packages") if key in document]
    if not parts:
        raise TypeError("no packages")
    for part in parts:
        if isinstance(part, Mapping):
            for name, entry in part.items():
                version = entry.get("version", entry.get("Version", _ANY))
                yield str(name), str(version).removeprefix("==")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
