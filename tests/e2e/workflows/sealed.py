"""Sealed mode as GitHub delivers it: the run that trains is requested and completes, and each starts the gate."""

import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.machine import environment
from tests.e2e.workflows.act import Run
from tests.e2e.workflows.keep import Scenario
from tests.e2e.workflows.loop import TEMPLATES, granted_permissions
from tests.e2e.workflows.seen import Seen, look
from tests.e2e.workflows.world import World

TRAIN, GATE, COMMANDS = (TEMPLATES / name for name in ("mlci-train.yml", "mlci-gate.yml", "mlci-commands.yml"))
ARTIFACT = "mlci-sealed-churn"
TRAIN_RUN = {
    "name": "mlci train",
    "path": ".github/workflows/mlci-train.yml",
    "status": "in_progress",
    "conclusion": None,
}
RIGHTS = {"contents": "read", "actions": "read", "checks": "write", "statuses": "write", "pull-requests": "write"}


class SealedLoop:
    """A repository with the two workflows of the templates, and a model in production."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self.world, self.scenario, self.steps = world, scenario, 0

    def requested(self, number: int | None = None, **facts: Any) -> int:
        """Add a run that trains, which has not ended; return its number."""
        return self.world.fake.run(number, **(TRAIN_RUN | facts))

    def trained(self, of: int, number: int, *, event: str = "pull_request", fork: bool = True) -> Run:
        """Run the workflow that trains with the token that it gets, and end its run with what it uploaded."""
        token = self.world.fake.token(fork=fork) if fork else self.world.fake.token({"contents": "read"})
        run = self.world.start(TRAIN, event, number, token=token, run_id=of)
        self.scenario.text(f"{self.steps}-train.log", run.log)
        self.world.fake.change_run(of, status="completed", conclusion="success" if run.code == 0 else "failure")
        folder = self.world.scratch / "artifacts" / str(of)
        for artifact in sorted(folder.iterdir()) if folder.is_dir() else ():
            self.world.fake.artifact(of, artifact.name, files_of(artifact))
        return run

    def gate(self, of: int, name: str, *, sha: str, number: int = 1, action: str = "completed") -> tuple[Run, Seen]:
        """Deliver the event of a run that trains to the gate, and look at the pull request."""
        self.world.fake.forget_requests()
        token = self.world.fake.token(granted_permissions(GATE.read_text("utf-8")))
        run = self.world.start(GATE, "workflow_run", token=token, of=of, action=action)
        self.steps += 1
        return run, look(self.world, self.scenario, run, number=number, sha=sha, step=f"{self.steps}-{name}")


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of an artifact by their path in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def checkout_of(world: World, ref: str) -> Path:
    """Check a reference of the repository out into a folder of its own."""
    world.runs += 1
    folder = world.scratch / f"checkout-{world.runs}"
    folder.mkdir()
    fetched = ["fetch", "--quiet", "--depth=1", world.remote.as_uri(), ref]
    for words in (["init", "--quiet"], fetched, ["checkout", "--quiet", "--detach", "FETCH_HEAD"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def variables_of(world: World, event: str, number: int | None = None, **facts: Any) -> dict[str, str]:
    """Return the variables of a job of an event, with a token that has the rights of the gate."""
    world.runs += 1
    folder = world.scratch / f"job-{world.runs}"
    own = world.fake.environment(event, number, folder=folder, run=world.runs, **facts)
    return environment(world.scratch / "home") | own | {"MLCI_TOKEN": world.fake.token(RIGHTS)}
