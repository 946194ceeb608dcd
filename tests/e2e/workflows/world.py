"""A user's repository, GitHub as the fake has it, and what happens there: pushes, pull requests, workflow runs."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import requests

from tests.e2e import project
from tests.e2e.machine import environment
from tests.e2e.workflows.act import Run, Start, run
from tests.fake_github.fake import Fake

HERE = Path(__file__).parent
IDENTITY = {
    f"GIT_{role}_{name}": value
    for role in ("AUTHOR", "COMMITTER")
    for name, value in {"NAME": "Octo Cat", "EMAIL": "octocat@example.org", "DATE": "2026-01-05T09:00:00Z"}.items()
}
NOT_SET = {
    "GITHUB_EVENT_PATH",
    "GITHUB_EVENT_NAME",
    "GITHUB_TOKEN",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_OUTPUT",
    "GITHUB_SHA",
    "GITHUB_JOB",
}


class World:
    """Used as a context manager; leaving it fails if a request broke GitHub's description.

    With ``production``, models are compared with the version in production, and the repository is the registry.
    With ``splits_inside``, the project's training makes the evaluation set and its predictions.
    With ``models``, each has a folder of its name, and changes are made to the first.
    """

    def __init__(
        self, scratch: Path, *, production: bool = False, splits_inside: bool = False, models: Sequence[str] = ()
    ) -> None:
        self.scratch = scratch
        self.remote = scratch / "remote.git"
        self.work = scratch / "work"
        self.changed = self.work / models[0] if models else self.work
        self.runs = 0
        self.work.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        if splits_inside:
            project.write_splits_inside(self.work)
        elif models:
            project.write_models(self.work, models)
        else:
            project.write(self.work, production=production)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A model")
        self.git("clone", "--quiet", "--bare", ".", str(self.remote))
        self.fake = Fake(self.remote)

    def __enter__(self) -> Self:
        self.fake.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.fake.__exit__(*error)
        shutil.rmtree(self.scratch, ignore_errors=True)  # every job has left an environment

    def git(self, *words: str) -> str:
        env = environment(self.scratch / "home") | IDENTITY
        done = subprocess.run(["git", *words], cwd=self.work, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def push(self, branch: str, change: str, *, to: Path | None = None) -> str:
        """Commit one of the project's changes on a branch, push it, and return its SHA."""
        known = self.git("branch", "--list", branch)
        self.git("checkout", "--quiet", *([branch] if known else ["-b", branch, "main"]))
        project.change(self.changed, change)
        self.git("commit", "--quiet", "--all", "--message", f"Change: {change}")
        self.git("push", "--quiet", str(to or self.remote), f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def commit(self, files: Mapping[str, str], message: str = "Change files") -> str:
        """Commit files on main, push it, and return its SHA."""
        self.git("fetch", "--quiet", str(self.remote), "main")
        self.git("checkout", "--quiet", "-B", "main", "FETCH_HEAD")
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        self.git("add", "--force", "--", *files)
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", str(self.remote), "HEAD:refs/heads/main")
        return self.git("rev-parse", "HEAD")

    def configure(self, section: str, files: Mapping[str, str] | None = None) -> None:
        """Add a section to the configuration on main, and files beside it."""
        text = (self.work / "mlci.yml").read_text("utf-8")
        self.commit({"mlci.yml": text + section, **(files or {})})

    def pull(self, branch: str, change: str, *, fork: bool = False) -> int:
        """Push a change and open a pull request from it."""
        self.push(branch, change, to=self.fake.fork() if fork else None)
        return self.fake.pull(branch, fork=fork)

    def merge(self, number: int) -> str:
        """Merge a pull request as its button does; return the merge commit's SHA."""
        token = self.fake.token({"contents": "write", "pull-requests": "write"})
        place = f"{self.fake.url}/repos/{self.fake.name}/pulls/{number}/merge"
        answer = requests.put(place, json={}, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        answer.raise_for_status()
        sha: str = answer.json()["sha"]
        self.git("fetch", "--quiet", str(self.remote), "main")
        self.git("checkout", "--quiet", "-B", "main", "FETCH_HEAD")
        return sha

    def mlci(self, *words: str) -> str:
        """Run the command as a user with a clone would, with a token that can read; return its output."""
        env = environment(self.scratch / "home") | {
            "GITHUB_API_URL": self.fake.url,
            "GITHUB_REPOSITORY": self.fake.name,
            "GITHUB_TOKEN": self.fake.token({"contents": "read"}),
        }
        command = [sys.executable, "-m", "mlci", *words]
        return subprocess.run(command, cwd=self.work, env=env, check=True, capture_output=True, text=True).stdout

    def promote(self) -> None:
        """Train and promote main's model by the commands, as a maintainer with a clone would."""
        env = environment(self.scratch / "home") | {
            "GITHUB_API_URL": self.fake.url,
            "GITHUB_REPOSITORY": self.fake.name,
            "GITHUB_TOKEN": self.fake.token({"contents": "write"}),
        }
        for words in (["run", "--bundle"], ["promote"]):
            command = [sys.executable, "-m", "mlci", *words]
            subprocess.run(command, cwd=self.work, env=env, check=True, capture_output=True, text=True)
        self.fake.forget_requests()

    def require(self, check: str) -> None:
        """Require a check on main by a ruleset, as `mlci setup apply` does."""
        env = environment(self.scratch / "home") | {
            "GITHUB_API_URL": self.fake.url,
            "GITHUB_REPOSITORY": self.fake.name,
            "GITHUB_TOKEN": self.fake.token(user="octocat"),
        }
        command = [sys.executable, "-m", "mlci", "setup", "apply"]
        self.fake.role("octocat", "admin")
        done = subprocess.run(command, cwd=self.work, env=env, check=True, capture_output=True, text=True)
        if check not in done.stdout:
            raise AssertionError(done.stdout)
        self.fake.forget_requests()

    def start(self, workflow: str | Path, event: str, number: int | None = None, **facts: Any) -> Run:
        """Run a workflow as this event would start it now; ``facts`` are those of :meth:`ready`."""
        return run(self.ready(workflow, event, number, **facts))

    def ready(
        self,
        workflow: str | Path,
        event: str,
        number: int | None = None,
        *,
        token: str | None = None,
        uv: bool = True,
        cancel_when: Callable[[Path], bool] | None = None,
        run_id: int | None = None,
        attempt: int = 1,
        secrets: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        **facts: Any,
    ) -> Start:
        """Return what starts a workflow for this event, as of now; each run has a new number, unless given.

        ``variables`` are more variables of the runner, such as the address of a server of this machine.
        """
        self.runs += 1
        place = self.scratch / f"run-{self.runs}"
        place.mkdir()
        own = self.fake.environment(event, number, folder=place, **facts)
        env = {name: value for name, value in own.items() if name not in NOT_SET} | dict(variables or {})
        env |= {
            "GITHUB_API_URL": self.fake.url,
            "SHA_REF": own["GITHUB_SHA"],  # act's name for it
            "GITHUB_RUN_ID": str(run_id or 1000 + self.runs),
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "E2E_REMOTE": str(self.remote),
        }
        return Start(
            workflow=HERE / workflow,
            event=event,
            payload=self.fake.event(event, number, **facts),
            token=token or self.fake.token(),
            env=env,
            scratch=place,
            uv=uv,
            cancel_when=None if cancel_when is None else lambda: cancel_when(place),
            secrets=secrets or {},
        )

    def artifact(self, name: str) -> Path:
        """The folder of an artifact of the newest run."""
        return self.scratch / "artifacts" / str(1000 + self.runs) / name
