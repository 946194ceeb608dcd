"""A repository on the fake GitHub as a registry, looked at and damaged by real git."""

import itertools
import shutil
import subprocess
import time
from pathlib import Path

from mlci.github.patience import Patience
from mlci.github.registry import RepositoryStore
from mlci.github.transport import Access
from tests.github.gitrepo import ENVIRONMENT

WHO = ["-c", "user.name=Eve", "-c", "user.email=eve@example.org"]


class Place:
    """The fake, its bare repository, and stores on it."""

    def __init__(self, fake, work: Path) -> None:
        self.fake, self.work = fake, work
        self.counter = itertools.count()

    def store(self, model="model", *, token=None, permissions=None, patience=None, seconds=10.0, **more):
        token = token or self.fake.token(permissions=permissions or {"contents": "write"}, **more)
        access = Access(url=self.fake.url, token=token, agent="mlci/test", seconds=seconds)
        return RepositoryStore(access, self.fake.name, model, patience=patience or quick())

    def git(self, *words, text=None) -> str:
        """Run git on the bare repository."""
        return git(Path(self.fake.repo["git"]), *words, text=text)

    def edit(self, change, *, branch="mlci/model", amend=False, force=False) -> str:
        """Change the branch by hand, in a clone, and push; returns the commit."""
        clone = self.work / f"clone-{next(self.counter)}"
        git(self.work, "clone", "-q", "--branch", branch, self.fake.repo["git"], str(clone))
        change(clone)
        git(clone, "add", "-A")
        git(clone, *WHO, "commit", "-q", "--allow-empty", *(["--amend"] if amend else []), "-m", "by hand")
        git(clone, "push", "-q", *(["--force"] if force else []), "origin", branch)
        return git(clone, "rev-parse", "HEAD")

    def asset(self, digest):
        """The row of an asset."""
        return self.fake.state.one("assets", name=digest)

    def asked(self, since=0):
        """Requests as ``METHOD path`` without the repository's name."""
        root = f"/repos/{self.fake.name}"
        return [f"{one[0]} {one[1].removeprefix(root)}" for one in self.fake.requests[since:]]


def quick(**more) -> Patience:
    """Patience that waits next to nothing."""
    return Patience(**{"first": 0.0, "sleep": lambda seconds: time.sleep(min(seconds, 0.05)), **more})


def git(folder: Path, *words, text=None) -> str:
    found = shutil.which("git")
    done = subprocess.run(
        [found, *words], cwd=folder, env=ENVIRONMENT, input=text, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
