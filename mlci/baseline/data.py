"""What a repository says of data that it does not hold: DVC's files and Git LFS's pointers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlci.baseline.git import Git
from mlci.errors import InputError

MOST = 2_000
"""Most pointers that are looked at."""
_LARGEST = 4_000_000
_POINTER = re.compile(
    r"^version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid (sha256:[0-9a-f]{64})$", re.MULTILINE
)


def pointers(git: Git) -> dict[str, str]:
    """Return, by path from the top of the repository, the digest that each pointer names: ``md5:…``, ``sha256:…``.

    ``*.dvc`` and ``dvc.lock`` (dvc.org, "DVC files") are read as they stand in the checkout, what is under Git LFS
    (git-lfs.com, "spec.md") as it stands in the commit. What can't be read is left out: it only explains.
    """
    try:
        root = git.root()
    except InputError:
        return {}
    listed = git.ask("-C", str(root), "ls-files", "-z", "--", "*.dvc", "dvc.lock", "**/dvc.lock").out.split("\0")
    found = {}
    for name in [name for name in listed if name][:MOST]:
        home = name.rpartition("/")[0]
        for path, digest in _of_dvc(root / name):
            found[f"{home}/{path}" if home else path] = digest
    return {**found, **_of_lfs(git, root)}


def _of_dvc(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the outputs that a file of DVC names, and of ``dvc.lock`` what its stages depend on, too."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only where there are such files
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415 - as above

    try:
        if path.stat().st_size > _LARGEST:
            return
        parts = YAML(typ="safe", pure=True).load(path)
    except (OSError, YAMLError, ValueError, RecursionError):
        return
    parts = parts if isinstance(parts, dict) else {}
    stages = parts.get("stages")
    for stage in (parts, *(stages.values() if isinstance(stages, dict) else ())):
        for key in ("deps", "outs"):
            entries = stage.get(key) if isinstance(stage, dict) else None
            yield from _named(entries if isinstance(entries, list) else [])


def _named(entries: list[Any]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            continue
        kind = str(entry.get("hash") or "md5")
        digest = entry.get(kind) or entry.get("etag")
        if isinstance(digest, str):
            yield entry["path"], f"{kind if kind in entry else 'etag'}:{digest}"


def _of_lfs(git: Git, root: Path) -> dict[str, str]:
    listed = git.ask("-C", str(root), "ls-files", "-z", "--", ":(top,attr:filter=lfs)").out.split("\0")
    found = {}
    for name in [name for name in listed if name][:MOST]:
        pointer = _POINTER.match(git.ask("cat-file", "blob", f":{name}").out)
        if pointer:
            found[name] = pointer[1]
    return found
