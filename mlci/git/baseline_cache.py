"""Cache of baselines that were made from a git reference.

An entry is a folder named by its key: the files, a manifest with their digests, and the manifest's own digest. Reading
copies the files out and verifies the copies, so later changes of the cache do not matter; an entry with a wrong digest
is a miss with a note, never a result. Digests find damage, but do not stop an attacker who can write to the folder.
Therefore read the cache before any of the candidate's code runs, and never one that a pull request could have committed
(:mod:`mlci.git.ref_baseline` refuses a folder with tracked files).
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlci.util.digests import canonical_json, sha256_of

_MANIFEST, _DIGEST, _FILES = "manifest.json", "manifest.sha256", "files"
_SCHEMA = "mlci/cache/1"
_BUILDING = "tmp-"
_ABANDONED = 86_400.0  # seconds after which a half-written entry counts as abandoned
_LARGEST_MANIFEST = 1_000_000
_CHUNK = 1 << 20
Facts = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class CachedBaseline:
    """Result of a lookup in the cache.

    Attributes:
        facts: Facts that were stored beside the files; ``None`` is a miss.
        note: Why an existing entry was not used.
    """

    facts: dict[str, Any] | None = None
    note: str | None = None


def cache_key(*, commit: str, config: str, evaluation: str, version: str) -> str:
    """Return the key of an entry: SHA-256 over the four parts.

    Args:
        commit: Full hash of the baseline's commit.
        config: Digest of the configuration's settings for training, prediction and columns of the evaluation set.
        evaluation: Fingerprint of the evaluation set.
        version: mlci's version.
    """
    parts = {"commit": commit, "config": config, "evaluation": evaluation, "version": version, "schema": _SCHEMA}
    return sha256_of(canonical_json(parts))


@dataclass(frozen=True, kw_only=True)
class BaselineCache:
    """Folder of cached baselines.

    Attributes:
        root: The folder, made at the first write.
        keep: Most entries; the least recently used ones are removed.
        known: By key, digests of the manifests that may be read; ``None`` reads every entry.
    """

    root: Path
    keep: int = field(default=20)
    known: Mapping[str, str] | None = None

    def pinned(self) -> "BaselineCache":
        """Return the same cache, limited to its current entries, because commands may write to it later."""
        known = {}
        with contextlib.suppress(OSError):
            for entry in self.root.iterdir():
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    known[entry.name] = (entry / _DIGEST).read_text("ascii").strip()
        return replace(self, known=known)

    def fetch(self, key: str, into: Path) -> CachedBaseline:
        """Copy an entry's files into the empty or missing folder ``into``; on a miss that folder is empty."""
        entry = self.root / _checked(key)
        into.mkdir(parents=True, exist_ok=True)
        if not entry.is_dir() or (self.known is not None and key not in self.known):
            return CachedBaseline()
        try:
            facts = _copied(entry, into, key, None if self.known is None else self.known[key])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            shutil.rmtree(into)
            into.mkdir()
            return CachedBaseline(note=f"cached baseline {key[:12]} was damaged ({_why(error)}) and is made again")
        with contextlib.suppress(OSError):
            os.utime(entry)  # most recently used
        return CachedBaseline(facts=facts)

    def store(self, key: str, files: Path, facts: Facts) -> str | None:
        """Store a copy of a folder's files under the key, all of them or none; an existing entry is replaced.

        Returns:
            A note if it could not be stored: a full disk must not fail an evaluation.
        """
        entry = self.root / _checked(key)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=self.root))
            try:
                _build(building, files, key, facts)
                self._place(building, entry)
            finally:
                shutil.rmtree(building, ignore_errors=True)
            self._prune()
        except OSError as error:
            return f"the baseline could not be cached in {self.root}: {error.strerror or error}"
        return None

    def _place(self, building: Path, entry: Path) -> None:
        """Rename into place; an existing entry is moved aside first, because rename(2) replaces only empty folders."""
        for _ in range(50):
            try:
                building.rename(entry)
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise
                aside = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=self.root))
                with contextlib.suppress(FileNotFoundError):  # another writer was faster
                    entry.rename(aside)
                shutil.rmtree(aside, ignore_errors=True)
            else:
                return
        raise OSError("other processes keep writing the same entry")

    def _prune(self) -> None:
        """Remove the entries beyond ``keep`` and temporary files of killed writers."""
        entries, now = [], time.time()
        for path in self.root.iterdir():
            with contextlib.suppress(OSError):
                used = path.stat().st_mtime
                if re.fullmatch(r"[0-9a-f]{64}", path.name):
                    entries.append((used, path.name))
                elif path.name.startswith(_BUILDING) and now - used > _ABANDONED:
                    shutil.rmtree(path, ignore_errors=True)
        for _, name in sorted(entries, reverse=True)[self.keep :]:
            shutil.rmtree(self.root / name, ignore_errors=True)


def _build(building: Path, files: Path, key: str, facts: Facts) -> None:
    """Write files, manifest and digest."""
    (building / _FILES).mkdir()
    digests = {}
    for path in sorted(files.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(files).as_posix()
            target = building / _FILES / name
            target.parent.mkdir(parents=True, exist_ok=True)
            digests[name] = _copy(path, target)
    manifest = {"schema": _SCHEMA, "key": key, "files": digests, "facts": dict(facts)}
    data = canonical_json(manifest)
    (building / _MANIFEST).write_bytes(data)
    (building / _DIGEST).write_text(sha256_of(data) + "\n", "ascii")


def _copied(entry: Path, into: Path, key: str, known: str | None) -> dict[str, Any]:
    """Copy all files out and return the facts; any error means that the entry is damaged."""
    with (entry / _MANIFEST).open("rb") as file:
        data = file.read(_LARGEST_MANIFEST + 1)
    if sha256_of(data) != (known or (entry / _DIGEST).read_text("ascii").strip()):
        raise ValueError("its manifest does not match")
    manifest = json.loads(data)
    if (manifest["schema"], manifest["key"]) != (_SCHEMA, key):
        raise ValueError("it belongs to another key")
    for name, digest in manifest["files"].items():
        source, target = entry / _FILES / name, into / name
        if not target.resolve().is_relative_to(into.resolve()) or source.is_symlink():
            raise ValueError("a file leads outside")
        target.parent.mkdir(parents=True, exist_ok=True)
        if _copy(source, target) != digest:
            raise ValueError(f"{name} does not match")
    facts = manifest["facts"]
    if not isinstance(facts, dict):
        raise TypeError("its facts are not a table")
    return facts


def _copy(source: Path, target: Path) -> str:
    """Copy a file and return the digest of the copy's bytes."""
    digest = hashlib.sha256()
    with source.open("rb") as old, target.open("xb") as new:
        while chunk := old.read(_CHUNK):
            digest.update(chunk)
            new.write(chunk)
    return digest.hexdigest()


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{Path(error.filename).name if error.filename else 'a file'}: {error.strerror}"
    return str(error) if type(error) in {ValueError, TypeError} else "its manifest can't be read"


def _checked(key: str) -> str:
    """Return the key, which becomes the name of a folder."""
    if not re.fullmatch(r"[0-9a-f]{64}", key):
        raise ValueError(f"{key!a} is not a cache key")
    return key
