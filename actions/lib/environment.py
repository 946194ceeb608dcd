"""Environment that mlci runs in, made from locked requirements and a copy of this checkout, which stays unchanged."""

import hashlib
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from command import REQUIREMENTS, ROOT, WINDOWS, run

SOURCES = {"mlci": "mlci", "templates": "mlci/templates"}  # as pyproject.toml's package-dir has it


def digest() -> str:
    """Return a digest of everything that an environment is made from."""
    state = hashlib.sha256(f"{sys.version} {sys.executable}".encode())
    for path in [*sorted(REQUIREMENTS.glob("*.txt")), *(source for source, _ in files())]:
        state.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return state.hexdigest()[:16]


def files() -> Iterator[tuple[Path, str]]:
    """Yield mlci's own files with their paths in site-packages, without bytecode files."""
    for source, target in SOURCES.items():
        for path in sorted((ROOT / source).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield path, f"{target}/{path.relative_to(ROOT / source).as_posix()}"


def make(place: Path, uv: Path) -> None:
    """Make an environment with only mlci, without a build step; a marker file records that it is complete."""
    if has(place, "made"):
        return
    run(uv, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, place / "env")
    for source, name in files():
        target = _packages(place) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for name, module in (("mlci", "-m mlci "), ("python", "")):
        _launcher(place / name, f"{_quoted(interpreter(place))} -I -X utf8 {module}")
    _mark(place, "made")


def add(place: Path, sets: Iterable[str], uv: Path) -> None:
    """Install sets of requirements that are missing; every package by its hash, none built from source."""
    missing = [name for name in sets if not has(place, name)]
    if not missing:
        return
    listed = [word for name in missing for word in ("-r", REQUIREMENTS / f"{name}.txt")]
    only = ("--require-hashes", "--only-binary", ":all:", "--no-deps")
    run(uv, "pip", "install", "--quiet", "--python", interpreter(place), *only, *listed)
    for name in missing:
        _mark(place, name)


def has(place: Path, name: str) -> bool:
    """Check if a set, or the environment itself (``made``), is complete."""
    return (place / f".{name}").exists()


def interpreter(place: Path) -> Path:
    """Return the environment's Python."""
    return place / "env" / ("Scripts/python.exe" if WINDOWS else "bin/python")


def _packages(place: Path) -> Path:
    major, minor = sys.version_info[:2]
    return place / "env" / ("Lib/site-packages" if WINDOWS else f"lib/python{major}.{minor}/site-packages")


def _launcher(path: Path, command: str) -> None:
    """Write a launcher that ignores PYTHONPATH and similar variables."""
    path.write_text(f'#!/bin/sh\nexec {command}"$@"\n', encoding="utf-8", newline="\n")
    path.chmod(0o755)


def _mark(place: Path, name: str) -> None:
    (place / f".{name}").touch()


def _quoted(path: Path) -> str:
    return "'" + path.as_posix().replace("'", "'\\''") + "'"
