"""Virtual environment from a version's lock file, for reproducing it.

uv makes it, because it reads all three supported kinds of lock file. For lock files of other tools (poetry, conda, …)
the commands run in the environment of the job, and a note reports that.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlci.errors import InputError
from mlci.execution.interface import Step
from mlci.git.worktree import Worktree
from mlci.operations.context import RunContext, registry_of
from mlci.registry import versions
from mlci.registry.manifest import Manifest, VersionFile
from mlci.registry.versions import Version

KINDS = ("uv.lock", "pylock.toml", "requirements.txt")
"""Names of supported lock files, the most exact first."""

_TIMEOUT = 3600


@dataclass(frozen=True)
class EnvironmentBuilder:
    """Builder of environments, with the path of uv; ``None`` if uv is not installed."""

    uv: Path | None


@dataclass(frozen=True)
class LockedEnvironment:
    """Environment from a lock file.

    Attributes:
        variables: Variables for the commands that run in it.
        python: Version of its Python, if known.
    """

    variables: Mapping[str, str]
    python: str | None


def lock_file(manifest: Manifest) -> VersionFile | None:
    """Return the lock file for a version's environment: beside its configuration, else at the top."""
    beside = PurePosixPath(manifest.recipe.config_path).parent
    named = {file.name: file for file in manifest.environment.lock}
    places = [str(folder / kind) for kind in KINDS for folder in (beside, PurePosixPath())]
    return next((named[place] for place in places if place in named), None)


def build_environment(
    maker: EnvironmentBuilder, context: RunContext, version: Version, worktree: Worktree, *, place: Path, name: str
) -> LockedEnvironment | None:
    """Build the version's environment in ``place``; ``None`` if the version has no supported lock file.

    Args:
        maker: The builder.
        context: Run context with the registry.
        version: The version.
        worktree: Worktree of its commit: lock files may refer to other files beside them.
        place: Folder that does not exist yet.
        name: Prefix of the steps' names.

    Raises:
        InputError: if uv is not installed.
        StepError: if uv fails.
        CorruptError: if the lock file was changed or is damaged.
    """
    locked = lock_file(version.manifest)
    if locked is None:
        return None
    if maker.uv is None:
        raise InputError(
            f"version {version.number} is trained in a fresh environment from its `{locked.name}`, and uv, which "
            "makes it, is not on PATH: `pip install uv`; or train in this job's own by `--environment job`"
        )
    path = worktree.root / locked.name
    versions.fetch_file(registry_of(context), locked, path, of=f"version {version.number}")
    variables = {"VIRTUAL_ENV": str(place), "UV_PROJECT_ENVIRONMENT": str(place), "PYTHONNOUSERSITE": "1"}
    fix = f"`{locked.name}` of version {version.number}, or `--environment job`"
    for command in _commands(str(maker.uv), path.name, version.manifest.environment.python, place):
        env = {**worktree.environment, **variables}
        step = Step(name=f"{name}environment", command=command, cwd=path.parent, env=env, timeout=_TIMEOUT, fix=fix)
        context.runner.run(step)
    path_of_job = context.git.environment.get("PATH", os.defpath)
    return LockedEnvironment({**variables, "PATH": f"{place / 'bin'}{os.pathsep}{path_of_job}"}, python_of(place))


def _commands(uv: str, kind: str, python: str, place: Path) -> list[tuple[str, ...]]:
    """Return the commands that build it: with pip, for commands that install more, and the version's own Python."""
    minor = ".".join(python.split(".")[:2])
    made = (uv, "venv", "--quiet", "--seed", "--no-project", "--python", minor, str(place))
    if kind == "uv.lock":
        return [made, (uv, "sync", "--quiet", "--frozen", "--inexact", "--python", str(place / "bin/python"))]
    return [made, (uv, "pip", "install", "--quiet", "--python", str(place), "--requirements", kind)]


def python_of(place: Path) -> str | None:
    """Return the version of an environment's Python from its ``pyvenv.cfg`` (PEP 405; uv's own key)."""
    try:
        lines = (place / "pyvenv.cfg").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = dict(line.replace(" ", "").partition("=")[::2] for line in lines)
    return found.get("version_info") or found.get("version")
