"""Real git repositories for tests."""

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from mlci.git.git import Git

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TEMPLATE_DIR": "",  # a dozen sample hooks less in every repository
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "maintenance.auto=false", *arguments]  # a process less for each commit
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, str], message: str = "change") -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "--force", "--", *files)
    git(folder, "commit", "--quiet", "--message", message)
    return head(folder)


def start_branch(folder: Path, name: str) -> None:
    """Begin a branch at the commit that is checked out, as ``git checkout -b`` does, without a process."""
    place = folder / ".git/refs/heads" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"{head(folder)}\n")
    (folder / ".git/HEAD").write_text(f"ref: refs/heads/{name}\n")


def head(folder: Path) -> str:
    """Return the commit that is checked out; read from the branch's file where there is one, which spares a process."""
    pointer = folder / ".git/HEAD"
    branch = pointer.read_text().strip().removeprefix("ref: ") if pointer.exists() else ""
    path = folder / ".git" / branch
    return path.read_text().strip() if path.is_file() else git(folder, "rev-parse", "HEAD")


def init(folder: Path) -> Path:
    """Make an empty repository on branch main."""
    shutil.copytree(_empty(), folder / ".git", dirs_exist_ok=True)
    return folder


@cache
def _empty() -> Path:
    """Return the ``.git`` of an empty repository, which is cheaper to copy than to make."""
    folder = Path(tempfile.mkdtemp(prefix="mlci-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    return folder / ".git"


def open_git(folder: Path, **environment: str) -> Git:
    return Git(folder=folder, environment={**ENVIRONMENT, **environment})
