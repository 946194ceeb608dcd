"""Collect Python and packages: of the `python` on the path, and of lock files."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mlci.config.relevant_paths import LOCKS
from mlci.lineage.origin import locked_packages
from mlci.operations.doctor.facts import EnvironmentFacts

_MOST_BYTES = 1 << 20
_EXACT = re.compile(r"\d[\w.!+-]*")
_INSTALLED = """\
import json, platform
from importlib.metadata import distributions
found = {one.metadata["Name"]: one.version for one in distributions() if one.metadata["Name"]}
print(json.dumps([platform.python_version(), found]))
"""
_REQUIRES = re.compile(r"""^\s*(?:requires-python|python-versions|python)\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)


def read_text(path: Path) -> str | None:
    """Return a text of at most a mebibyte; ``None`` if it can't be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return None


def path_from_top(path: Path, top: Path) -> str:
    """Return a path from the top of the repository; one outside is returned unchanged."""
    full = path.parent.resolve() / path.name
    return full.relative_to(top).as_posix() if full.is_relative_to(top) else str(path)


def collect_environment(top: Path, folder: Path, environment: Mapping[str, str]) -> EnvironmentFacts:
    """Return Python and packages of this machine and of the lock files beside the configuration and at the top."""
    homes = dict.fromkeys((folder.resolve(), top))
    locks = {
        path: text for home in homes for name in LOCKS for path in sorted(home.glob(name)) if (text := read_text(path))
    }
    named = {path_from_top(path, top): text for path, text in locks.items()}
    pins = locked_packages({name: text.encode() for name, text in named.items()}) or {}
    python, installed = _python(environment) if locks or (top / "pyproject.toml").exists() else (None, {})
    return EnvironmentFacts(
        python=python,
        installed=installed,
        locks=tuple(named),
        pins={name: version for name, version in pins.items() if _EXACT.fullmatch(version)},
        requires_python=_requires_python(named, top),
    )


def _requires_python(locks: Mapping[str, str], top: Path) -> tuple[str, str] | None:
    """Return the first requirement on Python of a lock file, or of `pyproject.toml`, with the file's name."""
    texts = {**{name: text for name, text in locks.items() if name.endswith((".lock", ".toml"))}}
    texts["pyproject.toml"] = read_text(top / "pyproject.toml") or ""
    return next(((match[1], name) for name, text in texts.items() if (match := _REQUIRES.search(text))), None)


def _python(environment: Mapping[str, str]) -> tuple[str | None, dict[str, str]]:
    """Return the version and the packages of the `python` on the path, which the user's commands run."""
    try:
        done = subprocess.run(  # noqa: S603 - a constant command
            ["python", "-c", _INSTALLED],  # noqa: S607 - python from PATH, as the user's commands have it
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=True,
        )
        version, packages = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None, {}
    return str(version), {re.sub(r"[-_.]+", "-", name).lower(): str(found) for name, found in packages.items()}
