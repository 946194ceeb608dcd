"""Ways to set up a job, each in an empty folder; a way returns the installed command."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements/github.txt"
INSTALL = ROOT / "actions/lib/install.sh"
NPM_PACKAGE = "@dvcorg/cml"
TIMEOUT = 900


class SetupError(Exception):
    """A way did not set anything up; the message is its last words."""


@dataclass(frozen=True)
class Way:
    """A way to set up.

    Attributes:
        name, shown: Key, and the words of the table.
        make: Sets up in a folder, with a cache folder, and returns the command to start.
        runs: Whether the command is mlci, whose first run is measured as well.
    """

    name: str
    shown: str
    make: Callable[[Path, Path], list[str]]
    runs: bool = True


def action(folder: Path, cache: Path) -> list[str]:
    """Run the script that every action begins with, where uv is on PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return _action(folder, cache, {"PATH": path})


def action_without_uv(folder: Path, cache: Path) -> list[str]:
    """Run the script without uv on PATH."""
    bare = [entry for entry in os.environ["PATH"].split(os.pathsep) if not (Path(entry) / "uv").exists()]
    return _action(folder, cache, {"PATH": os.pathsep.join(bare)})


def _action(folder: Path, cache: Path, variables: Mapping[str, str]) -> list[str]:
    own = {"RUNNER_TEMP": str(folder), "GITHUB_OUTPUT": str(folder / "output"), "UV_CACHE_DIR": str(cache / "uv")}
    _run(["bash", str(INSTALL), "github"], folder, {**own, "PIP_CACHE_DIR": str(cache / "pip"), **variables})
    lines = (folder / "output").read_text("utf-8").splitlines()
    return [next(line for line in lines if line.endswith("/mlci"))]


def pip(folder: Path, cache: Path) -> list[str]:
    """Make an environment and install the same requirements by pip."""
    environment = folder / "env"
    _run([sys.executable, "-m", "venv", str(environment)], folder, {})
    command = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
    _run([*command, "-r", str(REQUIREMENTS)], folder, {"PIP_CACHE_DIR": str(cache / "pip")})
    return [str(environment / "bin/python"), "-I", "-m", "mlci"]


def npm(folder: Path, cache: Path) -> list[str]:
    """Install the other suite's client."""
    _run(["npm", "install", "--no-audit", "--no-fund", "--cache", str(cache / "npm"), NPM_PACKAGE], folder, {})
    return [str(folder / "node_modules/.bin/cml")]


WAYS = (
    Way("action", "our action, uv on `PATH`", action),
    Way("action_without_uv", "our action, uv installed first", action_without_uv),
    Way("pip", "`python -m venv` and `pip install` of the same requirements", pip),
    Way("npm", f"`npm install {NPM_PACKAGE}`", npm, runs=False),
)


def add_mlci(folder: Path) -> None:
    """Install mlci into pip's environment, outside of the measurement."""
    (packages,) = (folder / "env/lib").glob("python3.*/site-packages")
    shutil.copytree(ROOT / "mlci", packages / "mlci", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "templates", packages / "mlci/templates", ignore=shutil.ignore_patterns("__pycache__"))


def _run(command: list[str], folder: Path, variables: Mapping[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment | dict(variables),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
        raise SetupError(said[0][:200] if said else f"exit status {done.returncode}")
