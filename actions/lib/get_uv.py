"""uv: from PATH, or installed by its hash into the runner's temporary folder, which is empty at the start of a job."""

import hashlib
import re
import shutil
import sys
from pathlib import Path

from command import REQUIREMENTS, WINDOWS, attempt, run
from fetch_uv import fetch

OLDEST = (0, 5)
_REQUIREMENTS = REQUIREMENTS / "uv.txt"
_NAME = "uv.exe" if WINDOWS else "uv"


def find_uv(folder: Path) -> Path:
    """Return uv from PATH if it is new enough, else install it under ``folder``."""
    found = shutil.which("uv")
    if found and _version(Path(found)) >= OLDEST:
        return Path(found)
    target = folder / f"uv-{hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:16]}"
    if not (target / ".made").exists():
        shutil.rmtree(target, ignore_errors=True)
        if fetch(target / "bin") is None:
            _by_pip(folder, target)
        (target / ".made").touch()
    return target / "bin" / _NAME


def _by_pip(folder: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    only = ("--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile")
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    run(*_pip(folder), "install", *quiet, *only, "--target", target, "-r", _REQUIREMENTS)


def _pip(folder: Path) -> list[str | Path]:
    """Return a working pip: this Python's, or the one bundled for new environments."""
    own: list[str | Path] = [sys.executable, "-I", "-m", "pip"]
    if attempt(*own, "--version")[0] == 0:
        return own
    place = folder / "pip"
    run(sys.executable, "-I", "-m", "venv", "--clear", place)
    return [place / ("Scripts/python.exe" if WINDOWS else "bin/python"), "-I", "-m", "pip"]


def _version(uv: Path) -> tuple[int, ...]:
    found = re.match(r"uv (\d+)\.(\d+)", attempt(uv, "--version")[1])
    return tuple(map(int, found.groups())) if found else ()
