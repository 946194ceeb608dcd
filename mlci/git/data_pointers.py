"""Data pointers in a repository: DVC files and Git LFS pointers."""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlci.errors import InputError
from mlci.git.git import Git

MOST = 2_000
"""Most pointers that are read."""
_LARGEST = 4_000_000
_DVC = ("*.dvc", "dvc.lock", "**/dvc.lock")
_LFS = ":(top,attr:filter=lfs)"
_POINTER = re.compile(
    r"^version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid (sha256:[0-9a-f]{64})$", re.MULTILINE
)


def data_pointers(git: Git) -> dict[str, str]:
    """Return, by path from the top of the repository, the digest that each pointer names: ``md5:…``, ``sha256:…``.

    ``*.dvc`` and ``dvc.lock`` (dvc.org, "DVC files") are read from the checkout, Git LFS pointers (git-lfs.com,
    "spec.md") from the commit. Of ``dvc.lock`` only data that no stage made from other data counts, because models and
    tables on the way follow from it. Files in git, such as the scripts of a stage, are code. Unreadable pointers are
    left out, because pointers only explain a report.
    """
    try:
        root = git.root()
    except InputError:
        return {}
    if not _listed(git, root, *_DVC, _LFS):
        return {}
    names = _listed(git, root, *_DVC)
    code = frozenset(_listed(git, root)) if names else frozenset()
    found = {}
    for name in names[:MOST]:
        found.update(_of_dvc(root / name, name.rpartition("/")[0], code))
    return {**found, **_of_lfs(git, root)}


def _listed(git: Git, root: Path, *patterns: str) -> list[str]:
    listing = git.ask("-C", str(root), "ls-files", "-z", "--", *patterns).out
    return [name for name in listing.split("\0") if name]


def _of_dvc(path: Path, home: str, code: Collection[str]) -> dict[str, str]:
    """Return the outputs of a ``.dvc`` file, or the sources of a ``dvc.lock``."""
    parts = _loaded(path)
    stages = parts.get("stages")
    if not isinstance(stages, dict):
        return dict(_named(parts, "outs", home))
    derived: dict[str, str] = {}
    sources: dict[str, str] = {}
    for stage in stages.values():
        deps = {name: digest for name, digest in _named(stage, "deps", home) if name not in code}
        outs = {name: digest for name, digest in _named(stage, "outs", home) if name not in code}
        sources.update(deps or outs)
        derived.update(outs if deps else {})
    return {name: digest for name, digest in sources.items() if name not in derived}


def _loaded(path: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML  # noqa: PLC0415 - only where there are such files
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415 - as above

    try:
        parts = YAML(typ="safe", pure=True).load(path) if path.stat().st_size <= _LARGEST else None
    except (OSError, YAMLError, ValueError, RecursionError):
        return {}
    return parts if isinstance(parts, dict) else {}


def _named(stage: object, key: str, home: str) -> Iterator[tuple[str, str]]:
    entries = stage.get(key) if isinstance(stage, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            continue
        kind = str(entry.get("hash") or "md5")
        digest = entry.get(kind) or entry.get("etag")
        if isinstance(digest, str):
            yield _placed(home, entry["path"]), f"{kind if kind in entry else 'etag'}:{digest}"


def _placed(home: str, path: str) -> str:
    """Return a path from the top of the repository; a path outside, or an address, is returned unchanged."""
    if path.startswith("/") or "://" in path:
        return path
    return posixpath.normpath(posixpath.join(home, path))


def _of_lfs(git: Git, root: Path) -> dict[str, str]:
    found = {}
    for name in _listed(git, root, _LFS)[:MOST]:
        pointer = _POINTER.match(git.ask("cat-file", "blob", f":{name}").out)
        if pointer:
            found[name] = pointer[1]
    return found
