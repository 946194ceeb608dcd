"""A repository on the fake GitHub as a registry, inspected and damaged by real git."""

import itertools
import shutil
import subprocess
import time
from pathlib import Path

from mlci.github.transport import Access
from mlci.registry.registry import Registry
from mlci.registry.stores.github_store import RepositoryStore
from mlci.util.retry_policy import RetryPolicy
from tests.fake_github.gitrepo import ENVIRONMENT
from tests.support.registry.histories import stamp, verdict

WHO = ["-c", "user.name=Eve", "-c", "user.email=eve@example.org"]
BRANCH, WITNESS = "refs/heads/mlci/model", "refs/mlci/witness/model"


class Place:
    """The fake, its bare repository, and stores on it."""

    def __init__(self, fake, work: Path) -> None:
        self.fake, self.work = fake, work
        self.bare = Path(fake.repo["git"])
        self.counter = itertools.count()
        self.token = self.fake.token(permissions={"contents": "write"})
        self.fake.rate_limit(self.token, remaining=100_000)

    def store(self, model="model", *, token=None, patience=None, seconds=10.0, name=None):
        access = Access(url=self.fake.url, token=token or self.token, agent="mlci/test", seconds=seconds)
        return RepositoryStore(access, name or self.fake.name, model, patience=patience or quick())

    def filled(self, count):
        """A store with so many entries in its ledger."""
        store = self.store()
        for number in range(count):
            Registry(store, stamp(actor=f"{number + 1}")).append(lambda _: verdict())
        return store

    def git(self, *words, text=None) -> str:
        """Run git on the bare repository."""
        return git(self.bare, *words, text=text)

    def clone(self) -> Path:
        """A clone of the branch."""
        folder = self.work / f"clone-{next(self.counter)}"
        git(self.work, "clone", "-q", "--branch", "mlci/model", str(self.bare), str(folder))
        return folder

    def edit(self, change=lambda _: None, *words, force=False) -> str:
        """Change the branch and push, as any user with git access could; return the commit."""
        clone = self.clone()
        change(clone)
        git(clone, "add", "-A")
        git(clone, *WHO, "commit", "-q", "--allow-empty", *words, "-m", "by hand")
        git(clone, "push", "-q", *(["--force"] if force else []), "origin", "HEAD")
        return git(clone, "rev-parse", "HEAD")

    def entry(self, number) -> Path:
        return Path(f"ledger/{number:09d}.json")

    def asset(self, digest):
        """The row of an asset."""
        return self.fake.state.one("assets", name=digest)

    def asked(self, since=0):
        """Requests as ``METHOD path`` without the repository's name."""
        root = f"/repos/{self.fake.name}"
        return [f"{one[0]} {one[1].removeprefix(root)}" for one in self.fake.requests[since:]]


def quick(**more) -> RetryPolicy:
    """Patience that waits next to nothing."""
    return RetryPolicy(**{"first": 0.2, "sleep": lambda seconds: time.sleep(min(seconds, 0.3)), **more})


def hasty(**more) -> RetryPolicy:
    """Patience that does not wait, but counts its waits as if they took their time."""
    clock = itertools.count().__next__
    return RetryPolicy(**{"sleep": lambda _: None, "clock": lambda: clock() / 1e6, **more})


def git(folder: Path, *words, text=None) -> str:
    found = shutil.which("git")
    done = subprocess.run(
        [found, *words], cwd=folder, env=ENVIRONMENT, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
