"""Virtual environment from a version's lock file, for reproducing it.

uv makes it, for it reads all three kinds of lock file that are taken here. What other tools lock (poetry, conda, …)
they install themselves; then the commands run in the environment of the job, and that is said.
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
"""Names of lock files that an environment can be made from, the most exact first."""

_TIMEOUT = 3600


@dataclass(frozen=True)
class EnvironmentBuilder:
    """What makes environments: uv's program, or ``None`` where it is not there."""

    uv: Path | None


@dataclass(frozen=True)
class LockedEnvironment:
    """An environment that was made.

    Attributes:
        variables: For the commands that run in it.
        python: Its version, as far as it says so.
    """

    variables: Mapping[str, str]
    python: str | None


def lock_file(manifest: Manifest) -> VersionFile | None:
    """Return the version's lock file that its environment is made from: beside its configuration, else at the top."""
    beside = PurePosixPath(manifest.recipe.config_path).parent
    named = {file.name: file for file in manifest.environment.lock}
    places = [str(folder / kind) for kind in KINDS for folder in (beside, PurePosixPath())]
    return next((named[place] for place in places if place in named), None)


def build_environment(
    maker: EnvironmentBuilder, context: RunContext, version: Version, worktree: Worktree, *, place: Path, name: str
) -> LockedEnvironment | None:
    """Make the version's environment in ``place``; ``None`` where it has no lock file to make it from.

    Args:
        maker: What makes it.
        context: Effects, with the registry.
        version: Whose environment.
        worktree: Of its commit: lock files may name others beside them.
        place: A folder that is not there yet.
        name: Prefix of the steps' names.

    Raises:
        InputError: uv is not there.
        StepError: It could not be made.
        CorruptError: The lock file is not what it was.
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
    """Return what makes it: with pip, for commands that install more; by the Python that the version was made with."""
    minor = ".".join(python.split(".")[:2])
    made = (uv, "venv", "--quiet", "--seed", "--no-project", "--python", minor, str(place))
    if kind == "uv.lock":
        return [made, (uv, "sync", "--quiet", "--frozen", "--inexact", "--python", str(place / "bin/python"))]
    return [made, (uv, "pip", "install", "--quiet", "--python", str(place), "--requirements", kind)]


def python_of(place: Path) -> str | None:
    """Return the version of an environment's Python, as its ``pyvenv.cfg`` has it (PEP 405; uv's own key)."""
    try:
        lines = (place / "pyvenv.cfg").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = dict(line.replace(" ", "").partition("=")[::2] for line in lines)
    return found.get("version_info") or found.get("version")
